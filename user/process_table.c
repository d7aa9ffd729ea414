/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of the table of tasks at EL0.
 *
 * The image has room for ZONAL_USER_TASKS of them. A board that is to have more says so when it
 * boots (user_tasks=), and pays for it then: the table is one block of its memory, about 200 bytes
 * a task. If there is none the usual table does, with a line. Fewer are possible too; then the rest
 * of the usual table is not used.
 *
 * The table is looked through masked, for a free slot and for the children of a task that ends,
 * which is why there is a most (ZONAL_USER_TASKS_MOST).
 *
 * Where the table is and how many slots it has is written once, at boot, before the first task.
 * What is in a slot is process.c's.
 */
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "space.h"

static struct user_process usual[ZONAL_USER_TASKS];
static struct user_process *table = usual;
static unsigned slots = ZONAL_USER_TASKS;

struct user_process *process_slot(unsigned n)
{
	return n < slots ? &table[n] : NULL;
}

struct user_process *process_place(uint64_t id) { return &table[id % slots]; }

unsigned process_slots(void) { return slots; }

/* NULL: no memory. */
static struct user_process *table_of(unsigned tasks)
{
	unsigned order = 0;
	struct page *page;

	while (PAGE_SIZE << order < tasks * sizeof(*table))
		order++;
	page = zonal_alloc(user_port_memory(), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, order);
	return page ? user_port_address((uint64_t)zonal_pfn(page) << PAGE_SHIFT) : NULL;
}

void process_begin(unsigned tasks)
{
	struct user_process *larger = tasks > ZONAL_USER_TASKS ? table_of(tasks) : NULL;

	ASSERT(tasks && tasks <= ZONAL_USER_TASKS_MOST, "a table of %u tasks", tasks);
	if (tasks <= ZONAL_USER_TASKS || larger)
		slots = tasks;
	else
		kprintf("boot: no memory for a table of %u user tasks: %u at most\n", tasks, slots);
	if (larger)
		table = larger;
	for (unsigned n = 0; n < slots; n++) {
		table[n].slot = n;
		/* A callback may name a slot that no program has had yet. */
		lock_set_rank(&table[n].lock, LOCK_USER_SPACE);
	}
}
