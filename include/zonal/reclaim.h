/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that its owner can give up or move: what reclaim and compaction work on.
 *
 * An owner is whoever hands out pages that are not lost when their frame is: a cache of a
 * device's blocks, the address spaces of tasks. It registers a table of callbacks, and puts each
 * page that may be asked for on the lists of the page's node:
 *
 *	page = zonal_alloc(mm, ZONAL_GFP_HIGHUSER_MOVABLE, 0);
 *	...                                      make it findable in your own tables
 *	zonal_page_add(mm, owner, page, handle);
 *	...
 *	zonal_page_touch(mm, page);              it was used
 *	...
 *	zonal_page_remove(mm, page);             make it unfindable first, then
 *	zonal_free(mm, page, 0);                 give it back as any other
 *
 * The page is single (order 0) and has one reference of the owner's. `handle` is 64 bits that
 * are the owner's to choose: enough to find the page's place in his tables again. It lies in the
 * upper half of the page's 16 owner bytes; the lower half is the core's while the page is on the
 * lists.
 *
 * To give up a page, the core takes it off its list, holds a reference of its own, and asks:
 *
 *	used()           was it used since you were last asked? then it stays
 *	give_prepare()   make it unreachable, so that nobody can take a new reference. May refuse.
 *	give_commit()    it is gone: forget it. Cannot fail. Your reference passes to the core.
 *	abort()          instead of commit: it stays yours, make it reachable again
 *
 * and to move one to another frame move_prepare(), then move_commit() or abort(). Between prepare
 * and commit the core looks that no reference is left but the owner's and its own; a page that
 * somebody holds (a transfer of a device, a reader) is thereby left alone: it gets an abort().
 *
 * Contexts. All callbacks run in a task: a node's kswapd or one that asked for memory, with
 * ZONAL_TASK_MEMALLOC set, no lock of the core held and interrupts open. They may wait only where
 * ZONAL_MAY_WAIT is given. They may allocate without ZONAL_GFP_F_DIRECT_RECLAIM being followed.
 * A callback may be running while the owner removes or frees that very page on another CPU: it
 * looks the page up by its handle under its own lock, and answers ZONAL_GIVE_GONE if the place
 * holds another page, or none, today. The structure of the page stays valid meanwhile.
 * After zonal_page_remove() no callback for the page begins.
 *
 * Locks. The functions here take the lru lock of the page's node, which is taken after any lock of
 * an owner and before any zone's, never with a callback running. They may be called with interrupts
 * masked and with locks of the owner's held, but from no interrupt handler, except
 * zonal_page_written(), zonal_page_touch() and the counts of dirty pages, which may be.
 */
#ifndef ZONAL_RECLAIM_H
#define ZONAL_RECLAIM_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* On which lists a page is: what a task has written, or what can be read again. */
enum zonal_kind { ZONAL_ANON, ZONAL_CACHE, ZONAL_KINDS };

/* An owner's answer to give_prepare() and move_prepare(). */
enum zonal_give {
	ZONAL_GIVE_YES,     /* prepared: commit or abort follows */
	ZONAL_GIVE_GONE,    /* it is no longer at that place */
	ZONAL_GIVE_USED,    /* used just now: back to the active list */
	ZONAL_GIVE_BUSY,    /* somebody works with it: back to the inactive list */
	ZONAL_GIVE_DIRTY,   /* must be written first, and that was not allowed */
	ZONAL_GIVE_WRITING, /* is being written; zonal_page_written() will follow */
	ZONAL_GIVE_NO_ROOM, /* nowhere to write it to: stays, on the active list */
	ZONAL_GIVES
};

/* What a prepare may do. */
#define ZONAL_MAY_WRITE 0x1u /* start to write the page: what needs ZONAL_GFP_F_IO */
#define ZONAL_MAY_WAIT 0x2u  /* sleep for a lock or for what is being written */
#define ZONAL_MAY_FS 0x4u    /* take locks that a request without ZONAL_GFP_F_FS may hold */
#define ZONAL_MAY_UNMAP 0x8u /* take a page that a task has mapped */

struct zonal_owner_ops {
	const char *name;     /* shown in reports */
	enum zonal_kind kind;

