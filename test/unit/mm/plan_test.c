/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plan, then build: zonal_plan() says to the byte what zonal_init() takes, the storage is
 * looked at before anything is touched, and what the caller gave stays as it was.
 *
 * The board has nodes without memory and without CPUs, a section that two nodes share, and
 * records of page_owner, so that each line of the plan has something to count.
 */
#include <string.h>

#include "kt_instance.h"

#include "test/unit/monitor/monitor_capture.h"

/* Three nodes with memory, in four sections, one without; page_owner's records as well. */
static const struct kt_spec board = {
	.ram = { { 1, KT_DMA_PFN + 300, 1000 },
		 { 0, KT_DMA_PFN + 4096, 1024 },
		 { 1, KT_DMA_PFN + 0x8000 - 1024, 2048 },
		 { 3, KT_NORMAL_PFN, 700 } },
	.reserved = { { 0, KT_DMA_PFN + 4100, 16 } },
	.cpus = 3,
	.cpu_node = { 0, 2, 3 },
	.page_owner = true,
};

/* A configuration with a piece of just the right size for every node of the plan. */
struct site {
	struct boot_info *info;
	struct zonal_config config;
	struct zonal_plan plan;
	struct zonal_storage storage[ZONAL_MAX_NODES];
	struct zonal *mm;
};

static struct site *prepare(const struct kt_spec *spec)
{
	struct site *site = kt_alloc(sizeof(*site), 64);

	if (!site)
		return NULL;
	site->info = kt_alloc(sizeof(*site->info), 64);
	site->mm = kt_alloc(zonal_sizeof(), 64);
	if (!kt_config(spec, site->info, &site->config) || !site->mm ||
	    !KT_EQ(zonal_plan(&site->config, &site->plan), 0))
		return NULL;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!site->plan.bytes[n])
			continue;
		site->storage[n].bytes = site->plan.bytes[n];
		site->storage[n].start = kt_meta(NULL, n, site->plan.bytes[n], ZONAL_STORAGE_ALIGN);
		if (!site->storage[n].start)
			return NULL;
	}
	site->config.storage = site->storage;
	return site;
}

/* zonal_init() with what it says caught on the host. */
static int init_and_listen(struct site *site, const char **says)
{
	int error;

	*says = "";
	if (kt_port_is_target())
		return zonal_init(site->mm, &site->config);
	capture_begin();
	error = zonal_init(site->mm, &site->config);
	*says = capture_end();
	return error;
}

static bool is_zero(const void *memory, size_t bytes)
{
	const unsigned char *at = memory;

	for (size_t i = 0; i < bytes; i++)
		if (at[i])
			return false;
	return true;
}

KTEST(plan, storage_of_exactly_the_planned_size_is_enough)
{
	struct site *site = prepare(&board);
	uint64_t sum = 0;

	if (!site || !KT_EQ(zonal_init(site->mm, &site->config), 0))
		return;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		sum += site->plan.bytes[n];
	KT_EQ(site->mm->meta_bytes, sum);
	zonal_cpu_online(site->mm, kt_cpu_id(0));
	zonal_boot_done(site->mm);
	kt_check_all(site->mm);
}

/* Each structure lies in its own node's piece. */
KTEST(plan, metadata_is_on_the_node_it_describes)
{
	struct site *site = prepare(&board);
	struct zonal *mm;

	if (!site || !KT_EQ(zonal_init(site->mm, &site->config), 0))
		return;
	mm = site->mm;
	for (unsigned n = 0; n < 4; n++) {
		uintptr_t start = (uintptr_t)site->storage[n].start;
		uintptr_t end = start + site->storage[n].bytes;

		KT_TRUE((uintptr_t)mm->node[n] >= start && (uintptr_t)mm->node[n] < end);
		for (unsigned k = 0; k < 3; k++) {
			uintptr_t at = (uintptr_t)mm->cpu[kt_cpu_id(k)];

			KT_EQ(at >= start && at < end, board.cpu_node[k] == n);
		}
	}
	/* With larger pages other ranges share a section. */
	for (unsigned i = 0; i < 4 && MM_SECTION_SHIFT == 15; i++) {
		const struct kt_range *r = &board.ram[i];
		/* The section at the border begins with node 1's pages. */
		pfn_t pfn = i == 2 ? r->start + 1024 : r->start;
		const struct zonal_storage *piece = &site->storage[i == 1 ? 1 : r->nid];
		uintptr_t at = (uintptr_t)mm_page(mm, pfn);

		KT_OK(at >= (uintptr_t)piece->start && at < (uintptr_t)piece->start + piece->bytes,
		      "the map of range %u is not on node %d", i, i == 1 ? 1 : r->nid);
	}
}

