/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM that nobody knew of: only a room of addresses is given at the start, the structures come with
 * the RAM. Until then the room costs nothing and is nobody's; afterwards the board is as one that
 * had it from the start.
 */
#include "kt_cache.h"

#include <string.h>

#include <zonal/deferred.h>
#include <zonal/look.h>
#include <zonal/online.h>
#include <zonal/ranges.h>

#include "mm/init.h"
#include "mm/page_owner.h"

#define SECTION ((pfn_t)1 << MM_SECTION_SHIFT)
#define FIRST ((pfn_t)0x40000)
#define SMALL ((pfn_t)8 << (MAX_ORDER - 1))
#define ROOM (FIRST + 2 * SECTION)
#define QUIET (GFP_KERNEL | __GFP_NOWARN)
#define THERE (QUIET | __GFP_THISNODE)

static const struct kt_spec one_node = { .ram = { { 0, FIRST, SMALL } },
					 .cpus = 2, .cpu_node = { 0, 1 } };

static uint64_t bytes_of(pfn_t pages) { return (uint64_t)pages << PAGE_SHIFT; }

/* Two sections for node 1, which has nothing, and one for node 0 behind them. */
static void add_rooms(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_add_room(info, 1, bytes_of(ROOM), bytes_of(2 * SECTION)), 0);
	KT_EQ(zonal_add_room(info, 0, bytes_of(ROOM + 2 * SECTION), bytes_of(SECTION)), 0);
}

static void add_rooms_with_owner(struct boot_info *info, struct zonal_config *config)
{
	add_rooms(info, config);
	config->page_owner = true;
}

static void is_sound(struct zonal *mm)
{
	struct zonal_finding finding;

	zonal_drain_all(mm, NULL);
	KT_OK(zonal_check(mm, &finding), "%s", finding.text);
}

static uint64_t total_of(struct zonal *mm, unsigned nid)
{
	struct zonal_counts c;

	zonal_node_counts(mm, nid, &c);
	return c.total;
}

static void *storage_for(struct zonal *mm, pfn_t pages)
{
	return kt_alloc(zonal_describe_bytes(mm, pages), ZONAL_STORAGE_ALIGN);
}

static int describe(struct zonal *mm, pfn_t start, pfn_t pages)
{
	void *storage = storage_for(mm, pages);

	if (!storage)
		return ZONAL_EINVAL;
	memset(storage, 0xa5, zonal_describe_bytes(mm, pages));
	return zonal_describe(mm, start, pages, storage, zonal_describe_bytes(mm, pages));
}

KTEST(describe, room_is_nobodys_until_it_is_described_and_brought)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms);
	struct page *page;

	if (!mm)
		return;
	KT_EQ(total_of(mm, 1), 0);
	KT_TRUE(!zonal_page(mm, ROOM) && !zonal_is_free(mm, ROOM));
	KT_TRUE(!zonal_alloc_node(mm, 1, THERE, 0));
	KT_EQ(zonal_online(mm, ROOM, SECTION), ZONAL_EINVAL);
	is_sound(mm);
	if (!KT_EQ(describe(mm, ROOM, SECTION), 0))
		return;
	KT_TRUE(zonal_page(mm, ROOM) && !zonal_page(mm, ROOM + SECTION));
	KT_TRUE(mm_seems_ours(mm, zonal_page(mm, ROOM + SECTION - 1)));
	KT_EQ(total_of(mm, 1), 0);
	is_sound(mm);
	KT_EQ(zonal_online(mm, ROOM, SECTION), 0);
	KT_EQ(total_of(mm, 1), SECTION);
	page = zonal_alloc_node(mm, 1, THERE, MAX_ORDER - 1);
	if (!KT_TRUE(page))
		return;
	KT_TRUE(zonal_pfn(page) >= ROOM && zonal_pfn(page) < ROOM + SECTION);
	KT_EQ(zonal_page_node(page), 1);
	zonal_free(mm, page, MAX_ORDER - 1);
	is_sound(mm);
}

/* Room up to the border of the next zone, and RAM behind that. */
static void add_room_below(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_add_room(info, 0, bytes_of(KT_NORMAL_PFN - SECTION), bytes_of(SECTION)), 0);
	/* What is behind the last of a table is nobody's. */
	info->range[info->range_count] = info->range[0];
	info->reserved[info->reserved_count] = info->range[0];
}

