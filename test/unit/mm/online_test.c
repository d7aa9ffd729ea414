/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that comes later and memory that goes: what is held back is nobody's until it is brought,
 * and then the board is as one that had it from the start; what is taken away is emptied first, or
 * what is in use there is told and nothing has changed.
 *
 * All pages of a zone are counted around each step, by zonal_check() as well.
 */
#include "kt_cache.h"

#include <string.h>

#include <zonal/contig.h>
#include <zonal/look.h>
#include <zonal/online.h>
#include <zonal/ranges.h>

#include "mm/page_owner.h"
#include "mm/watermark.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define PART (8 * LARGEST)
#define FIRST KT_DMA_PFN
#define SECOND (FIRST + PART)
#define QUIET (GFP_KERNEL | __GFP_NOWARN)
#define THERE (QUIET | __GFP_THISNODE)
#define MOVABLE (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)

/* Node 1, or the second half of node 0, may be held back. */
static const struct kt_spec two_nodes = {
	.ram = { { 0, FIRST, PART }, { 1, SECOND, PART } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};
static const struct kt_spec one_node = { .ram = { { 0, FIRST, 2 * PART } } };

static void hold_second_back(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_hold_back(info, (uint64_t)SECOND << PAGE_SHIFT, (uint64_t)PART << PAGE_SHIFT),
	      0);
}

static void reserve_second(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_reserve(info, (uint64_t)SECOND << PAGE_SHIFT, (uint64_t)PART << PAGE_SHIFT),
	      0);
}

static struct zonal_counts counts_of(struct zonal *mm, unsigned nid)
{
	struct zonal_counts c;

	zonal_drain_all(mm, NULL);
	zonal_node_counts(mm, nid, &c);
	return c;
}

static void is_sound(struct zonal *mm)
{
	struct zonal_finding finding;

	zonal_drain_all(mm, NULL);
	KT_OK(zonal_check(mm, &finding), "%s", finding.text);
}

/* 5.10 computes min_free_kbytes from what lies above the high marks in force (S1): a little less
 * than at the start, when they are 0. */
static void is_about(int64_t mark, int64_t same)
{
	KT_OK(mark <= same && mark >= same - same / 16, "mark %lld, not %lld", (long long)mark,
	      (long long)same);
}

/* Marks, reserves and list sizes of every zone. */
static void is_like(struct zonal *mm, struct zonal *other)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		struct zone *same = other->zone[zid];

		if (!KT_TRUE(same))
			return;
		KT_EQ(zone_managed(zone), zone_managed(same));
		for (unsigned m = 0; m < WMARKS; m++)
			is_about(zone_mark(zone, m), zone_mark(same, m));
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			KT_EQ(ld_relaxed(&zone->lowmem_reserve[t]),
			      ld_relaxed(&same->lowmem_reserve[t]));
		KT_EQ(zone->pcp_high, same->pcp_high);
		KT_EQ(zone->pcp_batch, same->pcp_batch);
	}
}

/* ---- memory that comes ---- */

KTEST(online, what_is_held_back_is_nobodys_until_it_comes)
{
	struct zonal *mm = kt_changed_instance(&two_nodes, hold_second_back);
	struct zonal *whole = kt_instance(&two_nodes);
	struct page *page;

	if (!mm || !whole)
		return;
	KT_EQ(counts_of(mm, 1).total, 0);
	KT_TRUE(!zonal_alloc_node(mm, 1, THERE, 0));
	is_sound(mm);
	KT_EQ(zonal_online(mm, SECOND, PART), 0);
	KT_EQ(counts_of(mm, 1).total, PART);
	KT_EQ(counts_of(mm, 1).free, PART);
	is_like(mm, whole);
	for (pfn_t pfn = SECOND; pfn < SECOND + PART; pfn++)
		KT_EQ(page_word(mm_page(mm, pfn)), page_word(mm_page(whole, pfn)));
	page = zonal_alloc_node(mm, 1, THERE, MAX_ORDER - 1);
	KT_TRUE(page && zonal_pfn(page) >= SECOND);
	if (page)
		zonal_free(mm, page, MAX_ORDER - 1);
	is_sound(mm);
}

/* One of three ranges is held back, behind or before a page that is reserved for good. What lies
 * behind the last of a table is nobody's. */
static const struct kt_spec three_nodes = {
	.ram = { { 0, FIRST, PART }, { 1, SECOND, PART }, { 2, KT_NORMAL_PFN, PART } },
};
static unsigned back;

