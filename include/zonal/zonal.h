/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zonal: a NUMA page allocator. The one header that a user of it reads.
 *
 * The allocator is an object, struct zonal. Each call takes it first; the image
 * has one global instance, and <zonal/linux.h> gives the Linux spellings
 * (alloc_pages, __free_pages, ...) for it. Tests build instances of a few
 * hundred pages with hand-made nodes.
 *
 * All names begin with zonal_ or ZONAL_, so a program may have a GFP_KERNEL, a struct page or a
 * PAGE_SIZE of its own.
 *
 *	zonal_page_t *p = zonal_alloc(mm, ZONAL_GFP_KERNEL, 0);
 *	if (!p)
 *		return -1;                  // zonal_last_failure() says why
 *	use(zonal_pfn(p));
 *	zonal_free(mm, p, 0);
 *
 * Contexts. "boot": one CPU, no scheduler. "task": may wait if the flags allow
 * it. "interrupt": only flags without ZONAL_GFP_F_DIRECT_RECLAIM (ZONAL_GFP_ATOMIC,
 * ZONAL_GFP_NOWAIT). Nothing here may be called from an NMI or with a zone lock held
 * (row T3). Orders are 0..10, a block of order n is 2^n pages, aligned to its size.
 *
 * Failure. Out of memory is NULL and leaves a record. Misuse (double free, wrong
 * order, a page of somebody else) is reported at the call with both states and
 * changes nothing. A broken invariant is a panic with values.
 */
#ifndef ZONAL_ZONAL_H
#define ZONAL_ZONAL_H

#include <zonal/boot_info.h>
#include <zonal/contents.h>
#include <zonal/gfp.h>
#include <zonal/types.h>
#include <zonal/why.h>

ZONAL_BEGIN_DECLS

struct zonal;
typedef struct zonal_cpuset *zonal_cpuset_ref;
typedef struct zonal_group *zonal_group_ref;

/*
 * Handles: nobody but the core looks inside. Where <zonal/short_names.h> is in force, as
 * <zonal/linux.h> has it, the tags are page and zone, too common as names of variables to be
 * given by a macro.
 */
#ifdef ZONAL_SHORT_NAMES_H
#define ZONAL_TAG(name) name
#else
#define ZONAL_TAG(name) zonal_##name
#endif
typedef struct ZONAL_TAG(page) zonal_page_t;
typedef struct ZONAL_TAG(zone) zonal_zone_t;

/* ---- memory policy of a task (rows Q1-Q13) ------------------------------ */

enum zonal_mpol_mode {
	ZONAL_MPOL_DEFAULT,
	ZONAL_MPOL_PREFERRED,
	ZONAL_MPOL_BIND,
	ZONAL_MPOL_INTERLEAVE,
	ZONAL_MPOL_LOCAL,
	ZONAL_MPOL_MODES
};
#define ZONAL_MPOL_F_STATIC 0x8000u   /* nodes are physical, not remapped on a cpuset change */
#define ZONAL_MPOL_F_RELATIVE 0x4000u /* nodes are positions in the allowed set */

struct zonal_mempolicy {
	ZONAL_ATOMIC(uint8_t) mode;
	ZONAL_ATOMIC(bool) local;             /* PREFERRED without a node: the CPU's own */
	ZONAL_ATOMIC(uint16_t) flags;
	ZONAL_ATOMIC(zonal_nodemask_t) nodes; /* as applied: of the allowed ones with memory */
	ZONAL_ATOMIC(zonal_nodemask_t) user;  /* as given, for rebind */
};

/* zonal_task.flags: scopes and standing of a task */
#define ZONAL_TASK_MEMALLOC 0x1u  /* works for reclaim: may use every reserve (L7, L15) */
#define ZONAL_TASK_NOFS 0x2u      /* scope: strip ZONAL_GFP_F_FS in the slow path (G6) */
#define ZONAL_TASK_NOIO 0x4u      /* scope: strip ZONAL_GFP_F_IO and ZONAL_GFP_F_FS (G6) */
#define ZONAL_TASK_NOCMA 0x8u     /* scope: no CMA pages even for movable requests (G9) */
#define ZONAL_TASK_REALTIME 0x10u /* real-time class: ALLOC_HARDER in the slow path (L1) */
#define ZONAL_TASK_USER 0x20u     /* works for a user's program: waits for memory (K12) */