	/* True if the page was used since the last call; forgets it. A page that is no longer at
	 * `handle` was not used. Must be quick: asked of each page that is looked at. */
	bool (*used)(void *ctx, zonal_page_t *page, uint64_t handle);

	enum zonal_give (*give_prepare)(void *ctx, zonal_page_t *page, uint64_t handle,
					unsigned may);
	void (*give_commit)(void *ctx, zonal_page_t *page, uint64_t handle);

	/* NULL: pages of this owner cannot be moved. The commit copies the contents and puts `to`,
	 * which has one reference that is now the owner's, into the place of `from`; the reference
	 * of `from` passes to the core. A dirty mark goes with the contents: set_clean(from),
	 * set_dirty(to). The core puts `to` on the list where `from` was, with the same handle. An
	 * owner whose pages must lie where a device reaches them refuses in prepare. Mappings
	 * counted on `from` are none after it. From the moment that others can find it, `to` may be
	 * touched, dirtied and removed like any listed page. BUSY and WRITING are asked again soon,
	 * up to ten times, from the fourth with ZONAL_MAY_WAIT unless the move may not wait. */
	enum zonal_give (*move_prepare)(void *ctx, zonal_page_t *page, uint64_t handle,
					unsigned may);
	void (*move_commit)(void *ctx, zonal_page_t *from, zonal_page_t *to, uint64_t handle);

	void (*abort)(void *ctx, zonal_page_t *page, uint64_t handle, bool moving);

	/* Start to write about `pages` of the node's dirty pages, and return. NULL: there are
	 * none. Called when reclaim meets nothing but dirty pages. */
	void (*write_back)(void *ctx, unsigned nid, uint64_t pages);
};

struct zonal_owner;

/* Returns a handle of the owner for the calls below, NULL if the table (ZONAL_MAX_OWNERS) is full,
 * logged, or the build has no ZONAL_RECLAIM, nor any call below. `ops` and `ctx` are kept.
 * Context: boot or task. */
struct zonal_owner *zonal_owner_register(struct zonal *mm, const struct zonal_owner_ops *ops,
					 void *ctx) ZONAL_MUST_USE;

/* It has no page on the lists any more, and no callback will come. Context: task. */
void zonal_owner_unregister(struct zonal *mm, struct zonal_owner *owner);

/* A page of the owner's goes on its node's inactive list of the owner's kind, at the young end. It
 * must be a single page in use and on no list. */
void zonal_page_add(struct zonal *mm, struct zonal_owner *owner, zonal_page_t *page,
		    uint64_t handle);

/* Off the lists, before the owner frees it; no longer counted as dirty or as being written. Not on
 * a list: nothing is done. */
void zonal_page_remove(struct zonal *mm, zonal_page_t *page);

/* The same for several, of any nodes, in any order, none twice: the lists of a node are locked once
 * for up to 32 that follow each other. Any context. */
void zonal_pages_remove(struct zonal *mm, zonal_page_t **page, unsigned count);

/* The owner's 64 bits of a page on the lists. */
uint64_t zonal_page_handle(const zonal_page_t *page);

/* The page was used, by a call rather than through a mapping that used() would see. The second
 * time makes it active. Any context. */
void zonal_page_touch(struct zonal *mm, zonal_page_t *page);

/* It is dirty / is clean: counted by node, for ZONAL_GFP_F_WRITE (G12) and for the wait of R4. True
 * if that is news. Any context. */
bool zonal_page_set_dirty(struct zonal *mm, zonal_page_t *page);
bool zonal_page_set_clean(struct zonal *mm, zonal_page_t *page);
bool zonal_page_dirty(const zonal_page_t *page);

/* Writing begins / has ended. A page that reclaim waits for goes to the old end of its inactive
 * list then. Any context. */
void zonal_page_writing(struct zonal *mm, zonal_page_t *page);
void zonal_page_written(struct zonal *mm, zonal_page_t *page);

/* Pages of node `nid` on the four lists, and in other states. Racy. Any context. */
struct zonal_lru_counts {
	uint64_t inactive[ZONAL_KINDS], active[ZONAL_KINDS];
	uint64_t isolated[ZONAL_KINDS]; /* off their lists, in reclaim's or compaction's hands */
	uint64_t dirty, writing;
};
void zonal_lru_counts(const struct zonal *mm, unsigned nid, struct zonal_lru_counts *out);

