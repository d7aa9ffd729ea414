/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instance whose own data lies in the middle of the RAM that it describes: placed by the core,
 * which reserves it, or by the caller, who has to.
 *
 * The RAM of these boards is real memory of the case. Everything that can be allocated is, and is
 * written over: if a page of the instance's own were given out, the check would see it.
 */
#include <string.h>

#include "kt_instance.h"

#include <zonal/ranges.h>

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define PAGES (LARGEST / 2) /* what a case can have in one piece on a board */
#define BYTES (PAGES << PAGE_SHIFT)
#define START (KT_NORMAL_PFN << PAGE_SHIFT)

struct site {
	struct boot_info info;
	struct zonal_config config;
	char *ram;
	uint64_t fails_from; /* the map hook gives NULL for pieces that begin here or above */
	unsigned mapped;
	struct zonal *mm;
};

static void *map(void *ctx, uint64_t start, size_t bytes)
{
	struct site *site = ctx;

	site->mapped++;
	if (start >= site->fails_from)
		return NULL;
	KT_TRUE(start >= START && start + bytes <= START + BYTES);
	KT_EQ(start & (ZONAL_STORAGE_ALIGN - 1), 0);
	return site->ram + (start - START);
}

static struct site *site_on(unsigned nid)
{
	struct site *site = kt_alloc(sizeof(*site), 64);
	unsigned here = port_this_cpu()->id;

	if (!site)
		return NULL;
	site->ram = kt_alloc(BYTES, ZONAL_STORAGE_ALIGN);
	site->mm = kt_alloc(zonal_sizeof(), 64);
	if (!site->ram || !site->mm)
		return NULL;
	memset(site->ram, 0xa5, BYTES);
	site->fails_from = UINT64_MAX;
	site->config.info = &site->info;
	zonal_options_default(&site->config.options);
	zonal_info_begin(&site->info);
	if (!KT_EQ(zonal_add_memory(&site->info, nid, START, BYTES), 0) ||
	    !KT_EQ(zonal_add_cpu(&site->info, here, nid), 0))
		return NULL;
	return site;
}

static struct site *site_of(void) { return site_on(0); }

/* All of the memory is taken and written over; what the instance knows is unhurt by that. */
static void use_all(struct site *site, uint64_t pages)
{
	struct page *chain = NULL, *page;
	struct zonal *mm = site->mm;
	uint64_t count = 0;

	zonal_cpu_online(mm, port_this_cpu()->id);
	zonal_boot_done(mm);
	kt_no_marks(mm);
	while ((page = zonal_alloc_node(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0))) {
		memset(site->ram + ((zonal_pfn(page) << PAGE_SHIFT) - START), 0xff, PAGE_SIZE);
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
		count++;
	}
	KT_EQ(count, pages);
	kt_check_all(mm);
	for (; chain; chain = page) {
		page = *(struct page **)zonal_page_owner(chain);
		zonal_free(mm, chain, 0);
	}
	kt_check_all(mm);
}

/* Pages that are reserved in the RAM described. */
static uint64_t kept(const struct site *site)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < site->info.reserved_count; i++)
		bytes += site->info.reserved[i].size;
	return bytes >> PAGE_SHIFT;
}

KTEST(inside, what_the_core_places_it_reserves)
{
	struct site *site = site_of();

	if (!site || !KT_EQ(zonal_build_inside(site->mm, &site->config, &site->info, map, site), 0))
		return;
	KT_EQ(site->info.reserved_count, 1);
	KT_TRUE(site->info.reserved[0].start > START && kept(site));
	use_all(site, PAGES - kept(site));
}

/* Nodes that there are not have no piece, and end nothing. */
KTEST(inside, a_board_that_has_no_node_0_has_its_piece_on_the_node_that_it_has)
{
	struct site *site = site_on(1);

	if (!site || !KT_EQ(zonal_build_inside(site->mm, &site->config, &site->info, map, site), 0))
		return;
	KT_EQ(site->mapped, 1);
	KT_EQ(site->info.reserved_count, 1);
	KT_TRUE(kept(site) > 0);
	kt_check_all(site->mm);
}