KTEST(describe, zones_that_no_room_is_in_expect_nothing)
{
	static const struct kt_spec above = { .ram = { { 0, KT_NORMAL_PFN, SMALL } } };
	struct zonal *mm = kt_changed_instance(&above, add_room_below);
	struct page *page;

	if (!mm)
		return;
	KT_TRUE(kt_zone(mm, 0, ZONE_DMA)->later);
	for (unsigned t = ZONE_DMA + 1; t < ZONE_TYPES; t++)
		KT_TRUE(!kt_zone(mm, 0, t)->later);
	/* Those that are walked: that one, and the one with RAM. */
	KT_EQ(mm->node[0]->nofallback.count, 2);
	is_sound(mm);
	/* A page that came below all others is the instance's as any other. */
	if (!KT_EQ(describe(mm, KT_NORMAL_PFN - SECTION, SECTION), 0) ||
	    !KT_EQ(zonal_online(mm, KT_NORMAL_PFN - SECTION, SECTION), 0))
		return;
	KT_TRUE(zonal_is_free(mm, KT_NORMAL_PFN - SECTION));
	page = zonal_alloc_node(mm, 0, GFP_DMA | __GFP_NOWARN, 3);
	if (KT_TRUE(page && zonal_pfn(page) < KT_NORMAL_PFN))
		zonal_free(mm, page, 3);
	/* And so is what was there before, to its end. */
	KT_TRUE(mm_seems_ours(mm, zonal_page(mm, KT_NORMAL_PFN + SMALL - 1)));
	KT_EQ(mm->map_first, KT_NORMAL_PFN - SECTION);
	KT_TRUE(mm->map_span <= 2 * SECTION);
	KT_EQ(zonal_bad_count(mm), 0);
	KT_EQ(total_of(mm, 0), SMALL + SECTION);
	is_sound(mm);
}

static void add_room_between(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_add_room(info, 0, bytes_of(KT_NORMAL_PFN + 2 * SECTION), bytes_of(SECTION)),
	      0);
}

/* Room in the middle of a zone is no end of what can be initialised later. */
KTEST_F(deferred, sections_behind_room_are_left_for_later_too, KT_HOST_ONLY)
{
	static const struct kt_spec apart = {
		.ram = { { 0, KT_NORMAL_PFN, 2 * SECTION },
			 { 0, KT_NORMAL_PFN + 3 * SECTION, SECTION } },
		.deferred = true,
	};
	struct zonal *mm = kt_changed_instance(&apart, add_room_between);

	if (!mm)
		return;
	KT_TRUE(mm_page_ready(mm, KT_NORMAL_PFN));
	KT_TRUE(!mm_page_ready(mm, KT_NORMAL_PFN + SECTION));
	KT_TRUE(!mm_page_ready(mm, KT_NORMAL_PFN + 3 * SECTION));
	KT_EQ(zonal_deferred_pages(mm, 0), 2 * SECTION);
	while (zonal_deferred_turn(mm, 0) == ZONAL_DEFERRED_MORE)
		;
	KT_TRUE(mm_page_ready(mm, KT_NORMAL_PFN + 3 * SECTION));
	is_sound(mm);
}

static void add_room_above(struct boot_info *info, struct zonal_config *config)
{
	(void)config;
	KT_EQ(zonal_add_room(info, 0, bytes_of(KT_NORMAL_PFN), bytes_of(SECTION)), 0);
}

KTEST(describe, room_is_expected_in_the_zone_that_it_lies_in)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_room_above);

	if (!mm)
		return;
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		KT_EQ(kt_zone(mm, 0, t)->later, t == ZONE_NORMAL);
	is_sound(mm);
}

/* All that was there and all that came is given, each page once, and comes back. */
KTEST(describe, each_page_that_came_is_given_once)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms);
	struct page *chain = NULL, *page;
	uint64_t given = 0;

	if (!mm || !KT_EQ(describe(mm, ROOM + 2 * SECTION, SECTION), 0) ||
	    !KT_EQ(zonal_online(mm, ROOM + 2 * SECTION, SECTION), 0))
		return;
	while ((page = zonal_alloc(mm, QUIET | __GFP_MEMALLOC | __GFP_NORETRY, MAX_ORDER - 1))) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
		given++;
	}
	KT_EQ(given, (SMALL + SECTION) >> (MAX_ORDER - 1));
	while (chain) {
		page = chain;
		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(mm, page, MAX_ORDER - 1);
	}
	is_sound(mm);
}

