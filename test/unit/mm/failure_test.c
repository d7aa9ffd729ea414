/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record that a failed request leaves, its text, and failures made on purpose.
 *
 * Each reason for which a zone may be passed over is brought about alone, and the record must
 * name it, and for a watermark by how many pages: one page less than the zone would have
 * needed is 1, not 0. What the caller asked (flags, order, node, policy) is kept as it was
 * asked. The text is compared whole, and then once for each size of the buffer.
 */
#include <string.h>

#include "kt_instance.h"

#include "mm/alloc.h"
#include "mm/compact/rung.h"
#include "mm/reclaim/reclaim.h"
#include "mm/watermark.h"
#include "test/unit/monitor/monitor_capture.h"

/* Zones in the order of a NORMAL request on node 0: Normal 0, DMA 0, Normal 1, DMA 1. */
static const struct kt_spec two_by_two = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 1, KT_DMA_PFN + 1024, 1024 },
		 { 0, KT_NORMAL_PFN, 1024 },
		 { 1, KT_NORMAL_PFN + 1024, 1024 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};
static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

static void close_all(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		kt_close_zone(zone);
}

/* A record is large for the image's stacks; the newest one looked at lies here. */
static struct zonal_failure f;

static const struct zonal_failure *newest(struct zonal *mm)
{
	zonal_last_failure(mm, &f);
	return &f;
}

/* One zone after the other: node, zone type, refusal. */
static void expect_zones(const uint8_t expected[][3], unsigned count)
{
	KT_EQ(f.zone_count, count);
	for (unsigned i = 0; i < count; i++) {
		KT_EQ(f.zone[i].zid, expected[i][0] * ZONE_TYPES + expected[i][1]);
		KT_EQ(f.zone[i].refusal, expected[i][2]);
		if (f.zone[i].refusal != REFUSED_WATERMARK)
			KT_EQ(f.zone[i].short_pages, 0);
	}
}

KTEST(failure, each_zone_has_its_reason)
{
	static const uint8_t low[][3] = { { 0, ZONE_NORMAL, REFUSED_NOT_ASKED },
					  { 0, ZONE_DMA, REFUSED_NODEMASK },
					  { 1, ZONE_NORMAL, REFUSED_NOT_ASKED },
					  { 1, ZONE_DMA, REFUSED_WATERMARK } };
	static const uint8_t walled[][3] = { { 0, ZONE_NORMAL, REFUSED_CPUSET },
					     { 0, ZONE_DMA, REFUSED_CPUSET },
					     { 1, ZONE_NORMAL, REFUSED_NO_BLOCK },
					     { 1, ZONE_DMA, REFUSED_WATERMARK } };
	struct zonal *mm = kt_bare_instance(&two_by_two);
	struct zonal_task saved, *task = kt_task_save(&saved);
	nodemask_t mask = node_bit(1);
	struct page *chain = NULL;

	if (!mm)
		return;
	close_all(mm);
	KT_TRUE(!zonal_alloc_mask(mm, 0, GFP_KERNEL | __GFP_DMA | __GFP_NOWARN, 0, &mask));
	newest(mm);
	expect_zones(low, 4);
	/* node 1's Normal has pages enough, but in single ones */
	kt_no_marks(mm);
	kt_close_zone(kt_zone(mm, 1, ZONE_DMA));
	kt_take_all(mm, 1, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0, &chain);
	for (struct page *page = chain; page;) {
		struct page *next = *(struct page **)zonal_page_owner(page);

		if (zonal_pfn(page) % 2)
			zonal_free(mm, page, 0);
		page = next;
	}
	zonal_drain_local(mm);
	KT_EQ(kt_free(kt_zone(mm, 1, ZONE_NORMAL)), 512);
	/* The border: not one page more than the mark wants, and not one too few. */
	kt_usable(kt_zone(mm, 1, ZONE_NORMAL), ZONE_NORMAL, 2);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_USER | __GFP_NOWARN, 1));
	newest(mm);
	expect_zones(walled, 4);
	kt_task_restore(&saved);
}

/* The number of pages that were missing, at the floor of the last pass that was made. */
KTEST(failure, short_pages_are_exact)
{
	static const struct {
		gfp_t gfp;
		unsigned order;
		int64_t floor; /* of MIN 1024 */
	} table[] = {
		{ GFP_KERNEL, 0, 1024 },	{ GFP_KERNEL, 3, 1024 + 7 },
		{ __GFP_HIGH, 0, 512 },		{ GFP_ATOMIC, 0, 384 },
		{ GFP_ATOMIC, 4, 384 + 15 },
	};
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone;

	if (!mm)
		return;
	zone = kt_zone(mm, 0, ZONE_DMA);
	kt_marks(zone, 1024, 1 << 20, 1 << 20);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		for (int64_t missing = 1; missing < 700; missing += 233) {
			kt_usable(zone, ZONE_NORMAL, table[i].floor + 1 - missing);
			KT_EQ(kt_served_by(mm, 0, table[i].gfp, table[i].order), -1);
			newest(mm);
			KT_EQ(f.zone[0].refusal, REFUSED_WATERMARK);
			KT_EQ(f.zone[0].short_pages, missing);
		}
	}
}

