/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work for a record: calls of every kind on the image's own instance, on each core in turn, so that
 * their order is known. test/t/replay.t records it and plays it again; here only that all comes
 * back is looked at.
 *
 * Blocks of all orders and of every mobility, from this core's node, from a named one and from a
 * nodemask; kept over the visits, so that a core frees what another one took; split, or freed but
 * for the head that somebody else holds.
 */
#include <zonal/linux.h>

#include "mm/mm.h"
#include "platform/platform.h"
#include "test/ktest.h"

enum { KEPT = 96, CALLS = 160, ROUNDS = 3 };

static struct {
	struct page *page;
	unsigned order;
} kept[KEPT];
static uint64_t chance;

static gfp_t some_gfp(void)
{
	static const gfp_t gfp[] = { GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_HIGHUSER_MOVABLE,
				     GFP_KERNEL | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_COMP,
				     GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, GFP_DMA };

	return gfp[kt_random(&chance) % ARRAY_SIZE(gfp)] | __GFP_NOWARN | __GFP_NORETRY;
}

static int some_node(void)
{
	int nid;

	do
		nid = (int)(kt_random(&chance) % ZONAL_MAX_NODES);
	while (!zonal_image.node[nid]);
	return nid;
}

static void take(unsigned i)
{
	unsigned order = kt_random(&chance) % 3 ? 0 : (unsigned)(kt_random(&chance) % MAX_ORDER);
	nodemask_t mask = (nodemask_t)1 << some_node();
	gfp_t gfp = some_gfp();
	struct page *page;

	switch (kt_random(&chance) % 4) {
	case 0:
		page = alloc_pages_node(some_node(), gfp, order);
		break;
	case 1:
		page = zonal_alloc_mask(&zonal_image, some_node(), gfp, order, &mask);
		break;
	default:
		page = alloc_pages(gfp, order);
	}
	kept[i].page = page;
	kept[i].order = order;
}

/* Whole, in single pages, or the rest first and then the head. */
static void give(unsigned i)
{
	struct page *page = kept[i].page;
	unsigned order = kept[i].order, way = (unsigned)(kt_random(&chance) % 3);
	bool compound = page_word(page) & PG_COMP;

	kept[i].page = NULL;
	if (way == 1 && order && order < 5 && !compound) {
		zonal_split(&zonal_image, page, order);
		for (unsigned k = 0; k < 1u << order; k++)
			__free_pages(page + k, 0);
		return;
	}
	if (way == 2 && order && !compound) {
		get_page(page);
		__free_pages(page, order);
		order = 0;
	}
	__free_pages(page, order);
}

static void visit(void *unused)
{
	(void)unused;
	for (unsigned n = 0; n < CALLS; n++) {
		unsigned i = (unsigned)(kt_random(&chance) % KEPT);

		(kept[i].page ? give : take)(i);
	}
}

KTEST_F(record_calls, of_every_core_in_turn, KT_TARGET_ONLY)
{
	struct zonal_finding finding;

	chance = kt_seed() | 1;
	for (unsigned round = 0; round < ROUNDS; round++)
		kt_on_each_cpu(visit, NULL);
	for (unsigned i = 0; i < KEPT; i++)
		if (kept[i].page)
			give(i);
	KT_OK(zonal_check(&zonal_image, &finding), "%s", finding.text);
}
