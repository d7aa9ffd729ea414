/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uses of an instance outside its contract: before zonal_init(), twice, on CPUs that were never
 * announced, with hooks left out. Each is refused with a code or reported, and none harms.
 *
 * What would be a panic runs in a process of its own, on the host.
 */
#include "kt_instance.h"

#include <string.h>

#include <zonal/contig.h>
#include <zonal/look.h>
#include <zonal/reclaim.h>
#include <zonal/reporting.h>

#include "mm/init.h"
#include "mm/pcp.h"
#include "test/unit/monitor/monitor_capture.h"

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 4096 } },
	.cpus = 2,
};

static struct zonal *nothing(void) { return kt_alloc(zonal_sizeof(), 64); }

static void take_one(void *mm) { zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0); }
static void take_block(void *mm) { zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 3), 3); }
static void take_near(void *mm)
{
	zonal_free(mm, zonal_alloc_node(mm, NODE_NONE, GFP_KERNEL, 0), 0);
}

static void drain(void *mm) { zonal_drain_local(mm); }

KTEST_F(uses, a_request_before_init_says_so, KT_HOST_ONLY)
{
	struct zonal *mm = nothing();

	if (!mm)
		return;
	KT_TRUE(kt_panics(take_one, mm, "before zonal_init()"));
	KT_TRUE(kt_panics(take_block, mm, "before zonal_init()"));
	KT_TRUE(kt_panics(take_near, mm, "before zonal_init()"));
	KT_TRUE(kt_panics(drain, mm, "before zonal_init()"));
}

KTEST_F(uses, a_sound_board_is_taken_without_a_word, KT_HOST_ONLY)
{
	capture_begin();
	KT_TRUE(kt_bare_instance(&board));
	KT_STR_EQ(capture_end(), "");
}

/* A build without a part refuses whoever asks for anything of it: each option by itself. */
KTEST(uses, each_option_belongs_to_the_part_that_a_build_must_have_for_it)
{
	static const struct {
		struct zonal_config config;
		unsigned parts;
	} table[] = {
		{ { .cpu_count = 2 }, 0 },
		{ { .page_owner = true }, PART_AIDS },
		{ { .options.page_poison = true }, PART_AIDS },
		{ { .options.init_on_alloc = true }, PART_AIDS },
		{ { .options.init_on_free = true }, PART_AIDS },
		{ { .options.guard_minorder = 1 }, PART_AIDS },
		{ { .options.shuffle_seed = 1 }, PART_AIDS },
		{ { .deferred = true }, PART_DEFERRED },
		{ { .options.movable_node = true }, PART_MOBILITY },
		{ { .options.kernelcore_bytes = 1 }, PART_MOBILITY },
		{ { .options.movablecore_bytes = 1 }, PART_MOBILITY },
		{ { .options.kernelcore_percent = 1 }, PART_MOBILITY },
		{ { .options.movablecore_percent = 1 }, PART_MOBILITY },
		{ { .options.min_free_kbytes = 1 }, PART_WATERMARKS },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		KT_OK(config_parts(&table[i].config) == table[i].parts, "row %u: parts 0x%x", i,
		      config_parts(&table[i].config));
}

/* Calls that can be answered are. */
KTEST(uses, looks_and_set_up_before_init_find_nothing)
{
	struct zonal *mm = nothing();
	struct zonal_counts counts;
	struct zonal_free_range range;
	struct zonal_cma_info area;
	pfn_t next = 0;

	if (!mm)
		return;
	KT_TRUE(!zonal_page(mm, KT_DMA_PFN) && !zonal_is_free(mm, KT_DMA_PFN));
	KT_TRUE(!zonal_node_counts(mm, 0, &counts) && !zonal_free_next(mm, &next, &range));
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN), ZONAL_EINVAL);
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN, 1, GFP_KERNEL), ZONAL_EINVAL);
	KT_EQ(zonal_free_contig_range(mm, KT_DMA_PFN, 1), 0);
	KT_TRUE(!zonal_cma_info(mm, 0, &area));
	KT_EQ(zonal_set_min_free_kbytes(mm, 1024), ZONAL_EINVAL);
	zonal_drain_all(mm, NULL);
	zonal_cpu_online(mm, 0);
	zonal_cpu_dead(mm, 0);
	zonal_free(mm, NULL, 0);
	KT_EQ(zonal_bad_count(mm), 0);
}

/* A page of a live instance, given to one that is none. */
KTEST(uses, a_page_that_comes_before_init_is_reported_and_stays)
{
	struct zonal *mm = nothing(), *other = kt_instance(&board);
	struct page *page = other ? zonal_alloc(other, GFP_KERNEL, 0) : NULL;

	if (!mm || !page)
		return;
	zonal_free(mm, page, 0);
	KT_EQ(zonal_bad_count(mm), 1);
	KT_EQ(page_state(page), PAGE_USED);
	zonal_free(other, page, 0);
	kt_check_all(other);
}