/* What is on record is what was asked, by whom, and for the CPU that asked. */
KTEST(failure, record_keeps_the_request)
{
	struct zonal *mm = kt_bare_instance(&two_by_two);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;

	if (!mm)
		return;
	KT_EQ(newest(mm)->serial, 0);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), 0);
	close_all(mm);
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 2));
	newest(mm);
	KT_EQ(f.serial, 1);
	KT_EQ(f.gfp, GFP_KERNEL | __GFP_NOWARN);
	KT_EQ(f.order, 2);
	KT_EQ(f.policy, MPOL_BIND);
	KT_EQ(f.nid, 0);
	KT_TRUE(!zonal_alloc_node(mm, 1, GFP_NOWAIT | __GFP_NOWARN, 5));
	KT_EQ(newest(mm)->nid, 1);
	KT_EQ(newest(mm)->order, 5);
	/* an interrupt has no policy */
	irq = kt_irq_enter();
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	kt_irq_exit(irq);
	newest(mm);
	KT_EQ(f.serial, 3);
	KT_EQ(f.policy, MPOL_DEFAULT);
	kt_task_restore(&saved);
}

KTEST(failure, record_keeps_how_far_it_went)
{
	const struct retry tried = { .rounds = 3, .scanned = 1000, .reclaimed = 70,
				     .compacted = 6, .compact_priority = 1 };
	struct zonal *mm = kt_bare_instance(&two_by_two);
	struct alloc_req req = { .mm = mm, .task = port_this_cpu()->task, .nid = 1,
				 .list = mm ? &mm->node[1]->fallback : NULL,
				 .high_zone = ZONE_NORMAL };
	struct alloc_pass pass = { .gfp = GFP_USER, .nodemask = NODEMASK_ALL };
	const struct alloc_pass walks[] = { pass, pass };
	const struct zonal_outcomes outcome = { .end = ZONAL_END_COSTLY, .naps = 9 };
	const struct tried how = { ZSTEP_FAST | ZSTEP_RECLAIM, &tried, &outcome };

	if (!mm)
		return;
	failure_record(&req, &pass, walks, &how);
	newest(mm);
	KT_EQ(f.steps, ZSTEP_FAST | ZSTEP_RECLAIM);
	KT_EQ(f.rounds, 3);
	KT_EQ(f.scanned, 1000);
	KT_EQ(f.reclaimed, 70);
	KT_EQ(f.compacted, 6);
	KT_EQ(f.compact_priority, 1);
	KT_EQ(f.nid, 1);
	KT_EQ(f.zones_more, 0);
	KT_EQ(f.outcome.end, ZONAL_END_COSTLY);
	KT_EQ(f.outcome.naps, 9);
}

KTEST_F(failure, each_cpu_keeps_its_newest, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_by_two);

	if (!mm)
		return;
	close_all(mm);
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 0));
	kt_cpu(1);
	KT_EQ(newest(mm)->serial, 0);
	KT_TRUE(!zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, 1));
	KT_EQ(newest(mm)->serial, 2);
	KT_EQ(newest(mm)->nid, 1);
	kt_cpu(0);
	KT_EQ(newest(mm)->serial, 1);
}

/* A request that is refused at the door: on record as asked, and one line in all. */
KTEST_F(failure, refused_at_the_door_says_so_once, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_by_two);
	struct zonal_task saved, *task = kt_task_save(&saved);
	const char *text;

	if (!mm)
		return;
	KT_EQ(zonal_set_policy(mm, task, MPOL_INTERLEAVE, 0, 3), 0);
	capture_begin();
	zonal_inject(mm, 0, 1);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL, 0));
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_NOWARN, 11));
	text = capture_end();
	KT_STR_EQ(text, "");
	capture_begin();
	KT_TRUE(!zonal_alloc_node(mm, -7, GFP_KERNEL, 3));
	newest(mm);
	KT_TRUE(!zonal_alloc_node(mm, 0, GFP_KERNEL, 300));
	text = capture_end();
	KT_OK(strstr(text, "refused request: gfp 0xcc0 order 3 node -7 (order < 11") != NULL,
	      "%s", text);
	KT_OK(strchr(text, '\n') == strrchr(text, '\n'), "more than one line: %s", text);
	KT_EQ(f.serial, 3);
	KT_EQ(f.nid, -7);
	KT_EQ(f.order, 3);
	KT_EQ(f.policy, MPOL_INTERLEAVE);
	KT_EQ(f.steps, ZSTEP_BAD_NODE);
	KT_EQ(f.zone_count, 0);
	newest(mm);
	KT_EQ(f.order, 255);
	KT_EQ(f.steps, ZSTEP_BAD_ORDER);
	KT_EQ(f.gfp, GFP_KERNEL);
	kt_task_restore(&saved);
}

