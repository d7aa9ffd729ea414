/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When nothing is left to reclaim: somebody is made to give back all he has.
 *
 * The core chooses the victim (rows O1-O13); who the candidates are, and what it means to end
 * one, only the embedder knows. He registers a table of hooks:
 *
 *	next()       tells of one candidate after the other
 *	kill()       ends one; from then on next() tells of him with ZONAL_OOM_VICTIM, until his
 *	             memory is back and he is no candidate any more
 *	reap()       takes the memory of a victim that does not end by itself
 *	skip()       no more is to be had of a victim: ZONAL_OOM_REAPED from now on
 *
 * Without hooks nobody is ever ended, and nothing ever panics for lack of memory: a request for
 * which everything was tried fails, as it does if nobody may be ended. Then no_victim() is
 * called, which may panic; only zonal_set_oom_panic() makes the core do so.
 *
 * Points (O8) are pages + swap + tables + adj * all pages / 1000, of what the request could use;
 * whoever has most goes, of equals the one told of last. While there is a victim who has not given
 * back his memory, nobody else is chosen (O9), but not for ever: the reaper, a task of the
 * embedder's with
 *
 *	for (;;)
 *		sleep_at_most(zonal_oom_reaper_turn(mm));
 *
 * comes two seconds later, tries ten times, and then the victim does not count any more (O11).
 * Who waits for a victim naps by zonal_port_nap(). In an embedder that cannot nap only what
 * kill() frees before it returns helps the request, and it fails otherwise.
 *
 * Contexts. All hooks run in a task that asked for memory, or in the reaper's, one at a time,
 * interrupts open, no lock of the core held; the request may hold locks of its caller's, so that
 * a hook takes spin locks of its own but waits for nobody. They may allocate: it does not come here
 * again. The registration is made once, before the first task that can be a candidate.
 */
#ifndef ZONAL_OOM_H
#define ZONAL_OOM_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* zonal_oom_candidate.flags */
#define ZONAL_OOM_NEVER 0x1u    /* not to be ended whatever happens: the first task, a kernel's */
#define ZONAL_OOM_STARTING 0x2u /* its memory is still its parent's work */
#define ZONAL_OOM_DYING 0x4u    /* on its way out by itself */
#define ZONAL_OOM_VICTIM 0x8u   /* was ended for memory, which is not all back */
#define ZONAL_OOM_REAPED 0x10u  /* and will not give back more */

#define ZONAL_OOM_ADJ_NEVER (-1000)
#define ZONAL_OOM_ADJ_MOST 1000

struct zonal_oom_candidate {
	uint64_t id;    /* the embedder's number of it, not 0 */
	char name[16];
	uint64_t pages; /* that it has in memory, */
	uint64_t swap;  /* in swap, */
	uint64_t tables; /* and as page tables */
	int adj;        /* -1000, never, to 1000, first (oom_score_adj) */
	unsigned flags; /* ZONAL_OOM_* */
	/* By zonal_oom_describe() */
	const struct zonal_task *task; /* compared with the one that asks, and nothing else */
	const struct zonal_group *group; /* its memory group, NULL: in none */
	zonal_nodemask_t mems;   /* nodes that it may use */
	zonal_nodemask_t policy; /* nodes that its policy is about; all: about none */
};

/* What the allocator knows of `task`, which cannot end meanwhile, into *out. Any context. */
void zonal_oom_describe(const struct zonal_task *task, struct zonal_oom_candidate *out);

enum zonal_oom_reap {
	ZONAL_OOM_REAP_DONE,  /* all that can be had without it is back, or it is gone */
	ZONAL_OOM_REAP_AGAIN  /* not now */
};

/* Its adjustment is another one now: a record for who traces (oom_score_adj_update), nothing else.
 * Any context. */
void zonal_oom_adjusted(struct zonal *mm, uint64_t id, const char *name, int adj);

struct zonal_oom_ops {
	/* The candidate behind the *cursor-th place, 0 at first; moves the cursor on. False: there
	 * are no more. Candidates may come and go meanwhile. */
	bool (*next)(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out);
	/* End it, now or soon, and zonal_task_fate() its task as VICTIM. False: it is gone. */
	bool (*kill)(void *ctx, uint64_t id);
	enum zonal_oom_reap (*reap)(void *ctx, uint64_t id); /* NULL: cannot */
	void (*skip)(void *ctx, uint64_t id);
	/* Let zonal_oom_reaper_turn() be called soon. NULL: nobody calls it. */
	void (*wake_reaper)(void *ctx);
	/* Nobody could be ended. May panic. NULL: the request simply fails. */
	void (*no_victim)(void *ctx);
	/* The caller is the one for whom all others that lack memory wait now, and may be very
	 * many: let it run before them. And as it did before, by what the first has returned; it
	 * may be a victim by then. Both, or neither. */
	unsigned (*hurry)(void *ctx);
	void (*calm)(void *ctx, unsigned before);
};

/* Returns 0, or ZONAL_EINVAL: there is a registration, or next, kill or skip is missing, or the
 * build has no ZONAL_OOM. Then no other call of this header is there but zonal_set_oom_panic(),
 * which says so too. `ops` and `ctx` are kept. Context: boot or task. */
int zonal_oom_register(struct zonal *mm, const struct zonal_oom_ops *ops,
		       void *ctx) ZONAL_MUST_USE;

/* What is the reaper's to do now. Returns for how many nanoseconds he may sleep; UINT64_MAX: until
 * wake_reaper(). Context: task. */
uint64_t zonal_oom_reaper_turn(struct zonal *mm);

/*
 * Where a task stands. DYING: it is on its way out, and will free what it has; asking for memory it
 * becomes a victim without a choice (O6). VICTIM: it may use half of the reserves to end itself
 * (L7), on every node. Both stay until zonal_task_init(). Context: any, the task cannot end
 * meanwhile.
 */
#define ZONAL_FATE_DYING 0x1u
#define ZONAL_FATE_VICTIM 0x2u
void zonal_task_fate(struct zonal_task *task, unsigned fate);

/* Somebody who can free memory when all else has failed, before anybody is ended. Returns pages
 * freed. `self` stays its owner's; unregister waits until no call runs. */
struct zonal_oom_notifier {
	uint64_t (*freed)(struct zonal_oom_notifier *self);
	struct zonal_oom_notifier *next; /* the core's */
};
void zonal_oom_notify(struct zonal *mm, struct zonal_oom_notifier *self);
void zonal_oom_ignore(struct zonal *mm, struct zonal_oom_notifier *self);

/*
 * O10. NEVER (the default): lack of memory is no reason to panic. PLAIN: panic instead of ending
 * somebody, unless a policy, a cpuset or a group keeps the request from memory that there is.
 * ALWAYS: then too. 0 or ZONAL_EINVAL. Any context.
 */
enum zonal_oom_panic { ZONAL_OOM_PANIC_NEVER, ZONAL_OOM_PANIC_PLAIN, ZONAL_OOM_PANIC_ALWAYS };
int zonal_set_oom_panic(struct zonal *mm, unsigned mode) ZONAL_MUST_USE;

/* End the one who asks, if he may be ended, without looking for a better one. */
void zonal_set_oom_kill_asker(struct zonal *mm, bool on);

/* Nobody is ended from now on, nobody told, until it is turned on again. It is on at first. */
void zonal_set_oom(struct zonal *mm, bool on);

ZONAL_END_DECLS

#endif
