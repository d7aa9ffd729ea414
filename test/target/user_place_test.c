/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the pages of a space come from, and what the page tables hold: spaces made by hand, faults
 * served by calls, nothing runs at EL0. Frames are looked up in the tables and must be on the
 * node that the policy says.
 */
#include <string.h>
#include <zonal/linux.h>
#include <zonal/reclaim.h>

#include "arm64_mmu.h"
#include "mm/page.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/space.h"

#define BASE 0x40000000ull
#define BLOCK 0x200000ull
#define RW (USER_READ | USER_WRITE)

static struct user_process process;

static struct user_space *space_of_test(uint64_t bytes, uint32_t rights)
{
	struct user_space *space;

	memset(&process, 0, sizeof(process));
	lock_set_rank(&process.lock, LOCK_USER_SPACE);
	space = space_make(&process);
	if (KT_TRUE(space != NULL) &&
	    KT_EQ(range_add(&space->ranges, BASE, BASE + bytes, rights), 0))
		return space;
	return NULL;
}

/* The node and order of what is mapped at va, after a write there; -1: nothing. */
static int node_at(struct user_space *space, uint64_t va, unsigned *order)
{
	port_irqflags_t flags;
	uint64_t phys;
	bool there;

	if (space_fault(space, va, USER_WRITE, false))
		return -1;
	flags = space_lock(space);
	there = user_port_look(&space->port, va, &phys, order);
	space_unlock(space, flags);
	return there ? (int)zonal_page_node(pfn_to_page(phys >> PAGE_SHIFT)) : -1;
}

static nodemask_t nodes_with_memory(void)
{
	nodemask_t nodes = 0;

	for (unsigned i = 0; i < boot_info.range_count; i++)
		if (boot_range_usable(&boot_info.range[i]))
			nodes |= node_bit((unsigned)boot_info.range[i].nid);
	return nodes;
}

static unsigned nth(nodemask_t nodes, unsigned n)
{
	while (n--)
		nodes &= nodes - 1;
	return nodemask_first(nodes);
}

KTEST_F(user_place, pages_come_from_the_nodes_of_the_range, KT_TARGET_ONLY)
{
	nodemask_t nodes = nodes_with_memory();
	unsigned count = nodemask_count(nodes), order;
	uint64_t before = sched_world_free_pages();
	struct user_space *space = space_of_test(64 * PAGE_SIZE, RW);
	struct mempolicy policy = { .mode = MPOL_DEFAULT };
	struct zonal_task *task = task_memory(task_current());

	if (!space)
		return;
	KT_EQ(zonal_policy_make(&zonal_image, task, MPOL_INTERLEAVE, 0, nodes, &policy), 0);
	KT_EQ(range_bind(&space->ranges, BASE, BASE + 32 * PAGE_SIZE, &policy), 0);
	KT_EQ(zonal_policy_make(&zonal_image, task, MPOL_BIND, 0, node_bit(nth(nodes, count - 1)),
				&policy), 0);
	KT_EQ(range_bind(&space->ranges, BASE + 32 * PAGE_SIZE, BASE + 64 * PAGE_SIZE, &policy), 0);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t va = BASE + i * PAGE_SIZE;
		unsigned place = (unsigned)((va >> PAGE_SHIFT) % count);
		unsigned want = nth(nodes, i < 32 ? place : count - 1);

		KT_EQ(node_at(space, va, &order), want);
		KT_EQ(order, 0);
	}
	/* Dropped and touched again, a place is on its node again, Q8. */
	space_clear(space, BASE, BASE + 64 * PAGE_SIZE);
	KT_EQ(ld_relaxed(&space->pages), 0);
	KT_EQ(node_at(space, BASE + 5 * PAGE_SIZE, &order),
	      nth(nodes, (unsigned)(((BASE >> PAGE_SHIFT) + 5) % count)));
	space_drop(space);
	KT_EQ(sched_world_free_pages(), before);
}