/* zonal_task.unusual: what keeps a task's requests off the fast lanes */
#define ZONAL_TASK_POLICY 0x1u   /* its policy can lead away from the CPU's own list */
#define ZONAL_TASK_CONFINED 0x2u /* its allowed nodes leave out some with memory */
#define ZONAL_TASK_GROUP 0x4u    /* it is in a memory group */

/*
 * The allocator's view of a task; the scheduler embeds one in each of its tasks
 * and each port has a default one per CPU for boot. `flags` and the cursor are the
 * task's own; the rest is written by the functions below and by nobody else, and read by
 * others through zonal_task_policy() and zonal_task_inherit().
 */
struct zonal_task {
	struct zonal_mempolicy policy;
	uint8_t il_prev;         /* interleave cursor: last node used (Q6) */
	uint32_t flags;          /* scopes and standing */
	ZONAL_ATOMIC(uint32_t) unusual;
	ZONAL_ATOMIC(uint32_t) mems_seq; /* odd while policy or mems_allowed change (T4) */
	ZONAL_ATOMIC(zonal_nodemask_t) mems_allowed; /* cpuset nodes */
	ZONAL_ATOMIC(zonal_nodemask_t) mems_wall; /* nodes within the nearest wall (Z1) */
	ZONAL_ATOMIC(uint32_t) fate; /* ZONAL_FATE_*, <zonal/oom.h> */
	uint32_t set_generation;
	ZONAL_ATOMIC(zonal_cpuset_ref) cpuset; /* <zonal/cpuset.h>; NULL: in none */
	struct zonal_task *set_next, *set_prev;
	ZONAL_ATOMIC(zonal_group_ref) group; /* <zonal/group.h>; NULL: in none */
};

/* Default policy, all nodes allowed, no flags. `task` is nobody's yet. */
void zonal_task_init(struct zonal_task *task);

/* `child`, nobody's yet, gets the policy and allowed nodes that `parent` has at one moment,
 * a fresh cursor and no flags. Context: any CPU, also while others change the parent. */
void zonal_task_inherit(struct zonal_task *child, const struct zonal_task *parent);

/* The policy as it is at one moment. Context: any CPU, also while others change it. */
void zonal_task_policy(const struct zonal_task *task, struct zonal_mempolicy *out);

/*
 * Set the policy of `task`. Returns 0, or a negative ZONAL_E* and leaves the old
 * policy: mode out of range, STATIC with RELATIVE, DEFAULT or LOCAL with nodes, BIND or
 * INTERLEAVE without any, no given node that is allowed and has memory (Q9-Q11).
 * Context: the task itself, or while it cannot run; also while others change its allowed nodes.
 */
int zonal_set_policy(struct zonal *mm, struct zonal_task *task, unsigned mode, unsigned flags,
		     zonal_nodemask_t nodes) ZONAL_MUST_USE;

/*
 * The policy that zonal_set_policy() would set, for a range of addresses: into *out, by the same
 * rules. Context: any, also while others change the task's allowed nodes.
 */
int zonal_policy_make(const struct zonal *mm, const struct zonal_task *task, unsigned mode,
		      unsigned flags, zonal_nodemask_t nodes,
		      struct zonal_mempolicy *out) ZONAL_MUST_USE;

/* Such a policy follows its task's allowed nodes from one set to another (Q13). */
void zonal_policy_rebind(struct zonal_mempolicy *policy, zonal_nodemask_t from,
			 zonal_nodemask_t to);

/*
 * Change the nodes that a task may use, and rebind its policy (Z3, Q13). An empty set or
 * one without memory is refused. Other tasks notice nothing. Context: any CPU, also while
 * the task runs: each pass of its requests sees the old nodes and policy or the new ones.
 * Several callers for one task take turns.
 */
