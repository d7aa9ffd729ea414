/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hosted program: a board of four nodes in a ring, from plain numbers, and its zones. The
 * RAM is nobody's: the allocator never touches the pages that it hands out.
 *
 *	make lib O=build/here CROSS_COMPILE=
 *	cc -Iinclude -Iarch/template/include examples/hosted/zones.c \
 *	   arch/template/template_port.c build/here/libzonal.a -o zones
 */
#include <stdio.h>
#include <stdlib.h>

#include <template_port.h>
#include <zonal/look.h>
#include <zonal/names.h>
#include <zonal/ranges.h>
#include <zonal/version.h>

#define MIB ((uint64_t)1 << 20)
#define NODES 4u

static int describe(struct zonal_boot_info *board)
{
	int err = 0;

	zonal_info_begin(board);
	for (unsigned n = 0; n < NODES && !err; n++)
		err = zonal_add_memory(board, n, 0x40000000 + n * 512 * MIB, 512 * MIB);
	for (unsigned n = 0; n < NODES && !err; n++)
		err = zonal_set_distance(board, n, (n + 1) % NODES, 16);
	board->dma_max = 0x80000000 - 1; /* some masters reach no further */
	return err ? err : zonal_add_cpu(board, 0, 0);
}

static void *metadata(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	(void)ctx, (void)nid;
	return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void say(const char *line) { fprintf(stderr, "%s\n", line); }

int main(void)
{
	static struct zonal_boot_info board;
	struct zonal_config config = { .info = &board };
	struct zonal *mm = calloc(1, zonal_sizeof());
	struct zonal_counts counts;
	zonal_page_t *page;

	template_write = say;
	template_start();
	zonal_options_default(&config.options);
	if (zonal_abi() != ZONAL_ABI || !mm || describe(&board) ||
	    zonal_build(mm, &config, metadata))
		return 1;
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);

	for (unsigned n = 0; n < NODES; n++)
		for (unsigned z = 0; z < ZONAL_ZONE_TYPES; z++)
			if (zonal_zone_counts(mm, n, z, &counts))
				printf("node %u %-8s %7llu pages, %7llu free, largest %llu\n", n,
				       zonal_zone_name(z), (unsigned long long)counts.total,
				       (unsigned long long)counts.free,
				       (unsigned long long)counts.largest);
	page = zonal_alloc_node(mm, 2, ZONAL_GFP_KERNEL, 9);
	if (!page)
		return 1;
	printf("2 MiB of node %u: frame 0x%llx\n", zonal_page_node(page),
	       (unsigned long long)zonal_pfn(page));
	zonal_free(mm, page, 9);
	return zonal_check(mm, &(struct zonal_finding){ .pfn = 0 }) ? 0 : 1;
}