KTEST_F(user_place, blocks_come_whole_and_go_in_parts, KT_TARGET_ONLY)
{
	uint64_t before = sched_world_free_pages(), pages;
	struct user_space *space = space_of_test(4 * BLOCK, RW | USER_HUGE);
	unsigned order = 0;

	if (!space)
		return;
	KT_TRUE(node_at(space, BASE + BLOCK + 12345, &order) >= 0);
	if (order) {
		KT_EQ(ld_relaxed(&space->blocks), 1);
		KT_EQ(ld_relaxed(&space->pages), 512);
		KT_EQ(space_cut(space, BASE + BLOCK + PAGE_SIZE, BASE + BLOCK + 2 * PAGE_SIZE), 0);
		space_clear(space, BASE + BLOCK + PAGE_SIZE, BASE + BLOCK + 2 * PAGE_SIZE);
		KT_EQ(ld_relaxed(&space->blocks), 0);
		KT_EQ(ld_relaxed(&space->pages), 511);
		/* The hole is filled by a page: the 2 MiB have a table now. */
		KT_TRUE(node_at(space, BASE + BLOCK + PAGE_SIZE, &order) >= 0);
		KT_EQ(order, 0);
	}
	/* A range that ends inside of 2 MiB gets no block there. */
	KT_EQ(range_remove(&space->ranges, BASE + 4 * BLOCK - PAGE_SIZE, BASE + 4 * BLOCK), 0);
	KT_TRUE(node_at(space, BASE + 3 * BLOCK, &order) >= 0);
	KT_EQ(order, 0);
	/* Nor does one that is to be executed. */
	KT_EQ(range_protect(&space->ranges, BASE, BASE + BLOCK, USER_READ | USER_EXEC), 0);
	pages = ld_relaxed(&space->pages);
	KT_EQ(space_fault(space, BASE, USER_EXEC, false), 0);
	KT_EQ(ld_relaxed(&space->pages), pages + 1);
	space_drop(space);
	KT_EQ(sched_world_free_pages(), before);
}

/* Without a page anywhere the fault says so, and nothing is kept; then all goes on. */
KTEST_F(user_place, a_fault_that_gets_no_page_leaves_nothing, KT_TARGET_ONLY)
{
	uint64_t before = sched_world_free_pages();
	struct user_space *space = space_of_test(2 * BLOCK, RW | USER_HUGE);
	unsigned order, tries;

	if (!space)
		return;
	for (tries = 0; tries < 8; tries++) {
		/* The n-th request of the fault and all behind it fail: block, page, tables. */
		zonal_inject(&zonal_image, tries, 100);
		if (!space_fault(space, BASE, USER_WRITE, false))
			break;
		KT_EQ(ld_relaxed(&space->pages), 0);
	}
	zonal_inject(&zonal_image, 0, 0);
	KT_TRUE(tries > 1 && tries < 8);
	KT_TRUE(node_at(space, BASE + BLOCK, &order) >= 0);
	space_drop(space);
	KT_EQ(sched_world_free_pages(), before);
}

KTEST_F(user_place, use_is_seen_and_forgotten, KT_TARGET_ONLY)
{
	struct user_space *space = space_of_test(BLOCK, RW);
	port_irqflags_t flags;
	uint64_t stale, phys = 0;
	unsigned order;

	if (!space)
		return;
	KT_TRUE(node_at(space, BASE, &order) >= 0);
	flags = space_lock(space);
	KT_TRUE(user_port_look(&space->port, BASE, &phys, &order));
	/* Of another page, which was there before, nothing is said and nothing forgotten. */
	KT_TRUE(!user_port_used(&space->port, BASE, phys + PAGE_SIZE, &stale));
	KT_TRUE(user_port_used(&space->port, BASE, phys, &stale));
	KT_TRUE(!user_port_used(&space->port, BASE, phys, &stale));
	KT_TRUE(!user_port_used(&space->port, BASE + PAGE_SIZE, phys, &stale));
	space_unlock(space, flags);
	user_port_see(stale);
	/* What a core without hardware flags reports as a fault. */
	KT_EQ(space_fault(space, BASE, USER_WRITE, true), 0);
	flags = space_lock(space);
	KT_TRUE(user_port_used(&space->port, BASE, phys, &stale));
	space_unlock(space, flags);
	KT_EQ(ld_relaxed(&space->pages), 1);
	space_drop(space);
}

