/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted lists of disjoint address ranges that carry a node id and flags.
 *
 * The whole algebra rests on one step, isolate: split the ranges that straddle
 * the two ends of the wanted interval, so that afterwards each range of the list
 * is wholly inside it or wholly outside. Setting a node id, setting flags and
 * cutting out are then loops over the ranges inside:
 *
 *	list          [----- 0 -----]      [--- 1 ---]
 *	interval            |-----------------|
 *	isolated      [- 0 -|-- 0 --]      [1 | - 1 -]
 *
 * Adding fills the gaps between the ranges and leaves the ranges as they are, so
 * that the first one to describe an address keeps it; uniting isolates, sets
 * the flags inside, and then fills the gaps.
 *
 * Invariants: sorted by start, disjoint, no empty range, start + size at most
 * 2^64 - 1, so that an exclusive end always fits. Nothing is merged on the way;
 * ranges_merge() is called when the list is to be read or may grow large. Two CMA areas
 * that touch are never merged: each lies in one zone, both together perhaps not.
 *
 * The tables are those of struct boot_info; a full table stops an operation and
 * is reported by the caller, which knows which property asked for it.
 *
 * Context: boot, or a test that owns the list. No locks.
 */
#include "topology_ranges.h"

#include <string.h>

#include "lib/assert.h"

/* Open a place at `index`. */
static bool ranges_insert(struct range_list list, unsigned index, struct boot_range range)
{
	ASSERT(index <= *list.count && *list.count <= list.max, "place %u of %u, %u at most", index,
	       *list.count, list.max);
	ASSERT(range.size && range.size <= UINT64_MAX - range.start, "0x%llx + 0x%llx",
	       (unsigned long long)range.start, (unsigned long long)range.size);
	if (*list.count == list.max)
		return false;
	memmove(list.range + index + 1, list.range + index,
		(*list.count - index) * sizeof(*list.range));
	list.range[index] = range;
	(*list.count)++;
	return true;
}

void ranges_delete(struct range_list list, unsigned index, unsigned how_many)
{
	ASSERT(index + how_many <= *list.count, "%u ranges from %u of %u", how_many, index,
	       *list.count);
	memmove(list.range + index, list.range + index + how_many,
		(*list.count - index - how_many) * sizeof(*list.range));
	*list.count -= how_many;
}

