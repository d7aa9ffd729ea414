/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lanes give what the ladder gives, and count it alike: the same requests, by every policy, by
 * node, mobility and context, on instances that are alike, in one of which a gate sends all of them
 * the long way, and in another every link and every free goes by sections, as where maps have gaps.
 */
#include <string.h>
#include <zonal/linux.h>

#include "kt_instance.h"

enum { REQUESTS = 3000, HELD = 64 };

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 16384 }, { 1, KT_DMA_PFN + 16384, 16384 } },
	.cpus = 1,
};

struct run {
	pfn_t got[REQUESTS]; /* 0: nothing */
	uint64_t stat[2][PCP_STATS];
	uint8_t cursor;
};

/* Both mobilities at once are refused by either way (G3). */
static const gfp_t kinds[] = {
	GFP_KERNEL, GFP_NOWAIT, GFP_ATOMIC, GFP_HIGHUSER_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE,
	GFP_NOWAIT | __GFP_MOVABLE | __GFP_RECLAIMABLE,
};

static struct page *in_handler(struct zonal *mm, gfp_t gfp, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	struct page *page;

	port_this_cpu()->irq_depth++;
	page = zonal_alloc(mm, gfp, order);
	port_this_cpu()->irq_depth--;
	port_irq_restore(irq);
	return page;
}

static struct page *ask(struct zonal *mm, struct zonal_task *task, uint64_t *state)
{
	gfp_t gfp = kinds[kt_random(state) % ARRAY_SIZE(kinds)] | __GFP_NOWARN;
	unsigned mode = (unsigned)(kt_random(state) % MPOL_MODES);
	unsigned order = kt_random(state) % 8 ? 0 : 2, how = (unsigned)(kt_random(state) % 4);
	bool irq = how == 3 && !(gfp & __GFP_DIRECT_RECLAIM);
	nodemask_t nodes = 1 + kt_random(state) % 3;

	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		nodes = 0;
	if (kt_random(state) % 16 == 0)
		KT_EQ(zonal_set_policy(mm, task, mode, 0, nodes), 0);
	if (how == 0)
		return zonal_alloc_node(mm, (int)(kt_random(state) % 2), gfp, order);
	return irq ? in_handler(mm, gfp, order) : zonal_alloc(mm, gfp, order);
}

static void requests(struct zonal *mm, struct zonal_task *task, uint64_t state, struct run *run)
{
	struct page *held[HELD] = { NULL };
	uint8_t order[HELD];

	for (unsigned i = 0; i < REQUESTS; i++) {
		unsigned at = (unsigned)(kt_random(&state) % HELD);

		if (held[at])
			zonal_free(mm, held[at], order[at]);
		held[at] = ask(mm, task, &state);
		order[at] = held[at] ? (uint8_t)page_order(held[at]) : 0;
		run->got[i] = held[at] ? zonal_pfn(held[at]) : 0;
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i])
			zonal_free(mm, held[i], order[i]);
	for (unsigned nid = 0; nid < 2; nid++)
		for (unsigned stat = 0; stat < PCP_STATS; stat++)
			run->stat[nid][stat] = kt_stat(kt_zone(mm, nid, ZONE_DMA), stat);
	run->cursor = task->il_prev;
}

enum way { LANE, LADDER, SECTIONS };

static void take_maps(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		KT_TRUE(!ZONAL_LANES || zone->map);
		zone->map = 0;
		st_relaxed(&mm->plain[zid & (RUN_SLOTS - 1)].pages, 0);
	}
}

/* The ladder: with a gate that means nothing as long as no point of the trace is on. */
static bool run_once(struct run *run, struct zonal_task *task, uint64_t seed, enum way way)
{
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm || zonal_set_policy(mm, task, MPOL_DEFAULT, 0, 0))
		return false;
	gate_set(mm, GATE_TRACE, way == LADDER);
	if (way == SECTIONS)
		take_maps(mm);
	requests(mm, task, seed, run);
	kt_check_all(mm);
	return !zonal_set_policy(mm, task, MPOL_DEFAULT, 0, 0);
}

static bool runs_alike(const struct run *a, const struct run *b)
{
	bool alike = true;

	for (unsigned i = 0; i < REQUESTS && alike; i++)
		alike = KT_EQ(a->got[i], b->got[i]);
	for (unsigned nid = 0; nid < 2; nid++)
		for (unsigned stat = 0; stat < PCP_STATS; stat++)
			alike &= KT_EQ(a->stat[nid][stat], b->stat[nid][stat]);
	return alike && KT_EQ(a->cursor, b->cursor);
}

