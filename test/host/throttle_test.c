/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The throttle of direct reclaim (K12), with a port that counts its naps.
 *
 * port_nap() of this program returns at once and does what the case says, as others would while the
 * caller sleeps. So a case decides itself after how many naps there is memory again.
 */
#include "test/unit/mm/kt_cache.h"

#include "mm/watermark.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 8192 } } };

static struct {
	unsigned naps, memory_after; /* 0: never */
	struct zone *zone;
} port;

void port_nap(uint64_t ns)
{
	(void)ns;
	port.naps++;
	/* The marks go down instead of the free pages up: the test looks at their ratio. */
	if (port.zone && port.naps == port.memory_after)
		kt_marks(port.zone, 0, 0, 0);
}

/* A full board whose free pages are less than half of MIN, and a task as given. */
static struct kt_cache *starved(uint32_t task_flags, unsigned memory_after)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 8192) : NULL;

	if (!cache)
		return NULL;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_NOWARN, 8192 - 100);
	zonal_drain_all(mm, NULL);
	port.zone = kt_zone(mm, 0, ZONE_DMA);
	port.naps = 0;
	port.memory_after = memory_after;
	kt_marks(port.zone, 1000, 2000, 3000);
	port_this_cpu()->task->flags = task_flags;
	return cache;
}

static uint64_t throttled(struct kt_cache *cache)
{
	return ld_relaxed(&cache->mm->cpu[kt_cpu_id(0)]->event[EVENT_PGSCAN_DIRECT_THROTTLE]);
}

static void finish(struct kt_cache *cache, struct page *page)
{
	port_this_cpu()->task->flags = 0;
	port.zone = NULL;
	zonal_free(cache->mm, page, 0);
	kt_check_all(cache->mm);
	kt_cache_drop_all(cache);
}

KTEST(rows_k, k12_users_task_waits_until_the_reserve_is_back)
{
	struct kt_cache *cache = starved(ZTASK_USER, 3);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL, 0);
	KT_TRUE(page);
	KT_EQ(port.naps, 3);
	KT_EQ(throttled(cache), 1);
	finish(cache, page);
}

KTEST(rows_k, k12_tasks_of_the_system_do_not_wait)
{
	struct kt_cache *cache = starved(0, 0);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_KERNEL | __GFP_NORETRY, 0);
	KT_EQ(port.naps, 0);
	KT_EQ(throttled(cache), 0);
	finish(cache, page);
}

KTEST(rows_k, k12_who_holds_locks_of_files_waits_a_second_at_most)
{
	struct kt_cache *cache = starved(ZTASK_USER, 0);
	struct page *page;

	if (!cache)
		return;
	page = zonal_alloc(cache->mm, GFP_NOFS | __GFP_NORETRY, 0);
	KT_EQ(port.naps, 10);
	KT_EQ(throttled(cache), 1);
	finish(cache, page);
}
