/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is another round worth it? Rows R1, R3 and R4, asked directly.
 *
 * A request is put together by hand, and what its last round is said to have freed with it. Whether
 * the answer comes after a nap is seen by naps that are counted (port_watch.h).
 */
#include "kt_cache.h"
#include "port_watch.h"

#include "mm/reclaim/reclaim.h"
#include "mm/reclaim/scan.h"
#include "mm/watermark.h"

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
};

static bool worth(struct zonal *mm, struct retry *retry, unsigned order, nodemask_t nodes)
{
	const struct zonelist *list = &mm->node[0]->fallback;
	struct alloc_req req = { .mm = mm,
				 .task = port_this_cpu()->task,
				 .list = list,
				 .gfp = GFP_KERNEL,
				 .nodemask = NODEMASK_ALL,
				 .order = (uint8_t)order,
				 .type = MIGRATE_UNMOVABLE,
				 .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_KERNEL,
				   .flags = WMARK_MIN,
				   .nodemask = nodes,
				   .cpuset = NODEMASK_ALL,
				   .preferred = list->first[ZONE_NORMAL] };

	return retry_worth(&req, &pass, retry);
}

KTEST(rows_r, r1_progress_begins_the_count_anew_but_for_large_blocks)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct retry retry = { .progress = 0 };

	if (!mm)
		return;
	for (unsigned i = 1; i <= 10; i++) {
		KT_TRUE(worth(mm, &retry, 0, NODEMASK_ALL));
		KT_EQ(retry.no_progress, i);
	}
	retry.progress = 1;
	KT_TRUE(worth(mm, &retry, 4, NODEMASK_ALL));
	KT_EQ(retry.no_progress, 11);
	KT_TRUE(worth(mm, &retry, 3, NODEMASK_ALL));
	KT_EQ(retry.no_progress, 0);
	retry.progress = 0;
	for (unsigned i = 0; i < 16; i++)
		KT_TRUE(worth(mm, &retry, 0, NODEMASK_ALL));
	/* R2: only the highatomic reserve is left then, and there is none. */
	KT_TRUE(!worth(mm, &retry, 0, NODEMASK_ALL));
}

KTEST(rows_r, r3_only_a_zone_that_the_request_may_use_makes_it_worth_trying)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct retry retry = { .progress = 1 };

	if (!mm)
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	KT_TRUE(worth(mm, &retry, 0, NODEMASK_ALL));
	KT_TRUE(worth(mm, &retry, 0, node_bit(1)));
	KT_TRUE(!worth(mm, &retry, 0, node_bit(0)));
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	KT_TRUE(!worth(mm, &retry, 0, NODEMASK_ALL));
}

/* Node 0 is all cache; `dirty` pages of it are, `writing` more are being written. */
static unsigned naps_with(unsigned dirty, unsigned writing, uint64_t progress)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 4096) : NULL;
	struct retry retry = { .progress = progress };

	if (!cache)
		return 0;
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 4096);
	KT_EQ(zone_reclaimable(kt_zone(mm, 0, ZONE_DMA)), 2048);
	for (unsigned i = 0; i < dirty; i++)
		zonal_page_set_dirty(mm, cache->place[i].page);
	for (unsigned i = dirty; i < dirty + writing; i++)
		zonal_page_writing(mm, cache->place[i].page);
	watch_port();
	KT_TRUE(worth(mm, &retry, 0, NODEMASK_ALL));
	unwatch_port();
	for (unsigned i = dirty; i < dirty + writing; i++)
		zonal_page_written(mm, cache->place[i].page);
	kt_cache_drop_all(cache);
	return kt_naps;
}

KTEST(rows_r, r4_disk_is_waited_for_where_more_than_half_must_be_written_first)
{
	KT_EQ(naps_with(1024, 0, 0), 0);
	KT_EQ(naps_with(1025, 0, 0), 1);
	KT_EQ(naps_with(24, 1000, 0), 0);
	KT_EQ(naps_with(24, 1001, 0), 1);
	/* Something was freed all the same. */
	KT_EQ(naps_with(1025, 0, 1), 0);
}
