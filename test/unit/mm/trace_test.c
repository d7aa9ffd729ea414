/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points (<zonal/trace.h>): each is passed when its event happens, with 5.10's fields, and
 * costs nothing that can be seen while it is off; the rings keep the oldest and count what they
 * lose.
 *
 * A small board, and a ring in the test's own storage. What a page does is made to happen by hand,
 * and the records that come out are compared one by one.
 */
#include "kt_trace.h"

#include <string.h>

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
/* Large enough for per-CPU lists that keep something: batches of 3, up to 18 pages. */
static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 16384 } } };

static struct zonal *traced_board(const struct kt_spec *spec, uint64_t points)
{
	struct zonal *mm = kt_bare_instance(spec);

	return mm && trace_begin(mm, points) ? mm : NULL;
}

static struct zonal *traced(uint64_t points) { return traced_board(&uma, points); }

KTEST(trace, a_page_is_seen_when_it_is_taken_and_when_it_is_freed)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(PAGE_ALLOC) | ZONAL_TRACE_BIT(PAGE_FREE));
	struct page *page, *block;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	block = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE, 3);
	if (!KT_OK(page && block, "no pages"))
		return;
	zonal_free(mm, block, 3);
	zonal_free(mm, page, 0);
	NEXT_IS(mm, PAGE_ALLOC, page->pfn, 0, MIGRATE_UNMOVABLE, GFP_KERNEL);
	NEXT_IS(mm, PAGE_ALLOC, block->pfn, 3, MIGRATE_MOVABLE, GFP_HIGHUSER_MOVABLE);
	NEXT_IS(mm, PAGE_FREE, block->pfn, 3);
	NEXT_IS(mm, PAGE_FREE, page->pfn, 0);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
	KT_EQ(ld_relaxed(&mm->gates), 0);
	KT_TRUE(ld_relaxed(&mm->plain[0].pages) == ld_relaxed(&mm->zone[0]->run.pages));
	kt_check_all(mm);
}

/* What a plain free may find is nothing while any gate wants to know of frees, and is there again
 * behind the last of them. */
KTEST(trace, frees_are_plain_again_when_the_last_gate_opens)
{
	static const uint32_t gates[] = { GATE_CHECK_ALL, GATE_TRACE_FREE, GATE_INJECT };
	struct zonal *mm = kt_instance(&uma);
	struct page_run *run = mm ? &mm->plain[0] : NULL;

	if (!mm || !ZONAL_AIDS || !ZONAL_LANES)
		return;
	KT_EQ(ld_relaxed(&run->pages), ld_relaxed(&mm->zone[0]->run.pages));
	KT_TRUE(ld_relaxed(&run->pages) >= 4096);
	gate_set(mm, gates[2], true);
	KT_EQ(ld_relaxed(&run->pages), ld_relaxed(&mm->zone[0]->run.pages));
	gate_set(mm, gates[0], true);
	gate_set(mm, gates[1], true);
	KT_EQ(ld_relaxed(&run->pages), 0);
	gate_set(mm, gates[0], false);
	gate_set(mm, gates[2], false);
	KT_EQ(ld_relaxed(&run->pages), 0);
	gate_set(mm, gates[1], false);
	KT_EQ(ld_relaxed(&run->pages), ld_relaxed(&mm->zone[0]->run.pages));
}

KTEST(trace, a_record_has_the_fields_of_its_point_and_zeroes_behind_them)
{
	static const uint32_t field[ZONAL_TRACE_FIELDS + 1] = { 11, 12, 13, 14 };
	struct zonal *mm = traced(0);
	struct zonal_trace_record record;

	for (unsigned count = 0; mm && count <= 4; count++) {
		trace_write(mm, ZONAL_TRACE_PAGE_FREE, field, count);
		if (!KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1))
			return;
		for (unsigned i = 0; i < ZONAL_TRACE_FIELDS; i++)
			KT_EQ(record.field[i], i < count ? field[i] : 0);
	}
}

/* A page that was taken before anybody traced is seen when it is freed. */
KTEST(trace, frees_are_seen_of_pages_taken_before)
{
	struct zonal *mm = traced(0);
	struct page *page, *block;

	if (!mm)
		return;
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	block = zonal_alloc(mm, GFP_KERNEL, 4);
	if (!KT_OK(page && block, "no pages"))
		return;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(PAGE_FREE));
	zonal_free(mm, page, 0);
	zonal_get(block);
	zonal_put(mm, block);
	zonal_free(mm, block, 4);
	NEXT_IS(mm, PAGE_FREE, page->pfn, 0);
	NEXT_IS(mm, PAGE_FREE, block->pfn, 4);
	nothing_more(mm);
	zonal_trace_on(mm, 0);
	page = zonal_alloc(mm, GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	nothing_more(mm);
}

