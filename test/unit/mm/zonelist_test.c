/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zonelists: rows N, with every golden order of 1.23.
 *
 * node_order_of() is asked directly for the orders, as it needs nothing but the
 * distances; that the lists of an instance follow it is a test of its own.
 */
#include "kt_instance.h"

#include <string.h>

#include "mm/alloc.h"
#include "mm/node.h"

/* Too large for a stack. Tests of one kind run one after the other. */
static uint8_t d[ZONAL_MAX_NODES][ZONAL_MAX_NODES];

static void fill_distance(uint8_t remote)
{
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++)
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++)
			d[a][b] = a == b ? 10 : remote;
}

static void set_pair(unsigned a, unsigned b, uint8_t v)
{
	d[a][b] = d[b][a] = v;
}

/* A build with a small ZONAL_MAX_NODES cannot have every board. */
static bool table_holds(unsigned nodes)
{
	if (nodes > ZONAL_MAX_NODES)
		kt_skip("more nodes than ZONAL_MAX_NODES");
	return nodes <= ZONAL_MAX_NODES;
}

/* Orders of nodes 0..nodes-1, given as one digit a node: "0123 1032 ...". */
static void expect_orders(unsigned nodes, nodemask_t with_cpus, const char *expected)
{
	nodemask_t all = node_bit(nodes) - 1;
	struct node_orders orders = { (const uint8_t(*)[ZONAL_MAX_NODES])d, all, with_cpus, nodes,
				      { 0 } };
	char text[10 * 11], *at = text;

	if (!table_holds(nodes))
		return;
	for (unsigned n = 0; n < nodes; n++) {
		uint8_t order[ZONAL_MAX_NODES];

		if (!KT_EQ(node_order_of(&orders, n, order), nodes))
			return;
		for (unsigned i = 0; i < nodes; i++)
			*at++ = (char)('0' + order[i]);
		*at++ = n + 1 < nodes ? ' ' : '\0';
	}
	KT_STR_EQ(text, expected);
}

KTEST(rows_n, n1_uniform_distances_rotate)
{
	static const nodemask_t cpus[] = { 0, ~(nodemask_t)0 };

	fill_distance(20);
	/* all with CPUs, or the boot rule (N3): the same */
	for (unsigned i = 0; i < 2; i++) {
		expect_orders(1, cpus[i], "0");
		expect_orders(2, cpus[i], "01 10");
		expect_orders(4, cpus[i], "0123 1230 2301 3012");
		expect_orders(8, cpus[i],
			      "01234567 12345670 23456701 34567012 45670123 56701234 67012345 "
			      "70123456");
	}
}

KTEST(rows_n, n1_two_sockets)
{
	if (!table_holds(4))
		return;
	fill_distance(20);
	set_pair(0, 1, 12);
	set_pair(2, 3, 12);
	expect_orders(4, 0, "0123 1032 2301 3201");
}

KTEST(rows_n, n2_ring_spreads_the_load)
{
	if (!table_holds(4))
		return;
	fill_distance(16);
	set_pair(0, 2, 22);
	set_pair(1, 3, 22);
	expect_orders(4, 0, "0132 1203 2310 3021");
}

KTEST(rows_n, n1_asymmetric_sockets)
{
	if (!table_holds(4))
		return;
	fill_distance(20);
	set_pair(0, 1, 12);
	set_pair(0, 3, 22);
	set_pair(1, 2, 22);
	set_pair(1, 3, 24);
	set_pair(2, 3, 12);
	expect_orders(4, 0, "0123 1023 2301 3201");
}

/* N3: a rebuild with node 2 without CPUs differs from boot; C6: the penalty is 1. */
KTEST(rows_n, n3_cpu_penalty_only_when_known)
{
	if (!table_holds(4))
		return;
	fill_distance(20);
	expect_orders(4, 0xb, "0213 1230 2301 3201");
	expect_orders(4, 0, "0123 1230 2301 3012");
	/* a penalty of 1 outweighs one unit of distance, not two */
	set_pair(0, 2, 22);
	expect_orders(4, 0xb, "0132 1230 2310 3201");
}

/* Boot knows no CPUs: an instance with a CPU-less node has the boot order. */
KTEST(rows_n, n3_instance_uses_the_boot_rule)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 },
			 { 1, KT_DMA_PFN + 512, 512 },
			 { 2, KT_DMA_PFN + 1024, 512 },
			 { 3, KT_DMA_PFN + 1536, 512 } },
		.cpus = 3,
		.cpu_node = { 0, 1, 3 },
	};
	struct zonal *mm = kt_instance(&spec);
	static const uint8_t golden[4][4] = { { 0, 1, 2, 3 }, { 1, 2, 3, 0 }, { 2, 3, 0, 1 },
					      { 3, 0, 1, 2 } };

	for (unsigned n = 0; mm && n < 4; n++) {
		KT_EQ(mm->node[n]->order_count, 4);
		KT_EQ(memcmp(mm->node[n]->order, golden[n], 4), 0);
	}
}

KTEST(rows_n, n4_zones_high_to_low_and_only_managed)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_RPI_DMA_PFN, 512 },
			 { 0, KT_RPI_DMA32_PFN, 512 },
			 { 0, KT_NORMAL_PFN, 512 },
			 { 1, KT_NORMAL_PFN + 512, 512 },
			 { 1, KT_RPI_DMA32_PFN + 512, 8 } },
		.reserved = { { 0, KT_RPI_DMA32_PFN + 512, 8 } },
		.dma_max = KT_RPI_DMA_MAX,
	};
	static const uint8_t zids[] = { ZONE_NORMAL, ZONE_DMA32, ZONE_DMA, 4 + ZONE_NORMAL };
	struct zonal *mm = kt_instance(&spec);
	const struct zonelist *list;

	if (!mm)
		return;
	list = &mm->node[0]->fallback;
	KT_EQ(list->count, 4);
	for (unsigned i = 0; i < 4; i++)
		KT_EQ(list->ref[i].zone->id, zids[i]);
	KT_EQ(mm->policy_zone, ZONE_NORMAL); /* N6 */
	KT_EQ(list->first[ZONE_DMA], 2);
	list = &mm->node[1]->fallback;
	KT_EQ(list->count, 4);
	KT_EQ(list->ref[0].zone->id, 4 + ZONE_NORMAL);
	KT_EQ(list->first[ZONE_DMA], 3);
}