int zonal_task_set_mems(struct zonal *mm, struct zonal_task *task,
			zonal_nodemask_t nodes) ZONAL_MUST_USE;

/* ---- errors ------------------------------------------------------------- */

#define ZONAL_EINVAL (-22) /* an argument breaks its rule */
#define ZONAL_ENOMEM (-12) /* no memory for metadata */
#define ZONAL_EBUSY (-16)  /* somebody has it, or works on it */
#define ZONAL_ERANGE (-34) /* a table of config.h is too small, or an address too large */

/* ---- set-up ------------------------------------------------------------- */

/*
 * Memory for an instance's own data (page map, nodes, per-CPU lists, page_owner's records): one
 * piece for each node that zonal_plan() names, best on that node. It may lie anywhere, also in
 * the RAM described; info->reserved names it then. Its contents do not matter. The instance
 * keeps it.
 */
struct zonal_storage {
	void *start;  /* aligned to ZONAL_STORAGE_ALIGN */
	size_t bytes; /* at least the plan's */
};
#define ZONAL_STORAGE_ALIGN ((size_t)32 << (ZONAL_MAX_ORDER - 1))

/* Bytes that each node's piece must have; 0: none is needed there. */
struct zonal_plan {
	size_t bytes[ZONAL_MAX_NODES];
};

/* For zonal_build(): `bytes` of memory aligned to `align`, as near to node `nid` as there is,
 * or NULL. What it takes of the RAM described it adds to info->reserved. */
typedef void *(*zonal_meta_fn)(void *ctx, unsigned nid, size_t bytes, size_t align);

struct zonal_config {
	const struct zonal_boot_info *info;
	struct zonal_options options;
	const struct zonal_storage *storage; /* ZONAL_MAX_NODES pieces, by node */
	zonal_clear_fn clear;
	const struct zonal_contents *contents; /* NULL: no page_poison; kept */
	void *ctx;
	bool page_owner;        /* record who took each page (D17); 32 bytes a page, no lanes */
	bool deferred;          /* the larger part of each node comes later, <zonal/deferred.h> */
	bool grouping_off;      /* tests: no mobility grouping whatever the size (M12) */
	unsigned cpu_count;     /* CPUs that will call; 0: info->cpu_count */
};

/* 5.10's defaults for every tunable. */
void zonal_options_default(struct zonal_options *options);

/*
 * What zonal_init() will need for the same configuration; `storage` and info->reserved do not
 * matter yet. Returns 0 or a negative error, logged, for whatever zonal_init() would refuse
 * of the rest. Context: boot. Changes nothing but *plan.
 */
int zonal_plan(const struct zonal_config *config, struct zonal_plan *plan) ZONAL_MUST_USE;

/*
 * Build an instance from a board, in the storage given. Returns 0 or a negative error, logged
 * with the thing, its value and the rule; then `mm` is still zeroed, but for a min_free_kbytes
 * above what the board has. Context: boot. `mm` must be zeroed storage of zonal_sizeof()
 * bytes that outlives the instance; one that is in use is refused, and a request to one that is
 * still zeroed is a panic. What the configuration points to is read, copied where it
 * is needed, and not looked at again.
 */
int zonal_init(struct zonal *mm, const struct zonal_config *config) ZONAL_MUST_USE;

/* zonal_plan(), one call of `meta` for each node that needs memory, zonal_init(). */
int zonal_build(struct zonal *mm, const struct zonal_config *config,
		zonal_meta_fn meta) ZONAL_MUST_USE;

size_t zonal_sizeof(void);

/* CPU `cpu`, on the node that the board gave it, may allocate and is drained from now on. One that
 * was not told of is served all the same, reported, and counted by zonal_bad_count(). */
void zonal_cpu_online(struct zonal *mm, unsigned cpu);
/* Its per-CPU pages go back (P14). Context: any other CPU, after it stopped. These two and
 * the tunables below have one caller at a time. */
void zonal_cpu_dead(struct zonal *mm, unsigned cpu);

/* Before this, requests are masked to what boot can serve (row G5). */
void zonal_boot_done(struct zonal *mm);