struct zonal_group;
/* The same of the pages charged to a group and to those below it; active and inactive alone are
 * known, the rest is 0. Racy. Any context. */
void zonal_group_lru_counts(const struct zonal_group *group, unsigned nid,
			    struct zonal_lru_counts *out);

/* ---- moving -------------------------------------------------------------------- */

/* Move those of `count` pages that are on a list, and not on node `nid` yet, to that node, through
 * their owners' move_prepare() and move_commit(). Waits for pages that are busy; leaves those where
 * they are that somebody holds, that their owner refuses to move, or that the node has no room for
 * and reclaim there makes none. The structures must be the instance's, whatever they are used for
 * now. Returns how many were moved. Context: task that may wait, without ZONAL_TASK_NOFS. */
unsigned zonal_pages_to_node(struct zonal *mm, zonal_page_t *const *pages, unsigned count,
			     int nid);

/* ---- room for anonymous pages ---------------------------------------------- */

/*
 * Owners of anonymous pages say how many more they could give up: so many places have come (or,
 * less than 0, have gone) where a page can be written. Anonymous lists are looked at only while
 * the sum is above 0; it is never less. Any context.
 */
void zonal_swap_room(struct zonal *mm, int64_t change);
/* A page was written there / was read back: events pswpout and pswpin. Any context. */
void zonal_swap_count(struct zonal *mm, bool written);

/* ---- compaction ----------------------------------------------------------- */

/* Compact a node (NODE_NONE: all of them) wholly, patiently (X17): movable pages go to the ends of
 * their zones. Context: task that may wait. */
struct zonal_compacted {
	uint64_t moved, failed, scanned; /* pages */
};
void zonal_compact(struct zonal *mm, int nid, struct zonal_compacted *out);

/*
 * One turn of the background compaction of node `nid` (X14), which kswapd and requests ask for.
 * Returns for how many nanoseconds the caller now sleeps unless zonal_port_kcompactd_wake() wakes
 * him: UINT64_MAX or 0. The port's task is a loop as for zonal_kswapd_turn(). Context: task, one
 * for each node.
 */
uint64_t zonal_kcompactd_turn(struct zonal *mm, unsigned nid);

/* ---- other caches ---------------------------------------------------------- */

/*
 * A shrinker: somebody who keeps objects, not pages on lists, and can drop some (K13). It stays
 * its owner's, and valid until unregistered. count(): how many of node `nid` could go; scan(): look
 * at `nr`, return how many went, or ZONAL_SHRINK_STOP if nothing can be done now. A shrinker that
 * is not `numa` is asked for node 0 alone. Contexts as the callbacks above.
 */
#define ZONAL_SHRINK_STOP (~(uint64_t)0)
struct zonal_shrinker {
	const char *name;
	uint64_t (*count)(struct zonal_shrinker *self, unsigned nid);
	uint64_t (*scan)(struct zonal_shrinker *self, unsigned nid, uint64_t nr);
	unsigned seeks; /* cost of an object, 2 is usual; 0: drop half of them at once */
	unsigned batch; /* 0: 128 */
	bool numa;
	ZONAL_ATOMIC(uint64_t) deferred[ZONAL_MAX_NODES]; /* the core's: carried over */
	struct zonal_shrinker *next;                   /* the core's */
};

void zonal_shrinker_register(struct zonal *mm, struct zonal_shrinker *shrinker);
void zonal_shrinker_unregister(struct zonal *mm, struct zonal_shrinker *shrinker);

/* ---- kswapd ---------------------------------------------------------------- */

/*
 * One turn of the background reclaim of node `nid` (K1-K10): if it is wanted, and the node is not
 * balanced, reclaim until it is or hopeless. Returns for how many nanoseconds the caller now
 * sleeps unless zonal_port_kswapd_wake() wakes him; UINT64_MAX: until then; 0: not at all. `woken`:
 * the last sleep ended by a wake-up. The whole of a kswapd is a task of the port's with
 *
 *	for (;;)
 *		woken = sleep_at_most(zonal_kswapd_turn(mm, nid, woken));
 *
 * A port without tasks may call it where it likes, or never. Context: task, one for each node.
 */
uint64_t zonal_kswapd_turn(struct zonal *mm, unsigned nid, bool woken);

ZONAL_END_DECLS

#endif
