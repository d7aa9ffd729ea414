/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The points of a record that can be played again (<zonal/trace.h>): what a request went by, pieces
 * of drains, pages on and off their owner's list, and what is not told in full.
 *
 * On the host and on the board, one small instance each; that a run comes out the same when it is
 * played by what they tell is seen from outside (test/t/replay.t).
 */
#include "kt_trace.h"

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 16384 } } };

static struct zonal *traced(uint64_t points)
{
	struct zonal *mm = kt_bare_instance(&uma);

	return mm && trace_begin(mm, points) ? mm : NULL;
}

KTEST(trace_call, a_request_is_told_with_what_it_went_by)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(CALL_ALLOC));
	struct zonal_task *task = port_this_cpu()->task;
	nodemask_t mask = 1;
	struct page *page[3];

	if (!mm)
		return;
	page[0] = zonal_alloc(mm, GFP_KERNEL, 0);
	page[1] = zonal_alloc_mask(mm, 0, GFP_ATOMIC, 3, &mask);
	task->flags |= ZTASK_MEMALLOC | ZTASK_NOIO;
	page[2] = zonal_alloc(mm, GFP_NOWAIT, 1);
	task->flags &= ~(ZTASK_MEMALLOC | ZTASK_NOIO);
	if (!KT_OK(page[0] && page[1] && page[2], "no pages"))
		return;
	/* What is refused at the door has changed nothing. */
	KT_OK(!zonal_alloc(mm, GFP_KERNEL, MAX_ORDER), "a block of order %d", MAX_ORDER);
	NEXT_IS(mm, CALL_ALLOC, page[0]->pfn, 0, GFP_KERNEL, 0, 0, 0, 0);
	NEXT_IS(mm, CALL_ALLOC, page[1]->pfn, 3, GFP_ATOMIC, 0, 1, 0, 0);
	NEXT_IS(mm, CALL_ALLOC, page[2]->pfn, 1, GFP_NOWAIT, 0, 0, 0, ZONAL_CALL_MEMALLOC);
	nothing_more(mm);
	for (unsigned i = 0; i < 3; i++)
		zonal_free(mm, page[i], i == 1 ? 3 : i / 2);
	zonal_trace_on(mm, 0);
	kt_check_all(mm);
}

KTEST(trace_call, a_request_without_a_page_is_told_too)
{
	struct zonal *mm = traced(0);

	if (!mm)
		return;
	while (zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 10))
		;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(CALL_ALLOC));
	KT_OK(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 10), "there was one more");
	NEXT_IS(mm, CALL_ALLOC, 0, 10, GFP_NOWAIT | __GFP_NOWARN, 0, 0, 0, 0);
	nothing_more(mm);
}

KTEST(trace_call, each_piece_of_a_drain_says_where_it_stood)
{
	struct zonal *mm = traced(0);
	struct page *page;
	struct pcp *pcp;
	uint32_t held;

	page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;
	if (!mm || !KT_OK(page != NULL, "no page"))
		return;
	zonal_free(mm, page, 0);
	pcp = &mm->cpu[kt_cpu_id(0)]->pcp[page_zid(page)];
	held = ld_relaxed(&pcp->count);
	KT_OK(held && held < 32, "%u pages are not one piece", held);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(CALL_DRAIN));
	zonal_drain_local(mm);
	NEXT_IS(mm, CALL_DRAIN, 0, page_zid(page) % ZONE_TYPES, kt_cpu_id(0), 0, 0, held, held);
	nothing_more(mm);
}

KTEST(trace_call, new_watermarks_are_named)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(CALL_OTHER));

	if (!mm)
		return;
	KT_EQ(zonal_set_min_free_kbytes(mm, 2048), 0);
	NEXT_IS(mm, CALL_OTHER, ZONAL_OTHER_MARKS, 0, 0);
	nothing_more(mm);
}

KTEST(trace_call, a_page_goes_on_and_off_its_owners_list)
{
	struct zonal *mm = traced(0);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, 1) : NULL;
	uint32_t pfn;

	if (!cache)
		return;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(CALL_LIST));
	KT_EQ(kt_cache_fill(cache, 0, GFP_HIGHUSER_MOVABLE, 1), 1);
	pfn = cache->place[0].page->pfn;
	kt_cache_drop_all(cache);
	NEXT_IS(mm, CALL_LIST, pfn, true);
	NEXT_IS(mm, CALL_LIST, pfn, false);
	nothing_more(mm);
}
