/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a program does with the library: an instance, a page, and back. tools/lib_sizes.py
 * links it to see how much of the library that needs; on the host it also runs, and says how many
 * bytes of metadata a board of 1 GiB and four CPUs has.
 */
#include "template_port.h"

int least(struct zonal *mm, const struct zonal_config *config);

int least(struct zonal *mm, const struct zonal_config *config)
{
	zonal_page_t *page;

	template_start();
	if (zonal_init(mm, config))
		return -1;
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);
	page = zonal_alloc(mm, ZONAL_GFP_KERNEL, 0);
	zonal_free(mm, page, 0);
	return 0;
}

#ifdef LEAST_HOST
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	static struct zonal_boot_info board = { .range_count = 1, .nodes = 1, .cpu_count = 4 };
	static struct zonal_storage piece[ZONAL_MAX_NODES];
	struct zonal_config config = { .info = &board, .storage = piece };
	struct zonal_plan plan;

	board.range[0] = (struct zonal_boot_range){ .start = 1 << 30, .size = 1 << 30, .nid = 0 };
	board.dma_max = UINT64_MAX;
	zonal_options_default(&config.options);
	if (zonal_plan(&config, &plan))
		return 1;
	piece[0].bytes = plan.bytes[0];
	piece[0].start = aligned_alloc(ZONAL_STORAGE_ALIGN, plan.bytes[0] + ZONAL_STORAGE_ALIGN -
					       plan.bytes[0] % ZONAL_STORAGE_ALIGN);
	printf("%zu %zu\n", plan.bytes[0], zonal_sizeof());
	return least(calloc(1, zonal_sizeof()), &config);
}
#endif
