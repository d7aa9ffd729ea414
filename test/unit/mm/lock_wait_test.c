/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever changes a zone waits for the zone's lock (T5).
 *
 * The test holds the lock, and a second thread, as CPU 1, goes one of the ways into mm/ that
 * need it. Then one of two things comes to pass, however the threads run: it draws a ticket,
 * and the test lets it in; or it is done without one, and the way has lost its lock. What it
 * would change must be as it was at the ticket.
 */
#include <string.h>

#include <zonal/contig.h>
#include <zonal/cpuset.h>
#include <zonal/group.h>

#include "kt_cache.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

#include "mm/mobility.h"
#include "mm/watermark.h"

enum { HELD = 3 };

static const struct kt_spec board = { .ram = { { 0, KT_DMA_PFN, 32768 } }, .cpus = 2 };

static struct {
	struct zonal *mm;
	struct zone *zone;
	struct page *page[HELD];
	void (*go)(void);
	_Atomic bool done;
} at;

static void take(gfp_t gfp, unsigned order, unsigned which)
{
	at.page[which] = zonal_alloc(at.mm, gfp | __GFP_NOWARN, order);
}

/* ---- the states that the ways begin from, made by CPU 1 ---- */

static void nothing(void) {}
static void lists_empty(void) { zonal_drain_local(at.mm); }
static void block_held(void) { take(GFP_KERNEL, 1, 0); }
static void page_listed(void)
{
	take(GFP_KERNEL, 0, 2);
	zonal_free(at.mm, at.page[2], 0);
}

static void boosted(void)
{
	port_irqflags_t irq = port_irq_save();

	page_listed();
	lock_take(&at.zone->lock);
	KT_TRUE(zone_boost(at.zone));
	zone_set_boosted(at.zone, true);
	lock_drop(&at.zone->lock);
	port_irq_restore(irq);
}

/* ---- the ways ---- */

static void take_page(void) { take(GFP_KERNEL, 0, 1); }
static void take_block(void) { take(GFP_KERNEL, 1, 1); }
static void take_block_by_ladder(void) { take(GFP_KERNEL | __GFP_RECLAIMABLE, 1, 1); }
static void drain(void) { zonal_drain_local(at.mm); }
static void end_of_cpu_0(void) { zonal_cpu_dead(at.mm, kt_cpu_id(0)); }
static void reserve(void) { highatomic_reserve(at.zone, at.page[0]); }
static void set_marks(void) { KT_EQ(zonal_set_min_free_kbytes(at.mm, 1000), 0); }
static void update_floors(void) { KT_EQ(zonal_set_reserve_ratio(at.mm, ZONE_DMA, 100), 0); }
static void end_boost(void) { (void)zone_unboost(at.zone); }

static void give_block(void)
{
	zonal_free(at.mm, at.page[0], 1);
	at.page[0] = NULL;
}

static const struct {
	const char *name;
	void (*prepare)(void);
	void (*go)(void);
} ways[] = {
	{ "refill", lists_empty, take_page },
	{ "take a block in its lane", nothing, take_block },
	{ "take a block by the ladder", nothing, take_block_by_ladder },
	{ "take from a boosted zone", boosted, take_page },
	{ "give a block back", block_held, give_block },
	{ "drain", page_listed, drain },
	{ "empty the lists of a dead CPU", nothing, end_of_cpu_0 },
	{ "reserve a block", block_held, reserve },
	{ "set the marks", nothing, set_marks },
	{ "set the floors", nothing, update_floors },
	{ "end a boost", boosted, end_boost },
};

/* What only the lock's holder may change. */
static uint64_t zone_sum(void)
{
	uint64_t sum = (uint64_t)ld_relaxed(&at.zone->free);

	for (unsigned i = 0; i <= WMARK_HIGH; i++)
		sum = sum * 31 + (uint64_t)ld_relaxed(&at.zone->mark[i]);
	sum = sum * 31 + (uint64_t)ld_relaxed(&at.zone->boost);
	sum = sum * 31 + (uint64_t)ld_relaxed(&at.zone->highatomic);
	sum = sum * 31 + (uint64_t)ld_relaxed(&at.zone->floor[ZONE_DMA]);
	return sum * 31 + ld_relaxed(&at.zone->boosted);
}

static void *second(void *arg)
{
	(void)arg;
	host_cpu_attach(kt_cpu_id(1));
	at.go();
	host_cpu_detach();
	st_release(&at.done, true);
	return NULL;
}

