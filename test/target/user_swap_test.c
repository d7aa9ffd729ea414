/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of programs that are taken away and come back.
 *
 * A space made by hand, whose pages are given, moved and called back by calls in the order that a
 * case wants. All memory is counted around each case. Programs that run meanwhile are in
 * user_press_test.c.
 */
#include <string.h>
#include <zonal/group.h>
#include <zonal/linux.h>
#include <zonal/reclaim.h>

#include "arm64_mmu.h"
#include "mm/mm.h"
#include "monitor/group_command.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/space.h"
#include "user/swap.h"

#define BASE 0x40000000ull
#define RW (USER_READ | USER_WRITE)
#define MAY (ZONAL_MAY_WRITE | ZONAL_MAY_WAIT | ZONAL_MAY_FS | ZONAL_MAY_UNMAP)

static void check_holds(void)
{
	struct zonal_finding finding;

	KT_OK(zonal_check_busy(&zonal_image, &finding), "%s", finding.text);
}

/* ---- one space, by hand ----------------------------------------------------- */

enum { PAGES = 16 };

/* The space of the first slot, as if its task ran; no task has it. */
static struct user_space *space_begin(uint64_t *before)
{
	struct user_process *process = process_slot(0);
	struct user_space *space;

	*before = sched_world_free_pages();
	if (!KT_TRUE(!process->space) || !KT_TRUE(!swap_on_ram(PAGES, &swap_lz4)))
		return NULL;
	space = space_make(process);
	if (!KT_TRUE(space != NULL))
		return NULL;
	KT_EQ(range_add(&space->ranges, BASE, BASE + PAGES * PAGE_SIZE, RW), 0);
	process->space = space;
	return space;
}

static void space_end(struct user_space *space, uint64_t before)
{
	struct swap_info info;

	space_drop(space);
	KT_TRUE(swap_look_area(0, &info));
	KT_EQ(info.used, 0);
	KT_EQ(info.held_pages, 0);
	KT_TRUE(!swap_off(info.name));
	KT_EQ(sched_world_free_pages(), before);
	check_holds();
}

/* What is mapped at the n-th page, after a touch that must succeed. */
static struct page *touched(struct user_space *space, unsigned n)
{
	port_irqflags_t flags;
	uint64_t phys = 0;
	unsigned order;

	if (!KT_EQ(space_fault(space, BASE + n * PAGE_SIZE, USER_WRITE, true), 0))
		return NULL;
	flags = space_lock(space);
	KT_TRUE(user_port_look(&space->port, BASE + n * PAGE_SIZE, &phys, &order));
	space_unlock(space, flags);
	return pfn_to_page(phys >> PAGE_SHIFT);
}

static uint64_t *words(const struct page *page)
{
	return user_port_address(page_to_pfn(page) << PAGE_SHIFT);
}

/* As reclaim does: off its lists, with a reference more. */
static enum zonal_give give(struct page *page, unsigned n, bool commit)
{
	const struct zonal_owner_ops *ops = user_owner_ops();
	uint64_t handle = (BASE >> PAGE_SHIFT) + n;
	enum zonal_give answer = ops->give_prepare(NULL, page, handle, MAY);

	if (answer != ZONAL_GIVE_YES || !commit)
		return answer;
	ops->give_commit(NULL, page, handle);
	zonal_page_remove(&zonal_image, page);
	put_page(page);
	return answer;
}

KTEST_F(user_swap, a_given_page_comes_back_with_its_contents, KT_TARGET_ONLY)
{
	uint64_t before;
	struct user_space *space = space_begin(&before);
	struct page *page;

	if (!space)
		return;
	for (unsigned n = 0; n < PAGES; n++) {
		page = touched(space, n);
		words(page)[511] = 1000 + n;
		KT_EQ(give(page, n, true), ZONAL_GIVE_YES);
	}
	KT_EQ(ld_relaxed(&space->pages), 0);
	KT_EQ(ld_relaxed(&space->parked), PAGES);
	for (unsigned n = 0; n < PAGES; n += 2) {
		page = touched(space, n);
		KT_EQ(words(page)[511], 1000 + n);
		KT_EQ(words(page)[0], 0);
		KT_TRUE(page_word(page) & PG_LRU);
	}
	KT_EQ(ld_relaxed(&space->parked), PAGES / 2);
	/* The others go with the space. */
	space_end(space, before);
}