/* The structures may lie in the RAM that they describe: what they take is not brought. */
KTEST(describe, part_of_a_section_may_stay_back_and_all_may_go_again)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms);
	const pfn_t own = 1u << (MAX_ORDER - 1);

	if (!mm || !KT_EQ(describe(mm, ROOM, 2 * SECTION), 0))
		return;
	KT_EQ(zonal_online(mm, ROOM + own, 2 * SECTION - own), 0);
	KT_EQ(total_of(mm, 1), 2 * SECTION - own);
	is_sound(mm);
	KT_EQ(zonal_offline(mm, ROOM + SECTION, SECTION, NULL), ZONAL_RECLAIM ? 0 : ZONAL_EBUSY);
	if (ZONAL_RECLAIM)
		KT_EQ(total_of(mm, 1), SECTION - own);
	is_sound(mm);
}

KTEST(describe, what_is_no_room_is_refused)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms);
	void *storage;
	size_t bytes;

	if (!mm)
		return;
	bytes = zonal_describe_bytes(mm, SECTION);
	storage = storage_for(mm, SECTION);
	if (!storage)
		return;
	KT_EQ(zonal_describe(mm, FIRST, SECTION, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM - SECTION, SECTION, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM + 1, SECTION, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM, SECTION / 2, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM, 0, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM, SECTION, storage, bytes - 1), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM, SECTION, (char *)storage + 64, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM, SECTION, NULL, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, ROOM + 3 * SECTION, SECTION, storage, bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe(mm, 0 - SECTION, 2 * SECTION, storage, 2 * bytes), ZONAL_EINVAL);
	KT_EQ(zonal_describe_bytes(mm, UINT64_MAX / 8), 0);
	KT_EQ(zonal_describe(mm, ROOM, SECTION, storage, bytes), 0);
	KT_EQ(zonal_describe(mm, ROOM, SECTION, storage, bytes), ZONAL_EINVAL);
	is_sound(mm);
}

/* As many as a size can say are told, and not one more. */
KTEST(describe, bytes_that_no_size_can_say_are_none)
{
	struct zonal *mm = kt_instance(&one_node);
	size_t one = mm ? zonal_describe_bytes(mm, 1) : 0;

	if (!KT_TRUE(one))
		return;
	KT_EQ(zonal_describe_bytes(mm, SIZE_MAX / one), SIZE_MAX / one * one);
	KT_EQ(zonal_describe_bytes(mm, SIZE_MAX / one + 1), 0);
}

KTEST(describe, one_call_at_a_time)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms);

	if (!mm)
		return;
	st_relaxed(&mm->resizing, 1);
	KT_EQ(describe(mm, ROOM, SECTION), ZONAL_EBUSY);
	st_relaxed(&mm->resizing, 0);
	KT_EQ(describe(mm, ROOM, SECTION), 0);
	KT_EQ(ld_relaxed(&mm->resizing), 0);
}

KTEST(describe, rooms_are_whole_sections_beside_what_is_there)
{
	static struct boot_info info;

	zonal_info_begin(&info);
	KT_EQ(zonal_add_memory(&info, 0, bytes_of(FIRST), bytes_of(SMALL)), 0);
	KT_EQ(zonal_add_room(&info, 1, bytes_of(ROOM) + PAGE_SIZE, bytes_of(SECTION)),
	      ZONAL_EINVAL);
	KT_EQ(zonal_add_room(&info, 1, bytes_of(ROOM), bytes_of(SECTION / 2)), ZONAL_EINVAL);
	KT_EQ(zonal_add_room(&info, 1, bytes_of(FIRST), bytes_of(SECTION)), ZONAL_EINVAL);
	KT_EQ(zonal_add_room(&info, ZONAL_MAX_NODES, bytes_of(ROOM), bytes_of(SECTION)),
	      ZONAL_EINVAL);
	KT_EQ(zonal_add_room(&info, 1, bytes_of(ROOM), 0), ZONAL_EINVAL);
	KT_EQ(zonal_add_room(&info, 1, UINT64_MAX - ZONAL_SECTION_BYTES + 1, ZONAL_SECTION_BYTES),
	      ZONAL_ERANGE);
	KT_EQ(info.range_count, 1);
	KT_EQ(zonal_add_room(&info, 1, bytes_of(ROOM), bytes_of(SECTION)), 0);
	KT_EQ(info.range_count, 2);
	KT_EQ(zonal_add_memory(&info, 1, bytes_of(ROOM), bytes_of(SMALL)), ZONAL_EINVAL);
}

