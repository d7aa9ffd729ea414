/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What owners of the benches that move pages say to reclaim: no page was used, and none is given
 * up.
 */
#ifndef TEST_BENCH_OWNER_H
#define TEST_BENCH_OWNER_H

#include <zonal/reclaim.h>

static inline bool bench_unused(void *ctx, zonal_page_t *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return false;
}

static inline enum zonal_give bench_keeps(void *ctx, zonal_page_t *page, uint64_t handle,
					  unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_NO_ROOM;
}

static inline void bench_given(void *ctx, zonal_page_t *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
}

#endif
