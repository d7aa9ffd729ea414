/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of page_owner. */
#ifndef TEST_UNIT_KT_OWNER_H
#define TEST_UNIT_KT_OWNER_H

#include "kt_instance.h"

#include "mm/page_owner.h"

static const struct kt_spec owner_traced = { .ram = { { 0, KT_DMA_PFN, 4096 } },
					     .page_owner = true };

static inline struct zonal *owner_board(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);

	if (mm)
		kt_no_marks(mm);
	return mm;
}

/* The record of a page that must have one. */
static inline struct owner_record record_of(struct zonal *mm, const struct page *page)
{
	struct owner_record record = { 0 };

	KT_OK(page_owner_read(mm, zonal_pfn(page), &record), "pfn 0x%llx has no record",
	      (unsigned long long)zonal_pfn(page));
	return record;
}

static inline const struct stack *stack_of(struct zonal *mm, uint32_t handle)
{
	return stack_depot_get(&mm->owner->depot, handle);
}

/* Both have a frame of their own in a stack: no tail calls. */
static ZN_NOINLINE struct page *take_here(struct zonal *mm, gfp_t gfp, unsigned order)
{
	struct page *page = zonal_alloc(mm, gfp, order);

	KT_OK(page, "no page of order %u, gfp 0x%x", order, gfp);
	return page;
}

static ZN_NOINLINE void give_here(struct zonal *mm, struct page *page, unsigned order)
{
	zonal_free(mm, page, order);
	KT_EQ(zonal_bad_count(mm), 0);
}

#endif