KTEST(plan, does_not_depend_on_what_is_reserved)
{
	struct kt_spec more = board;
	struct site *site = prepare(&board), *other;

	more.reserved[0].pages = 900;
	more.reserved[1] = (struct kt_range){ 0, KT_NORMAL_PFN, 600 };
	other = prepare(&more);
	if (site && other)
		KT_TRUE(memcmp(&site->plan, &other->plan, sizeof(site->plan)) == 0);
}

/* What the caller gave is as it was, and may be thrown away afterwards. */
KTEST(plan, input_is_not_changed_and_not_kept)
{
	struct site *site = prepare(&board);
	struct boot_info *copy = kt_alloc(sizeof(*copy), 64);
	struct site before;
	struct page *page;

	if (!site || !copy)
		return;
	memcpy(copy, site->info, sizeof(*copy));
	memcpy(&before, site, sizeof(before));
	if (!KT_EQ(zonal_init(site->mm, &site->config), 0))
		return;
	KT_TRUE(memcmp(copy, site->info, sizeof(*copy)) == 0);
	KT_TRUE(memcmp(&before, site, sizeof(before)) == 0);
	memset(site->info, 0xff, sizeof(*site->info));
	memset(site->storage, 0xff, sizeof(site->storage));
	memset(&site->config, 0xff, sizeof(site->config));
	zonal_cpu_online(site->mm, kt_cpu_id(0));
	zonal_boot_done(site->mm);
	page = zonal_alloc_node(site->mm, 3, GFP_KERNEL, 3);
	if (KT_TRUE(page))
		zonal_free(site->mm, page, 3);
	kt_check_all(site->mm);
}

/* One thing wrong with a node's piece. */
struct fault {
	void (*harm)(struct site *site, unsigned n);
	int error;
	const char *says;
};

static void missing(struct site *site, unsigned n) { site->storage[n].start = NULL; }
static void empty(struct site *site, unsigned n) { site->storage[n].bytes = 0; }
static void short_by_one(struct site *site, unsigned n) { site->storage[n].bytes--; }

static void misaligned(struct site *site, unsigned n)
{
	site->storage[n].start = (char *)site->storage[n].start + 64;
	site->storage[n].bytes += 64;
}

static void half_aligned(struct site *site, unsigned n)
{
	site->storage[n].start = (char *)site->storage[n].start + ZONAL_STORAGE_ALIGN / 2;
}

static void wraps(struct site *site, unsigned n)
{
	site->storage[n].start = (void *)(~(uintptr_t)0 - ZONAL_STORAGE_ALIGN + 1);
	site->storage[n].bytes += ZONAL_STORAGE_ALIGN;
}

static void holds_the_instance(struct site *site, unsigned n)
{
	uintptr_t at = (uintptr_t)align_down((uintptr_t)site->mm, ZONAL_STORAGE_ALIGN);

	site->storage[n].start = (void *)at;
	site->storage[n].bytes += ZONAL_STORAGE_ALIGN;
}

/* Each node's piece in turn: refused with its name, before a byte of the instance is written;
 * and the same instance can be built once it is put right. */
static void expect_refusals(const struct kt_spec *spec)
{
	static const struct fault faults[] = {
		{ missing, ZONAL_EINVAL, "is missing" },
		{ empty, ZONAL_ENOMEM, "is smaller than zonal_plan() says" },
		{ short_by_one, ZONAL_ENOMEM, "is smaller than zonal_plan() says" },
		{ misaligned, ZONAL_EINVAL, "is not aligned" },
		{ half_aligned, ZONAL_EINVAL, "is not aligned" },
		{ wraps, ZONAL_EINVAL, "ends beyond the last address" },
		{ holds_the_instance, ZONAL_EINVAL, "overlaps" },
	};
	struct site *site = prepare(spec);
	const char *says;

	for (unsigned n = 0; site && n < ZONAL_MAX_NODES; n++) {
		for (unsigned i = 0; site->plan.bytes[n] && i < ARRAY_SIZE(faults); i++) {
			struct zonal_storage good = site->storage[n];
			int error;

			faults[i].harm(site, n);
			error = init_and_listen(site, &says);
			site->storage[n] = good;
			KT_OK(error == faults[i].error, "node %u, fault %u: %d, expected %d", n, i,
			      error, faults[i].error);
			KT_OK(kt_port_is_target() || strstr(says, faults[i].says),
			      "node %u: \"%s\" is not in \"%s\"", n, faults[i].says, says);
			if (!KT_TRUE(is_zero(site->mm, zonal_sizeof())))
				return;
		}
	}
	if (site)
		KT_EQ(zonal_init(site->mm, &site->config), 0);
}

KTEST(plan, faulty_storage_is_refused_at_the_door) { expect_refusals(&board); }