/* Until the second thread has drawn a ticket of that lock, which is held, or ended. */
static bool wait_for_ticket(struct ticket_lock *lock, void (*go)(void), pthread_t *thread)
{
	uint16_t next = ld_relaxed(&lock->next);

	at.go = go;
	st_relaxed(&at.done, false);
	if (pthread_create(thread, NULL, second, NULL))
		port_panic("no thread");
	while (ld_acquire(&lock->next) == next)
		if (ld_acquire(&at.done))
			return ld_acquire(&lock->next) != next;
	return true;
}

static void go_with_lock_held(unsigned which)
{
	port_irqflags_t irq;
	uint64_t before;
	pthread_t thread;

	page_listed();
	kt_cpu(1);
	ways[which].prepare();
	kt_cpu(0);
	irq = port_irq_save();
	lock_take(&at.zone->lock);
	before = zone_sum();
	KT_OK(wait_for_ticket(&at.zone->lock, ways[which].go, &thread),
	      "%s: done without the zone's lock", ways[which].name);
	KT_OK(zone_sum() == before, "%s: changed before the lock was had", ways[which].name);
	lock_drop(&at.zone->lock);
	port_irq_restore(irq);
	pthread_join(thread, NULL);
}

KTEST_F(rows_t, t5_whatever_changes_a_zone_waits_for_its_lock, KT_HOST_ONLY)
{
	for (unsigned which = 0; which < ARRAY_SIZE(ways); which++) {
		at.mm = kt_instance(&board);
		if (!at.mm)
			return;
		at.zone = kt_zone(at.mm, 0, ZONE_DMA);
		memset(at.page, 0, sizeof(at.page));
		go_with_lock_held(which);
		kt_check_all(at.mm);
	}
}

/* ---- A5: what was taken after a block was looked at and before it is isolated ---- */

enum { LARGEST = 1 << (MAX_ORDER - 1) };

static int contig_error;

static void take_first_range(void)
{
	contig_error = zonal_alloc_contig_range(at.mm, KT_DMA_PFN, LARGEST, GFP_KERNEL);
}

/* A movable page, and behind it one of this CPU's list, which can be taken without a lock. */
static struct kt_cache *listed_page_behind_movable_ones(void)
{
	struct kt_cache *cache;

	at.mm = kt_bare_instance(&board);
	cache = at.mm ? kt_cache(at.mm, ZONAL_ANON, 2 * LARGEST) : NULL;
	at.page[0] = NULL;
	if (!cache)
		return NULL;
	at.zone = kt_zone(at.mm, 0, ZONE_DMA);
	kt_cache_fill(cache, 0, GFP_HIGHUSER_MOVABLE, 2 * LARGEST);
	for (unsigned i = 0; i < cache->count; i++)
		if (zonal_pfn(cache->place[i].page) == KT_DMA_PFN + 100) {
			at.page[0] = cache->place[i].page;
			kt_cache_drop(cache, i);
		}
	return KT_TRUE(at.page[0] && page_state(at.page[0]) == PAGE_PCP) ? cache : NULL;
}

KTEST_F(rows_a, a5_what_is_taken_before_a_range_is_isolated_ends_it_before_anything_moves,
	KT_HOST_ONLY)
{
	struct kt_cache *cache = listed_page_behind_movable_ones();
	port_irqflags_t irq;
	pthread_t thread;

	if (!cache)
		return;
	/* The other thread's drain is to be this CPU's own work as long as it works itself. */
	host_cpu_attach(kt_cpu_id(0));
	irq = port_irq_save();
	lock_take(&at.zone->lock);
	KT_TRUE(wait_for_ticket(&at.zone->lock, take_first_range, &thread));
	KT_TRUE(zonal_alloc(at.mm, GFP_HIGHUSER_MOVABLE, 0) == at.page[0]);
	lock_drop(&at.zone->lock);
	port_irq_restore(irq);
	host_cpu_detach();
	pthread_join(thread, NULL);
	KT_EQ(contig_error, ZONAL_EBUSY);
	KT_EQ(cache->asked_move, 0);
	KT_EQ(at.zone->isolated_blocks, 0);
	zonal_free(at.mm, at.page[0], 0);
	KT_EQ(zonal_alloc_contig_range(at.mm, KT_DMA_PFN, LARGEST, GFP_KERNEL), 0);
	KT_TRUE(cache->asked_move > 0);
	zonal_free_contig_range(at.mm, KT_DMA_PFN, LARGEST);
	kt_cache_drop_all(cache);
	kt_check_all(at.mm);
}

