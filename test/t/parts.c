/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part that a build leaves out says so when it is asked for, and does nothing; one that is there
 * serves. Built by library.t against the pair of files in several choices of parts; what is wanted
 * of each call follows from the build values alone. Status 0, or the number of the call that was
 * answered otherwise.
 *
 * The board is a node of 64 MiB, of which the upper half is held back where it may be. What a build
 * gave, frame by frame, comes out as one number: builds that differ in speed alone say the same.
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

/* What stands on moving pages, or takes them from owners. */
static int reclaim(struct zonal *mm)
{
	static const struct zonal_owner_ops ops = { .name = "parts" };
	zonal_pfn_t pfn = START >> ZONAL_PAGE_SHIFT;
	int err = zonal_alloc_contig_range(mm, pfn, 8, ZONAL_GFP_KERNEL);
	zonal_page_t *page = zonal_alloc_contig_pages(mm, 8, ZONAL_GFP_KERNEL, 0, NULL);

	if (!err && zonal_free_contig_range(mm, pfn, 8))
		return 0;
	if (page && zonal_free_contig_range(mm, zonal_pfn(page), 8))
		return 0;
	return err == (ZONAL_RECLAIM ? 0 : ZONAL_EINVAL) && !page == !ZONAL_RECLAIM &&
	       (ZONAL_RECLAIM || !zonal_owner_register(mm, &ops, NULL)) && !zonal_cma_areas(mm) &&
	       !zonal_cma_info(mm, 0, &(struct zonal_cma_info){ 0 }) &&
	       zonal_cma_area_of_node(mm, 0) == -1 && !zonal_cma_alloc(mm, 0, 1, 0) &&
	       !zonal_cma_release(mm, 0, NULL, 1) && zonal_cma_set_order(mm, 0, 0) == ZONAL_EINVAL;
}

static bool next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	(void)ctx, (void)cursor, (void)out;
	return false;
}

static bool kill(void *ctx, uint64_t id)
{
	(void)ctx, (void)id;
	return false;
}

static void skip(void *ctx, uint64_t id) { (void)ctx, (void)id; }

/* The choice of a victim. */
static int oom(struct zonal *mm)
{
	static const struct zonal_oom_ops ops = { .next = next, .kill = kill, .skip = skip };
	int want = ZONAL_OOM ? 0 : ZONAL_EINVAL;

	return zonal_set_oom_panic(mm, ZONAL_OOM_PANIC_NEVER) == want &&
	       zonal_oom_register(mm, &ops, NULL) == want;
}

/* Marks and what hangs on them. */
static int marks(struct zonal *mm)
{
	int want = ZONAL_WATERMARKS ? 0 : ZONAL_EINVAL;

	return zonal_set_min_free_kbytes(mm, 1024) == want &&
	       zonal_set_watermark_scale(mm, 10) == want &&
	       zonal_set_watermark_boost(mm, 0) == want &&
	       zonal_set_reserve_ratio(mm, ZONAL_ZONE_DMA, 256) == want;
}

static uint64_t frames = 14695981039346656037u; /* of FNV-1a */

static zonal_page_t *take(struct zonal *mm, unsigned order)
{
	zonal_page_t *page = zonal_alloc(mm, ZONAL_GFP_NOWAIT, order);

	frames = (frames ^ (page ? zonal_pfn(page) + 1 : 0)) * 1099511628211u;
	return page;
}

static uint64_t free_pages(struct zonal *mm)
{
	struct zonal_counts counts;

	return zonal_node_counts(mm, 0, &counts) ? counts.free : 0;
}

/* Blocks of every size come and go in no order, then single pages until there is none. */
static int pages(struct zonal *mm)
{
	static zonal_page_t *held[64 * MIB >> ZONAL_PAGE_SHIFT];
	static unsigned char order[sizeof(held) / sizeof(held[0])];
	uint32_t random = 1;
	uint64_t before;
	size_t n = 0;

	zonal_drain_all(mm, NULL);
	before = free_pages(mm);
	for (unsigned i = 0; i < 5000; i++) {
		size_t k = (random = random * 1664525 + 1013904223) >> 25;

		if (held[k])
			zonal_free(mm, held[k], order[k]);
		order[k] = random >> 20 & 3 ? 0 : random >> 16 & 7;
		held[k] = i < 4800 ? take(mm, order[k]) : NULL;
	}
	for (size_t k = 0; k < 128; k++)
		if (held[k])
			zonal_free(mm, held[k], order[k]);
	while ((held[n] = take(mm, 0)))
		n++;
	for (size_t k = 0; k < n; k++)
		zonal_free(mm, held[k * 7919 % n], 0);
	zonal_drain_all(mm, NULL);
	return n && free_pages(mm) == before && !zonal_bad_count(mm);
}

/* A call that is wrong changes nothing, and is counted. */
static int misuse(struct zonal *mm)
{
	zonal_page_t *page = zonal_alloc(mm, ZONAL_GFP_KERNEL, 2);

	if (!page)
		return 0;
	zonal_free(mm, page, 1);
	zonal_free(mm, page, ZONAL_MAX_ORDER);
	zonal_free(mm, page, 2);
	zonal_free(mm, page, 2);
	return zonal_bad_count(mm) == 3;
}

static void say(const char *line) { fprintf(stderr, "%s\n", line); }

int main(void)
{
	static int (*const call[])(struct zonal *) = { policy, groups, later, reclaim,
						       oom,    marks,  pages, misuse };
	struct zonal *mm;

	template_write = say;
	template_start();
	mm = build();
	if (!mm)
		return 99;
	for (unsigned n = 0; n < sizeof(call) / sizeof(call[0]); n++)
		if (!call[n](mm))
			return (int)n + 1;
	printf("%llx\n", (unsigned long long)frames);
	return zonal_check(mm, &(struct zonal_finding){ .pfn = 0 }) ? 0 : 98;
}
