/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which locks may be taken, and the watch over it.
 *
 * Every lock has a rank. A CPU may take a lock only if its rank comes behind those of
 * all locks that this CPU holds, so no two CPUs can wait for each other in a circle. The
 * table below is that order, the outermost first; who needs another one moves a line, and
 * whatever code disagrees panics with both names.
 *
 * Only builds with ZONAL_DEBUG=1 look; those with ZONAL_LOCKSTAT=1 know the ranks as names. Others
 * have neither the byte in the lock nor the calls; lock.h is where they part.
 */
#ifndef LIB_LOCK_RANK_H
#define LIB_LOCK_RANK_H

#include <zonal/types.h>

struct ticket_lock;

/*
 * RANK(name, text, several): `several` locks of this rank may be held at once, taken by
 * ascending address. Of the others one: T1 wants it so for zones.
 */
#define LOCK_RANK_TABLE(RANK)                                                                     \
	RANK(LOCK_USER_TABLE, "the table of user tasks", false)                                   \
	RANK(LOCK_USER_SPACE, "the page tables of a user task", false)                            \
	RANK(LOCK_SWAP, "the places of a swap area", false)                                       \
	RANK(LOCK_SWAP_POOL, "the pool of a swap area", false)                                    \
	RANK(LOCK_STACK_MAP, "the map of stacks", false)                                          \
	RANK(LOCK_PAGE_TABLES, "the page tables", false)                                          \
	RANK(LOCK_BLOCK_CACHE, "the cache of a disk", false)                                      \
	RANK(LOCK_BLOCK_QUEUE, "the queue of a disk", false)                                      \
	RANK(LOCK_CPUSETS, "the members of cpusets", false)                                       \
	RANK(LOCK_GROUPS, "the members of memory groups", false)                                  \
	RANK(LOCK_CLAIMS, "claims and what they keep", false)                                     \
	RANK(LOCK_SHRINKERS, "the list of shrinkers", false)                                      \
	RANK(LOCK_LRU, "the lists of a node's pages", false)                                      \
	RANK(LOCK_DEFERRED, "the pages of a node that come later", false)                         \
	RANK(LOCK_ZONE, "a zone", false)                                                          \
	RANK(LOCK_STACK_DEPOT, "the depot of call stacks", false)                                 \
	RANK(LOCK_WAIT_QUEUE, "a wait queue", false)                                              \
	/* An array by CPU: two of them by ascending CPU. */                                      \
	RANK(LOCK_RUN_QUEUE, "a run queue", true)                                                 \
	/* By the switch of tasks, under the run queue's. */                                       \
	RANK(LOCK_ASID, "the numbers of address spaces", false)                                   \
	RANK(LOCK_TASK_LIST, "the list of tasks", false)                                          \
	RANK(LOCK_TASK_POOL, "the pool of task structs", false)                                   \
	RANK(LOCK_CONSOLE, "the console", false)

#define LOCK_RANK_NAME(name, text, several) name,
enum lock_rank { LOCK_NO_RANK, LOCK_RANK_TABLE(LOCK_RANK_NAME) LOCK_RANKS };
#undef LOCK_RANK_NAME

/* More at once than the longest way through the table needs. */
#define LOCK_DEPTH 8

/*
 * What lock.h calls around its work. Masked, because the locks that are held belong to
 * a CPU; a panic otherwise. The lock that a task leaves held when it is switched away is
 * its CPU's, as is right: who comes drops it there.
 */
void lock_rank_wanted(const struct ticket_lock *lock); /* a panic if it must not be taken now */
void lock_rank_taken(const struct ticket_lock *lock);
void lock_rank_dropped(const struct ticket_lock *lock);
/* This CPU holds it. Without ZONAL_DEBUG nobody knows: false. */
bool lock_rank_mine(const struct ticket_lock *lock);
/* "a zone" */
const char *lock_rank_text(enum lock_rank rank);
/* What the table says of one lock held and another wanted. */
bool lock_rank_allows(enum lock_rank held, enum lock_rank wanted, bool ascending);

#endif