/* A room is not there to be shared out. */
KTEST(describe, shares_of_kernelcore_do_not_count_rooms)
{
	struct zonal_config config = { 0 };
	struct zone_layout with, without;
	static struct boot_info info;

	zonal_info_begin(&info);
	KT_EQ(zonal_add_memory(&info, 0, bytes_of(FIRST), bytes_of(SMALL)), 0);
	config.info = &info;
	config.options.kernelcore_percent = 50;
	zones_layout(&config, &without);
	add_rooms(&info, &config);
	KT_EQ(zonal_add_room(&info, 0, bytes_of(FIRST - SECTION), bytes_of(SECTION)), 0);
	zones_layout(&config, &with);
	KT_TRUE(without.movable[0] || !ZONAL_MOBILITY);
	KT_EQ(with.movable[0], without.movable[0]);
	KT_EQ(with.movable[1], 0);
}

/* Allocations in it have a record, and the storage asked for is the storage used. */
KTEST(describe, page_owner_has_records_for_it)
{
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms_with_owner);
	struct owner_record record;
	struct page *page;

	if (!mm || !mm->owner)
		return;
	KT_EQ(zonal_describe_bytes(mm, 1), sizeof(struct page) + sizeof(struct owner_record));
	if (!KT_EQ(describe(mm, ROOM, SECTION), 0) || !KT_EQ(zonal_online(mm, ROOM, SECTION), 0))
		return;
	page = zonal_alloc_node(mm, 1, THERE, 3);
	if (!KT_TRUE(page && page_owner_read(mm, zonal_pfn(page), &record)))
		return;
	KT_EQ(record.order, 3);
	zonal_free(mm, page, 3);
	is_sound(mm);
}

/* Behind all structures, in the order of the frames; all pages of a block have one. */
KTEST(describe, records_lie_in_the_storage_of_their_section)
{
	const size_t map = SECTION * sizeof(struct page), each = sizeof(struct owner_record);
	struct zonal *mm = kt_changed_instance(&one_node, add_rooms_with_owner);
	char *storage = mm && mm->owner ? storage_for(mm, SECTION) : NULL;
	struct page *page;

	if (!storage || !KT_EQ(zonal_describe(mm, ROOM, SECTION, storage,
					      zonal_describe_bytes(mm, SECTION)), 0) ||
	    !KT_EQ(zonal_online(mm, ROOM, SECTION), 0))
		return;
	page = zonal_alloc_node(mm, 1, THERE, 3);
	if (!page)
		return;
	for (pfn_t i = 0; i < SECTION; i++) {
		bool zero = true;

		for (size_t b = 0; b < each; b++)
			zero = zero && !storage[map + i * each + b];
		if (!KT_EQ(zero, zonal_pfn(page) >> 3 != (ROOM + i) >> 3))
			break;
	}
	zonal_free(mm, page, 3);
}

/* Structures that boot left for later are made up for behind a room, and before one. */
static const struct kt_spec large_node = { .ram = { { 0, FIRST, 2 * SECTION },
						    { 0, ROOM + 3 * SECTION, 2 * SECTION } } };

static void add_rooms_and_defer(struct boot_info *info, struct zonal_config *config)
{
	add_rooms(info, config);
	config->deferred = true;
}

/* Host only: structures of four sections, more than a case has on a board. */
KTEST_F(describe, pages_left_for_later_come_around_a_room, KT_HOST_ONLY)
{
	struct zonal *mm = kt_changed_instance(&large_node, add_rooms_and_defer);

	if (!mm || !ZONAL_DEFERRED)
		return;
	KT_TRUE(zonal_deferred_pages(mm, 0) > 0);
	KT_TRUE(mm_page_ready(mm, FIRST) && !mm_page_ready(mm, ROOM + 2 * SECTION));
	while (zonal_deferred_turn(mm, 0) == ZONAL_DEFERRED_MORE)
		;
	KT_EQ(zonal_deferred_pages(mm, 0), 0);
	KT_EQ(total_of(mm, 0), 4 * SECTION);
	KT_EQ(describe(mm, ROOM + 2 * SECTION, SECTION), 0);
	KT_EQ(zonal_online(mm, ROOM + 2 * SECTION, SECTION), 0);
	KT_EQ(total_of(mm, 0), 5 * SECTION);
	is_sound(mm);
}