/* B17: the rest goes in halves, and the head when its other holder lets go. */
KTEST(trace, a_shared_block_is_seen_to_go_in_halves)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(PAGE_FREE));
	struct page *block;

	block = mm ? zonal_alloc(mm, GFP_KERNEL, 2) : NULL;
	if (!KT_OK(block, "no block"))
		return;
	zonal_get(block);
	zonal_free(mm, block, 2);
	zonal_put(mm, block);
	NEXT_IS(mm, PAGE_FREE, block->pfn + 2, 1);
	NEXT_IS(mm, PAGE_FREE, block->pfn + 1, 0);
	NEXT_IS(mm, PAGE_FREE, block->pfn, 0);
	nothing_more(mm);
}

/* As in 5.10, the request that gets nothing is a record too. */
KTEST(trace, a_failed_request_is_seen_with_page_0)
{
	struct zonal *mm = traced(0);
	struct page *chain = NULL;

	if (!mm)
		return;
	kt_take_all(mm, 0, GFP_NOWAIT, 0, &chain);
	zonal_trace_on(mm, ZONAL_TRACE_BIT(PAGE_ALLOC));
	KT_OK(!zonal_alloc(mm, GFP_NOWAIT, 0), "a page of a full board");
	NEXT_IS(mm, PAGE_ALLOC, 0, 0, MIGRATE_UNMOVABLE, GFP_NOWAIT);
	zonal_trace_on(mm, 0);
	kt_give_all(mm, chain, 0);
}

KTEST(trace, a_refill_is_seen_page_by_page)
{
	struct zonal *mm = traced_board(&large, ZONAL_TRACE_BIT(ZONE_LOCKED));
	struct zonal_trace_record record;
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;
	unsigned batch, seen = 0;

	if (!KT_OK(page, "no page"))
		return;
	batch = kt_zone(mm, 0, ZONE_DMA)->pcp_batch;
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		KT_EQ(record.field[0], page->pfn + seen);
		KT_EQ(record.field[3], 1); /* for a per-CPU list */
		seen++;
	}
	KT_EQ(seen, batch);
	zonal_free(mm, page, 0);
	page = zonal_alloc(mm, GFP_KERNEL, 2);
	NEXT_IS(mm, ZONE_LOCKED, page->pfn, 2, MIGRATE_UNMOVABLE, 0);
	zonal_free(mm, page, 2);
	nothing_more(mm);
}

KTEST(trace, a_drain_is_seen_page_by_page)
{
	struct zonal *mm = traced_board(&large, 0);
	struct zonal_trace_record record;
	struct page *page[6] = { NULL };
	unsigned held, seen = 0;

	for (unsigned i = 0; mm && i < 6; i++)
		page[i] = zonal_alloc(mm, GFP_KERNEL, 0);
	if (!KT_OK(page[5], "no page"))
		return;
	for (unsigned i = 0; i < 6; i++)
		zonal_free(mm, page[i], 0);
	held = kt_pcp_count(kt_zone(mm, 0, ZONE_DMA));
	zonal_trace_on(mm, ZONAL_TRACE_BIT(PCPU_DRAIN));
	zonal_drain_local(mm);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1)) {
		KT_EQ(record.point, ZONAL_TRACE_PCPU_DRAIN);
		if (!KT_OK(seen < 6, "more records than pages"))
			break;
		/* The coldest first, which was freed first. */
		KT_EQ(record.field[0], page[seen]->pfn);
		KT_EQ(record.field[2], MIGRATE_UNMOVABLE);
		seen++;
	}
	KT_EQ(seen, held);
	KT_EQ(held, 6);
}

/* M6: a whole board is movable; the first unmovable block is a theft of the largest. */
KTEST(trace, a_theft_says_from_which_list_and_whether_the_block_changes)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(EXTFRAG));
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 1) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	NEXT_IS(mm, EXTFRAG, page->pfn, 1, MAX_ORDER - 1, PAGEBLOCK_ORDER, MIGRATE_UNMOVABLE,
		MIGRATE_MOVABLE, 0, 1);
	nothing_more(mm);
	zonal_free(mm, page, 1);
}

