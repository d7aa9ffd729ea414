/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred initialisation: a board of terabytes serves before all of its page map is written.
 *
 * With zonal_config.deferred, zonal_init() initialises of each node's highest zone only the first
 * section (128 MiB), and all of the zones below. The rest is done by whoever calls
 * zonal_deferred_turn(), best a task for each node, and by requests that find their zone short:
 * they initialise the next section themselves before they try anything else. Marks, reserves and
 * sizes of lists are from the beginning those of the whole board.
 *
 *	config.deferred = true;
 *	...
 *	while (zonal_deferred_turn(mm, nid) != ZONAL_DEFERRED_DONE)
 *		give way to others;
 *
 * Until then zonal_page() knows no page of what is left. A call that names frames
 * (zonal_alloc_contig_range, zonal_page_retire, zonal_free_reserved) has the map initialised that
 * far first. Options that look at or write each page at boot (page_owner, page_poison,
 * init_on_free, shuffle_seed) turn it off.
 */
#ifndef ZONAL_DEFERRED_H
#define ZONAL_DEFERRED_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

enum zonal_deferred_state {
	ZONAL_DEFERRED_MORE, /* call again */
	ZONAL_DEFERRED_HELD, /* nothing may be done for now: zonal_check() looks at all pages */
	ZONAL_DEFERRED_DONE, /* all pages of the node are there */
};

/*
 * Initialise the next 4 MiB of node `nid` and hand them over; some 7,000 instructions with
 * interrupts masked. Context: any but with a lock of the allocator's held; several callers, also
 * for one node, share the work.
 */
enum zonal_deferred_state zonal_deferred_turn(struct zonal *mm, unsigned nid);

/* Pages of node `nid` whose structures are still to be initialised, holes in their blocks
 * included. Context: any; the answer is of one moment. */
uint64_t zonal_deferred_pages(const struct zonal *mm, unsigned nid);

ZONAL_END_DECLS

#endif
