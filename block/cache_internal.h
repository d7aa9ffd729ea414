/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the cache share.
 *
 *	cache.c          read, write, checksum: bytes from and to pages
 *	cache_ahead.c    how far ahead to read
 *	cache_page.c     pages: look up, lock, make; attach and drop
 *	cache_tree.c     index to page
 *	cache_io.c       requests for pages, and what their ends mean
 *	cache_write.c    back to the disk: flush, background, limits
 *	cache_owner.c    what reclaim and compaction ask
 *
 * A page has one place in the tree of its device, and a reference for that. Who works with it
 * locks the place (SLOT_LOCKED): a read until the disk has filled it, a copy, reclaim from
 * prepare to commit. A page that the disk reads from (SLOT_WRITING) may be read and not
 * changed. All of a device's places are guarded by one lock, which nobody holds for longer
 * than some pages take; who must wait for a place waits for `events` to change.
 */
#ifndef BLOCK_CACHE_INTERNAL_H
#define BLOCK_CACHE_INTERNAL_H

#include <zonal/reclaim.h>

#include "block_internal.h"
#include "cache.h"
#include "cache_tree.h"

/* Requests of a cache, for reading and writing: they are there before memory runs short. */
#define CACHE_IOS BLOCK_MAX_DEPTH

/* A page's handle: its device above this bit, its index below. */
#define CACHE_HANDLE_SHIFT 52

struct block_cache;

struct cache_io {
	struct block_request request;
	struct block_cache *cache;
	uint64_t first;  /* index of its first page */
	uint64_t serial; /* of a write: which one it is; 0: a read */
	bool busy;       /* lock */
};

/* A reader that goes through a device; lock. */
struct cache_ahead {
	uint64_t next;   /* where a sequential reader reads next */
	uint64_t end;    /* what was asked for so far */
	unsigned window; /* pages; 0: he does not seem to be one */
};

struct block_cache {
	struct ticket_lock lock;      /* guards all that follows unless said otherwise */
	struct block_device *device;  /* NULL: not in use */
	uint64_t pages;               /* of the device; the last one may be cut */
	struct cache_tree tree;
	struct cache_ahead ahead;
	struct cache_io *io;          /* CACHE_IOS of them */
	struct page *io_page;
	uint64_t serial;              /* of the newest write */
	uint64_t failures;            /* writes that failed */
	struct cache_counts count;
	_Atomic uint64_t events;      /* a place was unlocked, a request has ended */
	bool awaited;                 /* somebody has looked at `events`, to wait for the next */
};

extern struct zonal_owner *cache_owner;

/* ---- pages -------------------------------------------------------------- */

/* NULL: this device is not cached. */
struct block_cache *cache_of(struct block_device *device);
struct block_cache *cache_by_id(unsigned id);

struct page *cache_slot_page(const struct cache_slot *slot);

/* The page of `index`, its place locked by the caller, flags as they were; NULL: it is not there.
 * Waits while somebody else has it; `write`: also while the disk reads from it. */
struct page *cache_lock_page(struct block_cache *cache, uint64_t index, bool write,
			     unsigned *flags);
/* Unlock it, with these flags set. */
void cache_unlock_page(struct block_cache *cache, uint64_t index, unsigned set);
bool cache_has_page(struct block_cache *cache, uint64_t index);

/* A new page for `index`, locked, its contents undefined. BLOCK_ENOMEM; or 1: somebody was
 * faster. */
int cache_make_page(struct block_cache *cache, uint64_t index, gfp_t gfp, struct page **page);
gfp_t cache_gfp(const struct block_cache *cache);

/* Bytes of page `index` that the device has. */
size_t cache_page_bytes(const struct block_cache *cache, uint64_t index);

/* Set or clear dirty, counted everywhere. Lock. */
void cache_mark(struct block_cache *cache, uint64_t index, struct cache_slot *slot, bool dirty);
/* The page of a place leaves the cache, whose reference is the caller's now. Lock. */
void cache_forget(struct block_cache *cache, uint64_t index, struct page *page);
void cache_count_page(struct page *page, int cached, int dirty, int writing);

/* ---- waiting ------------------------------------------------------------ */

/* What `events` is now; lock, so that what comes after is not missed. */
uint64_t cache_events(struct block_cache *cache);
void cache_wait(struct block_cache *cache, uint64_t seen);
/* Something has changed. No lock. Any context. */
void cache_changed(struct block_cache *cache);
/* Must cache_changed() be called for what the caller has just changed, once the lock is dropped?
 * Whoever waits has said so under the lock, before that. Lock. */
bool cache_awaited(struct block_cache *cache);

/* ---- requests ----------------------------------------------------------- */

/* A free request; NULL if there is none and `wait` is false. */
struct cache_io *cache_take_io(struct block_cache *cache, bool wait);
void cache_return_io(struct cache_io *io);
/* Submit it; its pages are locked (read) or marked as being written. */
void cache_submit_io(struct cache_io *io, enum block_op op, uint64_t first, unsigned pages);

/* Start to read what is not there of `count` pages. `ahead`: only what costs nothing. */
int cache_fill(struct block_cache *cache, uint64_t first, uint64_t count, bool ahead);
/* Start to read one that is there, locked by the caller; it is unlocked when it has come. */
void cache_read_locked(struct block_cache *cache, uint64_t index, struct page *page);

/* How many pages from *from on to read ahead of a reader of `count` pages at `first`. Lock. */
uint64_t cache_ahead_plan(struct cache_ahead *ahead, uint64_t first, uint64_t count,
			  uint64_t pages, uint64_t *from);

/* ---- writing back ------------------------------------------------------- */

/* Start to write up to `most` dirty pages, of a node (NODE_NONE: any); how many. With `wait` it
 * waits for requests to fall free. Failed ones are left alone. */
uint64_t cache_write_some(struct block_cache *cache, int nid, uint64_t most, bool wait);
/* Start to write the page at `index` with its dirty neighbours, if it is still this one and
 * dirty, and a request is free. Does not wait. */
bool cache_write_at(struct block_cache *cache, uint64_t index, const struct page *page);
/* The caller has made pages of the node dirty: wait if there are too many. */
void cache_balance(struct block_cache *cache, unsigned nid);
/* Let the task that writes back know: there is something (soon), or it is wanted (now). */
void cache_wish(bool now);

extern const struct zonal_owner_ops cache_owner_ops;

#endif