/* The upper half is somebody else's, so the pieces lie in the middle. */
KTEST(inside, pieces_lie_below_what_is_reserved_and_never_in_it)
{
	struct site *site = site_of();
	uint64_t half = START + BYTES / 2 - 3 * PAGE_SIZE;

	if (!site || !KT_EQ(zonal_reserve(&site->info, half, START + BYTES - half), 0) ||
	    !KT_EQ(zonal_build_inside(site->mm, &site->config, &site->info, map, site), 0))
		return;
	KT_EQ(site->mapped, 1);
	KT_TRUE(site->info.reserved[0].start > START + BYTES / 4 &&
		site->info.reserved[0].start < half);
	use_all(site, PAGES - kept(site));
}

KTEST(inside, a_caller_may_place_it_by_hand_and_reserves_it_then)
{
	struct zonal_storage storage[ZONAL_MAX_NODES] = { { 0 } };
	struct site *site = site_of();
	uint64_t at = START + BYTES / 2;
	struct zonal_plan plan;

	if (!site || !KT_EQ(zonal_plan(&site->config, &plan), 0))
		return;
	storage[0] = (struct zonal_storage){ site->ram + (at - START), plan.bytes[0] };
	site->config.storage = storage;
	if (!KT_EQ(zonal_reserve(&site->info, at, plan.bytes[0]), 0) ||
	    !KT_EQ(zonal_init(site->mm, &site->config), 0))
		return;
	KT_TRUE(!zonal_is_free(site->mm, at >> PAGE_SHIFT));
	KT_TRUE(zonal_is_free(site->mm, (at >> PAGE_SHIFT) - 1));
	use_all(site, PAGES - kept(site));
}

KTEST(inside, a_node_without_room_has_its_piece_on_the_nearest_one)
{
	struct site *site = site_of();
	struct zonal_storage storage[ZONAL_MAX_NODES];
	struct zonal_plan plan;

	if (!site || ZONAL_MAX_NODES < 3 ||
	    !KT_EQ(zonal_add_memory(&site->info, 1, START + BYTES, LARGEST << PAGE_SHIFT), 0) ||
	    !KT_EQ(zonal_add_cpu(&site->info, (port_this_cpu()->id + 1) % ZONAL_MAX_CPUS, 2), 0) ||
	    !KT_EQ(zonal_set_distance(&site->info, 2, 0, 15), 0) ||
	    !KT_EQ(zonal_reserve(&site->info, START + BYTES, LARGEST << PAGE_SHIFT), 0) ||
	    !KT_EQ(zonal_plan(&site->config, &plan), 0) ||
	    !KT_EQ(zonal_place(&site->info, &plan, map, site, storage), 0))
		return;
	KT_EQ(site->mapped, 3);
	for (unsigned n = 0; n < 3; n++) {
		KT_EQ(storage[n].bytes, plan.bytes[n]);
		for (unsigned o = 0; o < n; o++)
			KT_TRUE((char *)storage[o].start + storage[o].bytes <=
					(char *)storage[n].start ||
				(char *)storage[n].start + storage[n].bytes <=
					(char *)storage[o].start);
	}
}

/* Of two nodes with room, whichever is nearer to the one that has none. */
KTEST(inside, a_piece_that_has_to_go_elsewhere_goes_to_the_nearest_node_of_several)
{
	for (unsigned near = 0; near < 2; near++) {
		struct site *site = site_of();
		struct zonal_storage storage[ZONAL_MAX_NODES];
		unsigned here = port_this_cpu()->id;
		struct zonal_plan plan;

		if (!site || ZONAL_MAX_NODES < 3)
			return;
		zonal_info_begin(&site->info);
		if (!KT_EQ(zonal_add_memory(&site->info, 0, START, BYTES / 2), 0) ||
		    !KT_EQ(zonal_add_memory(&site->info, 1, START + BYTES / 2, BYTES / 2), 0) ||
		    !KT_EQ(zonal_add_cpu(&site->info, here, 0), 0) ||
		    !KT_EQ(zonal_add_cpu(&site->info, (here + 1) % ZONAL_MAX_CPUS, 2), 0) ||
		    !KT_EQ(zonal_set_distance(&site->info, 2, near, 15), 0) ||
		    !KT_EQ(zonal_plan(&site->config, &plan), 0) ||
		    !KT_EQ(zonal_place(&site->info, &plan, map, site, storage), 0))
			return;
		KT_EQ((uint64_t)((char *)storage[2].start - site->ram) / (BYTES / 2), near);
	}
}

