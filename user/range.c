/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ranges of an address space.
 *
 * A sorted array of ZONAL_USER_RANGES entries beside the rest of struct user_space, found by
 * halving: no memory to take while a fault is served, and none to be short of. Entries never
 * overlap. Two that touch and are alike become one, so that the table does not fill with
 * pieces of what a program maps bit by bit.
 *
 * To change a part of what is mapped, the table is first cut at both ends of the part (at most
 * two entries more), then whole entries are changed or taken out, then those that are
 * alike are joined again. Whether there is room for the cuts is asked before the first, so that
 * what is refused has changed nothing.
 *
 * Ranges belong to the one task that runs in the space. No lock; page tables have their own.
 */
#include <string.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "range.h"

bool range_sound(uint64_t start, uint64_t bytes, uint64_t *end)
{
	if ((start | bytes) & (PAGE_SIZE - 1))
		return false;
	if (!bytes || start < USER_BASE || start >= USER_LIMIT || bytes > USER_LIMIT - start)
		return false;
	*end = start + bytes;
	return true;
}

/* The first entry that ends above the address; ranges->count if there is none. */
static unsigned range_index(const struct user_ranges *ranges, uint64_t address)
{
	unsigned low = 0, high = ranges->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (ranges->range[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct user_range *range_find(struct user_ranges *ranges, uint64_t address)
{
	unsigned i = range_index(ranges, address);

	if (i == ranges->count || ranges->range[i].start > address)
		return NULL;
	return &ranges->range[i];
}

bool range_covers(const struct user_ranges *ranges, uint64_t start, uint64_t end)
{
	unsigned i = range_index(ranges, start);

	ASSERT(start < end, "0x%llx to 0x%llx", (unsigned long long)start, (unsigned long long)end);
	while (start < end && i < ranges->count && ranges->range[i].start <= start)
		start = ranges->range[i++].end;
	return start >= end;
}

uint64_t range_gap(const struct user_ranges *ranges, uint64_t bytes, uint64_t align)
{
	uint64_t start = align_up(USER_BASE, align);

	ASSERT(bytes && bytes <= USER_LIMIT && align >= PAGE_SIZE, "%llu bytes on %llu",
	       (unsigned long long)bytes, (unsigned long long)align);
	for (unsigned i = range_index(ranges, start); i < ranges->count; i++) {
		if (start + bytes <= ranges->range[i].start)
			return start;
		start = align_up(ranges->range[i].end, align);
	}
	return start + bytes <= USER_LIMIT ? start : 0;
}

static void entry_insert(struct user_ranges *ranges, unsigned i, const struct user_range *range)
{
	ASSERT(i <= ranges->count && ranges->count < ZONAL_USER_RANGES, "entry %u of %u", i,
	       ranges->count);
	memmove(&ranges->range[i + 1], &ranges->range[i],
		(ranges->count - i) * sizeof(ranges->range[0]));
	ranges->range[i] = *range;
	ranges->count++;
}

static void entry_delete(struct user_ranges *ranges, unsigned i, unsigned count)
{
	ASSERT(i + count <= ranges->count, "entries %u to %u of %u", i, i + count, ranges->count);
	memmove(&ranges->range[i], &ranges->range[i + count],
		(ranges->count - i - count) * sizeof(ranges->range[0]));
	ranges->count -= count;
}

static bool policy_equal(const struct mempolicy *x, const struct mempolicy *y)
{
	struct mempolicy *a = (struct mempolicy *)(uintptr_t)x;
	struct mempolicy *b = (struct mempolicy *)(uintptr_t)y;

	return ld_relaxed(&a->mode) == ld_relaxed(&b->mode) &&
	       ld_relaxed(&a->local) == ld_relaxed(&b->local) &&
	       ld_relaxed(&a->flags) == ld_relaxed(&b->flags) &&
	       ld_relaxed(&a->nodes) == ld_relaxed(&b->nodes) &&
	       ld_relaxed(&a->user) == ld_relaxed(&b->user);
}

/* Join what touches and is alike, from the entry before `first` to the one behind `last`. */
static void entries_join(struct user_ranges *ranges, unsigned first, unsigned last)
{
	unsigned i = first ? first : 1;

	while (i < ranges->count && i <= last + 1) {
		struct user_range *before = &ranges->range[i - 1], *range = &ranges->range[i];

		if (before->end != range->start || before->rights != range->rights ||
		    !policy_equal(&before->policy, &range->policy)) {
			i++;
			continue;
		}
		before->end = range->end;
		entry_delete(ranges, i, 1);
		last = last ? last - 1 : 0;
	}
}

int range_add(struct user_ranges *ranges, uint64_t start, uint64_t end, uint32_t rights)
{
	const struct user_range range = { .start = start, .end = end, .rights = rights,
					  .policy = { .mode = MPOL_DEFAULT } };
	unsigned i = range_index(ranges, start);

	ASSERT(start < end && end <= USER_LIMIT, "0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	if (i < ranges->count && ranges->range[i].start < end)
		return USER_EEXIST;
	if (ranges->count == ZONAL_USER_RANGES)
		return USER_ENOMEM;
	entry_insert(ranges, i, &range);
	entries_join(ranges, i, i);
	return 0;
}

/* Does an entry go on over this address on both sides? */
static bool needs_cut(const struct user_ranges *ranges, uint64_t address)
{
	unsigned i = range_index(ranges, address);

	return i < ranges->count && ranges->range[i].start < address;
}

static void cut(struct user_ranges *ranges, uint64_t address)
{
	unsigned i = range_index(ranges, address);
	struct user_range upper;

	if (!needs_cut(ranges, address))
		return;
	upper = ranges->range[i];
	upper.start = address;
	ranges->range[i].end = address;
	entry_insert(ranges, i + 1, &upper);
}

/* The entries that [start, end) consists of, after cutting at both ends: from *first to before
 * *last. False, and nothing has changed, if the table has no room. */
static bool carve(struct user_ranges *ranges, uint64_t start, uint64_t end, unsigned *first,
		  unsigned *last)
{
	unsigned more = (unsigned)needs_cut(ranges, start) + (unsigned)needs_cut(ranges, end);

	ASSERT(start < end, "0x%llx to 0x%llx", (unsigned long long)start, (unsigned long long)end);
	if (ranges->count + more > ZONAL_USER_RANGES)
		return false;
	cut(ranges, start);
	cut(ranges, end);
	*first = range_index(ranges, start);
	*last = *first;
	while (*last < ranges->count && ranges->range[*last].start < end)
		++*last;
	return true;
}

int range_remove(struct user_ranges *ranges, uint64_t start, uint64_t end)
{
	unsigned first, last;

	if (!carve(ranges, start, end, &first, &last))
		return USER_ENOMEM;
	entry_delete(ranges, first, last - first);
	return 0;
}

/* The common part of protect and bind; rights ~0: not, policy NULL: not. */
static int change(struct user_ranges *ranges, uint64_t start, uint64_t end, uint32_t rights,
		  const struct mempolicy *policy)
{
	unsigned first, last;

	if (!range_covers(ranges, start, end))
		return USER_EINVAL;
	if (!carve(ranges, start, end, &first, &last))
		return USER_ENOMEM;
	for (unsigned i = first; i < last; i++) {
		struct user_range *range = &ranges->range[i];

		if (policy)
			range->policy = *policy;
		else
			range->rights = (range->rights & USER_HUGE) | rights;
	}
	entries_join(ranges, first, last);
	return 0;
}

int range_protect(struct user_ranges *ranges, uint64_t start, uint64_t end, uint32_t rights)
{
	ASSERT(!(rights & ~USER_RIGHTS), "rights 0x%x", rights);
	return change(ranges, start, end, rights, NULL);
}

int range_bind(struct user_ranges *ranges, uint64_t start, uint64_t end,
	       const struct mempolicy *policy)
{
	ASSERT(policy, "a range bound to no policy");
	return change(ranges, start, end, 0, policy);
}

bool range_check(const struct user_ranges *ranges)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < ranges->count; i++) {
		const struct user_range *range = &ranges->range[i];
		bool touches = i && range->start == last;

		if (range->start < last || range->start >= range->end || range->end > USER_LIMIT ||
		    ((range->start | range->end) & (PAGE_SIZE - 1)))
			return false;
		if (touches && range->rights == range[-1].rights &&
		    policy_equal(&range->policy, &range[-1].policy))
			return false;
		last = range->end;
	}
	return ranges->count <= ZONAL_USER_RANGES;
}