KTEST(trace, a_full_ring_keeps_the_oldest_and_counts_the_others)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(PAGE_FREE));
	struct zonal_trace_record record;
	uint32_t first = 0, seen = 0;

	if (!mm)
		return;
	for (unsigned i = 0; i < 100; i++) {
		struct page *page = zonal_alloc(mm, GFP_KERNEL, i % 2 ? 3 : 0);

		if (!i)
			first = page->pfn;
		zonal_free(mm, page, i % 2 ? 3 : 0);
	}
	KT_EQ(zonal_trace_lost(mm, kt_cpu_id(0)), 100 - ARRAY_SIZE(slots));
	KT_OK(zonal_trace_peek(mm, kt_cpu_id(0), &record), "nothing");
	KT_EQ(record.field[0], first);
	while (zonal_trace_read(mm, kt_cpu_id(0), &record, 1))
		KT_EQ(record.field[1], seen++ % 2 ? 3 : 0);
	KT_EQ(seen, ARRAY_SIZE(slots));
	/* There is room again. */
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1);
}

KTEST(trace, records_come_in_time_and_several_at_once)
{
	struct zonal *mm = traced(ZONAL_TRACE_BIT(PAGE_FREE));
	struct zonal_trace_record out[8];

	if (!mm)
		return;
	for (unsigned i = 0; i < 5; i++)
		zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), out, 3), 3);
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), out + 3, 5), 2);
	for (unsigned i = 1; i < 5; i++)
		KT_OK(out[i].time_ns >= out[i - 1].time_ns, "record %u is older than %u", i, i - 1);
}

KTEST(trace, a_cpu_without_a_ring_loses_its_records)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	zonal_trace_on(mm, ZONAL_TRACE_BIT(PAGE_FREE));
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0);
	KT_EQ(zonal_trace_lost(mm, kt_cpu_id(0)), 1);
	KT_OK(!zonal_trace_attached(mm, kt_cpu_id(0)), "a ring");
	KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), slots, 1), 0);
	KT_OK(!zonal_trace_peek(mm, kt_cpu_id(0), slots), "a record");
	KT_OK(!zonal_trace_peek(mm, ZONAL_MAX_CPUS, slots), "a record of no CPU");
	KT_EQ(zonal_trace_lost(mm, ZONAL_MAX_CPUS), 0);
}

KTEST(trace, a_ring_that_cannot_be_is_refused)
{
	struct zonal *mm = traced(0);
	struct zonal *other = kt_bare_instance(&uma);

	if (!mm || !other)
		return;
	/* It has one. */
	KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), slots, sizeof(slots)), ZONAL_EINVAL);
	KT_EQ(zonal_trace_attach(other, ZONAL_MAX_CPUS, slots, sizeof(slots)), ZONAL_EINVAL);
	KT_EQ(zonal_trace_attach(other, kt_cpu_id(0), slots, 127), ZONAL_EINVAL);
	KT_EQ(zonal_trace_attach(other, kt_cpu_id(0), (char *)slots + 4, 1024), ZONAL_EINVAL);
	KT_EQ(zonal_trace_attach(other, kt_cpu_id(0), slots, 3 * sizeof(*slots)), 0);
	KT_EQ(other->cpu[kt_cpu_id(0)]->trace.mask, 1);
}

KTEST(trace, every_point_has_a_name_and_fields_that_fit)
{
	for (unsigned p = 0; p < ZONAL_TRACE_POINTS; p++) {
		const char *at = zonal_trace_fields(p);
		unsigned fields = strstr(at, "comm") ? 4 : 1; /* a name takes four */

		KT_OK(zonal_trace_name(p)[0] && *at, "point %u", p);
		while ((at = strchr(at, ' '))) {
			fields++;
			at++;
		}
		KT_OK(fields <= ZONAL_TRACE_FIELDS, "%s has %u fields", zonal_trace_name(p),
		      fields);
		for (unsigned q = 0; q < p; q++)
			KT_OK(strcmp(zonal_trace_name(p), zonal_trace_name(q)), "%u and %u", p, q);
	}
	KT_STR_EQ(zonal_trace_name(ZONAL_TRACE_POINTS), "?");
	KT_STR_EQ(zonal_trace_fields(ZONAL_TRACE_POINTS), "?");
}
