/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups by their calls alone, without a page: where each of them begins to refuse, and how counts
 * go up and down a line of groups. What is charged, and what reclaim does, is in group_test.c.
 *
 * Counts are compared as they are: no CPU has anything in store, for nobody takes a page.
 */
#include <zonal/group.h>

#include "kt_instance.h"
#include "mm/group.h"
#include "mm/request.h"

enum { MOST = ZONAL_MAX_GROUPS - 1 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static struct zonal *begun(struct zonal_group **group, unsigned groups)
{
	struct zonal *mm = kt_bare_instance(&uma);
	size_t bytes = mm ? zonal_group_map_bytes(mm) : 0;

	*group = mm ? kt_alloc(groups * sizeof(**group), 16) : NULL;
	if (!*group || !KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0))
		return NULL;
	return mm;
}

static bool usages_are(const struct zonal_group *g, uint64_t outer, uint64_t inner)
{
	return KT_EQ(ld_relaxed(&((struct zonal_group *)(uintptr_t)g)[0].usage), outer) &&
	       KT_EQ(ld_relaxed(&((struct zonal_group *)(uintptr_t)g)[1].usage), inner);
}

KTEST(rows_z, z6_a_charge_fills_each_group_to_its_limit_and_leaves_nothing_where_it_fails)
{
	struct zonal_group *g;
	struct zonal *mm = begun(&g, 2);

	if (!mm)
		return;
	KT_EQ(zonal_group_make(mm, &g[0], NULL, 100), 0);
	KT_EQ(zonal_group_make(mm, &g[1], &g[0], 60), 0);
	KT_TRUE(!group_add(&g[1], 60));
	usages_are(g, 60, 60);
	KT_TRUE(group_add(&g[1], 1) == &g[1]);
	usages_are(g, 60, 60);
	KT_EQ(ld_relaxed(&g[1].hits), 1);
	KT_EQ(ld_relaxed(&g[0].hits), 0);
	KT_TRUE(!group_add(&g[0], 40));
	group_sub(&g[1], 10);
	usages_are(g, 90, 50);
	KT_TRUE(group_add(&g[1], 10) == NULL);
	group_sub(&g[1], 20);
	KT_TRUE(!group_add(&g[0], 20));
	usages_are(g, 100, 40);
	/* Above it is full: what was added here is taken back. */
	KT_TRUE(group_add(&g[1], 5) == &g[0]);
	usages_are(g, 100, 40);
	KT_EQ(ld_relaxed(&g[1].hits), 1);
	KT_EQ(ld_relaxed(&g[0].hits), 1);
	KT_EQ(ld_relaxed(&g[1].most), 60);
	KT_EQ(ld_relaxed(&g[0].most), 100);
	group_force(&g[1], 30);
	usages_are(g, 130, 70);
	KT_EQ(ld_relaxed(&g[1].forced), 30);
	KT_EQ(ld_relaxed(&g[0].forced), 0);
	group_sub(&g[1], 70);
	group_sub(&g[0], 60);
	usages_are(g, 0, 0);
	KT_EQ(zonal_group_drop(&g[0]), ZONAL_EINVAL);
	KT_EQ(zonal_group_drop(&g[1]), 0);
	KT_EQ(zonal_group_drop(&g[0]), 0);
}