KTEST(uses, an_instance_is_not_built_twice_nor_on_used_memory)
{
	struct zonal *mm = kt_instance(&board);
	struct boot_info *info = kt_alloc(sizeof(*info), 64);
	struct zonal_config config;

	if (!mm || !kt_config(&board, info, &config))
		return;
	KT_EQ(zonal_build(mm, &config, kt_meta), ZONAL_EINVAL);
	kt_check_all(mm);
	mm = nothing();
	if (!mm)
		return;
	((char *)mm)[zonal_sizeof() - 1] = 1;
	KT_EQ(zonal_build(mm, &config, kt_meta), ZONAL_EINVAL);
	((char *)mm)[zonal_sizeof() - 1] = 0;
	KT_EQ(zonal_build(mm, &config, kt_meta), 0);
	KT_EQ(zonal_build(NULL, &config, kt_meta), ZONAL_EINVAL);
}

KTEST(uses, hooks_and_configurations_left_out_are_refused)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);
	struct zonal_reporter silent = { .report = NULL };
	struct zonal *mm = nothing();
	struct zonal_config config;
	struct zonal_plan plan;

	if (!mm || !kt_config(&board, info, &config))
		return;
	KT_EQ(zonal_build(mm, &config, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_build(mm, NULL, kt_meta), ZONAL_EINVAL);
	KT_EQ(zonal_init(mm, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_init(mm, &config), ZONAL_EINVAL);
	KT_EQ(zonal_plan(NULL, &plan), ZONAL_EINVAL);
	KT_EQ(plan.bytes[0], 0);
	KT_EQ(zonal_build(mm, &config, kt_meta), 0);
	KT_EQ(zonal_reporting_begin(mm, NULL), ZONAL_EINVAL);
	KT_EQ(zonal_reporting_begin(mm, &silent), ZONAL_EINVAL);
}

/* ---- CPUs ---- */

/* Enough single pages that the lists are filled and give back. */
static void many(struct zonal *mm)
{
	struct page *chain = NULL;

	kt_take_all(mm, 0, GFP_KERNEL | __GFP_NOWARN, 0, &chain);
	kt_give_all(mm, chain, 0);
}

KTEST(uses, a_cpu_that_was_never_announced_is_served_and_reported)
{
	struct zonal *mm = kt_bare_instance(&board);
	unsigned here = port_this_cpu()->id;
	uint64_t after;

	if (!mm)
		return;
	zonal_cpu_online(mm, here);
	many(mm);
	KT_EQ(zonal_bad_count(mm), 0);
	st_relaxed(&mm->cpu[here]->pcp[0].announced, false);
	many(mm);
	after = zonal_bad_count(mm);
	KT_TRUE(after > 0);
	zonal_cpu_online(mm, here);
	many(mm);
	KT_EQ(zonal_bad_count(mm), after);
	mm_unannounced_cpu(mm);
	KT_EQ(zonal_bad_count(mm), after + 1);
	zonal_drain_all(mm, NULL);
	kt_check_all(mm);
}

/* Where a full list gives back, too, not only where one is filled. */
KTEST(uses, a_return_of_a_cpu_that_was_never_announced_is_reported)
{
	static const struct kt_spec large = { .ram = { { 0, KT_DMA_PFN, 16384 } } };
	struct zonal *mm = kt_bare_instance(&large);
	unsigned here = port_this_cpu()->id;
	struct page *page[40];

	if (!mm)
		return;
	zonal_cpu_online(mm, here);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 0);
	KT_EQ(zonal_bad_count(mm), 0);
	st_relaxed(&mm->cpu[here]->pcp[0].announced, false);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
		zonal_free(mm, page[i], 0);
	KT_TRUE(zonal_bad_count(mm) > 0);
	zonal_cpu_online(mm, here);
	zonal_drain_all(mm, NULL);
	kt_check_all(mm);
}

KTEST_F(uses, a_cpu_that_is_dead_is_reported_with_its_number, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&board);
	const char *says;

	if (!mm || !kt_cpu(1))
		return;
	kt_cpu(0);
	zonal_cpu_dead(mm, kt_cpu_id(1));
	kt_cpu(1);
	capture_begin();
	many(mm);
	says = capture_end();
	KT_OK(strstr(says, "call on CPU 1, which zonal_cpu_online() was not told of"), "says %s",
	      says);
	KT_TRUE(zonal_bad_count(mm) > 0);
	zonal_cpu_online(mm, kt_cpu_id(1));
	zonal_drain_all(mm, NULL);
	kt_cpu(0);
	kt_check_all(mm);
}

/* D3: however often, it is said 60 times a minute, and counted. */
KTEST_F(uses, calls_of_a_cpu_that_was_never_announced_do_not_flood_the_log, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&board);

	if (!mm)
		return;
	mm->report_limit.window_ns = port_time_ns() | 1;
	st_relaxed(&mm->report_limit.printed, 59);
	for (unsigned i = 0; i < 3; i++) {
		capture_begin();
		mm_unannounced_cpu(mm);
		KT_EQ(strstr(capture_end(), "was not told of") != NULL, i == 0);
	}
	KT_EQ(zonal_bad_count(mm), 3);
}

static void stranger(void *mm)
{
	kt_cpu(7);
	take_one(mm);
}

KTEST_F(uses, a_cpu_beyond_those_of_the_board_is_named, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&board);

	if (mm)
		KT_TRUE(kt_panics(stranger, mm, "call on CPU 7, but zonal_init() was told of"));
}
