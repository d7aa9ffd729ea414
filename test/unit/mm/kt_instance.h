/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private instances for tests: a board of a few hundred or thousand pages from
 * a few lines of text, in the host program and in the image alike.
 *
 *	static const struct kt_spec two_nodes = {
 *		.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 1024, 1024 } },
 *		.cpus = 2, .cpu_node = { 0, 1 },
 *	};
 *	struct zonal *mm = kt_instance(&two_nodes);
 *
 * The pages of such a board have no contents: only their map exists. A request
 * with __GFP_ZERO is therefore written down (kt_cleared()), not carried out.
 *
 * CPU 0 of a spec is always the CPU that runs the test, whatever its number in
 * the image. On the host a test can become another one with kt_cpu().
 */
#ifndef TEST_UNIT_KT_INSTANCE_H
#define TEST_UNIT_KT_INSTANCE_H

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "mm/mm.h"
#include "test/ktest.h"

enum { KT_RANGES = 20, KT_NODES = 8, KT_CPUS = 8 };

/*
 * Where RAM has to begin for its zone. QEMU's virt board starts at 1 GiB; what
 * lies below 4 GiB is ZONE_DMA there, what lies above is ZONE_NORMAL (I16, I17).
 * With a DMA limit of 1 GiB (a Raspberry Pi 4) the part up to 4 GiB is DMA32.
 */
#define KT_DMA_PFN ((pfn_t)0x40000)
#define KT_NORMAL_PFN ((pfn_t)0x100000)
#define KT_RPI_DMA_PFN ((pfn_t)0x1000)
#define KT_RPI_DMA32_PFN ((pfn_t)0x40000)
#define KT_RPI_DMA_MAX 0x3fffffffu

struct kt_range {
	int nid;
	pfn_t start;
	uint64_t pages; /* 0 ends the table */
};

struct kt_spec {
	struct kt_range ram[KT_RANGES];
	struct kt_range reserved[KT_RANGES]; /* nid is not used */
	unsigned cpus;               /* 0: one */
	uint8_t cpu_node[KT_CPUS];
	nodemask_t empty_nodes;      /* online without memory */
	uint8_t distance[KT_NODES][KT_NODES]; /* 0: 10 to itself, else 20 */
	uint64_t dma_max;            /* bytes, as in boot_info; 0: no limit */
	const struct zonal_options *options; /* NULL: 5.10's defaults */
	unsigned cma_index;          /* reserved[cma_index - 1] is a CMA area; 0: none */
	unsigned cma_more;           /* and so are that many behind it */
	unsigned hotplug;            /* bit i: ram[i] can be unplugged */
	unsigned nomap_index;        /* ram[nomap_index - 1] is off the map; 0: none */
	bool grouping_off;
	bool page_owner;
	bool deferred;               /* sections are left for later */
	bool in_boot;                /* do not call zonal_boot_done() */
	bool cannot_clear;           /* no clear hook */
};

/* Build one; NULL (and a failed case) if zonal_init() refuses. Freed after the case. */
struct zonal *kt_instance(const struct kt_spec *spec);
/* The same with all marks and reserves 0, so that the last page can be taken. */
struct zonal *kt_bare_instance(const struct kt_spec *spec);
/* The same as kt_instance(), for a board that is expected to be refused: the error of
 * zonal_init(). */
int kt_instance_error(const struct kt_spec *spec);
/* What these make of a spec: `info` is zeroed memory; false if it is NULL. For tests that call
 * zonal_init() themselves. */
bool kt_config(const struct kt_spec *spec, struct boot_info *info, struct zonal_config *config);
/* For zonal_build(): memory of the case, filled with a pattern. */
void *kt_meta(void *ctx, unsigned nid, size_t bytes, size_t align);
/* The same after `change` has broken what was made of the spec. */
typedef void (*kt_change_fn)(struct boot_info *info, struct zonal_config *config);
struct zonal *kt_changed_instance(const struct kt_spec *spec, kt_change_fn change);
int kt_changed_error(const struct kt_spec *spec, kt_change_fn change);

/* The id that CPU `k` of the last spec has in the instance. */
unsigned kt_cpu_id(unsigned k);
/* Be CPU `k` of the last spec from now on. Host only; false in the image if k is not 0. */
bool kt_cpu(unsigned k);

