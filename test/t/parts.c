/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part that a build leaves out says so when it is asked for, and does nothing; one that is there
 * serves. Built by library.t against the pair of files in several choices of parts; what is wanted
 * of each call follows from the build values alone. Status 0, or the number of the call that was
 * answered otherwise.
 *
 * The board is a node of 64 MiB, of which the upper half is held back where it may be.
 */
#include <stdio.h>
#include <stdlib.h>

#include "template_port.h"

#define MIB ((uint64_t)1 << 20)
#define START 0x40000000u
#define HELD (START + 32 * MIB)

static void *metadata(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	(void)ctx, (void)nid;
	return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static struct zonal *build(void)
{
	static struct zonal_boot_info board;
	struct zonal_config config = { .info = &board };
	struct zonal *mm = calloc(1, zonal_sizeof());
	int want = ZONAL_DEFERRED ? 0 : ZONAL_EINVAL;

	zonal_info_begin(&board);
	zonal_options_default(&config.options);
	if (!mm || zonal_add_memory(&board, 0, START, 64 * MIB) || zonal_add_cpu(&board, 0, 0) ||
	    zonal_hold_back(&board, HELD, 32 * MIB) != want ||
	    zonal_build(mm, &config, metadata))
		return NULL;
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);
	return mm;
}

/* The policies and nodes of a task. */
static int policy(struct zonal *mm)
{
	int want = ZONAL_POLICY ? 0 : ZONAL_EINVAL;
	struct zonal_task task;

	zonal_task_init(&task);
	return zonal_set_policy(mm, &task, ZONAL_MPOL_BIND, 0, 1) == want &&
	       zonal_task_set_mems(mm, &task, 1) == want;
}

static int groups(struct zonal *mm)
{
	size_t bytes = zonal_group_map_bytes(mm);
	void *map = calloc(1, bytes + 8);

	return map && zonal_groups_begin(mm, map, bytes) == (ZONAL_GROUPS ? 0 : ZONAL_EINVAL);
}

/* Memory comes, and goes where pages can be moved. */
static int later(struct zonal *mm)
{
	zonal_pfn_t pfn = HELD >> ZONAL_PAGE_SHIFT;
	uint64_t pages = 32 * MIB >> ZONAL_PAGE_SHIFT;
	int goes = !ZONAL_DEFERRED ? ZONAL_EINVAL : ZONAL_RECLAIM ? 0 : ZONAL_EBUSY;

	return zonal_online(mm, pfn, pages) == (ZONAL_DEFERRED ? 0 : ZONAL_EINVAL) &&
	       zonal_offline(mm, pfn, pages, NULL) == goes;
}

static void say(const char *line) { fprintf(stderr, "%s\n", line); }

int main(void)
{
	static int (*const call[])(struct zonal *) = { policy, groups, later };
	struct zonal *mm;

	template_write = say;
	template_start();
	mm = build();
	if (!mm)
		return 99;
	for (unsigned n = 0; n < sizeof(call) / sizeof(call[0]); n++)
		if (!call[n](mm))
			return (int)n + 1;
	return zonal_check(mm, &(struct zonal_finding){ .pfn = 0 }) ? 0 : 98;
}