/* ---- refusals ---- */

static void nothing_changed(struct site *site, const struct boot_info *before, int error, int want)
{
	KT_EQ(error, want);
	KT_TRUE(!memcmp(before, &site->info, sizeof(*before)));
}

KTEST(inside, no_room_is_said_and_changes_nothing)
{
	struct site *site = site_of();
	struct boot_info *before = kt_alloc(sizeof(*before), 64);

	if (!site || !before)
		return;
	KT_EQ(zonal_reserve(&site->info, START + PAGE_SIZE, BYTES - PAGE_SIZE), 0);
	memcpy(before, &site->info, sizeof(*before));
	nothing_changed(site, before,
			zonal_build_inside(site->mm, &site->config, &site->info, map, site),
			ZONAL_ENOMEM);
	KT_EQ(site->mapped, 0);
}

KTEST(inside, memory_that_can_be_unplugged_or_is_off_the_map_is_not_used)
{
	static const uint16_t flags[] = { BOOT_HOTPLUG, BOOT_NOMAP };

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct site *site = site_of();
		struct zonal_storage storage[ZONAL_MAX_NODES];
		struct zonal_plan plan;

		if (!site || !KT_EQ(zonal_plan(&site->config, &plan), 0))
			return;
		site->info.range[0].flags = flags[i];
		KT_EQ(zonal_place(&site->info, &plan, map, site, storage), ZONAL_ENOMEM);
	}
}

KTEST(inside, a_piece_that_is_not_mapped_leaves_no_reservation)
{
	struct site *site = site_of();
	struct boot_info *before = kt_alloc(sizeof(*before), 64);

	if (!site || !before)
		return;
	site->fails_from = 0;
	memcpy(before, &site->info, sizeof(*before));
	nothing_changed(site, before,
			zonal_build_inside(site->mm, &site->config, &site->info, map, site),
			ZONAL_ENOMEM);
	KT_EQ(site->mapped, 1);
}

KTEST(inside, a_full_table_and_missing_hooks_are_refused)
{
	struct site *site = site_of();
	struct boot_info *before = kt_alloc(sizeof(*before), 64);

	if (!site || !before)
		return;
	memcpy(before, &site->info, sizeof(*before));
	nothing_changed(site, before,
			zonal_build_inside(site->mm, &site->config, &site->info, NULL, site),
			ZONAL_EINVAL);
	nothing_changed(site, before,
			zonal_build_inside(site->mm, NULL, &site->info, map, site), ZONAL_EINVAL);
	KT_EQ(zonal_build_inside(site->mm, &site->config, before, map, site), ZONAL_EINVAL);
	for (unsigned i = 0; i < ZONAL_MAX_RANGES; i++)
		KT_EQ(zonal_reserve(&site->info, START + BYTES + 2 * i * PAGE_SIZE, 1), 0);
	memcpy(before, &site->info, sizeof(*before));
	nothing_changed(site, before,
			zonal_build_inside(site->mm, &site->config, &site->info, map, site),
			ZONAL_ERANGE);
	KT_EQ(site->mapped, 0); /* that it is full is known before */
}

KTEST(inside, the_last_entry_of_the_table_is_enough_for_one_piece)
{
	struct site *site = site_of();

	for (unsigned i = 1; site && i < ZONAL_MAX_RANGES; i++)
		KT_EQ(zonal_reserve(&site->info, START + BYTES + 2 * i * PAGE_SIZE, 1), 0);
	if (!site)
		return;
	KT_EQ(zonal_build_inside(site->mm, &site->config, &site->info, map, site), 0);
	KT_EQ(site->info.reserved_count, ZONAL_MAX_RANGES);
	KT_EQ(site->mapped, 1);
}