KTEST(rows_q, q2_q7_lanes_and_the_ladder_give_and_count_the_same)
{
	static struct run lane, ladder, sections;
	struct zonal_task *task = port_this_cpu()->task;
	uint64_t seed = kt_seed() | 1;

	if (!KT_TRUE(run_once(&lane, task, seed, LANE)) ||
	    !KT_TRUE(run_once(&ladder, task, seed, LADDER)) ||
	    !KT_TRUE(run_once(&sections, task, seed, SECTIONS)))
		return;
	runs_alike(&lane, &ladder);
	runs_alike(&lane, &sections);
	KT_TRUE(lane.stat[1][STAT_HIT_OTHER] && lane.stat[1][STAT_INTERLEAVE]);
}

/* M5: of what the zone has, an unmovable page would have to be stolen in part; the zone below has
 * one. The list stays empty, and what comes the long way is what was asked for. */
KTEST(rows_q, a_page_that_no_refill_brought_is_a_single_one_of_the_next_zone)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_RPI_DMA_PFN, 1024 },
			 { 0, KT_RPI_DMA32_PFN, 1024 },
			 { 0, KT_NORMAL_PFN, 4096 } },
		.dma_max = KT_RPI_DMA_MAX,
	};
	struct zonal *mm = kt_bare_instance(&spec);
	struct zone *normal = mm ? kt_zone(mm, 0, ZONE_NORMAL) : NULL;
	struct page *page;

	while (mm && kt_free(normal) + kt_pcp_count(normal) > 0)
		if (!KT_TRUE(zonal_alloc(mm, GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE, 0)))
			return;
	for (pfn_t pfn = KT_NORMAL_PFN; mm && pfn < KT_NORMAL_PFN + 4096; pfn += 2)
		zonal_free(mm, zonal_page(mm, pfn), 0);
	if (!mm)
		return;
	zonal_drain_all(mm, NULL);
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0);
	if (!KT_TRUE(page))
		return;
	KT_EQ(page_zid(page) % ZONE_TYPES, ZONE_DMA32);
	KT_EQ(page_order(page), 0);
	KT_EQ(kt_free(normal), 2048);
	zonal_free(mm, page, 0);
	kt_check_all(mm);
}

/* The lane's hold of the lock brings the block: nobody asks again by the long way. */
KTEST(rows_q, a_block_of_a_lane_costs_one_hold_of_the_zone_lock)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;

	for (unsigned order = 1; mm && order < MAX_ORDER; order++) {
		uint16_t before = ld_relaxed(&zone->lock.next);
		struct page *page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, order);

		if (!KT_TRUE(page))
			return;
		KT_EQ((uint16_t)(ld_relaxed(&zone->lock.next) - before), 1);
		zonal_free(mm, page, order);
	}
}

/* M11: of more than half a block comes from CMA, though the lane's own list has one. */
KTEST(rows_q, a_lane_leaves_blocks_to_cma_where_that_comes_first)
{
	static const struct kt_spec cma = {
		.ram = { { 0, KT_DMA_PFN, 6144 } },
		.reserved = { { 0, KT_DMA_PFN + 1024, 2048 } },
		.cma_index = 1,
	};
	struct zonal *mm = ZONAL_CMA ? kt_bare_instance(&cma) : NULL;
	struct page *page;

	for (unsigned i = 0; mm && i < 2; i++)
		KT_TRUE(zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, MAX_ORDER - 1));
	/* 2048 of 4096, and then of 4092 */
	for (unsigned i = 0; mm && i < 2; i++) {
		page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, 2);
		KT_EQ(page ? page_block_type(page) : MIGRATE_ISOLATE,
		      i ? MIGRATE_CMA : MIGRATE_MOVABLE);
	}
	if (mm)
		kt_check_all(mm);
}

/* Each CPU and each node knows the zone that its list begins with; a plain request looks there and
 * never at the list. Were another zone written there, the page would come from that one. */
KTEST(rows_q, plain_requests_go_by_the_lane_of_their_cpu)
{
	struct zonal *mm = ZONAL_LANES ? kt_bare_instance(&two_nodes) : NULL;
	struct mm_cpu *cpu = mm ? mm_cpu(mm, port_this_cpu()->id) : NULL;
	struct zone *other = mm ? kt_zone(mm, 1, ZONE_DMA) : NULL;

	for (unsigned i = 0; mm && i < ARRAY_SIZE(cpu->lane); i++) {
		KT_TRUE(cpu->lane[i].zone == kt_zone(mm, 0, ZONE_DMA));
		KT_TRUE(cpu->lane[i].pcp == &cpu->pcp[kt_zone(mm, 0, ZONE_DMA)->id]);
		KT_TRUE(mm->node[1]->lane[i] == other);
		cpu->lane[i] = (struct fast_lane){ .zone = other, .pcp = &cpu->pcp[other->id] };
	}
	for (unsigned order = 0; mm && order < 4; order++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		KT_EQ(page ? page_zid(page) : 0, other->id);
		zonal_free(mm, page, order);
	}
	if (mm)
		kt_check_all(mm);
}
