/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What groups count: usage against limits, and what each CPU has in store.
 *
 * A charge goes up from the task's group to the top, one level after the other; a level without
 * room takes back what was added below it. Another CPU may see for a moment more than stays, and
 * be refused for it: it goes on to reclaim, and finds room. Nothing is ever counted twice or lost.
 *
 * The store: a CPU takes up to 32 pages more than it was asked for, of one group, and serves the
 * next charges of that group from it, masked and without a shared line. What is given back goes
 * there first. It belongs to its CPU; zonal_group_settle() has each CPU empty its own.
 *
 * All counts are atomic, and the stores are their CPUs', masked; there is no lock. Context: any.
 */
#include "group.h"

#include "lib/assert.h"
#include "on_cpu.h"

#define STORE_PAGES 32u

static bool add_one(struct zonal_group *group, uint64_t pages)
{
	uint64_t now = fetch_add_relaxed(&group->usage, pages) + pages;

	if (unlikely(now > ld_relaxed(&group->limit))) {
		fetch_add_relaxed(&group->usage, -pages);
		fetch_add_relaxed(&group->hits, 1);
		return false;
	}
	/* Racy: the most of two at once may be the smaller one. */
	if (now > ld_relaxed(&group->most))
		st_relaxed(&group->most, now);
	return true;
}

struct zonal_group *group_add(struct zonal_group *group, uint64_t pages)
{
	struct zonal_group *full = group;

	while (full && add_one(full, pages))
		full = full->parent;
	for (struct zonal_group *at = group; full && at != full; at = at->parent)
		fetch_add_relaxed(&at->usage, -pages);
	return full;
}

void group_force(struct zonal_group *group, uint64_t pages)
{
	fetch_add_relaxed(&group->forced, pages);
	for (; group; group = group->parent)
		fetch_add_relaxed(&group->usage, pages);
}

void group_sub(struct zonal_group *group, uint64_t pages)
{
	for (; group; group = group->parent) {
		uint64_t before = fetch_add_relaxed(&group->usage, -pages);

		ASSERT(before >= pages, "group %u gives back %llu of %llu pages", group->id,
		       (unsigned long long)pages, (unsigned long long)before);
	}
}

bool group_store_take(struct zonal *mm, struct zonal_group *group, uint64_t pages)
{
	port_irqflags_t irq = port_irq_save();
	struct group_store *store = &mm_this_cpu(mm)->store;
	bool enough = store->group == group && store->pages >= pages;

	if (enough)
		store->pages -= (uint32_t)pages;
	port_irq_restore(irq);
	return enough;
}

/* Masked. */
static void store_empty(struct group_store *store)
{
	DASSERT_MASKED();
	if (store->pages)
		group_sub(store->group, store->pages);
	store->group = NULL;
	store->pages = 0;
}

void group_store_put(struct zonal *mm, struct zonal_group *group, uint64_t pages)
{
	port_irqflags_t irq = port_irq_save();
	struct group_store *store = &mm_this_cpu(mm)->store;

	if (store->group != group)
		store_empty(store);
	store->group = group;
	store->pages += (uint32_t)pages;
	if (store->pages > STORE_PAGES) {
		group_sub(group, store->pages - STORE_PAGES);
		store->pages = STORE_PAGES;
	}
	port_irq_restore(irq);
}

void group_cpu_dead(struct mm_cpu *cpu)
{
	port_irqflags_t irq = port_irq_save();

	store_empty(&cpu->store);
	port_irq_restore(irq);
}

/* Masked. */
static void settle_here(void *arg) { store_empty(&mm_this_cpu(arg)->store); }

void zonal_group_settle(struct zonal *mm)
{
	ASSERT(!port_irqs_masked(), "CPU %u waits for others with interrupts masked",
	       (unsigned)port_this_cpu()->id);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		/* One that is gone meanwhile has nothing in store: group_cpu_dead(). */
		if (mm->cpu[c] && ld_relaxed(&mm->cpu[c]->online))
			(void)run_on_cpu(c, settle_here, mm);
}
