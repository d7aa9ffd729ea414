/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task at EL0 touches memory that is not there.
 *
 * The range says whether it may be: no range, or not that right, is the end of the task (or
 * USER_EFAULT, when the kernel touched it for a call). Else a zeroed page comes by the policy of
 * the range or the task (Q8), movable, and is mapped with the range's rights. Where the range
 * allows blocks, covers the 2 MiB around the address, and nothing is mapped of them, a block is
 * asked for first (Q15). The range has been mapped for blocks, so reclaim and compaction may put
 * one together, once; one that is not to be had all the same ends nobody, and pages come.
 *
 * A page that was taken away, to swap or to another frame, left a parked place: page_back.c.
 *
 * What came by a race is kept and the new page given back: another thread of the same space does
 * not exist, but reclaim may put a page back meanwhile.
 *
 * `present` faults: the place holds something. A page whose access flag was taken away gets it
 * back; a stale TLB entry, which the manual allows after rights were added, is gone by the fault
 * itself. Both end in trying again.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"

/* Attempts in a row that copy nothing: then it is not a matter of bringing the page. */
#define COPY_TRIES 4u

#define BLOCK_BYTES (PAGE_SIZE << PAGEBLOCK_ORDER)

#define GFP_PAGE (GFP_HIGHUSER_MOVABLE | __GFP_ZERO | __GFP_ACCOUNT)
/* Not compound, so that a block can be split. */
#define GFP_BLOCK ((GFP_TRANSHUGE | __GFP_ZERO | __GFP_ACCOUNT) & ~__GFP_COMP)

/* Map a page or block that is the caller's. On an error it still is. */
static int place(struct user_space *space, uint64_t va, struct page *page, unsigned order,
		 uint32_t rights)
{
	uint64_t phys = zonal_pfn(page) << PAGE_SHIFT;
	port_irqflags_t flags;
	int error;

	st_relaxed(&space->busy, true);
	do {
		flags = space_lock(space);
		error = user_port_map(&space->port, va, phys, order, rights);
		if (!error) {
			own_add(&space->pages, 1ull << order);
			if (order)
				own_add(&space->blocks, 1);
		}
		space_unlock(space, flags);
	} while (unlikely(error == USER_ENOMEM) && space_feed(space));
	if (likely(!error && !order))
		owner_page_add(space, page, va);
	/* Release: who sees it idle finds the page on its list (space_reap()). */
	st_release(&space->busy, false);
	return error;
}

struct page *space_take_page(struct user_space *space, uint64_t va)
{
	const struct user_range *range = range_find(&space->ranges, va);

	ASSERT(range, "a page for 0x%llx, where no range is", (unsigned long long)va);
	return zonal_alloc_at(user_port_memory(), &range->policy, va >> PAGE_SHIFT, GFP_PAGE, 0);
}

int space_place_page(struct user_space *space, uint64_t va, struct page *page, uint32_t rights)
{
	int error = place(space, va, page, 0, rights & USER_RIGHTS);

	if (error)
		zonal_free(user_port_memory(), page, 0);
	return error;
}

/* May a block serve the address? What is executed comes page by page, as it must be made visible to
 * fetches. */
static bool block_fits(const struct user_range *range, uint64_t address)
{
	uint64_t start = align_down(address, BLOCK_BYTES);

	return (range->rights & (USER_HUGE | USER_EXEC)) == USER_HUGE && start >= range->start &&
	       start + BLOCK_BYTES <= range->end;
}

/* True if a block serves the fault. */
static bool fault_block(struct user_space *space, const struct user_range *range, uint64_t address)
{
	uint64_t va = align_down(address, BLOCK_BYTES);
	struct zonal *mm = user_port_memory();
	struct page *page;

	/* A page that is there already keeps the whole 2 MiB to pages. */
	if (user_port_holds(&space->port, va))
		return false;
	page = zonal_alloc_at(mm, &range->policy, va >> PAGE_SHIFT, GFP_BLOCK, PAGEBLOCK_ORDER);
	if (!page)
		return false;
	if (!place(space, va, page, PAGEBLOCK_ORDER, range->rights & USER_RIGHTS))
		return true;
	zonal_free(mm, page, PAGEBLOCK_ORDER);
	return false;
}

static int fault_page(struct user_space *space, const struct user_range *range, uint64_t address)
{
	uint64_t va = align_down(address, PAGE_SIZE);
	struct page *page = zonal_alloc_at(user_port_memory(), &range->policy, va >> PAGE_SHIFT,
					   GFP_PAGE, 0);
	int error;

	if (unlikely(!page))
		return USER_ENOMEM;
	error = space_place_page(space, va, page, range->rights);
	return error == USER_EEXIST ? 0 : error;
}

/* Something is mapped at the address: it counts as used. False: nothing is. */
static bool touch(struct user_space *space, uint64_t address)
{
	port_irqflags_t flags = space_lock(space);
	uint64_t phys;
	unsigned order;
	bool there = user_port_look(&space->port, address, &phys, &order);

	if (there)
		user_port_use(&space->port, address);
	space_unlock(space, flags);
	return there;
}

int space_fault(struct user_space *space, uint64_t address, uint32_t access, bool present)
{
	const struct user_range *range = range_find(&space->ranges, address);

	if (unlikely(!range || !(range->rights & access)))
		return USER_EFAULT;
	if (unlikely(present) && touch(space, address))
		return 0;
	own_add(&space->faults, 1);
	if (unlikely(ld_relaxed(&space->parked))) {
		int error = space_bring_back(space, align_down(address, PAGE_SIZE));

		if (error <= 0)
			return error;
	}
	if (block_fits(range, address) && fault_block(space, range, address))
		return 0;
	return fault_page(space, range, address);
}

/* ---- copies ------------------------------------------------------------- */

static bool is_program_memory(uint64_t address, size_t bytes)
{
	return address < USER_LIMIT && bytes <= USER_LIMIT - address;
}

int space_copy_in(struct user_space *space, void *to, uint64_t from, size_t bytes)
{
	if (!is_program_memory(from, bytes))
		return USER_EFAULT;
	for (unsigned stuck = 0; stuck < COPY_TRIES; stuck++) {
		size_t left = user_port_copy_in(to, from, bytes);

		if (!left)
			return 0;
		stuck = left == bytes ? stuck : 0;
		to = (char *)to + (bytes - left);
		from += bytes - left;
		bytes = left;
		if (space_fault(space, from, USER_READ, true))
			return USER_EFAULT;
	}
	return USER_EFAULT;
}

int space_copy_out(struct user_space *space, uint64_t to, const void *from, size_t bytes)
{
	if (!is_program_memory(to, bytes))
		return USER_EFAULT;
	for (unsigned stuck = 0; stuck < COPY_TRIES; stuck++) {
		size_t left = user_port_copy_out(to, from, bytes);

		if (!left)
			return 0;
		stuck = left == bytes ? stuck : 0;
		from = (const char *)from + (bytes - left);
		to += bytes - left;
		bytes = left;
		if (space_fault(space, to, USER_WRITE, true))
			return USER_EFAULT;
	}
	return USER_EFAULT;
}