static void hold_one_back(struct boot_info *info, struct zonal_config *config)
{
	const struct boot_range *range = &info->range[back], *other = &info->range[back ? 0 : 1];

	(void)config;
	KT_EQ(zonal_reserve(info, other->start, PAGE_SIZE), 0);
	KT_EQ(zonal_hold_back(info, range->start, range->size), 0);
	info->reserved[info->reserved_count] = (struct boot_range){
		.start = other->start, .size = other->size, .nid = -1, .flags = BOOT_LATER
	};
	info->range[info->range_count] = *range;
}

KTEST(online, memory_is_expected_where_it_is_held_back_and_nowhere_else)
{
	for (back = 0; back < 3; back++) {
		struct zonal *mm = kt_changed_instance(&three_nodes, hold_one_back);

		if (!mm)
			return;
		for (unsigned nid = 0; nid < 3; nid++)
			for (unsigned t = 0; t < ZONE_TYPES; t++)
				KT_EQ(kt_zone(mm, nid, t)->later,
				      nid == back && t == (nid == 2 ? ZONE_NORMAL : ZONE_DMA));
		KT_EQ(counts_of(mm, back).total, 0);
		KT_EQ(zonal_online(mm, three_nodes.ram[back].start, PART), 0);
		KT_EQ(counts_of(mm, back).total, PART);
		is_sound(mm);
	}
}

KTEST(online, a_request_goes_on_to_memory_that_came_while_its_own_is_full)
{
	struct zonal *mm = kt_changed_instance(&two_nodes, hold_second_back);
	struct page *page, *chain = NULL;
	uint64_t pages;

	if (!mm)
		return;
	while ((page = zonal_alloc(mm, QUIET, 0))) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	KT_EQ(zonal_online(mm, SECOND, PART), 0);
	for (pages = 0; pages < PART / 2 && (page = zonal_alloc(mm, QUIET, 0)); pages++) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	KT_EQ(pages, PART / 2);
	while (chain) {
		page = chain;
		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(mm, page, 0);
	}
	is_sound(mm);
}

KTEST(online, memory_comes_piece_by_piece_in_any_order)
{
	struct zonal *mm = kt_changed_instance(&one_node, hold_second_back);
	uint64_t left = PART, seed = kt_seed();

	if (!mm)
		return;
	/* From the end, in pieces of no particular size. */
	while (left) {
		uint64_t some = 1 + kt_random(&seed) % (LARGEST + 77);

		some = ZN_MIN(some, left);
		left -= some;
		KT_EQ(zonal_online(mm, SECOND + left, some), 0);
		KT_EQ(counts_of(mm, 0).total, 2 * PART - left);
	}
	KT_EQ(counts_of(mm, 0).free, 2 * PART);
	KT_EQ(counts_of(mm, 0).largest, LARGEST);
	is_sound(mm);
}

KTEST(online, any_reserved_memory_of_a_zone_in_use_can_come)
{
	struct zonal *mm = kt_changed_instance(&one_node, reserve_second);

	if (!mm)
		return;
	KT_EQ(zonal_online(mm, SECOND, PART), 0);
	KT_EQ(counts_of(mm, 0).total, 2 * PART);
	is_sound(mm);
}

KTEST(online, a_retired_page_does_not_come)
{
	struct zonal *mm = kt_changed_instance(&one_node, hold_second_back);

	if (!mm)
		return;
	KT_EQ(zonal_page_retire(mm, SECOND + 5, NULL), ZONAL_RETIRED_RESERVED);
	KT_EQ(zonal_online(mm, SECOND, PART), 0);
	KT_EQ(counts_of(mm, 0).total, 2 * PART - 1);
	KT_TRUE(!zonal_is_free(mm, SECOND + 5));
	KT_TRUE(zonal_is_free(mm, SECOND + 4));
	is_sound(mm);
}

KTEST(online, what_is_not_reserved_memory_of_one_zone_is_refused)
{
	struct zonal *mm = kt_changed_instance(&two_nodes, hold_second_back);
	struct zonal *never = kt_changed_instance(&two_nodes, reserve_second);

	if (!mm || !never)
		return;
	KT_EQ(zonal_online(mm, SECOND, 0), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, SECOND - 1, 2), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, SECOND, PART + 1), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, SECOND, UINT64_MAX), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, FIRST, 1), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, SECOND, 16), 0);
	KT_EQ(zonal_online(mm, SECOND, 16), ZONAL_EINVAL);
	KT_EQ(zonal_online(mm, SECOND + 15, 2), ZONAL_EINVAL);
	KT_EQ(counts_of(mm, 1).total, 16);
	/* Nobody said at the start that this zone would have memory: no list has it. */
	KT_EQ(zonal_online(never, SECOND, PART), ZONAL_EINVAL);
	is_sound(mm);
	is_sound(never);
}

