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
 * Of RAM that is not known at the start only the addresses are given, and the structures when it
 * is there; storage may lie in that RAM, and is not brought then:
 *
 *	err = zonal_add_room(&info, 1, 0x100000000, 0x40000000);
 *	...                                                     the instance is built and used
 *	bytes = zonal_describe_bytes(mm, 0x8000);               128 MiB came
 *	err = zonal_describe(mm, 0x100000, 0x8000, storage, bytes);
 *	err = err ? err : zonal_online(mm, 0x100000, 0x8000);
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

/* How much storage zonal_describe() wants for so many pages; 0: more than there can be. */
size_t zonal_describe_bytes(const struct zonal *mm, uint64_t pages);

/*
 * RAM is at [start, start + pages), whole sections of a zonal_add_room(): reserved pages from now
 * on, and for good; zonal_online() and zonal_offline() bring and take them. `storage`, aligned to
 * ZONAL_STORAGE_ALIGN, is written and belongs to the instance as long as that lives. Refused with
 * nothing changed:
 *	ZONAL_EINVAL  not whole sections, not all of them room that nobody described; storage
 *	              that is too small or not aligned; a build with ZONAL_DEFERRED=0
 *	ZONAL_EBUSY   memory is being described, brought or taken
 */
int zonal_describe(struct zonal *mm, zonal_pfn_t start, uint64_t pages, void *storage,
		   size_t bytes) ZONAL_MUST_USE;

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
