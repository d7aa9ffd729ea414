/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that comes later, and memory that goes.
 *
 * What may come is described when the instance is built, so that zonal_plan() counts its
 * structures and the caller places them with all others; it is held back then:
 *
 *	err = zonal_add_memory(&info, 1, 0x80000000, 0x40000000);
 *	err = err ? err : zonal_hold_back(&info, 0x80000000, 0x40000000);
 *	...                                                     the instance is built and used
 *	err = zonal_online(mm, 0x80000, 0x40000);               the bank is there
 *	...
 *	err = zonal_offline(mm, 0x80000, 0x8000, &in_use);      128 MiB of it are to go
 *	err = zonal_online(mm, 0x80000, 0x8000);                and come back
 *
 * Any reserved page of the board can be brought, one that was never held back as well, if its zone
 * has a place in the zonelists: because it managed memory, or some was held back, at the start.
 *
 * After either call watermarks, reserves and the sizes of the CPUs' lists are those of a board
 * that has so much, as 5.10 does it (S1-S7, P3). Whether pages are grouped by mobility stays as it
 * was decided at the start (M12).
 *
 * Contexts. Both calls are for tasks: they call other CPUs, and zonal_offline() waits for pages to
 * be moved. Requests and frees may go on meanwhile. One call at a time and instance: a second one
 * is told ZONAL_EBUSY.
 */
#ifndef ZONAL_ONLINE_H
#define ZONAL_ONLINE_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/*
 * Pages [start, start + pages) are free from now on. Any number; pages that were retired
 * (<zonal/contig.h>) stay out of use. Refused with nothing changed:
 *	ZONAL_EINVAL  no pages, or not all of them reserved RAM of one zone that is in the zonelists
 *	ZONAL_EBUSY   memory is being brought or taken
 */
int zonal_online(struct zonal *mm, zonal_pfn_t start, uint64_t pages) ZONAL_MUST_USE;

/* What keeps a range from going: what is neither free nor could be moved away; of the range, or if
 * there is nothing of that kind in it, of the largest blocks that hold its ends. */
struct zonal_in_use {
	uint64_t used;     /* pages that somebody holds */
	uint64_t listed;   /* of these, on an owner's list: they could be moved at another time */
	uint64_t reserved; /* pages that are not the allocator's */
	zonal_pfn_t first; /* of all these; 0: none */
};

/*
 * Pages [start, start + pages) are the caller's, reserved and not managed, until zonal_online().
 * What is free is taken, what its owner can move is moved. A range is refused if a page that stays
 * is in the blocks of the largest order that hold its ends: whole blocks go best. *out (NULL: not
 * wanted) is filled if it is refused, and zeroed otherwise:
 *	ZONAL_EINVAL  no pages, or not all of them RAM of one zone
 *	ZONAL_EBUSY   *out says what is in use; or it is all zero, and memory is being brought or
 *	              taken, or somebody else is at these pages. Ask again
 * and then nothing has changed but the places of what could be moved. A build without
 * ZONAL_RECLAIM moves and takes nothing: ZONAL_EBUSY; one without ZONAL_DEFERRED has neither
 * of the two calls: ZONAL_EINVAL.
 */
int zonal_offline(struct zonal *mm, zonal_pfn_t start, uint64_t pages,
		  struct zonal_in_use *out) ZONAL_MUST_USE;

ZONAL_END_DECLS

#endif