/* Give one reserved page to the allocator: managed grows by one (I5). ZONAL_EINVAL: it is none, or
 * it was retired. */
int zonal_free_reserved(struct zonal *mm, zonal_pfn_t pfn) ZONAL_MUST_USE;

/* ---- allocate ----------------------------------------------------------- */

/*
 * A block of 2^order pages by the policy of the current task (rows F, G, Q).
 * Context: task; interrupt without ZONAL_GFP_F_DIRECT_RECLAIM (default policy then).
 * Returns the head page, reference count 1, or NULL.
 */
zonal_page_t *zonal_alloc(struct zonal *mm, zonal_gfp_t gfp, unsigned order) ZONAL_MUST_USE;

/* From node `nid` (ZONAL_NODE_NONE: this CPU's), falling back by distance (N7, N8). */
zonal_page_t *zonal_alloc_node(struct zonal *mm, int nid, zonal_gfp_t gfp,
			       unsigned order) ZONAL_MUST_USE;

/* As above, restricted to `mask`; NULL or empty: no restriction. */
zonal_page_t *zonal_alloc_mask(struct zonal *mm, int nid, zonal_gfp_t gfp, unsigned order,
			       const zonal_nodemask_t *mask) ZONAL_MUST_USE;

/*
 * For place `index` (address / ZONAL_PAGE_SIZE) of a range of addresses, under the range's
 * policy, or the task's where that is NULL or ZONAL_MPOL_DEFAULT. Interleave goes by place, not in
 * turn (Q8). A block of ZONAL_PAGEBLOCK_ORDER is asked of the local or preferred node alone
 * first, and elsewhere only if the request may reclaim (Q15). Context: task.
 */
zonal_page_t *zonal_alloc_at(struct zonal *mm, const struct zonal_mempolicy *policy, uint64_t index,
			     zonal_gfp_t gfp, unsigned order) ZONAL_MUST_USE;

/*
 * `bytes` of contiguous pages, split into single ones, the rest given back at
 * once (D13). Free with zonal_free_exact(), or page by page.
 */
zonal_page_t *zonal_alloc_exact(struct zonal *mm, zonal_gfp_t gfp, size_t bytes) ZONAL_MUST_USE;
void zonal_free_exact(struct zonal *mm, zonal_page_t *page, size_t bytes);

/* ---- free --------------------------------------------------------------- */

/*
 * Drop one reference; the block goes back with the last. `order` must be that of
 * the allocation. NULL is allowed and does nothing. Any context.
 */
void zonal_free(struct zonal *mm, zonal_page_t *page, unsigned order);

/* Another reference on an allocated page; zonal_put() drops it and frees with its order. */
void zonal_get(zonal_page_t *page);
void zonal_put(struct zonal *mm, zonal_page_t *page);

/* A block of order n becomes 2^n single pages, each with one reference (B18). */
void zonal_split(struct zonal *mm, zonal_page_t *page, unsigned order);

/* ---- pages -------------------------------------------------------------- */

zonal_pfn_t zonal_pfn(const zonal_page_t *page);
/* NULL if no page structure describes pfn. */
zonal_page_t *zonal_page(const struct zonal *mm, zonal_pfn_t pfn);
unsigned zonal_page_node(const zonal_page_t *page);
enum zonal_zone_type zonal_page_zone(const zonal_page_t *page);
/* True for every page inside a free block, not only its head (B16). */
bool zonal_is_free(const struct zonal *mm, zonal_pfn_t pfn);
/*
 * The 16 bytes of an allocated page that are its owner's, aligned to 8: a list node, two pointers,
 * ... Zero when the page comes, nobody's when it is freed. Of a page that is
 * on the lists of reclaim and compaction (<zonal/reclaim.h>) the first 8 bytes are theirs, two
 * links of 32-bit frame numbers; the last 8 are the owner's handle.
 */
void *zonal_page_owner(zonal_page_t *page);

/* ---- state -------------------------------------------------------------- */

/* Give this CPU's / every CPU's lists back; zone NULL: all zones (P13, P15).
 * Context: task, not masked. */
