/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What zonal_init() refuses: every rule that a board, a tunable or a hook can break, each
 * broken alone, with the error that it gives and, on the host, the line that names it.
 *
 * The table's entries change one thing of a board that is accepted as it stands. What
 * is just inside of a rule is accepted: each rule is tried from both sides.
 */
#include <string.h>

#include "kt_instance.h"

#include "test/unit/monitor/monitor_capture.h"

#define HIGHEST (((uint64_t)1 << (32 + PAGE_SHIFT)) - (PAGE_SIZE << (MAX_ORDER - 1)))

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 1024 }, { 1, KT_DMA_PFN + 2048, 1024 } },
	.reserved = { { 0, KT_DMA_PFN + 64, 16 }, { 0, KT_DMA_PFN + 80, 16 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

/* What a refused instance says is kept on the host; `says` NULL: it must be accepted. */
static void expect(const char *name, kt_change_fn change, int error, const char *says)
{
	int got;

	if (kt_port_is_target()) {
		got = kt_changed_error(&board, change);
		KT_OK(got == error, "%s gives %d, expected %d", name, got, error);
	} else {
		const char *text;

		capture_begin();
		got = kt_changed_error(&board, change);
		text = capture_end();
		KT_OK(got == error, "%s gives %d, expected %d", name, got, error);
		KT_OK(says ? strstr(text, says) != NULL : !*text, "%s: \"%s\" is not in \"%s\"",
		      name, says ? says : "", text);
	}
	kt_free_all();
}

#define BREAK(name, statement)                                                                     \
	static void name(struct boot_info *info, struct zonal_config *config)                      \
	{                                                                                          \
		(void)info;                                                                        \
		(void)config;                                                                      \
		statement;                                                                         \
	}

BREAK(nothing, )
BREAK(no_ranges, info->range_count = 0)
BREAK(too_many_ranges, info->range_count = ZONAL_MAX_RANGES + 1)
BREAK(too_many_reserved, info->reserved_count = ZONAL_MAX_RANGES + 1)
BREAK(too_many_cpus, info->cpu_count = ZONAL_MAX_CPUS + 1)
BREAK(start_off_page, info->range[1].start += 512)
BREAK(size_off_page, info->range[1].size -= 1)
BREAK(empty_range, info->range[0].size = 0)
BREAK(offline_node, info->range[1].nid = 2)
BREAK(no_node, info->range[1].nid = NODE_NONE)
BREAK(node_too_large, info->range[1].nid = ZONAL_MAX_NODES)
BREAK(node_far_too_large, info->range[1].nid = 256)
BREAK(overlap, info->range[1].start = info->range[0].start + PAGE_SIZE)
BREAK(overlap_of_one_page, info->range[0].size = (2048 + 1) * PAGE_SIZE)
BREAK(neighbours, info->range[0].size = 2048 * PAGE_SIZE)
BREAK(unsorted, info->range[1].start = info->range[0].start - 2048 * PAGE_SIZE)
BREAK(same_twice, info->range[1] = info->range[0])
BREAK(too_high, info->range[1].start = HIGHEST)
BREAK(ends_too_high, info->range[1].start = HIGHEST - 1023 * PAGE_SIZE)
BREAK(highest, info->range[1].start = HIGHEST - 1024 * PAGE_SIZE)
BREAK(wraps, info->range[1].start = UINT64_MAX - PAGE_SIZE + 1)
BREAK(wraps_far, info->range[1].size = UINT64_MAX - PAGE_SIZE + 1)
BREAK(wraps_to_a_small_end, info->range[1].size = (uint64_t)0 - info->range[1].start + PAGE_SIZE)
BREAK(cpu_offline_node, info->cpu[kt_cpu_id(1)].nid = 2)
BREAK(cpu_bad_node, info->cpu[kt_cpu_id(1)].nid = ZONAL_MAX_NODES)
BREAK(cpu_negative_node, info->cpu[kt_cpu_id(1)].nid = -2)
BREAK(cpu_no_node, info->cpu[kt_cpu_id(1)].nid = NODE_NONE)
BREAK(reserved_off_page, info->reserved[0].start += 8)
BREAK(reserved_size_off_page, info->reserved[0].size -= 8)
BREAK(reserved_overlap, info->reserved[0].size += PAGE_SIZE)
BREAK(reserved_unsorted, info->reserved[1].start = info->reserved[0].start - 64 * PAGE_SIZE)
BREAK(reserved_wraps, info->reserved[1].size = (uint64_t)0 - PAGE_SIZE)
BREAK(reserved_to_the_end, info->reserved[1].size = UINT64_MAX - info->reserved[1].start)
BREAK(no_info, config->info = NULL)
BREAK(cpu_count_too_large, config->cpu_count = ZONAL_MAX_CPUS + 1)
BREAK(scale_0, config->options.watermark_scale_factor = 0)
BREAK(scale_1, config->options.watermark_scale_factor = 1)
BREAK(scale_3000, config->options.watermark_scale_factor = 3000)
BREAK(scale_3001, config->options.watermark_scale_factor = 3001)
BREAK(scale_4e9, config->options.watermark_scale_factor = 4000000000u)
BREAK(kernelcore_101, config->options.kernelcore_percent = 101)
BREAK(movablecore_101, config->options.movablecore_percent = 101)
BREAK(dma_end_off_page, config->options.dma_end = KT_DMA_PFN * PAGE_SIZE + 1)
BREAK(dma32_end_off_page, config->options.dma32_end = KT_DMA_PFN * PAGE_SIZE + 1)
BREAK(min_free_all, config->options.min_free_kbytes = (2048 - 32) * (PAGE_SIZE >> 10))
BREAK(min_free_more, config->options.min_free_kbytes = (2048 - 32) * (PAGE_SIZE >> 10) + 1)
BREAK(min_free_2_53, config->options.min_free_kbytes = (uint64_t)1 << 53)

#if ZONAL_MAX_NODES < 64
BREAK(nodes_beyond_the_table, info->nodes |= node_bit(ZONAL_MAX_NODES))
#endif

#define CASE(name, error, says) { #name, name, error, says }

struct refusal {
	const char *name;
	kt_change_fn change;
	int error;
	const char *says;
};

static void expect_all(const struct refusal *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		expect(table[i].name, table[i].change, table[i].error, table[i].says);
}

KTEST(refusal, every_rule_of_memory_ranges)
{
	static const struct refusal table[] = {
		CASE(nothing, 0, NULL),
		CASE(no_ranges, ZONAL_ERANGE, "0 memory ranges"),
		CASE(too_many_ranges, ZONAL_ERANGE, "ranges of each kind"),
		CASE(start_off_page, ZONAL_EINVAL, "whole pages"),
		CASE(size_off_page, ZONAL_EINVAL, "whole pages"),
		CASE(empty_range, ZONAL_EINVAL, "whole pages"),
		CASE(offline_node, ZONAL_EINVAL, "node 2: its node must be online"),
		CASE(no_node, ZONAL_EINVAL, "node -1: its node must be online"),
		CASE(node_too_large, ZONAL_EINVAL, "its node must be online"),
		CASE(node_far_too_large, ZONAL_EINVAL, "node 256: its node must be online"),
		CASE(overlap, ZONAL_EINVAL, "overlaps or precedes"),
		CASE(overlap_of_one_page, ZONAL_EINVAL, "overlaps or precedes"),
		CASE(neighbours, 0, NULL),
		CASE(unsorted, ZONAL_EINVAL, "overlaps or precedes"),
		CASE(same_twice, ZONAL_EINVAL, "overlaps or precedes"),
		CASE(too_high, ZONAL_ERANGE, "32-bit frame numbers"),
		CASE(ends_too_high, ZONAL_ERANGE, "32-bit frame numbers"),
		CASE(wraps, ZONAL_ERANGE, "32-bit frame numbers"),
		CASE(wraps_far, ZONAL_ERANGE, "32-bit frame numbers"),
		CASE(wraps_to_a_small_end, ZONAL_ERANGE, "32-bit frame numbers"),
	};

	expect_all(table, ARRAY_SIZE(table));
#if ZONAL_MAX_NODES < 64
	expect("nodes_beyond_the_table", nodes_beyond_the_table, ZONAL_ERANGE, "ZONAL_MAX_NODES");
#endif
}

KTEST(refusal, every_rule_of_reserved_ranges)
{
	static const struct refusal table[] = {
		CASE(too_many_reserved, ZONAL_ERANGE, "ranges of each kind"),
		CASE(reserved_off_page, ZONAL_EINVAL, "reserved 0x"),
		CASE(reserved_size_off_page, ZONAL_EINVAL, "reserved 0x"),
		CASE(reserved_overlap, ZONAL_EINVAL, "behind the range before it"),
		CASE(reserved_unsorted, ZONAL_EINVAL, "behind the range before it"),
		CASE(reserved_wraps, ZONAL_EINVAL, "reserved 0x"),
		CASE(reserved_to_the_end, 0, NULL),
	};

	expect_all(table, ARRAY_SIZE(table));
}

KTEST(refusal, every_rule_of_cpus_and_hooks)
{
	static const struct refusal table[] = {
		CASE(too_many_cpus, ZONAL_ERANGE, "CPUs"),
		CASE(cpu_offline_node, ZONAL_EINVAL, "is on node 2"),
		CASE(cpu_bad_node, ZONAL_EINVAL, "is on node"),
		CASE(cpu_negative_node, ZONAL_EINVAL, "is on node -2"),
		CASE(cpu_no_node, 0, NULL),
		CASE(cpu_count_too_large, ZONAL_EINVAL, "cpu_count is"),
		CASE(no_info, ZONAL_EINVAL, "`info`"),
	};

	expect_all(table, ARRAY_SIZE(table));
}

/* A min_free_kbytes of 2^53 once gave MIN 0, a scale of 4e9 marks above all memory. */
KTEST(refusal, every_rule_of_tunables)
{
	static const struct refusal table[] = {
		CASE(scale_0, ZONAL_EINVAL, "watermark_scale_factor is 0"),
		CASE(scale_1, 0, NULL),
		CASE(scale_3000, 0, NULL),
		CASE(scale_3001, ZONAL_EINVAL, "watermark_scale_factor is 3001"),
		CASE(scale_4e9, ZONAL_EINVAL, "watermark_scale_factor is 4000000000"),
		CASE(kernelcore_101, ZONAL_EINVAL, "kernelcore_percent is 101"),
		CASE(movablecore_101, ZONAL_EINVAL, "movablecore_percent is 101"),
		CASE(dma_end_off_page, ZONAL_EINVAL, "dma_end 0x"),
		CASE(dma32_end_off_page, ZONAL_EINVAL, "dma32_end 0x"),
		CASE(min_free_all, 0, NULL),
		CASE(min_free_more, ZONAL_EINVAL, "min_free_kbytes is"),
		CASE(min_free_2_53, ZONAL_EINVAL, "min_free_kbytes is 9007199254740992"),
	};

	expect_all(table, ARRAY_SIZE(table));
}

/* The last block of 4 MiB that has frame numbers; a map of 2^32 frames' sections. */
KTEST_F(refusal, memory_up_to_the_highest_address_is_taken, KT_HOST_ONLY)
{
	expect("highest", highest, 0, NULL);
}