/* Pages that are mapped are on the lists of their nodes, and no longer when they have gone. */
KTEST_F(user_place, pages_are_on_the_lists_while_they_are_mapped, KT_TARGET_ONLY)
{
	struct user_space *space = space_of_test(2 * BLOCK, RW | USER_HUGE);
	uint64_t phys;
	struct page *page;
	unsigned order;

	if (!space)
		return;
	KT_EQ(range_protect(&space->ranges, BASE, BASE + BLOCK, RW), 0);
	KT_EQ(range_remove(&space->ranges, BASE, BASE + PAGE_SIZE), 0);
	KT_TRUE(node_at(space, BASE + PAGE_SIZE, &order) >= 0);
	KT_TRUE(user_port_look(&space->port, BASE + PAGE_SIZE, &phys, &order));
	page = pfn_to_page(phys >> PAGE_SHIFT);
	KT_TRUE(page_word(page) & PG_LRU);
	KT_EQ(zonal_page_handle(page), (BASE + PAGE_SIZE) >> PAGE_SHIFT);
	get_page(page);
	space_clear(space, BASE, BASE + BLOCK);
	KT_TRUE(!(page_word(page) & PG_LRU));
	put_page(page);
	/* A block is on none; the pages that it becomes are. */
	KT_TRUE(node_at(space, BASE + BLOCK, &order) >= 0);
	KT_TRUE(user_port_look(&space->port, BASE + BLOCK, &phys, &order));
	KT_EQ(!(page_word(pfn_to_page(phys >> PAGE_SHIFT)) & PG_LRU), order != 0);
	KT_EQ(space_cut(space, BASE + BLOCK + PAGE_SIZE, BASE + 2 * BLOCK), 0);
	KT_TRUE(page_word(pfn_to_page(phys >> PAGE_SHIFT)) & PG_LRU);
	KT_TRUE(order == 0 || (page_word(pfn_to_page((phys >> PAGE_SHIFT) + 511)) & PG_LRU));
	space_drop(space);
}

/* Reclaim comes with a handle that is right, late, or of a slot that is empty. */
KTEST_F(user_place, the_owner_answers_for_the_page_at_its_place_only, KT_TARGET_ONLY)
{
	const struct zonal_owner_ops *ops = user_owner_ops();
	struct user_process *first = process_slot(0);
	struct user_space *space = space_of_test(BLOCK, RW);
	uint64_t phys, handle = BASE >> PAGE_SHIFT;
	struct page *page;
	unsigned order;

	if (!space || !KT_TRUE(first->space == NULL))
		return;
	KT_TRUE(node_at(space, BASE, &order) >= 0 && node_at(space, BASE + PAGE_SIZE, &order) >= 0);
	KT_TRUE(user_port_look(&space->port, BASE, &phys, &order));
	page = pfn_to_page(phys >> PAGE_SHIFT);
	KT_EQ(ops->give_prepare(NULL, page, handle, 0), ZONAL_GIVE_GONE);
	KT_TRUE(!ops->used(NULL, page, handle));
	/* The slot has the space, as if its task ran. */
	first->space = space;
	KT_EQ(ops->give_prepare(NULL, page, handle, ZONAL_MAY_UNMAP), ZONAL_GIVE_NO_ROOM);
	KT_EQ(ops->give_prepare(NULL, page, handle, 0), ZONAL_GIVE_BUSY);
	KT_TRUE(ops->used(NULL, page, handle));
	KT_TRUE(!ops->used(NULL, page, handle));
	KT_EQ(ops->give_prepare(NULL, page, handle + 1, 0), ZONAL_GIVE_GONE);
	KT_EQ(ops->give_prepare(NULL, page, handle + 2, 0), ZONAL_GIVE_GONE);
	KT_EQ(ops->give_prepare(NULL, page, handle + (1ull << 36), 0), ZONAL_GIVE_GONE);
	first->space = NULL;
	space_drop(space);
}

