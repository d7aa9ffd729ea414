/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What functions of mm/ rely on, broken on purpose: each is a panic that names it.
 *
 * A few of each kind, the lock, the mask, the order, the state, the zone, who may wait, and
 * the ends of a list. The cheap ones are in every build; those that look at a lock or at the
 * mask on a hot path need ZONAL_DEBUG=1. The child that panics is a copy of this process,
 * so the instance that the call breaks is whole again behind it.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/init.h"
#include "mm/mobility.h"
#include "mm/page_check.h"
#include "mm/pcp.h"
#include "mm/policy.h"
#include "mm/take.h"
#include "mm/watermark.h"

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 2048 } },
};

static struct zone *zone_0(void *mm) { return kt_zone(mm, 0, ZONE_DMA); }

static void floor_without_lock(void *mm)
{
	port_irq_save();
	zone_update_floor(zone_0(mm));
}

static void boost_without_lock(void *mm)
{
	port_irq_save();
	(void)zone_boost(zone_0(mm));
}

static void take_without_lock(void *mm) LOCK_UNSAID;
static void take_without_lock(void *mm)
{
	port_irq_save();
	(void)mobility_take(zone_0(mm), 0, MIGRATE_MOVABLE, 0);
}

/* Ends by its assertion, with the lock. */
static void put_a_free_block(void *mm) LOCK_UNSAID;
static void put_a_free_block(void *mm)
{
	struct zone *zone = zone_0(mm);

	port_irq_save();
	lock_take(&zone->lock);
	buddy_put(zone, buddy_first(zone, MAX_ORDER - 1, MIGRATE_MOVABLE), 1, BUDDY_AUTO);
}

static void pop_with_interrupts_open(void *mm)
{
	struct zonal *of = mm;

	(void)pcp_pop(&of->cpu[0]->pcp[0], MIGRATE_MOVABLE);
}

static void pop_an_empty_list(void *mm)
{
	struct zonal *of = mm;

	port_irq_save();
	(void)pcp_pop(&of->cpu[0]->pcp[0], MIGRATE_RECLAIMABLE);
}

/* Those that need ZONAL_DEBUG=1. */
KTEST_F(asserts, what_a_hot_path_relies_on_is_said_in_debug_builds, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&board);

	if (!mm || !ZONAL_DEBUG)
		return;
	kt_panics(floor_without_lock, mm, "does not hold the lock");
	kt_panics(boost_without_lock, mm, "does not hold the lock");
	kt_panics(take_without_lock, mm, "does not hold the lock");
	kt_panics(put_a_free_block, mm, "put with order 1");
	kt_panics(pop_with_interrupts_open, mm, "interrupts are open");
	kt_panics(pop_an_empty_list, mm, "a list is empty");
}

static void drain_masked(void *mm)
{
	port_irq_save();
	zonal_drain_all(mm, NULL);
}

static void dead_says_so_itself(void *mm) { zonal_cpu_dead(mm, port_this_cpu()->id); }

static void reserve_of_the_other_zone(void *mm)
{
	highatomic_reserve(kt_zone(mm, 1, ZONE_DMA), mm_page(mm, KT_DMA_PFN));
}

static void block_of_no_order(void *mm)
{
	(void)page_check_block(mm, mm_page(mm, KT_DMA_PFN), MAX_ORDER);
}

static void policy_of_no_mode(void *unused)
{
	struct mempolicy policy = { .mode = MPOL_MODES };

	(void)unused;
	(void)policy_unusual(&policy);
}

static void tails_of_a_free_block(void *mm) { compound_build(mm_page(mm, KT_DMA_PFN + 1024), 3); }

static void lists_shorter_than_high(void *mm)
{
	struct zonal *of = mm;

	of->cpu[0]->pcp[0].mask = 7;
	pcp_setup(mm);
}

/* Those that every build has. */
KTEST_F(asserts, what_a_function_relies_on_is_said_in_every_build, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&board);

	if (!mm)
		return;
	kt_panics(drain_masked, mm, "waits for others with interrupts masked");
	kt_panics(dead_says_so_itself, mm, "says that it is dead");
	kt_panics(reserve_of_the_other_zone, mm, "for the reserve of zone 4");
	kt_panics(block_of_no_order, mm, "pfn 0x40000 order 11");
	kt_panics(policy_of_no_mode, NULL, "policy mode 5");
	kt_panics(tails_of_a_free_block, mm, "order 3");
	kt_panics(lists_shorter_than_high, mm, "lists of 8");
}
