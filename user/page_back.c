/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task touches a page that was taken away from it: bring it back.
 *
 *	held             somebody works on the page: wait until he is done, and look again
 *	cached by swap   it is still in memory: mapped as it was, and its place in swap given up. If
 *	                 it is just being written, the write goes on and nobody reads it
 *	in swap          a new page by the policy of the range, read, mapped, listed
 *
 * Only the task itself brings pages into its space, and only it takes tokens out of it, so a place
 * that is not held stays what it is between two holds of the lock, and no two read one page.
 *
 * A page that cannot be read is lost. The task is told by USER_EIO, which ends it with a report
 * that says so (user_port_describe).
 *
 * Context: the task itself, no lock held, sleeps.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"
#include "swap.h"

void space_unpark(struct user_space *space, uint64_t va, const struct page *page)
{
	DASSERT_HELD(&space->process->lock);
	user_port_unpark(&space->port, va, zonal_pfn(page) << PAGE_SHIFT);
	count_drop(&space->parked, 1);
	own_add(&space->pages, 1);
}

struct release_wait {
	struct user_process *process;
	uint32_t seen;
};

static bool released(void *arg)
{
	const struct release_wait *wait = arg;

	return ld_relaxed(&wait->process->releases) != wait->seen;
}

uint32_t space_expect(struct user_space *space)
{
	DASSERT_HELD(&space->process->lock);
	space->process->release_wanted = true;
	return ld_relaxed(&space->process->releases);
}

void space_wait(struct user_space *space, uint32_t seen)
{
	struct release_wait wait = { .process = space->process, .seen = seen };

	/* Not to be killed meanwhile: who holds the place is done soon. */
	(void)wait_until(&space->process->sleep, released, &wait, SCHED_NEVER);
}

static int read_back(struct user_space *space, uint64_t va, uint64_t token)
{
	const struct user_range *range = range_find(&space->ranges, va);
	struct zonal *mm = user_port_memory();
	struct page *page;
	port_irqflags_t flags;

	ASSERT(range, "a page at 0x%llx, where no range is", (unsigned long long)va);
	page = zonal_alloc_at(mm, &range->policy, va >> PAGE_SHIFT,
			      GFP_HIGHUSER_MOVABLE | __GFP_ACCOUNT, 0);
	if (!page)
		return USER_ENOMEM;
	if (swap_load(token, page)) {
		zonal_free(mm, page, 0);
		space->lost = va;
		return USER_EIO;
	}
	flags = space_lock(space);
	space_unpark(space, va, page);
	space_unlock(space, flags);
	(void)swap_release(token);
	owner_page_add(space, page, va);
	return 0;
}

static int bring_back(struct user_space *space, uint64_t va)
{
	ASSERT(!(va & (PAGE_SIZE - 1)), "0x%llx is no page", (unsigned long long)va);
	for (;;) {
		port_irqflags_t flags = space_lock(space);
		struct page *page = NULL;
		bool held = false;
		uint64_t token = user_port_parked(&space->port, va, &held), phys;
		uint32_t seen = held ? space_expect(space) : 0;
		unsigned order;
		int there = 1;

		if (token && !held && swap_on_a_disk(token))
			(void)swap_look(token, &page);
		if (page) {
			space_unpark(space, va, page);
			(void)swap_release(token);
		} else if (!token) {
			there = !user_port_look(&space->port, va, &phys, &order);
		}
		space_unlock(space, flags);
		if (held)
			space_wait(space, seen);
		else
			return page ? 0 : token ? read_back(space, va, token) : there;
	}
}

/* While it is busy the place is not taken from it (space_reap()). */
int space_bring_back(struct user_space *space, uint64_t va)
{
	int error;

	st_relaxed(&space->busy, true);
	error = bring_back(space, va);
	st_release(&space->busy, false);
	return error;
}