void zonal_drain_local(struct zonal *mm);
void zonal_drain_all(struct zonal *mm, zonal_zone_t *zone);

/* Write a tunable and recompute all that hangs on it (S10). 0 or ZONAL_EINVAL. Others may
 * allocate meanwhile. Takes each zone lock in turn. Context: task or boot, one caller at a time. */
int zonal_set_min_free_kbytes(struct zonal *mm, uint64_t kbytes) ZONAL_MUST_USE;
int zonal_set_watermark_scale(struct zonal *mm, unsigned factor) ZONAL_MUST_USE;
int zonal_set_watermark_boost(struct zonal *mm, unsigned factor) ZONAL_MUST_USE;
int zonal_set_reserve_ratio(struct zonal *mm, enum zonal_zone_type zone,
			    unsigned ratio) ZONAL_MUST_USE;
/*
 * K15: may a request reclaim a near node (distance up to 30) before it goes on to the next one?
 * Bits of zone_reclaim_mode as in 5.10, 0 by default: ZONE turns it on, WRITE lets it write dirty
 * pages, UNMAP take pages that tasks have mapped. 0 or ZONAL_EINVAL. Any context.
 */
#define ZONAL_RECLAIM_ZONE 1u
#define ZONAL_RECLAIM_WRITE 2u
#define ZONAL_RECLAIM_UNMAP 4u
int zonal_set_zone_reclaim_mode(struct zonal *mm, unsigned mode) ZONAL_MUST_USE;

struct zonal_failure {
	uint64_t serial; /* counts failures of the instance; 0: none yet */
	zonal_gfp_t gfp;
	uint8_t order;
	uint8_t policy;  /* enum zonal_mpol_mode in force */
	int16_t nid;     /* where the walk began */
	uint32_t steps;  /* ZONAL_STEP_* */
	uint32_t rounds; /* rounds of the ladder behind the first */
	uint64_t scanned, reclaimed; /* pages that its direct reclaim looked at, and freed */
	uint8_t compacted;        /* how its last compaction ended, see zonal_compact_name() */
	uint8_t compact_priority; /* 2: did not wait, 1: waited, 0: whatever it takes */
	uint32_t zone_count;
	uint32_t zones_more; /* further zones, farther away, that the record has no room for */
	struct zonal_outcomes outcome; /* of each step: <zonal/why.h> */
	struct {
		uint8_t zid;      /* node * ZONAL_ZONE_TYPES + zone */
		uint8_t refusal;  /* first reason of the last pass, */
		uint8_t low, min; /* of the one at LOW, of the first one at MIN */
		int64_t short_pages;
	} zone[ZONAL_FAILURE_ZONES];
};

/* The newest failure on the CPU that asks. Any context. */
void zonal_last_failure(struct zonal *mm, struct zonal_failure *out);
/* One line of text, at most `size` bytes with the NUL; returns its length. */
size_t zonal_failure_text(const struct zonal *mm, const struct zonal_failure *f, char *buf,
			  size_t size);

/* Fail the next requests on purpose (D19): after `skip` of them, `times` fail. */
void zonal_inject(struct zonal *mm, uint64_t skip, uint64_t times);

/* ---- check -------------------------------------------------------------- */

struct zonal_finding {
	char text[160]; /* the first violation, with values; empty if none */
	zonal_pfn_t pfn;
};

/*
 * Walk every invariant: lists against flags and block types, counters against
 * lists, no two free buddies, per-CPU lists, marks, every pfn in one state.
 * True if all hold; false, and a finding that says so, also when somebody asked to stop
 * (lib/stop.h). Exact only while no other CPU allocates. Takes each zone
 * lock in turn. Context: task or boot.
 */
bool zonal_check(struct zonal *mm, struct zonal_finding *first) ZONAL_MUST_USE;

/* The same while others allocate: counts what two walks in a row find, or each of eight. A task,
 * naps. */
bool zonal_check_busy(struct zonal *mm, struct zonal_finding *first) ZONAL_MUST_USE;

/* Misuse reported so far (double free and the like). */
uint64_t zonal_bad_count(const struct zonal *mm);

ZONAL_END_DECLS

#endif