/* Trust item 32: a zone whose pages are all reserved is present, not managed, not listed. */
KTEST(trust, t32_zone_without_managed_pages)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 64 }, { 0, KT_NORMAL_PFN, 2048 } },
		.reserved = { { 0, KT_DMA_PFN, 64 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *page;

	if (!mm)
		return;
	KT_EQ(kt_zone(mm, 0, ZONE_DMA)->present, 64);
	KT_EQ(zone_managed(kt_zone(mm, 0, ZONE_DMA)), 0);
	KT_EQ(mm->node[0]->fallback.count, 1);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | GFP_DMA | __GFP_NOWARN, 0));
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	if (KT_TRUE(page))
		zonal_free(mm, page, 0);
	kt_check_all(mm);
}

/* Trust item 63: what counts is what a zone manages, not what it has free just now. */
KTEST(trust, t63_lists_of_an_exhausted_zone)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 512, 512 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(kt_take_all(mm, 0, __GFP_THISNODE, 0, &chain), 512);
	node_build_zonelists(mm);
	for (unsigned n = 0; n < 2; n++)
		KT_EQ(mm->node[n]->fallback.count, 2);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

KTEST(rows_n, n5_two_lists_a_node)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 512, 512 } },
	};
	struct zonal *mm = kt_instance(&spec);

	if (!mm)
		return;
	for (unsigned n = 0; n < 2; n++) {
		KT_EQ(mm->node[n]->fallback.count, 2);
		KT_EQ(mm->node[n]->fallback.ref[0].node, n);
		KT_EQ(mm->node[n]->fallback.ref[1].node, 1 - n);
		KT_EQ(mm->node[n]->nofallback.count, 1);
		KT_EQ(mm->node[n]->nofallback.ref[0].node, n);
	}
}

/* N7, trust items 69, 74: the CPU's node has no memory; the nearest one serves. */
KTEST(rows_n, n7_memoryless_node_of_the_cpu)
{
	static const struct kt_spec spec = {
		.ram = { { 1, KT_DMA_PFN, 1024 }, { 2, KT_DMA_PFN + 1024, 1024 } },
		.cpus = 2,
		.cpu_node = { 0, 0 },
		.distance = { { 10, 40, 15 }, { 40, 10, 20 }, { 15, 20, 10 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct page *page;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 2);
		zonal_free(mm, page, 0);
	}
	page = zonal_alloc_node(mm, NODE_NONE, GFP_KERNEL, 0);
	if (KT_TRUE(page)) {
		KT_EQ(zonal_page_node(page), 2);
		zonal_free(mm, page, 0);
	}
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	KT_EQ(mm->node[0]->nofallback.count, 0);
	kt_check_all(mm);
}

/* Trust item 74: what another node must serve is a hit there, but not a local one; the fast
 * lane, which counts both as one, is for the CPU's own node. Large enough for lanes. */
KTEST(rows_n, n7_memory_of_another_node_is_not_local)
{
	static const struct kt_spec spec = {
		.ram = { { 1, KT_DMA_PFN, 16384 } },
		.empty_nodes = 1,
		.distance = { { 10, 20 }, { 20, 10 } },
	};
	struct zonal *mm = kt_instance(&spec);
	static const unsigned orders[] = { 0, 0, 3 };
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 1, ZONE_DMA);
	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, orders[i]);

		if (KT_TRUE(page))
			zonal_free(mm, page, orders[i]);
		KT_EQ(kt_hit(zone), i + 1);
		KT_EQ(kt_local(zone), 0);
		KT_EQ(kt_other(zone), i + 1);
	}
}

KTEST(zonelist, the_first_zone_for_a_node_that_has_none_is_the_end_of_the_list)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 512, 512 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct alloc_req req = { .mm = mm, .high_zone = ZONE_MOVABLE };

	if (!mm)
		return;
	req.list = &mm->node[1]->fallback;
	KT_EQ(first_zone(&req, node_bit(1)), 0);
	KT_EQ(first_zone(&req, node_bit(0)), 1);
	KT_EQ(first_zone(&req, node_bit(2)), req.list->count);
}

/* Trust item 72: every API, every bad node. */
KTEST(rows_n, n8_bad_node_is_refused)
{
	static const int bad[] = { -2, -100, 2, 3, 15, 16, 17, 255, 256, 65535, 0x7fffffff };
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 512 }, { 1, KT_DMA_PFN + 512, 512 } },
	};
	struct zonal *mm = kt_instance(&spec);
	struct zonal_failure failure;

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		KT_TRUE(!zonal_alloc_node(mm, bad[i], GFP_KERNEL | __GFP_NOWARN, 0));
		zonal_last_failure(mm, &failure);
		KT_EQ(failure.steps, ZSTEP_BAD_NODE);
		KT_TRUE(!zonal_alloc_mask(mm, bad[i], GFP_KERNEL | __GFP_NOWARN, 3, NULL));
		KT_TRUE(!zonal_alloc_node(mm, bad[i],
					  GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	}
	kt_check_all(mm);
}
