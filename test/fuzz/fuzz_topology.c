/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: any bytes as a device tree blob. `make fuzz` runs it.
 *
 * The blob is copied into a block of exactly its size, so that the address
 * sanitizer sees each read past its end. Whatever the bytes are, topology_parse()
 * must come back; when it accepts them, what it hands on must be usable:
 * ranges sorted, apart and not empty, node and CPU numbers within their tables,
 * and a refusal must name its rule.
 */
#include <stdlib.h>
#include <string.h>

#include "board/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* abort() is what libFuzzer takes for a finding. */
static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_info(const struct boot_info *info)
{
	must(info->range_count <= ZONAL_MAX_RANGES);
	must(info->cpu_count <= ZONAL_MAX_CPUS);
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->range[i];

		must(range->size > 0);
		must(range->start + range->size > range->start);
		must(!i || range[-1].start + range[-1].size <= range->start);
		must(range->nid >= 0 && range->nid < ZONAL_MAX_NODES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info info;
	static struct board_facts facts;
	struct topology_error error = { .rule = "" };
	uint8_t *blob = malloc(size ? size : 1); /* malloc(0) may give NULL */

	must(blob != NULL);
	memcpy(blob, data, size);
	if (topology_parse(blob, size, &info, &facts, &error) == 0)
		check_info(&info);
	else
		must(error.rule[0] != '\0');
	free(blob);
	return 0;
}