KTEST(rows_z, z5_the_storage_of_groups_is_given_once_whole_and_aligned)
{
	struct zonal *mm = kt_bare_instance(&uma);
	size_t bytes = mm ? zonal_group_map_bytes(mm) : 0;
	char *map = mm ? kt_alloc(bytes + 8, 16) : NULL;

	if (!map)
		return;
	KT_EQ(zonal_groups_begin(mm, NULL, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_groups_begin(mm, map + 1, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_groups_begin(mm, map, bytes - 1), ZONAL_EINVAL);
	KT_TRUE(!mm->groups.map);
	KT_EQ(zonal_groups_begin(mm, map + 8, bytes), 0);
	KT_EQ(zonal_groups_begin(mm, map + 8, bytes), ZONAL_EINVAL);
	kt_check_all(mm);
}

KTEST(rows_z, z5_each_way_that_a_group_cannot_be_made)
{
	struct zonal_group *g, *other;
	struct zonal *mm, *second;

	mm = kt_bare_instance(&uma);
	g = kt_alloc(sizeof(*g), 16);
	if (!mm || !g)
		return;
	KT_EQ(zonal_group_make(mm, g, NULL, 5), ZONAL_EINVAL); /* no storage yet */
	mm = begun(&g, 3);
	second = begun(&other, 1);
	if (!mm || !second)
		return;
	KT_EQ(zonal_group_make(mm, &g[0], NULL, 0), ZONAL_EINVAL);
	KT_EQ(zonal_group_make(mm, &g[0], NULL, ZONAL_GROUP_NO_LIMIT + 1), ZONAL_EINVAL);
	KT_EQ(zonal_group_make(mm, &g[0], &g[1], 5), ZONAL_EINVAL); /* a parent that is none */
	KT_EQ(zonal_group_make(mm, &g[0], NULL, ZONAL_GROUP_NO_LIMIT), 0);
	KT_EQ(zonal_group_make(mm, &g[0], NULL, 5), ZONAL_EINVAL); /* it is one */
	KT_EQ(zonal_group_make(second, other, &g[0], 5), ZONAL_EINVAL); /* another's parent */
	KT_EQ(zonal_group_limit(&g[0], 0), ZONAL_EINVAL);
	KT_EQ(zonal_group_limit(&g[0], ZONAL_GROUP_NO_LIMIT + 1), ZONAL_EINVAL);
	KT_EQ(ld_relaxed(&g[0].limit), ZONAL_GROUP_NO_LIMIT);
	KT_EQ(zonal_group_limit(&g[0], 1), 0);
	KT_EQ(zonal_group_limit(&g[0], ZONAL_GROUP_NO_LIMIT), 0);
	KT_TRUE(!group_add(&g[0], 7));
	KT_EQ(zonal_group_drop(&g[0]), ZONAL_EINVAL);
	/* Nothing can be reclaimed: the old limit stays. */
	KT_EQ(zonal_group_limit(&g[0], 6), ZONAL_ENOMEM);
	KT_EQ(ld_relaxed(&g[0].limit), ZONAL_GROUP_NO_LIMIT);
	KT_EQ(zonal_group_limit(&g[0], 7), 0);
	group_sub(&g[0], 7);
	KT_EQ(zonal_group_drop(&g[0]), 0);
	/* Its structure stays with the instance that it was of. */
	KT_EQ(zonal_group_make(second, &g[0], NULL, 5), ZONAL_EINVAL);
	KT_EQ(zonal_group_make(mm, &g[0], NULL, 5), 0);
	KT_EQ(zonal_group_drop(&g[0]), 0);
}

KTEST(rows_z, z5_as_many_groups_as_there_are_numbers)
{
	struct zonal_group *g;
	struct zonal *mm = begun(&g, MOST + 1);

	if (!mm)
		return;
	for (unsigned i = 0; i < MOST; i++) {
		KT_EQ(zonal_group_make(mm, &g[i], i % 4 ? &g[i - i % 4] : NULL, 5), 0);
		KT_EQ(g[i].id, i + 1);
	}
	KT_EQ(zonal_group_make(mm, &g[MOST], NULL, 5), ZONAL_ERANGE);
	KT_EQ(g[0].children, 3);
	KT_EQ(zonal_group_drop(&g[2]), 0);
	KT_EQ(zonal_group_make(mm, &g[MOST], NULL, 5), 0);
	KT_EQ(g[MOST].id, 3);
	for (unsigned i = MOST + 1; i-- > 0;)
		if (i != 2)
			KT_EQ(zonal_group_drop(&g[i]), 0);
}

/* Another CPU has taken the task out of its group since the request looked. */
KTEST(rows_z, z5_who_is_in_no_group_any_more_keeps_his_page_uncharged)
{
	struct zonal_task task = { .group = NULL };
	struct zonal_group *g;
	struct zonal *mm = begun(&g, 1);
	struct alloc_req req = { .mm = mm, .task = &task, .gfp = GFP_KERNEL };
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;

	if (!page)
		return;
	KT_TRUE(group_charge_page(&req, page) == page);
	KT_TRUE(!(page_word(page) & PG_CHARGED));
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}