/* What the walker decodes of the space's own tables; bad leaves of either kind. */
struct leaves {
	unsigned count, exec;
	bool bad;
};

static bool leaf_seen(void *ctx, const struct arm64_leaf *leaf)
{
	struct leaves *seen = ctx;

	seen->count++;
	seen->exec += leaf->el0_exec;
	seen->bad |= leaf->el1_exec || !leaf->el0_read || leaf->device ||
		     (leaf->el0_write && leaf->el0_exec) || leaf->va >= USER_LIMIT ||
		     !(leaf->descriptor & DESC_NOT_GLOBAL);
	return true;
}

/* An emulator may not notice a leaf that is global, or that EL1 could execute. */
KTEST_F(user_place, leaves_are_for_el0_and_one_number_alone, KT_TARGET_ONLY)
{
	struct user_space *space = space_of_test(3 * BLOCK, RW | USER_HUGE);
	struct leaves seen = { 0 };
	unsigned order;

	if (!space)
		return;
	KT_EQ(range_protect(&space->ranges, BASE, BASE + BLOCK, USER_READ | USER_EXEC), 0);
	KT_EQ(range_protect(&space->ranges, BASE + BLOCK, BASE + 2 * BLOCK, USER_READ), 0);
	KT_EQ(space_fault(space, BASE, USER_EXEC, false), 0);
	KT_EQ(space_fault(space, BASE + BLOCK, USER_READ, false), 0);
	KT_TRUE(node_at(space, BASE + 2 * BLOCK, &order) >= 0);
	KT_TRUE(mmu_walk(mmu_table_at(space->port.root), 0, leaf_seen, &seen));
	KT_EQ(seen.count, 3);
	KT_EQ(seen.exec, 1);
	KT_TRUE(!seen.bad);
	space_drop(space);
}

/* Rights that the range does not give, and places without a range. */
KTEST_F(user_place, faults_without_a_right_bring_nothing, KT_TARGET_ONLY)
{
	struct user_space *space = space_of_test(BLOCK, USER_READ);

	if (!space)
		return;
	KT_EQ(space_fault(space, BASE, USER_WRITE, false), USER_EFAULT);
	KT_EQ(space_fault(space, BASE, USER_EXEC, false), USER_EFAULT);
	KT_EQ(space_fault(space, BASE - 1, USER_READ, false), USER_EFAULT);
	KT_EQ(space_fault(space, BASE + BLOCK, USER_READ, false), USER_EFAULT);
	KT_EQ(space_fault(space, ~0ull, USER_READ, true), USER_EFAULT);
	KT_EQ(ld_relaxed(&space->pages), 0);
	space_drop(space);
}

/* ---- programs that do not load -------------------------------------------- */

/* One that runs to its end, so that what the first start keeps is kept already. */
static int user_start_first(void)
{
	struct user_end end;
	const char *why;
	int id = process_spawn("probe", 0, PARENT_KERNEL, &why);

	return id > 0 && !process_wait((uint32_t)id, PARENT_KERNEL, &end) ? id : 0;
}

KTEST_F(user_place, a_program_that_gets_no_memory_leaves_nothing, KT_TARGET_ONLY)
{
	uint64_t before, deadline = sched_world_deadline();
	struct user_end end;
	const char *why;
	int id = user_start_first();
	unsigned tries;

	KT_TRUE(id > 0);
	task_sleep_ns(20 * MS);
	/* The reaper may still have a stack; then it is less than it should be. */
	before = sched_world_free_pages();
	for (tries = 0; tries < 40; tries++) {
		zonal_inject(&zonal_image, tries, 1000);
		id = process_spawn("probe", 0, PARENT_KERNEL, &why);
		zonal_inject(&zonal_image, 0, 0);
		if (id > 0)
			break;
		KT_TRUE(why != NULL);
		KT_EQ(id == USER_ENOMEM || id == USER_EINVAL, true);
	}
	KT_TRUE(tries > 3 && tries < 40);
	KT_EQ(process_wait((uint32_t)id, PARENT_KERNEL, &end), 0);
	while (sched_world_free_pages() < before && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_TRUE(sched_world_free_pages() >= before);
}