/* D19: exactly `times` after exactly `skip`, and then the lanes are open again. */
KTEST(failure, injected_failures_are_counted_out)
{
	static const uint64_t skips[] = { 0, 1, 3, 6 }, times[] = { 1, 2, 5 };
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(skips) * ARRAY_SIZE(times); i++) {
		uint64_t skip = skips[i / ARRAY_SIZE(times)], n = times[i % ARRAY_SIZE(times)];

		zonal_inject(mm, skip, n);
		for (uint64_t k = 0; k < skip + n + 3; k++) {
			struct page *page = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0);

			KT_OK(!page == (k >= skip && k < skip + n), "skip %llu, times %llu: "
			      "request %llu", (unsigned long long)skip, (unsigned long long)n,
			      (unsigned long long)k);
			zonal_free(mm, page, 0);
		}
		KT_EQ(ld_relaxed(&mm->gates) & GATE_INJECT, 0);
	}
	zonal_inject(mm, 1, 100);
	zonal_inject(mm, 0, 0);
	KT_EQ(ld_relaxed(&mm->gates) & GATE_INJECT, 0);
	KT_EQ(kt_served_by(mm, 0, GFP_KERNEL, 0), ZONE_DMA);
}

static void expect_text(const char *expected)
{
	char text[512];
	size_t whole = strlen(expected);

	memset(text, 'x', sizeof(text));
	KT_EQ(zonal_failure_text(NULL, &f, text, sizeof(text)), whole);
	KT_STR_EQ(text, expected);
	/* each size cuts at its end, and what lies beyond is not touched */
	for (size_t size = 0; size <= whole + 1; size++) {
		size_t length = size ? ZN_MIN(size - 1, whole) : 0;

		memset(text, 'x', sizeof(text));
		KT_EQ(zonal_failure_text(NULL, &f, text, size), length);
		KT_OK(size == 0 || (memcmp(text, expected, length) == 0 && !text[length]),
		      "cut at %zu: %.40s", size, text);
		KT_EQ(text[size], 'x');
	}
}

KTEST(failure, text_is_whole_or_cut_at_its_end)
{
	memset(&f, 0, sizeof(f));
	expect_text("no request has failed on this CPU");
	f.serial = 12345678901ull;
	f.gfp = 0xcc0;
	f.order = 11;
	f.policy = MPOL_PREFERRED;
	f.nid = 3;
	f.steps = ZSTEP_BAD_ORDER;
	expect_text("#12345678901 gfp 0xcc0 order 11 node 3 policy preferred: order is not below "
		    "the largest");
	f.steps = ZSTEP_BAD_NODE;
	f.nid = -1;
	f.order = 0;
	expect_text("#12345678901 gfp 0xcc0 order 0 node -1 policy preferred: no such node online");
}

KTEST(failure, text_lists_zones_and_steps)
{
	memset(&f, 0, sizeof(f));
	f.serial = 1;
	f.gfp = 0x800;
	f.order = 3;
	f.policy = MPOL_BIND;
	f.steps = ZSTEP_FAST | ZSTEP_MIN | ZSTEP_KSWAPD;
	f.zone_count = 3;
	f.zone[0].zid = 0 * ZONE_TYPES + ZONE_NORMAL;
	f.zone[0].refusal = REFUSED_NOT_ASKED;
	f.zone[1].zid = 0 * ZONE_TYPES + ZONE_DMA;
	f.zone[1].refusal = REFUSED_WATERMARK;
	f.zone[1].short_pages = 12;
	f.zone[2].zid = 5 * ZONE_TYPES + ZONE_DMA32;
	f.zone[2].refusal = REFUSED_NO_BLOCK;
	expect_text("#1 gfp 0x800 order 3 node 0 policy bind; node 0 Normal not asked; node 0 DMA "
		    "short by 12 pages; node 5 DMA32 no free block; tried low, min, kswapd");
	f.zone_count = 1;
	f.zones_more = 7;
	expect_text("#1 gfp 0x800 order 3 node 0 policy bind; node 0 Normal not asked; and 7 zones "
		    "farther away; tried low, min, kswapd");
	f.zone_count = f.zones_more = 0;
	f.steps = ZSTEP_RECLAIM;
	f.scanned = 640;
	f.reclaimed = 64;
	f.rounds = 2;
	expect_text("#1 gfp 0x800 order 3 node 0 policy bind; tried reclaim; reclaim looked at 640 "
		    "pages and freed 64 in 3 rounds");
	f.steps = ZSTEP_COMPACT;
	f.compacted = COMPACT_DEFERRED;
	f.compact_priority = 1;
	expect_text("#1 gfp 0x800 order 3 node 0 policy bind; tried compact; compaction: "
		    "deferred at priority 1");
	/* A single page is not compacted for. */
	f.order = 0;
	expect_text("#1 gfp 0x800 order 0 node 0 policy bind; tried compact");
}
