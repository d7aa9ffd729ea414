/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a device tree blob to struct boot_info.
 *
 * The order of the steps:
 *   1. the strict reader says whether the blob is sound (fdt_walk.c); libfdt comes
 *      into play only after that;
 *   2. the root's cells;
 *   3. memory (topology_memory.c), less what firmware has no RAM for
 *      (topology_firmware.c), then node ids and distances (topology_numa.c),
 *      then the ranges are shrunk to whole pages;
 *   4. CPUs, which ask for node ids (topology_cpus.c); then memory that has no 32-bit
 *      frame number is left out;
 *   5. reserved memory, which needs the RAM to place regions in and cuts no-map
 *      ranges out of it (topology_reserved.c);
 *   6. the limit of DMA (topology_dma.c).
 *
 * Of the boot arguments, which the caller has read, numa=off and cma= count here.
 *
 * The result is plain data: sorted ranges with node ids, reserved ranges with
 * flags, CPUs, distances. The rules are those of Linux 5.10 (rows I8-I16); each place
 * that differs on purpose says so at the top of its file.
 *
 * No state outlives a call and no static data is written, so reading twice gives the
 * same answer, and tests may read on several CPUs at once. The stack need is
 * below 2 KiB; the tables are the caller's.
 */
#include "topology.h"

#include <string.h>

#include "fdt_walk.h"
#include "lib/assert.h"
#include "lib/printf.h"
#include "topology_internal.h"

/* What has no frame number is left out, after the nodes are known: it may name some. */
static void drop_unreachable(struct topology *t)
{
	const struct topology_span above = { 0, NULL, BOOT_MEMORY_END,
					     UINT64_MAX - BOOT_MEMORY_END };

	for (unsigned i = 0; i < t->info->range_count; i++) {
		const struct boot_range *r = &t->info->range[i];

		if (range_end(r) > BOOT_MEMORY_END)
			topology_note(t, 0, NULL,
				      "memory that has no 32-bit frame number is not used",
				      "0x%llx + 0x%llx", (unsigned long long)r->start,
				      (unsigned long long)r->size);
	}
	topology_remove(t, &above);
}

static bool any_usable(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->range_count; i++) {
		if (boot_range_usable(&info->range[i]))
			return true;
	}
	return false;
}

static int read_all(struct topology *t)
{
	int failed = topology_cell_count(t, 0, "#address-cells", 1, &t->addr_cells);

	if (!failed)
		failed = topology_cell_count(t, 0, "#size-cells", 1, &t->size_cells);
	if (failed)
		return failed;
	if (t->args && t->args->numa_off)
		t->facts->numa = NUMA_OFF;
	topology_read_memory(t);
	topology_read_firmware(t);
	topology_read_numa(t);
	ranges_shrink_to_pages(t->memory);
	failed = topology_read_cpus(t);
	drop_unreachable(t);
	if (!failed)
		failed = topology_read_reserved(t);
	topology_check_releases(t);
	topology_read_dma(t);
	ASSERT(failed || t->info->nodes, "no node, and no error either");
	if (!failed && !any_usable(t->info))
		topology_note(t, 0, NULL, "a board must have memory to run", "no usable range");
	return failed;
}

static int refuse_blob(const struct fdt_walk_error *walk, struct topology_error *err)
{
	zn_snprintf(err->path, sizeof(err->path), "%s", walk->path);
	zn_snprintf(err->value, sizeof(err->value), "0x%llx at offset 0x%x",
		    (unsigned long long)walk->value, walk->offset);
	zn_snprintf(err->rule, sizeof(err->rule), "%s", walk->rule);
	return ZONAL_EINVAL;
}

int topology_read(const struct topology_request *request, struct boot_info *info,
		  struct board_facts *facts, struct topology_error *err)
{
	struct topology t = { .fdt = request->dt, .info = info, .facts = facts, .err = err,
			      .request = request, .notes = request->notes,
			      .args = request->args };
	struct fdt_walk_error walk;

	memset(info, 0, sizeof(*info));
	memset(facts, 0, sizeof(*facts));
	memset(err, 0, sizeof(*err));
	if (t.notes)
		memset(t.notes, 0, sizeof(*t.notes));
	if (fdt_walk_check(request->dt, request->limit_bytes, NULL, &walk))
		return refuse_blob(&walk, err);
	t.memory = (struct range_list){ info->range, &info->range_count, ZONAL_MAX_RANGES };
	t.reserved = (struct range_list){ info->reserved, &info->reserved_count,
					  ZONAL_MAX_RANGES };
	return read_all(&t);
}

int topology_parse(const void *dt, size_t limit_bytes, struct boot_info *info,
		   struct board_facts *facts, struct topology_error *err)
{
	const struct topology_request request = { .dt = dt, .limit_bytes = limit_bytes };

	return topology_read(&request, info, facts, err);
}
