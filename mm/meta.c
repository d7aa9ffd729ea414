/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that an instance itself lives in: one piece a node, given by the caller, and cut
 * up during zonal_init() as zonal_plan() has counted.
 *
 *	start                                                             start + bytes
 *	| page map of one section | of the next | ... -> | gap | <- ... | node | rings |
 *
 * Maps grow from the low end: each is a multiple of ZONAL_STORAGE_ALIGN, so that the piece's
 * alignment is theirs. All else grows from the high end in multiples of 64, zeroed. Between
 * the two a gap of META_GAP stays that nobody may touch, so that a map which is written beyond
 * its end can be noticed (the host's tests poison it). Nothing is ever given back.
 *
 * The plan is exact: a request that does not fit is a fault of ours, not of the caller,
 * and panics. What can be the caller's fault is looked at in meta_open().
 *
 * Boot only, no locks. Called by init.c, pagemap.c, side_map.c and page_owner.c; calls none
 * of them.
 */
#include "meta.h"

#include "lib/assert.h"
#include "lib/text.h"

static uint64_t piece_end(const struct zonal_storage *piece)
{
	return (uintptr_t)piece->start + piece->bytes;
}

/* NULL: piece `n` can hold `bytes`. */
static const char *piece_fault(const struct zonal_storage *piece, size_t bytes)
{
	if (!piece->start)
		return "is missing";
	if ((uintptr_t)piece->start & (ZONAL_STORAGE_ALIGN - 1))
		return "is not aligned to ZONAL_STORAGE_ALIGN";
	if (piece->bytes < bytes)
		return "is smaller than zonal_plan() says";
	if (piece_end(piece) < (uintptr_t)piece->start)
		return "ends beyond the last address";
	return NULL;
}

/* Whether piece `n` shares a byte with one before it, or with the instance. */
static bool piece_overlaps(const struct zonal *mm, const struct zonal_storage *storage, unsigned n)
{
	uint64_t start = (uintptr_t)storage[n].start, end = piece_end(&storage[n]);

	for (unsigned i = 0; i < n; i++)
		if (storage[i].bytes && start < piece_end(&storage[i]) &&
		    (uintptr_t)storage[i].start < end)
			return true;
	return start < (uintptr_t)(mm + 1) && (uintptr_t)mm < end;
}

static int storage_check(const struct zonal *mm, const struct zonal_storage *storage,
			 const struct zonal_plan *plan)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		const char *fault;

		if (!plan->bytes[n])
			continue;
		fault = piece_fault(&storage[n], plan->bytes[n]);
		if (!fault && piece_overlaps(mm, storage, n))
			fault = "overlaps another one or the instance";
		if (!fault)
			continue;
		port_log("zonal: storage of node %u, 0x%llx+0x%llx for %llu bytes, %s", n,
			 (unsigned long long)(uintptr_t)storage[n].start,
			 (unsigned long long)storage[n].bytes, (unsigned long long)plan->bytes[n],
			 fault);
		return storage[n].bytes < plan->bytes[n] ? ZONAL_ENOMEM : ZONAL_EINVAL;
	}
	return 0;
}

int meta_open(struct zonal *mm, const struct zonal_storage *storage, const struct zonal_plan *plan)
{
	int err;

	if (!storage) {
		port_log("zonal: `storage` must be given, one piece a node of zonal_plan()");
		return ZONAL_EINVAL;
	}
	err = storage_check(mm, storage, plan);
	if (err)
		return err;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!plan->bytes[n])
			continue;
		mm->meta[n].low = storage[n].start;
		mm->meta[n].high = mm->meta[n].low + plan->bytes[n];
		mm->meta_bytes += plan->bytes[n];
	}
	return 0;
}

static size_t left_of(const struct meta_piece *piece)
{
	return (size_t)(piece->high - piece->low) - META_GAP;
}

void *meta_take_map(struct zonal *mm, unsigned nid, size_t bytes)
{
	struct meta_piece *piece = &mm->meta[nid];
	void *map = piece->low;

	ASSERT(piece->low && bytes <= left_of(piece) && !(bytes & (ZONAL_STORAGE_ALIGN - 1)),
	       "node %u: a map of %llu bytes", nid, (unsigned long long)bytes);
	piece->low += bytes;
	return map;
}

void *meta_take_filled(struct zonal *mm, unsigned nid, size_t bytes, unsigned char value)
{
	struct meta_piece *piece = &mm->meta[nid];

	bytes = meta_round(bytes);
	ASSERT(piece->low && bytes <= left_of(piece), "node %u: %llu bytes", nid,
	       (unsigned long long)bytes);
	piece->high -= bytes;
	return memset(piece->high, value, bytes);
}

void *meta_take(struct zonal *mm, unsigned nid, size_t bytes)
{
	return meta_take_filled(mm, nid, bytes, 0);
}

void meta_close(struct zonal *mm)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		ASSERT(!mm->meta[n].low || left_of(&mm->meta[n]) == 0,
		       "node %u: %llu bytes more were planned than used", n,
		       (unsigned long long)left_of(&mm->meta[n]));
}