KTEST(online, what_is_held_back_and_what_is_reserved_do_not_overlap)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);

	if (!info)
		return;
	zonal_info_begin(info);
	KT_EQ(zonal_add_memory(info, 0, 1 << 30, 1 << 26), 0);
	KT_EQ(zonal_reserve(info, 1 << 30, 1 << 20), 0);
	KT_EQ(zonal_hold_back(info, (1 << 30) + (1 << 19), 1 << 20), ZONAL_EINVAL);
	KT_EQ(zonal_hold_back(info, (1 << 30) + (1 << 20), 1 << 20), 0);
	KT_EQ(info->reserved_count, 2);
	KT_EQ(zonal_reserve(info, (1 << 30) + (1 << 20), 1), ZONAL_EINVAL);
}

/* ---- memory that goes ---- */

KTEST(online, free_memory_goes_and_comes_back)
{
	struct zonal *mm = kt_instance(&one_node), *half = kt_changed_instance(&one_node,
									      hold_second_back);
	struct zonal_in_use in_use = { .used = 1 };
	struct zonal *whole = kt_instance(&one_node);

	if (!mm || !half || !whole)
		return;
	KT_EQ(zonal_offline(mm, SECOND, PART, &in_use), 0);
	KT_EQ(in_use.used | in_use.listed | in_use.reserved | in_use.first, 0);
	KT_EQ(counts_of(mm, 0).total, PART);
	KT_EQ(counts_of(mm, 0).free, PART);
	is_like(mm, half);
	is_sound(mm);
	KT_EQ(zonal_online(mm, SECOND, PART), 0);
	is_like(mm, whole);
	KT_EQ(counts_of(mm, 0).free, 2 * PART);
	is_sound(mm);
}

KTEST(online, what_can_be_moved_is_moved_and_the_range_goes)
{
	struct zonal *mm = kt_bare_instance(&one_node);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, 2 * PART) : NULL;
	uint64_t seed = kt_seed();

	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE, 2 * PART);
	for (unsigned i = 0; i < cache->count; i++)
		if (kt_random(&seed) % 4)
			kt_cache_drop(cache, i);
	KT_EQ(zonal_offline(mm, SECOND, PART / 2, NULL), 0);
	for (unsigned i = 0; i < cache->count; i++)
		KT_TRUE(!cache->place[i].page ||
			zonal_pfn(cache->place[i].page) - SECOND >= PART / 2);
	KT_EQ(counts_of(mm, 0).total, 2 * PART - PART / 2);
	KT_TRUE(!zonal_is_free(mm, SECOND));
	is_sound(mm);
}

KTEST(online, what_is_in_use_is_told_and_stays)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zonal_in_use in_use;
	struct page *block = mm ? zonal_alloc_node(mm, 1, THERE, 3) : NULL;

	if (!block)
		return;
	KT_EQ(zonal_offline(mm, SECOND, PART, &in_use), ZONAL_EBUSY);
	KT_EQ(in_use.used, 8);
	KT_EQ(in_use.listed | in_use.reserved, 0);
	KT_EQ(in_use.first, zonal_pfn(block));
	KT_EQ(counts_of(mm, 1).total, PART);
	KT_EQ(counts_of(mm, 1).free, PART - 8);
	/* A part of the block alone, what lies beside it, and memory that is gone already. */
	KT_EQ(zonal_offline(mm, zonal_pfn(block) + 2, 3, &in_use), ZONAL_EBUSY);
	KT_EQ(in_use.used, 3);
	KT_EQ(zonal_offline(mm, zonal_pfn(block) ^ 512, 3, &in_use), ZONAL_EBUSY);
	KT_EQ(in_use.used, 8);
	KT_EQ(in_use.first, zonal_pfn(block));
	zonal_free(mm, block, 3);
	KT_EQ(zonal_offline(mm, SECOND, PART, &in_use), 0);
	KT_EQ(zonal_offline(mm, SECOND, PART, &in_use), ZONAL_EBUSY);
	KT_EQ(in_use.reserved, PART);
	KT_EQ(in_use.first, SECOND);
	KT_EQ(zonal_offline(mm, SECOND - 1, 2, &in_use), ZONAL_EINVAL);
	KT_EQ(zonal_offline(mm, SECOND, 0, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_offline(mm, 1, 1, NULL), ZONAL_EINVAL);
	KT_TRUE(!zonal_alloc_node(mm, 1, THERE, 0));
	is_sound(mm);
}

/* Two listed pages a block that stay, with free ones before and between them, and somewhere one
 * that is not listed: all are told, and which is the first. */
