/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of programs on the lists of reclaim: the owner behind <zonal/reclaim.h>.
 *
 * Every single page that is mapped is on its node's lists, with a handle that leads back to its
 * place: the slot of its task above the number of its page in the space. A block of 2 MiB is on
 * none; split, its pages are.
 *
 * Who comes with a handle may be late: the page may have gone, its place may hold another one,
 * the task may have ended and its slot be another's. So every callback takes the slot's lock, which
 * outlives the space, and looks in the page tables whether that very frame is at that place.
 *
 * There is no swap: a page that is asked for has nowhere to go, so the answer is NO_ROOM, and
 * reclaim does not ask as long as nobody told it of room. Pages are not moved either: move_prepare
 * is not there.
 *
 * Pages are listed by their task after they were mapped, and taken off after no TLB knows them any
 * more. Context of the callbacks: as there.
 */
#include <zonal/port.h>
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"
#include "user.h"

#define PLACE_BITS 36
_Static_assert(USER_LIMIT >> PAGE_SHIFT <= 1ull << PLACE_BITS, "a place fits its part of a handle");

static struct zonal_owner *owner; /* written before the first task */

static uint64_t handle_va(uint64_t handle)
{
	return (handle & (((uint64_t)1 << PLACE_BITS) - 1)) << PAGE_SHIFT;
}

/* The slot that the handle names, locked, if the page is where it says; else NULL, and no lock. */
static struct user_process *handle_take(const struct page *page, uint64_t handle,
					port_irqflags_t *flags) LOCK_UNSAID;
static struct user_process *handle_take(const struct page *page, uint64_t handle,
					port_irqflags_t *flags)
{
	struct user_process *process = process_slot((unsigned)(handle >> PLACE_BITS));
	uint64_t phys;
	unsigned order;

	ASSERT(process, "handle 0x%llx names no slot", (unsigned long long)handle);
	*flags = port_irq_save();
	lock_take(&process->lock);
	if (process->space &&
	    user_port_look(&process->space->port, handle_va(handle), &phys, &order) && !order &&
	    phys >> PAGE_SHIFT == zonal_pfn(page))
		return process;
	lock_drop(&process->lock);
	port_irq_restore(*flags);
	return NULL;
}

static void handle_drop(struct user_process *process, port_irqflags_t flags) LOCK_UNSAID;
static void handle_drop(struct user_process *process, port_irqflags_t flags)
{
	lock_drop(&process->lock);
	port_irq_restore(flags);
}

static bool page_used(void *ctx, struct page *page, uint64_t handle)
{
	port_irqflags_t flags;
	struct user_process *process = handle_take(page, handle, &flags);
	bool used;

	(void)ctx;
	if (!process)
		return false;
	used = user_port_used(&process->space->port, handle_va(handle));
	handle_drop(process, flags);
	return used;
}

static enum zonal_give page_give(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	port_irqflags_t flags;
	struct user_process *process = handle_take(page, handle, &flags);

	(void)ctx;
	(void)may;
	if (!process)
		return ZONAL_GIVE_GONE;
	handle_drop(process, flags);
	return ZONAL_GIVE_NO_ROOM;
}

static void page_given(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx;
	port_panic("user: pfn 0x%llx, handle 0x%llx, is taken though it was not given",
		   (unsigned long long)zonal_pfn(page), (unsigned long long)handle);
}

static void page_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)moving;
	page_given(ctx, page, handle);
}

static const struct zonal_owner_ops ops = {
	.name = "user",
	.kind = ZONAL_ANON,
	.used = page_used,
	.give_prepare = page_give,
	.give_commit = page_given,
	.abort = page_abort,
};

const struct zonal_owner_ops *user_owner_ops(void) { return &ops; }

void user_begin(void)
{
	ASSERT(!owner, "the owner of programs' pages is there");
	/* A callback may name a slot that no program has had yet. */
	for (unsigned slot = 0; slot < ZONAL_USER_TASKS; slot++)
		lock_set_rank(&process_slot(slot)->lock, LOCK_USER_SPACE);
	/* Without one, pages of programs are simply never asked for. */
	owner = zonal_owner_register(user_port_memory(), &ops, NULL);
}

void owner_page_add(struct user_space *space, struct page *page, uint64_t va)
{
	if (likely(owner))
		zonal_page_add(user_port_memory(), owner, page,
			       (uint64_t)space->process->slot << PLACE_BITS | va >> PAGE_SHIFT);
}

void owner_page_remove(struct page *page) { zonal_page_remove(user_port_memory(), page); }
