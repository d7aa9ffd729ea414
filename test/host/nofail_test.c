/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may not fail, where a kswapd works (L16): it may take a quarter of what MIN keeps, on the
 * nodes of its cpuset alone, and waits until somebody gives a page there back.
 *
 * Nobody is ended for a request of DMA memory or of one node (O3), and no owner has pages here, so
 * that the ladder has nothing for it before. The page that comes back does so in one of its naps.
 */
#include "test/unit/mm/kt_instance.h"
#include "test/unit/mm/port_watch.h"

#include "mm/reclaim/lru.h"

#define NOFAIL (GFP_NOFS | __GFP_NOFAIL | __GFP_NOWARN)
#define PAGES 2048u

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, PAGES }, { 1, KT_DMA_PFN + PAGES, PAGES } },
};

static struct {
	struct zonal *mm;
	struct page *page; /* comes back in the nap that follows `left` others */
	unsigned left, naps;
} helper;

static void helps_at_last(void)
{
	helper.naps++;
	if (!helper.page || helper.left--)
		return;
	zonal_free(helper.mm, helper.page, 0);
	zonal_drain_all(helper.mm, NULL);
	helper.page = NULL;
}

/* All of node 1 is taken but for `free` pages; the last one taken is the helper's. */
static struct page *take_node_1(struct zonal *mm, unsigned free)
{
	struct page *chain = NULL;

	KT_EQ(kt_take_all(mm, 1, GFP_NOWAIT | __GFP_NOWARN | __GFP_THISNODE, 0, &chain), PAGES);
	for (unsigned i = 0; i < free; i++) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(mm, page, 0);
	}
	zonal_drain_all(mm, NULL);
	helper.mm = mm;
	helper.left = 40;
	helper.page = chain;
	for (unsigned nid = 0; nid < 2; nid++)
		st_relaxed(&mm->node[nid]->reclaim.served, true);
	return *(struct page **)zonal_page_owner(chain);
}

static struct page *take_with_help(struct zonal *mm, gfp_t gfp)
{
	struct page *page;

	helper.naps = 0;
	kt_on_nap = helps_at_last;
	page = zonal_alloc_node(mm, 1, gfp, 0);
	kt_on_nap = NULL;
	KT_TRUE(!page || zonal_page_node(page) == 1);
	return page;
}

KTEST(rows_l, l16_who_may_not_fail_stays_within_its_cpuset)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct page *chain, *page;

	if (!mm || !KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0))
		return;
	chain = take_node_1(mm, 0);
	page = take_with_help(mm, NOFAIL | __GFP_HARDWALL | __GFP_DMA);
	KT_TRUE(page && !helper.page);
	kt_task_restore(&saved);
	zonal_free(mm, page, 0);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}

/* MIN is 100: 76 free pages are one more than what is kept from it, 75 are not. It is tried where
 * others fail, and before there is anything to wait for. */
KTEST(rows_l, l16_who_may_not_fail_has_a_quarter_of_min)
{
	for (unsigned free = 75; free <= 76; free++) {
		struct zonal *mm = kt_bare_instance(&pair);
		struct page *chain, *page;
		unsigned naps;

		if (!mm)
			return;
		chain = take_node_1(mm, free);
		kt_marks(kt_zone(mm, 1, ZONE_DMA), 100, 100, 100);
		KT_TRUE(!take_with_help(mm, (NOFAIL & ~__GFP_NOFAIL) | __GFP_THISNODE));
		naps = helper.naps;
		page = take_with_help(mm, NOFAIL | __GFP_THISNODE);
		KT_EQ(!helper.page, free == 75);
		KT_EQ(helper.naps == naps, free == 76);
		if (!KT_TRUE(page))
			return;
		kt_no_marks(mm);
		zonal_free(mm, page, 0);
		if (helper.page)
			zonal_free(mm, helper.page, 0);
		kt_give_all(mm, chain, 0);
		kt_check_all(mm);
	}
}

/* Who may not wait at all, or has nothing to wait for, fails: somebody would have helped. */
KTEST(rows_l, l16_who_cannot_wait_fails_though_it_may_not)
{
	const nodemask_t none = node_bit(5);
	struct zonal *mm = kt_bare_instance(&pair);
	struct page *chain;
	port_irqflags_t irq;

	if (!mm)
		return;
	chain = take_node_1(mm, 0);
	KT_TRUE(!take_with_help(mm, (NOFAIL | __GFP_THISNODE) & ~__GFP_DIRECT_RECLAIM));
	irq = kt_irq_enter();
	KT_TRUE(!take_with_help(mm, NOFAIL | __GFP_THISNODE));
	kt_irq_exit(irq);
	kt_on_nap = helps_at_last;
	KT_TRUE(!zonal_alloc_mask(mm, 1, NOFAIL, 0, &none));
	kt_on_nap = NULL;
	KT_TRUE(helper.page);
	zonal_free(mm, helper.page, 0);
	kt_give_all(mm, chain, 0);
	kt_check_all(mm);
}
