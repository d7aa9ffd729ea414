/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An owner for tests: pages that reclaim may take and compaction may move, and what he answers, by
 * hand.
 *
 * A page's place is its number in the order in which it came. Each place says how the owner
 * answers for it; by default a page is clean, unused and given up or moved
 * when asked. The contents are
 * nobody's: only the map exists. Everything runs in the caller's task; in threaded tests each
 * thread has its own.
 */
#ifndef TEST_UNIT_KT_CACHE_H
#define TEST_UNIT_KT_CACHE_H

#include <zonal/reclaim.h>

#include "kt_instance.h"

struct kt_place {
	struct page *page;    /* NULL: nothing there (any more) */
	bool used;            /* answer of the next used(), which clears it */
	bool hot;             /* used() says yes every time */
	uint8_t give;         /* enum zonal_give that prepare answers */
	uint8_t gone;         /* given up: 1 */
	uint8_t move;         /* enum zonal_give that prepare of a move answers */
	uint8_t moves;        /* moved so often */
};

struct kt_cache {
	struct zonal *mm;
	struct zonal_owner *owner;
	struct kt_place *place;
	unsigned places, count;   /* size of the table, places in use so far */
	/* what was called */
	uint64_t asked_used, asked_give, committed, aborted, written, asked_move, moved;
	unsigned last_may;
	/* called in give_prepare, with the place; NULL: nothing */
	void (*on_give)(struct kt_cache *cache, unsigned place);
	/* called at the beginning of move_prepare, and at the end of move_commit */
	void (*on_move)(struct kt_cache *cache, unsigned place);
	void (*on_moved)(struct kt_cache *cache, unsigned place);
	bool moving; /* between prepare and commit or abort */
};

/* An owner with room for `places` pages, registered; NULL if there is no memory. */
struct kt_cache *kt_cache(struct zonal *mm, enum zonal_kind kind, unsigned places);
/* Take pages of node `nid` and list them; how many came before NULL. */
unsigned kt_cache_fill(struct kt_cache *cache, int nid, gfp_t gfp, unsigned pages);
/* Remove and free the page at a place. */
void kt_cache_drop(struct kt_cache *cache, unsigned place);
void kt_cache_drop_all(struct kt_cache *cache);
/* Places that still have their page. */
unsigned kt_cache_left(const struct kt_cache *cache);

#endif
