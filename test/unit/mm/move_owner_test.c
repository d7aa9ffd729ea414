/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a page is after it was moved: each owner gets back what is his, again and again.
 *
 * Two owners have pages side by side on one node, and all of them are sent to the other node and
 * back. Each owner's callbacks check that a page is at the place that its handle names, so that a
 * page that came to the wrong owner is found at once. move_test.c has the moves themselves.
 */
#include "kt_cache.h"

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

enum { EACH = 24 };

KTEST(move, pages_of_several_owners_stay_with_them_from_move_to_move)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct kt_cache *cache[2] = { NULL, NULL };
	struct page *pages[2 * EACH];

	for (unsigned k = 0; mm && k < 2; k++)
		cache[k] = kt_cache(mm, k ? ZONAL_CACHE : ZONAL_ANON, EACH);
	if (!cache[0] || !cache[1])
		return;
	for (unsigned i = 0; i < 2 * EACH; i++)
		kt_cache_fill(cache[i & 1], 0, GFP_NOWAIT, 1);
	for (unsigned round = 0; round < 4; round++) {
		int nid = round & 1 ? 0 : 1;

		for (unsigned i = 0; i < 2 * EACH; i++)
			pages[i] = cache[i & 1]->place[i / 2].page;
		KT_EQ(zonal_pages_to_node(mm, pages, 2 * EACH, nid), 2 * EACH);
		for (unsigned k = 0; k < 2; k++) {
			KT_EQ(cache[k]->moved, (round + 1) * EACH);
			for (unsigned i = 0; i < EACH; i++) {
				pages[2 * i + k] = cache[k]->place[i].page;
				KT_EQ(zonal_page_node(pages[2 * i + k]), nid);
			}
		}
		/* They are there: nobody is asked. */
		KT_EQ(zonal_pages_to_node(mm, pages, 2 * EACH, nid), 0);
	}
	KT_EQ(zonal_pages_to_node(mm, pages, 2 * EACH, ZONAL_MAX_NODES), 0);
	KT_EQ(zonal_pages_to_node(mm, pages, 2 * EACH, -1), 0);
	for (unsigned k = 0; k < 2; k++)
		kt_cache_drop_all(cache[k]);
	kt_check_all(mm);
}

/* The block begins and ends on node 0. What lies between is neither source nor target for its
 * compaction, and the other way round. */
KTEST(move, compaction_leaves_alone_what_another_node_has_within_a_block)
{
	static const struct kt_spec mixed = {
		.ram = { { 0, KT_DMA_PFN, 100 }, { 1, KT_DMA_PFN + 100, 50 },
			 { 0, KT_DMA_PFN + 150, 1898 }, { 1, KT_DMA_PFN + 2048, 1024 } },
	};
	struct zonal *mm = kt_bare_instance(&mixed);
	struct kt_cache *cache[2] = { NULL, NULL };
	struct zonal_compacted out;

	for (unsigned nid = 0; mm && nid < 2; nid++) {
		cache[nid] = kt_cache(mm, ZONAL_ANON, 1998);
		if (!cache[nid])
			return;
		kt_cache_fill(cache[nid], (int)nid, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, 1998);
		for (unsigned i = 0; i < cache[nid]->count; i += 2)
			kt_cache_drop(cache[nid], i);
	}
	for (unsigned nid = 0; mm && nid < 2; nid++) {
		zonal_compact(mm, (int)nid, &out);
		KT_TRUE(out.moved > 0 && cache[nid]->moved == out.moved);
		for (unsigned i = 0; i < cache[nid]->count; i++)
			if (cache[nid]->place[i].page)
				KT_EQ(zonal_page_node(cache[nid]->place[i].page), nid);
		kt_check_all(mm);
	}
	for (unsigned nid = 0; mm && nid < 2; nid++)
		kt_cache_drop_all(cache[nid]);
}
