/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunables that are turned while the instance works: NUMA counters off and on (Y5), the size of
 * per-CPU lists (P3). What they must not change is looked at as well: pgalloc, what `check` adds
 * up, pages in lists.
 */
#include "kt_instance.h"

#include <zonal/tunables.h>

#include "mm/tune.h"

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 16384 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static void take_and_give(struct zonal *mm, int nid, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		zonal_free(mm, zonal_alloc_node(mm, nid, GFP_KERNEL, 3), 3);
}

/* Sum of all NUMA counters of both nodes as shown. */
static uint64_t shown(struct zonal *mm)
{
	static const enum pcp_stat stats[] = { STAT_HIT_LOCAL,	STAT_HIT_OTHER, STAT_MISS_LOCAL,
					       STAT_MISS_OTHER, STAT_FOREIGN,	STAT_INTERLEAVE };
	uint64_t sum = 0;

	for (unsigned nid = 0; nid < 2; nid++)
		for (unsigned i = 0; i < ARRAY_SIZE(stats); i++)
			sum += numa_stat_of(mm, kt_zone(mm, nid, ZONE_DMA)->id, stats[i]);
	return sum;
}

KTEST(rows_y, y5_counters_are_0_while_off_and_begin_anew_when_on)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	take_and_give(mm, 0, 5);
	KT_EQ(numa_stat_of(mm, zone->id, STAT_HIT_LOCAL), 5);
	zonal_set_numa_stat(mm, true);
	KT_EQ(numa_stat_of(mm, zone->id, STAT_HIT_LOCAL), 5);
	zonal_set_numa_stat(mm, false);
	KT_EQ(shown(mm), 0);
	take_and_give(mm, 0, 4);
	take_and_give(mm, 1, 4);
	KT_EQ(shown(mm), 0);
	zonal_set_numa_stat(mm, true);
	KT_EQ(shown(mm), 0);
	take_and_give(mm, 0, 3);
	take_and_give(mm, 1, 2);
	KT_EQ(numa_stat_of(mm, zone->id, STAT_HIT_LOCAL), 3);
	KT_EQ(numa_stat_of(mm, kt_zone(mm, 1, ZONE_DMA)->id, STAT_HIT_OTHER), 2);
	KT_EQ(shown(mm), 5);
	/* pgalloc and what is added up against each other go on. */
	KT_EQ(kt_hit(zone) + kt_miss(zone), 12);
	kt_check_all(mm);
}

KTEST(rows_y, y5_numa_stat_0_at_boot)
{
	static struct zonal_options options;
	struct kt_spec spec = two_nodes;
	struct zonal *mm;

	zonal_options_default(&options);
	options.numa_stat_off = true;
	spec.options = &options;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	take_and_give(mm, 0, 5);
	KT_EQ(shown(mm), 0);
	zonal_set_numa_stat(mm, true);
	take_and_give(mm, 0, 1);
	KT_EQ(shown(mm), 1);
}

static struct pcp *own_pcp(struct zone *zone)
{
	return &zone->mm->cpu[port_this_cpu()->id]->pcp[zone->id];
}

/* 16384 pages a zone; made for 1/16 of it. */
KTEST(rows_p, p3_fraction_is_changed_while_the_lists_are_used)
{
	static struct zonal_options options;
	struct kt_spec spec = two_nodes;
	struct page *chain = NULL;
	struct zone *zone;
	struct zonal *mm;

	zonal_options_default(&options);
	options.percpu_pagelist_fraction = 16;
	spec.options = &options;
	mm = kt_bare_instance(&spec);
	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	KT_EQ(own_pcp(zone)->high, 1024);
	kt_take_all(mm, 0, GFP_NOWAIT | __GFP_THISNODE, 0, &chain);
	kt_give_all(mm, chain, 0);
	KT_TRUE(kt_pcp_count(zone) > 512);
	KT_EQ(zonal_set_pagelist_fraction(mm, 64), 0);
	KT_EQ(zone->pcp_high, 256);
	KT_EQ(zone->pcp_batch, 64);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		KT_TRUE(!mm->cpu[c] || (mm->cpu[c]->pcp[zone->id].high == 256 &&
					mm->cpu[c]->pcp[zone->id].batch == 64));
	/* What is too much goes back, a batch at each free. */
	for (unsigned i = 0; i < 20; i++)
		zonal_free(mm, zonal_alloc_node(mm, 0, GFP_KERNEL, 0), 0);
	KT_TRUE(kt_pcp_count(zone) < 256);
	kt_check_all(mm);
	/* Back to the rule, and up to what the lists were made for. */
	KT_EQ(zonal_set_pagelist_fraction(mm, 0), 0);
	KT_EQ(own_pcp(zone)->high, 18);
	KT_EQ(own_pcp(zone)->batch, 3);
	KT_EQ(zonal_set_pagelist_fraction(mm, 16), 0);
	KT_EQ(own_pcp(zone)->high, 1024);
	kt_check_all(mm);
}