KTEST(online, all_that_is_in_use_is_told_and_how_much_of_it_is_listed)
{
	struct zonal *mm = kt_bare_instance(&one_node);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_ANON, PART) : NULL;
	struct zonal_in_use in_use;
	struct page *own;

	if (!cache)
		return;
	kt_cache_fill(cache, 0, MOVABLE, PART);
	for (unsigned i = 0; i < cache->count; i++) {
		pfn_t at = zonal_pfn(cache->place[i].page) % LARGEST;

		cache->place[i].move = ZONAL_GIVE_BUSY;
		if (at != 5 && at != 9)
			kt_cache_drop(cache, i);
	}
	zonal_drain_all(mm, NULL);
	own = zonal_alloc(mm, GFP_KERNEL, 0);
	if (!KT_TRUE(own))
		return;
	for (pfn_t at = FIRST; at < SECOND; at += LARGEST) {
		bool ours = zonal_pfn(own) / LARGEST == at / LARGEST;

		if (zonal_is_free(mm, at + 5))
			continue;
		KT_EQ(zonal_offline(mm, at, LARGEST, &in_use), ZONAL_EBUSY);
		KT_EQ(in_use.listed, 2);
		KT_EQ(in_use.used, 2 + ours);
		KT_EQ(in_use.first, ours ? ZN_MIN(zonal_pfn(own), at + 5) : at + 5);
		KT_EQ(in_use.reserved, 0);
	}
	zonal_free(mm, own, 0);
	kt_cache_drop_all(cache);
	is_sound(mm);
}

KTEST(online, one_caller_at_a_time)
{
	struct zonal *mm = kt_changed_instance(&one_node, hold_second_back);
	struct zonal_in_use in_use = { .used = 7 };

	if (!mm)
		return;
	st_relaxed(&mm->resizing, 1);
	KT_EQ(zonal_online(mm, SECOND, 1), ZONAL_EBUSY);
	KT_EQ(zonal_offline(mm, FIRST, 1, &in_use), ZONAL_EBUSY);
	KT_EQ(in_use.used, 0);
	st_relaxed(&mm->resizing, 0);
	KT_EQ(zonal_online(mm, SECOND, 1), 0);
	KT_EQ(zonal_online(mm, SECOND + 1, 1), 0);
	is_sound(mm);
}

KTEST(online, a_page_that_went_has_no_owner_on_record)
{
	struct kt_spec spec = one_node;
	struct owner_record record;
	struct zonal *mm;

	spec.page_owner = true;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_EQ(zonal_offline(mm, SECOND, LARGEST, NULL), 0);
	KT_TRUE(page_owner_read(mm, SECOND + 3, &record) && record.free_stack != STACK_NONE);
	is_sound(mm);
}

KTEST(online, random_ranges_come_and_go_beside_requests)
{
	struct zonal *mm = kt_changed_instance(&one_node, hold_second_back);
	uint64_t seed = kt_seed(), away = PART, went = 0, came = 0;
	struct page *held[3] = { NULL };
	static uint8_t gone[2 * PART];

	if (!mm)
		return;
	for (uint64_t i = 0; i < 2 * PART; i++)
		gone[i] = i >= PART;
	for (unsigned step = 0; step < 400; step++) {
		uint64_t at = kt_random(&seed) % (2 * PART - 1);
		uint64_t pages = 1 + kt_random(&seed) % ZN_MIN(LARGEST, 2 * PART - at);
		unsigned n = (unsigned)(kt_random(&seed) % ARRAY_SIZE(held));
		bool here = true, absent = true;

		/* Whole blocks half of the time: beside pages that stay, nothing else can go. */
		if (step % 2) {
			at -= at % LARGEST;
			pages = LARGEST;
		}
		if (held[n])
			zonal_free(mm, held[n], n);
		held[n] = zonal_alloc(mm, QUIET | __GFP_NORETRY, n);
		for (uint64_t i = at; i < at + pages; i++) {
			here = here && !gone[i];
			absent = absent && gone[i];
		}
		if (zonal_online(mm, FIRST + at, pages) == 0) {
			KT_OK(absent, "step %u: %llu pages were there already", step,
			      (unsigned long long)pages);
			memset(gone + at, 0, pages);
			away -= pages, came++;
		} else if (zonal_offline(mm, FIRST + at, pages, NULL) == 0) {
			KT_OK(here, "step %u: some of %llu pages were gone", step,
			      (unsigned long long)pages);
			memset(gone + at, 1, pages);
			away += pages, went++;
		}
		KT_EQ(counts_of(mm, 0).total, 2 * PART - away);
	}
	kt_diag("%llu came, %llu went", (unsigned long long)came, (unsigned long long)went);
	KT_OK(came > 5 && went > 5, "%llu came, %llu went", (unsigned long long)came,
	      (unsigned long long)went);
	for (unsigned n = 0; n < ARRAY_SIZE(held); n++)
		if (held[n])
			zonal_free(mm, held[n], n);
	KT_EQ(counts_of(mm, 0).free, 2 * PART - away);
	is_sound(mm);
}