/* Index of the first range that ends after `address`; the count if there is none. */
static unsigned ranges_find(struct range_list list, uint64_t address)
{
	unsigned low = 0, high = *list.count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (range_end(&list.range[middle]) > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Make `address` a border if it lies inside a range. */
static bool ranges_split(struct range_list list, uint64_t address)
{
	unsigned i = ranges_find(list, address);
	struct boot_range upper;

	if (i == *list.count || list.range[i].start >= address)
		return true;
	upper = list.range[i];
	upper.size = range_end(&upper) - address;
	upper.start = address;
	if (!ranges_insert(list, i + 1, upper))
		return false;
	list.range[i].size = address - list.range[i].start;
	return true;
}

/* Split at both ends; *first..*last - 1 are the ranges inside. */
static bool ranges_isolate(struct range_list list, uint64_t start, uint64_t size, unsigned *first,
			   unsigned *last)
{
	*first = *last = 0;
	size = ranges_clip(start, size);
	if (size == 0)
		return true;
	if (!ranges_split(list, start) || !ranges_split(list, start + size))
		return false;
	*first = ranges_find(list, start);
	*last = *first;
	while (*last < *list.count && list.range[*last].start < start + size)
		(*last)++;
	return true;
}

bool ranges_add(struct range_list list, uint64_t start, uint64_t size, int nid, unsigned flags)
{
	uint64_t end = start + ranges_clip(start, size);
	unsigned i = ranges_find(list, start);

	ASSERT(nid >= NODE_NONE && nid < ZONAL_MAX_NODES && flags <= UINT16_MAX,
	       "node %d, flags 0x%x", nid, flags);
	while (start < end) {
		uint64_t limit = end;

		if (i < *list.count)
			limit = ZN_MIN(end, list.range[i].start);
		if (start < limit) {
			struct boot_range gap = { .start = start, .size = limit - start,
						  .nid = (int16_t)nid, .flags = (uint16_t)flags };

			if (!ranges_insert(list, i++, gap))
				return false;
		}
		if (i == *list.count)
			break;
		start = range_end(&list.range[i++]);
	}
	return true;
}

bool ranges_set_flags(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
{
	unsigned first, last;

	if (!ranges_isolate(list, start, size, &first, &last))
		return false;
	for (; first < last; first++)
		list.range[first].flags |= (uint16_t)flags;
	return true;
}

bool ranges_unite(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
{
	bool fits = ranges_set_flags(list, start, size, flags) &&
		    ranges_add(list, start, size, NODE_NONE, flags);

	ranges_merge(list);
	return fits;
}

bool ranges_set_nid(struct range_list list, uint64_t start, uint64_t size, int nid)
{
	unsigned first, last;

	ASSERT(nid >= NODE_LEFT_OUT && nid < ZONAL_MAX_NODES, "node %d", nid);
	if (!ranges_isolate(list, start, size, &first, &last))
		return false;
	for (; first < last; first++)
		list.range[first].nid = (int16_t)nid;
	ranges_merge(list);
	return true;
}

bool ranges_remove(struct range_list list, uint64_t start, uint64_t size)
{
	unsigned first, last;

	if (!ranges_isolate(list, start, size, &first, &last))
		return false;
	ranges_delete(list, first, last - first);
	return true;
}

void ranges_drop(struct range_list list, unsigned flags)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *list.count; i++) {
		if (list.range[i].flags != flags)
			list.range[kept++] = list.range[i];
	}
	*list.count = kept;
}

/* Whether the gap between range i - 1 and range i may be filled. */
static bool gap_closes(struct range_list list, unsigned i)
{
	const struct boot_range *low = &list.range[i - 1], *high = &list.range[i];

	return low->nid == high->nid && low->flags == high->flags && !(low->flags & BOOT_CMA);
}

unsigned ranges_kinds(struct range_list list)
{
	unsigned kinds = *list.count;

	for (unsigned i = 1; i < *list.count; i++)
		kinds -= gap_closes(list, i);
	return kinds;
}

bool ranges_close_gap(struct range_list list, uint64_t *start, uint64_t *size)
{
	unsigned best = 0;

	for (unsigned i = 1; i < *list.count; i++) {
		uint64_t gap = list.range[i].start - range_end(&list.range[i - 1]);

		if (gap_closes(list, i) && (!best || gap < *size)) {
			best = i;
			*size = gap;
		}
	}
	if (!best)
		return false;
	*start = range_end(&list.range[best - 1]);
	list.range[best - 1].size = range_end(&list.range[best]) - list.range[best - 1].start;
	ranges_delete(list, best, 1);
	return true;
}

void ranges_merge(struct range_list list)
{
	unsigned kept = 0;

	for (unsigned i = 1; i < *list.count; i++) {
		struct boot_range *to = &list.range[kept];
		const struct boot_range *from = &list.range[i];

		ASSERT(range_end(to) <= from->start, "0x%llx comes before the end 0x%llx",
		       (unsigned long long)from->start, (unsigned long long)range_end(to));
		if (range_end(to) == from->start && to->nid == from->nid &&
		    to->flags == from->flags && !(to->flags & BOOT_CMA))
			to->size += from->size;
		else
			list.range[++kept] = *from;
	}
	if (*list.count)
		*list.count = kept + 1;
}

void ranges_shrink_to_pages(struct range_list list)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *list.count; i++) {
		struct boot_range r = list.range[i];
		uint64_t end = align_down(range_end(&r), PAGE_SIZE);
		uint64_t start = align_up(r.start, PAGE_SIZE);

		/* Rounding up wraps to 0 in the last page below 2^64. */
		if (start < r.start || start >= end)
			continue;
		r.start = start;
		r.size = end - start;
		list.range[kept++] = r;
	}
	*list.count = kept;
}

void ranges_drop_nid(struct range_list list, int nid)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *list.count; i++) {
		if (list.range[i].nid != nid)
			list.range[kept++] = list.range[i];
	}
	*list.count = kept;
}

bool ranges_overlap(struct range_list list, uint64_t start, uint64_t size)
{
	unsigned i = ranges_find(list, start);

	return i < *list.count && list.range[i].start < start + ranges_clip(start, size);
}

bool ranges_meet(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
{
	uint64_t end = start + ranges_clip(start, size);

	for (unsigned i = ranges_find(list, start);
	     i < *list.count && list.range[i].start < end; i++) {
		if (list.range[i].flags & flags)
			return true;
	}
	return false;
}

bool ranges_covered(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
{
	uint64_t end = start + ranges_clip(start, size);

	for (unsigned i = ranges_find(list, start);
	     i < *list.count && list.range[i].start < end; i++) {
		if ((list.range[i].flags & flags) != flags)
			return false;
	}
	return true;
}

bool ranges_hold(struct range_list list, uint64_t start, uint64_t size)
{
	unsigned i = ranges_find(list, start);

	return i < *list.count && list.range[i].start <= start &&
	       range_end(&list.range[i]) - start >= size;
}