/* ---- Z4, Z5: a task whose set or group is another one by the time that the lock is had ---- */

static struct zonal_task *moving;
static struct zonal_cpuset *dropped;
static struct zonal_group groups[2];

static void leave_set(void) { zonal_cpuset_leave(moving); }
static void drop_set(void) { KT_EQ(zonal_cpuset_drop(dropped), 0); }
static void leave_group(void) { zonal_group_join(NULL, moving); }

KTEST_F(rows_z, z4_who_is_in_no_set_any_more_leaves_none, KT_HOST_ONLY)
{
	struct zonal_cpuset *set = kt_alloc(sizeof(*set), 16);
	port_irqflags_t irq;
	pthread_t thread;

	at.mm = kt_instance(&board);
	moving = kt_alloc(sizeof(*moving), 64);
	if (!at.mm || !set || !moving || !KT_EQ(zonal_cpuset_make(at.mm, set, NULL, 1, 0), 0))
		return;
	zonal_task_init(moving);
	st_release(&moving->cpuset, set);
	irq = lock_take_masked(&at.mm->cpusets.lock);
	KT_TRUE(wait_for_ticket(&at.mm->cpusets.lock, leave_set, &thread));
	st_release(&moving->cpuset, NULL);
	lock_drop_masked(&at.mm->cpusets.lock, irq);
	pthread_join(thread, NULL);
	/* The lock is free. */
	if (KT_EQ(ld_relaxed(&at.mm->cpusets.lock.next), ld_relaxed(&at.mm->cpusets.lock.owner)))
		KT_EQ(zonal_cpuset_drop(set), 0);
}

KTEST_F(rows_z, z5_who_leaves_a_group_leaves_the_one_that_he_is_in_by_then, KT_HOST_ONLY)
{
	port_irqflags_t irq;
	pthread_t thread;
	size_t bytes;

	at.mm = kt_instance(&board);
	moving = kt_alloc(sizeof(*moving), 64);
	if (!at.mm || !moving)
		return;
	bytes = zonal_group_map_bytes(at.mm);
	zonal_task_init(moving);
	memset(groups, 0, sizeof(groups));
	KT_EQ(zonal_groups_begin(at.mm, kt_alloc(bytes, 16), bytes), 0);
	for (unsigned i = 0; i < 2; i++)
		KT_EQ(zonal_group_make(at.mm, &groups[i], NULL, 100), 0);
	zonal_group_join(&groups[0], moving);
	irq = lock_take_masked(&at.mm->groups.lock);
	KT_TRUE(wait_for_ticket(&at.mm->groups.lock, leave_group, &thread));
	st_release(&moving->group, &groups[1]);
	fetch_add_relaxed(&groups[1].tasks, 1);
	fetch_add_relaxed(&groups[0].tasks, (uint32_t)-1);
	lock_drop_masked(&at.mm->groups.lock, irq);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < 2; i++) {
		KT_EQ(ld_relaxed(&groups[i].tasks), 0);
		KT_EQ(zonal_group_drop(&groups[i]), 0);
	}
}

/* One call about the tree of sets at a time. */
KTEST_F(rows_z, z1_the_tree_is_busy_while_a_set_is_dropped, KT_HOST_ONLY)
{
	port_irqflags_t irq;
	pthread_t thread;

	at.mm = kt_instance(&board);
	dropped = kt_alloc(sizeof(*dropped), 16);
	if (!at.mm || !dropped || !KT_EQ(zonal_cpuset_make(at.mm, dropped, NULL, 1, 0), 0))
		return;
	KT_EQ(ld_relaxed(&at.mm->cpusets.busy), 0);
	irq = lock_take_masked(&at.mm->cpusets.lock);
	KT_TRUE(wait_for_ticket(&at.mm->cpusets.lock, drop_set, &thread));
	KT_EQ(ld_relaxed(&at.mm->cpusets.busy), 1);
	lock_drop_masked(&at.mm->cpusets.lock, irq);
	pthread_join(thread, NULL);
	KT_EQ(ld_relaxed(&at.mm->cpusets.busy), 0);
}
#endif
