/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of tasks: their structs, carved from pages, and their stacks.
 *
 * A struct task is a slot of a page from the task's node. The page begins with a
 * header that links it, in one list a node, with the other pages that have a free
 * slot; the free slots of a page are linked through themselves. A page whose
 * last slot comes back is given to the allocator again, so ending all tasks leaves
 * nothing behind. There is no table of tasks: memory is the limit.
 *
 * A stack is a block of SCHED_STACK_ORDER, mapped by the port with an unmapped page
 * below it. Both come from the wanted node if it has any left, else from where the
 * allocator falls back to.
 *
 * The pool lock is innermost and taken masked; pages are taken and given back outside
 * of it, because that may sleep one day.
 */
#include <string.h>

#include "sched_internal.h"

struct pool_page {
	struct pool_page *next, *prev; /* pool lock: pages with a free slot */
	struct task *free;             /* pool lock: linked through task->next */
	unsigned used;                 /* pool lock */
	struct page *page;             /* immutable: what this lies in */
	int nid;                       /* immutable: whose list it goes to */
};

/* Rounded up to 16 bytes. */
#define POOL_FIRST ((sizeof(struct pool_page) + 15) / 16 * 16)
#define POOL_SLOT ((sizeof(struct task) + 15) / 16 * 16)
#define POOL_SLOTS ((PAGE_SIZE - POOL_FIRST) / POOL_SLOT)

_Static_assert(POOL_SLOTS >= 2, "struct task has grown too large for slots of a page");

static struct ticket_lock pool_lock = LOCK_INIT(LOCK_TASK_POOL);
static struct pool_page *pool_partial[ZONAL_MAX_NODES] LOCK_GUARDS(pool_lock);

void task_memory_reset(void)
{
	memset(pool_partial, 0, sizeof(pool_partial));
}

/* 2^order pages on `nid` if it has them, else near it. */
static struct page *pages_take(int nid, unsigned order)
{
	struct zonal *mm = sched_port_memory();
	struct page *page = NULL;

	if (nid != NODE_NONE)
		page = zonal_alloc_node(mm, nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, order);
	return page ? page : zonal_alloc_node(mm, nid, GFP_KERNEL, order);
}

static void partial_link(struct pool_page *pool) LOCK_HELD(pool_lock);
static void partial_link(struct pool_page *pool)
{
	struct pool_page **list = &pool_partial[pool->nid];

	DASSERT_HELD(&pool_lock);
	DASSERT(*list != pool, "a page of node %d is listed twice", pool->nid);
	pool->prev = NULL;
	pool->next = *list;
	if (pool->next)
		pool->next->prev = pool;
	*list = pool;
}

static void partial_unlink(struct pool_page *pool) LOCK_HELD(pool_lock);
static void partial_unlink(struct pool_page *pool)
{
	DASSERT_HELD(&pool_lock);
	ASSERT(pool->prev || pool_partial[pool->nid] == pool, "a page of node %d is not listed",
	       pool->nid);
	if (pool->prev)
		pool->prev->next = pool->next;
	else
		pool_partial[pool->nid] = pool->next;
	if (pool->next)
		pool->next->prev = pool->prev;
}

static struct pool_page *pool_page_create(int nid)
{
	struct page *page = pages_take(nid, 0);
	struct pool_page *pool;

	if (!page)
		return NULL;
	pool = sched_port_address(page);
	memset(pool, 0, sizeof(*pool));
	/* Listed under the node that was asked for, even if a far one served: the next
	 * request for it shall find the free slots. */
	pool->nid = nid;
	pool->page = page;
	for (unsigned i = 0; i < POOL_SLOTS; i++) {
		struct task *slot = (struct task *)((char *)pool + POOL_FIRST + i * POOL_SLOT);

		slot->next = pool->free;
		pool->free = slot;
	}
	return pool;
}

/* A slot of the first page of the node's list. */
static struct task *slot_take(int nid) LOCK_HELD(pool_lock);
static struct task *slot_take(int nid)
{
	struct pool_page *pool = pool_partial[nid];
	struct task *task;

	DASSERT_HELD(&pool_lock);
	if (!pool)
		return NULL;
	ASSERT(pool->free && pool->used < POOL_SLOTS, "%u tasks in a page for %u", pool->used,
	       (unsigned)POOL_SLOTS);
	task = pool->free;
	pool->free = task->next;
	pool->used++;
	if (!pool->free)
		partial_unlink(pool);
	return task;
}

struct task *task_memory_take(int nid)
{
	int list = nid == NODE_NONE ? 0 : nid;
	port_irqflags_t flags = sched_mask();
	struct task *task;
	struct pool_page *pool;

	ASSERT(list >= 0 && list < ZONAL_MAX_NODES, "node %d", nid);
	lock_take(&pool_lock);
	task = slot_take(list);
	lock_drop(&pool_lock);
	sched_unmask(flags);
	if (!task) {
		pool = pool_page_create(list);
		if (!pool)
			return NULL;
		flags = sched_mask();
		lock_take(&pool_lock);
		partial_link(pool);
		task = slot_take(list);
		lock_drop(&pool_lock);
		sched_unmask(flags);
	}
	memset(task, 0, sizeof(*task));
	return task;
}

void task_memory_put(struct task *task)
{
	struct pool_page *pool = (struct pool_page *)align_down((uintptr_t)task, PAGE_SIZE);
	port_irqflags_t flags = sched_mask();
	bool empty;

	ASSERT(((uintptr_t)task - (uintptr_t)pool - POOL_FIRST) % POOL_SLOT == 0,
	       "%p is no slot of a page of tasks", (void *)task);
	lock_take(&pool_lock);
	ASSERT(pool->used, "no task is in the page of %p", (void *)task);
	if (!pool->free)
		partial_link(pool);
	task->next = pool->free;
	pool->free = task;
	empty = --pool->used == 0;
	if (empty)
		partial_unlink(pool);
	lock_drop(&pool_lock);
	sched_unmask(flags);
	if (empty)
		zonal_free(sched_port_memory(), pool->page, 0);
}

int task_stack_take(struct task *task, int nid)
{
	struct page *page = pages_take(nid, SCHED_STACK_ORDER);

	ASSERT(!task->stack_page, "task %s has a stack", task->name);
	if (!page)
		return ZONAL_ENOMEM;
	task->stack = sched_port_stack_map(page);
	if (!task->stack) {
		zonal_free(sched_port_memory(), page, SCHED_STACK_ORDER);
		return ZONAL_ENOMEM;
	}
	task->stack_page = page;
	task->nid = (int)zonal_page_node(page);
	return 0;
}

void task_stack_put(struct task *task)
{
	ASSERT(task->stack_page, "task %s has no stack", task->name);
	sched_port_stack_unmap(task->stack, task->stack_page);
	zonal_free(sched_port_memory(), task->stack_page, SCHED_STACK_ORDER);
	task->stack_page = NULL;
}