/* A node number that nobody has ends nothing. */
KTEST(plan, faulty_storage_behind_a_gap_is_refused_too)
{
	static const struct kt_spec gap = {
		.ram = { { 0, KT_DMA_PFN, 2048 }, { 2, KT_DMA_PFN + 2048, 2048 } },
	};

	expect_refusals(&gap);
}

KTEST(plan, pieces_may_touch_but_not_overlap)
{
	struct site *site = prepare(&board);
	size_t first;
	const char *says;
	char *both;

	if (!site)
		return;
	first = (size_t)align_up(site->plan.bytes[0], ZONAL_STORAGE_ALIGN);
	both = kt_meta(NULL, 0, first + site->plan.bytes[1], ZONAL_STORAGE_ALIGN);
	if (!both)
		return;
	site->storage[0].start = both;
	site->storage[0].bytes = first + 1;
	site->storage[1].start = both + first;
	KT_EQ(init_and_listen(site, &says), ZONAL_EINVAL);
	KT_TRUE(kt_port_is_target() || strstr(says, "node 1") != NULL);
	site->storage[0].bytes = first;
	KT_EQ(zonal_init(site->mm, &site->config), 0);
}

/* Whichever byte it is that says that somebody has been there. */
KTEST(plan, an_instance_that_is_not_all_zero_is_refused)
{
	struct site *site = prepare(&board);
	size_t at[] = { 0, 1, zonal_sizeof() / 2, zonal_sizeof() - 1 };
	const char *says;

	if (!site)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		((unsigned char *)site->mm)[at[i]] = 1;
		KT_EQ(init_and_listen(site, &says), ZONAL_EINVAL);
		KT_TRUE(kt_port_is_target() || strstr(says, "zeroed memory") != NULL);
		((unsigned char *)site->mm)[at[i]] = 0;
	}
	KT_EQ(zonal_init(site->mm, &site->config), 0);
}

/* Each with each, not only with the first. */
KTEST(plan, the_last_piece_may_not_lie_in_another_one)
{
	struct site *site = prepare(&board);
	struct zonal_storage good;
	const char *says;

	if (!site)
		return;
	good = site->storage[3];
	for (unsigned n = 0; n < 3; n++) {
		if (!site->plan.bytes[n])
			continue;
		site->storage[3].start = site->storage[n].start;
		KT_EQ(init_and_listen(site, &says), ZONAL_EINVAL);
		KT_TRUE(kt_port_is_target() || strstr(says, "node 3") != NULL);
	}
	site->storage[3] = good;
	KT_EQ(zonal_init(site->mm, &site->config), 0);
}

KTEST(plan, pieces_may_touch_in_any_order)
{
	struct site *site = prepare(&board);
	size_t second;
	char *both;

	if (!site)
		return;
	second = (size_t)align_up(site->plan.bytes[1], ZONAL_STORAGE_ALIGN);
	both = kt_meta(NULL, 0, second + site->plan.bytes[0], ZONAL_STORAGE_ALIGN);
	if (!both)
		return;
	site->storage[1].start = both;
	site->storage[1].bytes = second;
	site->storage[0].start = both + second;
	KT_EQ(zonal_init(site->mm, &site->config), 0);
}

KTEST(plan, no_storage_at_all_is_refused)
{
	struct site *site = prepare(&board);
	const char *says;

	if (!site)
		return;
	site->config.storage = NULL;
	KT_EQ(init_and_listen(site, &says), ZONAL_EINVAL);
	KT_TRUE(is_zero(site->mm, zonal_sizeof()));
}

/* zonal_build(): whichever call of `meta` has nothing, the answer is an error and a line. */
static unsigned meta_calls, meta_fails_at;

static void *failing_meta(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	return meta_calls++ == meta_fails_at ? NULL : kt_meta(ctx, nid, bytes, align);
}

KTEST(plan, each_call_of_meta_may_fail)
{
	unsigned calls = 1;

	for (meta_fails_at = 0; meta_fails_at <= calls; meta_fails_at++) {
		struct site *site = prepare(&board);
		int error;

		if (!site)
			return;
		meta_calls = 0;
		error = zonal_build(site->mm, &site->config, failing_meta);
		calls = meta_calls;
		KT_OK((error == 0) == (meta_fails_at >= calls), "call %u of %u fails: %d",
		      meta_fails_at, calls, error);
		kt_free_all();
	}
	KT_EQ(calls, 4);
}

/* A board that is refused has no plan. */
KTEST(plan, refused_board_has_no_plan)
{
	struct site *site = prepare(&board);

	if (!site)
		return;
	site->info->range[0].size = 0;
	memset(&site->plan, 0xff, sizeof(site->plan));
	KT_EQ(zonal_plan(&site->config, &site->plan), ZONAL_EINVAL);
	KT_TRUE(is_zero(&site->plan, sizeof(site->plan)));
}
