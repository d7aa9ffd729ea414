/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a device tree blob to struct boot_info.
 *
 * The order of the steps:
 *   1. the strict reader says whether the blob is sound (fdt_walk.c); libfdt comes
 *      into play only after that;
 *   2. the root's cells; the boot arguments, because numa=off is one of them;
 *   3. memory (topology_memory.c), then node ids and distances (topology_numa.c),
 *      then the ranges are shrunk to whole pages;
 *   4. CPUs, which ask for node ids (topology_cpus.c);
 *   5. reserved memory, which needs the RAM to place regions in and cuts no-map
 *      ranges out of it (topology_reserved.c);
 *   6. the limit of DMA (topology_dma.c).
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
#include "lib/printf.h"
#include "topology_internal.h"

/* Length of the word at `text`, up to a blank or the end. */
static size_t word_length(const char *text, size_t bytes)
{
	size_t length = 0;

	while (length < bytes && text[length] && text[length] != ' ' && text[length] != '\t' &&
	       text[length] != '\n')
		length++;
	return length;
}

/* Keep the boot arguments; look for numa=off in all of them. */
static void read_bootargs(struct topology *t)
{
	int chosen = fdt_subnode_offset(t->fdt, 0, "chosen");
	const size_t room = sizeof(t->info->bootargs) - 1;
	struct topology_prop prop = { NULL, 0 };
	const char *text;
	size_t used = 0, length;

	if (chosen >= 0)
		prop = topology_prop(t, chosen, "bootargs");
	text = (const char *)prop.at;
	length = text ? strnlen(text, prop.bytes) : 0;
	for (size_t at = 0; at < length; ) {
		size_t word = word_length(text + at, length - at);

		if (word == 8 && memcmp(text + at, "numa=off", 8) == 0)
			t->info->numa = NUMA_OFF;
		if (at + word <= room)
			used = at + word;
		at += word + 1;
	}
	if (length > room)
		topology_note(t, chosen, "bootargs",
			      "it must fit boot_info.bootargs; the words at its end are lost",
			      "%zu characters", length);
	if (used)
		memcpy(t->info->bootargs, text, used);
}

static bool any_usable(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->range_count; i++) {
		if (boot_range_usable(&info->range[i]))
			return true;
	}
	return false;
}

static int read_all(struct topology *t, const struct topology_request *request)
{
	int failed = topology_cell_count(t, 0, "#address-cells", 1, &t->addr_cells);

	if (!failed)
		failed = topology_cell_count(t, 0, "#size-cells", 1, &t->size_cells);
	if (failed)
		return failed;
	read_bootargs(t);
	failed = topology_read_memory(t);
	if (!failed)
		failed = topology_read_numa(t);
	ranges_shrink_to_pages(t->memory);
	if (!failed)
		failed = topology_read_cpus(t);
	if (!failed)
		failed = topology_read_reserved(t, request);
	topology_read_dma(t);
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
		  struct topology_error *err)
{
	struct topology t = { .fdt = request->dt, .info = info, .err = err,
			      .notes = request->notes };
	struct fdt_walk_error walk;

	memset(info, 0, sizeof(*info));
	memset(err, 0, sizeof(*err));
	if (t.notes)
		memset(t.notes, 0, sizeof(*t.notes));
	if (fdt_walk_check(request->dt, request->limit_bytes, NULL, &walk))
		return refuse_blob(&walk, err);
	t.memory = (struct range_list){ info->range, &info->range_count, ZONAL_MAX_RANGES };
	t.reserved = (struct range_list){ info->reserved, &info->reserved_count,
					  ZONAL_MAX_RANGES };
	return read_all(&t, request);
}

int topology_parse(const void *dt, size_t limit_bytes, struct boot_info *info,
		   struct topology_error *err)
{
	const struct topology_request request = { .dt = dt, .limit_bytes = limit_bytes };

	return topology_read(&request, info, err);
}