/* Pages that the instance asked to have cleared since it was built, and the last run. */
uint64_t kt_cleared(pfn_t *first, size_t *count);

struct zone *kt_zone(struct zonal *mm, unsigned nid, enum zone_type type);
/* Marks and reserves of every zone to 0, so that the last page can be taken. */
void kt_no_marks(struct zonal *mm);
/* zone_update_floor() and zone_boost() with the zone's lock, masked, as both want it. */
void kt_floor(struct zone *zone);
bool kt_boost(struct zone *zone);
/* The three marks of one zone by hand. */
void kt_marks(struct zone *zone, int64_t min, int64_t low, int64_t high);
/* Leave exactly `usable` pages above the marks' zero for requests up to `type`, by
 * raising the zone's lowmem reserve (row W4 adds it to every mark). */
void kt_usable(struct zone *zone, enum zone_type type, int64_t usable);

/* The zone's lock as another CPU would hold it, and free again: this one notes nothing. */
void kt_lock_elsewhere(struct zone *zone);
void kt_unlock_elsewhere(struct zone *zone);

int64_t kt_free(const struct zone *zone);
/* Blocks in a free list. */
unsigned kt_blocks(const struct zone *zone, enum migratetype type, unsigned order);
/* Blocks of an order in the lists of all types. */
unsigned kt_blocks_of_order(const struct zone *zone, unsigned order);
/* Whether zone DMA of node 0 has exactly these free blocks, by order; says what differs. */
bool kt_vector_is(struct zonal *mm, const unsigned *expected);
/* pfn of the first block of a list, or PFN_NONE. */
pfn_t kt_first(const struct zone *zone, enum migratetype type, unsigned order);
/* Pages in the per-CPU lists of every CPU for this zone. */
unsigned kt_pcp_count(const struct zone *zone);
/* What the list of CPU `k` of the spec holds of node `nid`'s ZONE_DMA. */
uint32_t kt_pcp_held(struct zonal *mm, unsigned k, unsigned nid);
/* One counter of a zone, summed over the CPUs. */
uint64_t kt_stat(const struct zone *zone, enum pcp_stat stat);
/* One event of the slow path, summed over the CPUs. */
uint64_t kt_event(const struct zonal *mm, enum vm_event event);
uint64_t kt_hit(const struct zone *zone);
uint64_t kt_miss(const struct zone *zone);
uint64_t kt_local(const struct zone *zone);
uint64_t kt_other(const struct zone *zone);
/* Type of the pageblock that holds pfn, and its setter. */
enum migratetype kt_block_type(const struct zonal *mm, pfn_t pfn);

/* The pageblock at `pfn` and its free pages are of `type` from now on. */
void kt_type_block(struct zone *zone, pfn_t pfn, enum migratetype type);
/* A page in use is on the LRU for who counts such pages, or no longer; on no list of it. */
void kt_list_page(struct zonal *mm, struct page *page, bool listed);

/* Of the whole page map of [first, first + pages): tells whether anything was changed. */
uint64_t kt_map_hash(struct zonal *mm, pfn_t first, uint64_t pages);
/* zonal_check(), a finding fails the case. */
bool kt_check_all(struct zonal *mm);
/* Take blocks until NULL; they are kept in the chain, the last one first. */
uint64_t kt_take_all(struct zonal *mm, int nid, gfp_t gfp, unsigned order, struct page **chain);
/* Give the whole chain back. */
void kt_give_all(struct zonal *mm, struct page *chain, unsigned order);

/* Marks above everything the zone holds: no pass with watermarks takes from it. */
void kt_close_zone(struct zone *zone);
/* Node * 4 + zone type of the page that a request gets, -1: none. The page goes back. */
int kt_served_by(struct zonal *mm, int nid, gfp_t gfp, unsigned order);

/* The state of the task that runs the test, put back by kt_task_restore(). */
struct zonal_task *kt_task_save(struct zonal_task *saved);
void kt_task_restore(const struct zonal_task *saved);
/* Between these the caller is an interrupt handler for the allocator. */
port_irqflags_t kt_irq_enter(void);
void kt_irq_exit(port_irqflags_t flags);

#endif
