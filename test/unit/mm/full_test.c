/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board that fills the tables: ZONAL_MAX_NODES nodes of 16 MiB, half of it in ZONE_MOVABLE,
 * and ZONAL_MAX_CPUS CPUs dealt to them in turn. Node n is at distance 10 + |n - m| from
 * node m, so that everybody has a nearest neighbour.
 *
 * The last id of every table is used: a number that is kept in too few bits, or a loop that
 * ends too early, shows there and nowhere else.
 *
 * On the host alone: its metadata is some 60 MiB. tools/check_overrides.sh runs it with other
 * sizes of the tables.
 */
#include <zonal/group.h>
#include <zonal/port.h>

#include "kt_instance.h"

#include "mm/tune.h"

#ifdef HOST_PORT_IMPL_H

#define NODE_BYTES (16ull << 20)
#define FULL_ZONES (2 * ZONAL_MAX_NODES) /* DMA and Movable on each node */

static unsigned node_of_cpu(unsigned cpu) { return cpu % ZONAL_MAX_NODES; }

static void full_board(struct boot_info *info)
{
	uint64_t first = KT_NORMAL_PFN << PAGE_SHIFT;

	info->dma_max = UINT64_MAX;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		info->range[info->range_count++] =
			(struct boot_range){ .start = first + n * NODE_BYTES,
					     .size = NODE_BYTES,
					     .nid = (int16_t)n };
		info->nodes |= node_bit(n);
		for (unsigned m = 0; m < ZONAL_MAX_NODES; m++)
			info->distance[n][m] = (uint8_t)(10 + (n < m ? m - n : n - m));
	}
	info->cpu_count = ZONAL_MAX_CPUS;
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++)
		info->cpu[c] = (struct boot_cpu){ .nid = (int16_t)node_of_cpu(c) };
}

static struct zonal *full_instance(void)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);
	struct zonal *mm = kt_alloc(zonal_sizeof(), 64);
	struct zonal_config config = { .info = info };

	if (!info || !mm)
		return NULL;
	host_set_cpu(0);
	full_board(info);
	zonal_options_default(&config.options);
	config.options.kernelcore_percent = 50;
	if (!KT_EQ(zonal_build(mm, &config, kt_meta), 0))
		return NULL;
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++)
		zonal_cpu_online(mm, c);
	zonal_boot_done(mm);
	return mm;
}

KTEST_F(full_board, every_cpu_is_served_by_its_own_node, KT_HOST_ONLY)
{
	static struct page *page[ZONAL_MAX_CPUS][2];
	struct zonal *mm = full_instance();

	if (!mm)
		return;
	KT_EQ(mm->zone_end, ZONAL_MAX_NODES * ZONE_TYPES);
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++) {
		host_set_cpu(c);
		page[c][0] = zonal_alloc(mm, GFP_KERNEL, 0);
		page[c][1] = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 0);
		for (unsigned i = 0; i < 2 && KT_TRUE(page[c][i]); i++) {
			KT_EQ(zonal_page_node(page[c][i]), node_of_cpu(c));
			KT_EQ(zonal_page_zone(page[c][i]), i ? ZONE_MOVABLE : ZONE_DMA);
		}
	}
	kt_check_all(mm);
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++) {
		/* Each goes into the list of another CPU. */
		host_set_cpu(ZONAL_MAX_CPUS - 1 - c);
		zonal_free(mm, page[c][0], 0);
		zonal_free(mm, page[c][1], 0);
	}
	host_set_cpu(0);
	zonal_drain_all(mm, NULL);
	kt_check_all(mm);
	for (unsigned zid = 0; zid < mm->zone_end; zid++)
		if (mm->zone[zid])
			KT_EQ(ld_relaxed(&mm->zone[zid]->free), zone_managed(mm->zone[zid]));
}

/* From the last node outward, node by node, each only when the one before has nothing. */
/* Z6: each CPU has a store of its own, and none is forgotten. */
KTEST_F(full_board, what_every_cpu_has_in_store_is_settled, KT_HOST_ONLY)
{
	static struct page *page[ZONAL_MAX_CPUS];
	struct zonal *mm = full_instance();
	struct zonal_task saved, *task;
	struct zonal_group *group = kt_alloc(sizeof(*group), 16);
	size_t bytes = mm ? zonal_group_map_bytes(mm) : 0;

	if (!mm || !group || !KT_EQ(zonal_groups_begin(mm, kt_alloc(bytes, 16), bytes), 0))
		return;
	KT_EQ(zonal_group_make(mm, group, NULL, ZONAL_GROUP_NO_LIMIT), 0);
	task = kt_task_save(&saved);
	zonal_group_join(group, task);
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++) {
		host_set_cpu(c);
		port_this_cpu()->task = task;
		page[c] = zonal_alloc(mm, GFP_KERNEL_ACCOUNT, 0);
		KT_TRUE(page[c]);
	}
	host_set_cpu(0);
	KT_TRUE(ld_relaxed(&group->usage) > ZONAL_MAX_CPUS);
	/* Each was served by its own node, and each zone's count is of all CPUs. */
	KT_EQ(numa_stat_of(mm, page_zid(page[ZONAL_MAX_CPUS - 1]), STAT_HIT_LOCAL),
	      (ZONAL_MAX_CPUS + ZONAL_MAX_NODES - 1) / ZONAL_MAX_NODES);
	zonal_group_settle(mm);
	KT_EQ(ld_relaxed(&group->usage), ZONAL_MAX_CPUS);
	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++)
		zonal_free(mm, page[c], 0);
	zonal_group_join(NULL, task);
	kt_task_restore(&saved);
	KT_EQ(zonal_group_drop(group), 0);
}

KTEST_F(full_board, the_last_node_falls_back_to_the_nearest, KT_HOST_ONLY)
{
	struct zonal *mm = full_instance();
	int node = ZONAL_MAX_NODES - 1;
	struct page *page;

	if (!mm)
		return;
	KT_EQ(mm->node[node]->order_count, ZONAL_MAX_NODES);
	while ((page = zonal_alloc_node(mm, ZONAL_MAX_NODES - 1, GFP_KERNEL | __GFP_NOWARN, 9))) {
		int came = (int)zonal_page_node(page);

		if (!KT_OK(came == node || came == node - 1, "node %d after node %d", came, node))
			return;
		node = came;
	}
	KT_EQ(node, 0);
	kt_check_all(mm);
}

KTEST_F(full_board, a_failure_tells_of_the_zones_that_were_asked_first, KT_HOST_ONLY)
{
	static struct zonal_failure f;
	struct zonal *mm = full_instance();
	unsigned told = ZN_MIN(FULL_ZONES, ZONAL_FAILURE_ZONES);

	if (!mm)
		return;
	host_set_cpu(ZONAL_MAX_CPUS - 1);
	while (zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 9))
		;
	zonal_last_failure(mm, &f);
	KT_EQ(f.zone_count, told);
	KT_EQ(f.zones_more, FULL_ZONES - told);
	for (unsigned i = 0; i < told; i++) {
		unsigned nid = mm->node[node_of_cpu(ZONAL_MAX_CPUS - 1)]->order[i / 2];

		KT_EQ(f.zone[i].zid, nid * ZONE_TYPES + (i % 2 ? ZONE_DMA : ZONE_MOVABLE));
		KT_TRUE(f.zone[i].refusal == REFUSED_WATERMARK ||
			f.zone[i].refusal == REFUSED_NO_BLOCK);
	}
	host_set_cpu(0);
}

#endif