KTEST_F(user_swap, rights_that_change_meanwhile_come_back_with_the_page, KT_TARGET_ONLY)
{
	uint64_t before;
	struct user_space *space = space_begin(&before);
	struct page *page;
	uint64_t *entry;

	if (!space)
		return;
	page = touched(space, 3);
	KT_EQ(give(page, 3, true), ZONAL_GIVE_YES);
	KT_EQ(range_protect(&space->ranges, BASE, BASE + PAGES * PAGE_SIZE, USER_READ), 0);
	KT_EQ(space_protect(space, BASE, BASE + PAGES * PAGE_SIZE, USER_READ), 0);
	KT_EQ(space_fault(space, BASE + 3 * PAGE_SIZE, USER_WRITE, false), USER_EFAULT);
	KT_EQ(space_fault(space, BASE + 3 * PAGE_SIZE, USER_READ, false), 0);
	entry = mmu_page_entry(mmu_table_at(space->port.root), BASE + 3 * PAGE_SIZE);
	KT_TRUE(entry && (*entry & DESC_VALID) && (*entry & DESC_READONLY) && (*entry & DESC_EL0));
	space_end(space, before);
}

KTEST_F(user_swap, an_abort_leaves_everything_as_it_was, KT_TARGET_ONLY)
{
	const struct zonal_owner_ops *ops = user_owner_ops();
	uint64_t before, handle = (BASE >> PAGE_SHIFT) + 2;
	struct user_space *space = space_begin(&before);
	struct page *page;

	if (!space)
		return;
	page = touched(space, 2);
	words(page)[7] = 77;
	KT_EQ(give(page, 2, false), ZONAL_GIVE_YES);
	/* Somebody else who comes now finds nothing that is his. */
	KT_EQ(ops->give_prepare(NULL, page, handle, MAY), ZONAL_GIVE_GONE);
	KT_TRUE(!ops->used(NULL, page, handle));
	ops->abort(NULL, page, handle, false);
	KT_TRUE(touched(space, 2) == page && words(page)[7] == 77);
	KT_EQ(ops->move_prepare(NULL, page, handle, MAY), ZONAL_GIVE_YES);
	ops->abort(NULL, page, handle, true);
	KT_TRUE(touched(space, 2) == page && words(page)[7] == 77);
	KT_EQ(ld_relaxed(&space->pages), 1);
	space_end(space, before);
}

KTEST_F(user_swap, a_moved_page_is_at_its_new_frame, KT_TARGET_ONLY)
{
	const struct zonal_owner_ops *ops = user_owner_ops();
	uint64_t before, handle = (BASE >> PAGE_SHIFT) + 5;
	struct user_space *space = space_begin(&before);
	struct page *from, *to = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);

	if (!space || !KT_TRUE(to != NULL))
		return;
	from = touched(space, 5);
	words(from)[100] = 4711;
	KT_EQ(ops->move_prepare(NULL, from, handle, 0), ZONAL_GIVE_BUSY);
	KT_EQ(ops->move_prepare(NULL, from, handle, MAY), ZONAL_GIVE_YES);
	ops->move_commit(NULL, from, to, handle);
	zonal_page_remove(&zonal_image, from);
	words(from)[100] = 0;
	put_page(from);
	KT_TRUE(touched(space, 5) == to);
	KT_EQ(words(to)[100], 4711);
	space_end(space, before);
}

/* A page that is held: who touches it, or unmaps it, waits. */
static _Atomic unsigned waiter_done;

static int toucher(void *arg)
{
	st_relaxed(&waiter_done, 1);
	KT_EQ(space_fault(arg, BASE, USER_WRITE, false), 0);
	st_release(&waiter_done, 2);
	return 0;
}

static int clearer(void *arg)
{
	st_relaxed(&waiter_done, 1);
	space_clear(arg, BASE, BASE + PAGES * PAGE_SIZE);
	st_release(&waiter_done, 2);
	return 0;
}

