/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door of a part that a build leaves out as a whole: reclaim and compaction (ZONAL_RECLAIM=0),
 * the choice of a victim (ZONAL_OOM=0).
 *
 * The folders of these parts are not compiled then. What one would begin with, a contiguous range,
 * a CMA area, an owner, a registration, says here that there is none, by the answer that its
 * contract has for a refusal; so a program that can do without links with either build. Calls that
 * make sense only behind such a beginning are not here: a program that calls them wants the part,
 * and hears of it from its linker.
 *
 * CMA areas without compaction are memory of movable requests, which nobody could empty. So there
 * are none to be asked for.
 *
 * No state, no locks, any context.
 */
#include <zonal/contig.h>
#include <zonal/oom.h>
#include <zonal/reclaim.h>

#include "mm.h"

#if !ZONAL_RECLAIM
int zonal_alloc_contig_range(struct zonal *mm, pfn_t start, uint64_t pages, gfp_t gfp)
{
	(void)mm, (void)start, (void)pages, (void)gfp;
	return ZONAL_EINVAL;
}

struct page *zonal_alloc_contig_pages(struct zonal *mm, uint64_t pages, gfp_t gfp, int nid,
				      const nodemask_t *mask)
{
	(void)mm, (void)pages, (void)gfp, (void)nid, (void)mask;
	return NULL;
}

unsigned zonal_cma_areas(const struct zonal *mm)
{
	(void)mm;
	return 0;
}

bool zonal_cma_info(struct zonal *mm, unsigned area, struct zonal_cma_info *out)
{
	(void)mm, (void)area, (void)out;
	return false;
}

int zonal_cma_area_of_node(const struct zonal *mm, unsigned nid)
{
	(void)mm, (void)nid;
	return -1;
}

int zonal_cma_set_order(struct zonal *mm, unsigned area, unsigned order)
{
	(void)mm, (void)area, (void)order;
	return ZONAL_EINVAL;
}

struct page *zonal_cma_alloc(struct zonal *mm, unsigned area, uint64_t count, unsigned align)
{
	(void)mm, (void)area, (void)count, (void)align;
	return NULL;
}

bool zonal_cma_release(struct zonal *mm, unsigned area, struct page *page, uint64_t count)
{
	(void)mm, (void)area, (void)page, (void)count;
	return false;
}

struct zonal_owner *zonal_owner_register(struct zonal *mm, const struct zonal_owner_ops *ops,
					 void *ctx)
{
	(void)mm, (void)ops, (void)ctx;
	return NULL;
}
#endif

#if !ZONAL_OOM
int zonal_oom_register(struct zonal *mm, const struct zonal_oom_ops *ops, void *ctx)
{
	(void)mm, (void)ops, (void)ctx;
	return ZONAL_EINVAL;
}

int zonal_set_oom_panic(struct zonal *mm, unsigned mode)
{
	(void)mm, (void)mode;
	return ZONAL_EINVAL;
}
#endif
