/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the record of a request says whose memory group could not pay (Z6, <zonal/why.h>): which
 * group was full, what was reclaimed in it, and whether somebody was ended for it.
 *
 * `inner` is below `outer`; the task that runs a case is in `inner`. There is a text for each way
 * that a charge can fail.
 */
#include <string.h>

#include <zonal/group.h>

#include "kt_cache.h"
#include "kt_oom.h"
#include "lib/printf.h"

#define ACCOUNT (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

enum { LIMIT = 40 };

static const struct kt_spec pair = { .ram = { { 0, KT_DMA_PFN, 4096 },
					      { 1, KT_DMA_PFN + 4096, 4096 } } };

static struct zonal_task saved, *task;
static struct zonal *mm;
static struct zonal_group *outer, *inner;
static struct zonal_failure f; /* large for the image's stacks */

static bool begin(uint64_t outer_limit)
{
	size_t bytes;

	mm = kt_bare_instance(&pair);
	outer = mm ? kt_alloc(2 * sizeof(*outer), 16) : NULL;
	if (!outer)
		return false;
	inner = outer + 1;
	bytes = zonal_group_map_bytes(mm);
	task = kt_task_save(&saved);
	KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0);
	KT_EQ(zonal_group_make(mm, outer, NULL, outer_limit), 0);
	KT_EQ(zonal_group_make(mm, inner, outer, LIMIT), 0);
	zonal_group_join(inner, task);
	return true;
}

static void end(void)
{
	zonal_group_join(NULL, task);
	kt_task_restore(&saved);
	KT_EQ(zonal_group_drop(inner), 0);
	KT_EQ(zonal_group_drop(outer), 0);
	kt_check_all(mm);
	KT_EQ(zonal_bad_count(mm), 0);
}

/* It fails, for `expected`, which begins behind the number of the group. */
static void fails(gfp_t gfp, unsigned order, const struct zonal_group *full, const char *expected)
{
	char text[160], want[160];

	if (!KT_OK(!zonal_alloc_node(mm, 1, gfp | __GFP_NOWARN, order), "gfp 0x%x was served", gfp))
		return;
	zonal_last_failure(mm, &f);
	KT_EQ(f.gfp, gfp | __GFP_NOWARN);
	KT_EQ(f.order, order);
	KT_EQ(f.nid, 1);
	KT_EQ(f.steps, ZSTEP_GROUP);
	KT_EQ(f.outcome.end, ZONAL_END_GROUP);
	KT_EQ(f.outcome.group_full, full->id);
	zonal_step_outcome(&f, ZSTEP_GROUP, text, sizeof(text));
	zn_snprintf(want, sizeof(want), "group %u is full; %s", full->id, expected);
	KT_STR_EQ(text, want);
	zonal_end_text(&f, text, sizeof(text));
	KT_STR_EQ(text, "its memory group cannot pay");
}

/* Nothing of the group can be reclaimed: the task has it all. */
static struct page *fill(void)
{
	struct page *chain = NULL;

	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN, 0, &chain), LIMIT);
	return chain;
}

KTEST(group_why, who_may_not_wait_and_who_asks_but_once)
{
	struct page *chain;

	if (!begin(1000))
		return;
	chain = fill();
	fails(GFP_NOWAIT | __GFP_ACCOUNT, 0, inner, "not reclaimed from: it may not wait");
	fails(ACCOUNT | __GFP_NORETRY, 0, inner, "1 round of reclaim in it freed 0 pages");
	fails(ACCOUNT | __GFP_RETRY_MAYFAIL, 0, inner, "17 rounds of reclaim in it freed 0 pages");
	fails(ACCOUNT, 4, inner, "17 rounds of reclaim in it freed 0 pages");
	kt_give_all(mm, chain, 0);
	end();
}

KTEST(group_why, a_group_above_is_named_and_what_was_reclaimed_counted)
{
	struct kt_cache *cache;

	if (!begin(LIMIT / 2))
		return;
	cache = kt_cache(mm, ZONAL_CACHE, 64);
	KT_EQ(kt_cache_fill(cache, 0, ACCOUNT, LIMIT / 2), LIMIT / 2);
	for (unsigned i = 6; i < LIMIT / 2; i++)
		cache->place[i].give = ZONAL_GIVE_BUSY;
	fails(ACCOUNT | __GFP_NORETRY, 3, outer, "1 round of reclaim in it freed 6 pages");
	KT_EQ(f.outcome.group_reclaimed, 6);
	KT_EQ(f.rounds + f.scanned + f.reclaimed, 0);
	kt_cache_drop_all(cache);
	end();
}

KTEST(group_why, nobody_can_be_ended_or_may_be)
{
	struct page *chain;

	if (!begin(1000))
		return;
	chain = fill();
	if (ZONAL_OOM)
		fails(ACCOUNT, 0, inner,
		      "17 rounds of reclaim in it freed 0 pages; nobody can be ended");
	zonal_set_oom(mm, false);
	if (ZONAL_OOM)
		fails(ACCOUNT, 0, inner, "17 rounds of reclaim in it freed 0 pages; turned off");
	zonal_set_oom(mm, true);
	KT_TRUE(!ZONAL_OOM || ld_relaxed(&inner->ooms) == 2);
	kt_give_all(mm, chain, 0);
	end();
}

#if ZONAL_OOM
/* A task of the group with three pages is ended for eight that are wanted. */
KTEST(group_why, a_task_of_the_group_was_ended_and_it_was_not_enough)
{
	struct page *chain;
	struct kt_oom *oom;
	unsigned n;

	if (!begin(1000))
		return;
	oom = kt_oom(mm);
	if (!oom)
		return;
	zonal_group_join(NULL, task);
	n = kt_oom_task(oom, 0, 0);
	zonal_group_join(inner, task);
	for (unsigned i = 0; i < 3; i++) {
		struct page *page = zonal_alloc(mm, ACCOUNT, 0);

		*(struct page **)zonal_page_owner(page) = oom->task[n].pages;
		oom->task[n].pages = page;
		oom->task[n].count++;
	}
	zonal_group_join(inner, oom->task[n].memory);
	chain = NULL;
	KT_EQ(kt_take_all(mm, 0, GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN, 0, &chain), LIMIT - 3);
	fails(ACCOUNT, 3, inner, "51 rounds of reclaim in it freed 0 pages; nobody can be ended; "
	      "1 ended for it, the last 1");
	KT_EQ(oom->kills, 1);
	KT_EQ(ld_relaxed(&inner->usage), LIMIT - 3);
	zonal_group_join(NULL, oom->task[n].memory);
	kt_give_all(mm, chain, 0);
	kt_oom_end_all(oom);
	end();
}
#endif