static void waits_while_held(struct user_space *space, int (*fn)(void *), bool moving)
{
	const struct zonal_owner_ops *ops = user_owner_ops();
	uint64_t handle = BASE >> PAGE_SHIFT, deadline = sched_world_deadline();
	struct page *page = touched(space, 0);
	struct task *task;

	if (moving)
		KT_EQ(ops->move_prepare(NULL, page, handle, MAY), ZONAL_GIVE_YES);
	else
		KT_EQ(give(page, 0, false), ZONAL_GIVE_YES);
	st_relaxed(&waiter_done, 0);
	task = sched_world_task(fn, space, -1, SCHED_PRIORITY_DEFAULT);
	if (!task)
		return;
	while (ld_acquire(&waiter_done) == 0 && port_time_ns() < deadline)
		task_sleep_ns(MS);
	task_sleep_ns(5 * MS);
	KT_EQ(ld_acquire(&waiter_done), 1);
	ops->abort(NULL, page, handle, moving);
	(void)task_join(task);
	KT_EQ(ld_acquire(&waiter_done), 2);
}

KTEST_F(user_swap, who_wants_a_page_that_is_held_waits_for_it, KT_TARGET_ONLY)
{
	uint64_t before;
	struct user_space *space = space_begin(&before);

	if (!space)
		return;
	for (unsigned moving = 0; moving < 2; moving++) {
		waits_while_held(space, toucher, moving);
		KT_EQ(ld_relaxed(&space->pages), 1);
		waits_while_held(space, clearer, moving);
		KT_EQ(ld_relaxed(&space->pages), 0);
	}
	space_drop(space);
	KT_TRUE(!swap_off("ram0"));
	KT_TRUE(sched_world_free_pages() + 64 >= before);
}

/* What does not compress stays, and the full area takes no more. */
KTEST_F(user_swap, without_room_pages_stay_where_they_are, KT_TARGET_ONLY)
{
	uint64_t before, x = kt_seed();
	struct user_space *space = space_begin(&before);
	struct page *page;

	if (!space)
		return;
	page = touched(space, 0);
	for (unsigned i = 0; i < 512; i++)
		words(page)[i] = kt_random(&x);
	x = words(page)[300];
	KT_EQ(give(page, 0, true), ZONAL_GIVE_NO_ROOM);
	KT_TRUE(touched(space, 0) == page && words(page)[300] == x);
	KT_TRUE(!swap_off("ram0") && !swap_on_ram(16, &swap_lz4));
	KT_EQ(ld_relaxed(&space->parked), 0);
	space_end(space, before);
}

KTEST_F(user_swap, no_memory_on_the_way_back_is_an_error_that_can_be_tried_again, KT_TARGET_ONLY)
{
	uint64_t before;
	struct user_space *space = space_begin(&before);
	struct page *page;

	if (!space)
		return;
	page = touched(space, 9);
	words(page)[1] = 99;
	KT_EQ(give(page, 9, true), ZONAL_GIVE_YES);
	zonal_inject(&zonal_image, 0, 1000);
	KT_EQ(space_fault(space, BASE + 9 * PAGE_SIZE, USER_WRITE, false), USER_ENOMEM);
	zonal_inject(&zonal_image, 0, 0);
	KT_EQ(words(touched(space, 9))[1], 99);
	space_end(space, before);
}

/* What comes back is charged to who touches it. */
KTEST_F(rows_z, z6_a_page_in_swap_that_cannot_be_paid_stays_there, KT_TARGET_ONLY)
{
	static struct zonal_group poor;
	bool map = group_command_begin(&zonal_image);
	uint64_t before;
	struct user_space *space = KT_TRUE(map) ? space_begin(&before) : NULL;
	struct page *page, *all;

	if (!space)
		return;
	page = touched(space, 9);
	words(page)[1] = 99;
	KT_EQ(give(page, 9, true), ZONAL_GIVE_YES);
	KT_EQ(zonal_group_make(&zonal_image, &poor, NULL, 1), 0);
	zonal_group_join(&poor, task_memory(task_current()));
	all = alloc_pages(GFP_KERNEL_ACCOUNT, 0);
	KT_EQ(space_fault(space, BASE + 9 * PAGE_SIZE, USER_WRITE, false), USER_ENOMEM);
	KT_EQ(ld_relaxed(&space->parked), 1);
	__free_pages(all, 0);
	page = touched(space, 9);
	KT_EQ(words(page)[1], 99);
	KT_TRUE(zonal_page_group(&zonal_image, page) == &poor);
	zonal_group_join(NULL, task_memory(task_current()));
	space_end(space, before);
	KT_EQ(zonal_group_drop(&poor), 0);
}