KTEST(rows_p, p3_fraction_that_does_not_fit_is_refused_and_changes_nothing)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *zone = mm ? kt_zone(mm, 1, ZONE_DMA) : NULL;

	if (!mm)
		return;
	for (unsigned fraction = 1; fraction < 8; fraction++)
		KT_EQ(zonal_set_pagelist_fraction(mm, fraction), ZONAL_EINVAL);
	KT_EQ(zonal_set_pagelist_fraction(mm, 8), ZONAL_EINVAL);
	KT_EQ(mm->options.percpu_pagelist_fraction, 0);
	KT_EQ(own_pcp(zone)->high, 18);
	KT_EQ(zonal_set_pagelist_fraction(mm, 2048), 0);
	KT_EQ(own_pcp(zone)->high, 8);
	KT_EQ(own_pcp(zone)->batch, 2);
}

/* Lists of the first zone have room for 31 pages, those of the second for 7: either may refuse. */
KTEST(rows_p, p3_a_fraction_has_to_fit_the_lists_of_each_zone)
{
	static const struct kt_spec uneven = {
		.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 8192 } },
	};
	struct zonal *mm = kt_instance(&uneven);

	if (!mm)
		return;
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->mask, 31);
	KT_EQ(own_pcp(kt_zone(mm, 1, ZONE_DMA))->mask, 7);
	/* 25 pages and a batch of 6 would fit the first, 12 and 3 do not fit the second. */
	KT_EQ(zonal_set_pagelist_fraction(mm, 655), ZONAL_EINVAL);
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->high, 18);
	/* 7 and 1 are one too many, 6 and 1 are not. */
	KT_EQ(zonal_set_pagelist_fraction(mm, 1170), ZONAL_EINVAL);
	KT_EQ(zonal_set_pagelist_fraction(mm, 1171), 0);
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->high, 13);
	KT_EQ(own_pcp(kt_zone(mm, 1, ZONE_DMA))->high, 6);
}

/* An eighth is the most that a list may have, if there is room for it. */
KTEST(rows_p, p3_a_fraction_of_an_eighth_is_the_largest)
{
	static struct zonal_options options;
	struct kt_spec spec = two_nodes;
	struct zonal *mm;

	zonal_options_default(&options);
	options.percpu_pagelist_fraction = 8;
	spec.options = &options;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->high, 2048);
	KT_EQ(zonal_set_pagelist_fraction(mm, 64), 0);
	KT_EQ(zonal_set_pagelist_fraction(mm, 7), ZONAL_EINVAL);
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->high, 256);
	KT_EQ(zonal_set_pagelist_fraction(mm, 8), 0);
	KT_EQ(own_pcp(kt_zone(mm, 0, ZONE_DMA))->high, 2048);
}

#ifdef HOST_PORT_IMPL_H
KTEST_F(rows_p, p3_lists_of_a_cpu_that_is_gone_have_the_new_size_when_it_comes_back, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	if (!mm)
		return;
	host_cpu_attach(kt_cpu_id(1));
	host_cpu_stop();
	zonal_cpu_dead(mm, kt_cpu_id(1));
	KT_EQ(zonal_set_pagelist_fraction(mm, 2048), 0);
	KT_TRUE(!port_irqs_masked());
	for (unsigned k = 0; k < 2; k++)
		KT_EQ(mm->cpu[kt_cpu_id(k)]->pcp[zone->id].high, 8);
	/* For the cases that follow it is there again. */
	host_cpu_attach(kt_cpu_id(1));
	host_cpu_detach();
	kt_check_all(mm);
}
#endif
