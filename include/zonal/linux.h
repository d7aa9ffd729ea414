/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux 5.10 spellings: alloc_pages and its kin for the one global instance of the image,
 * and every name of the other headers without its prefix (<zonal/short_names.h>). A
 * project that has its own struct page, GFP_KERNEL or alloc_pages leaves this header out
 * and calls zonal_*() with its own instance. Contracts: <zonal/zonal.h>.
 */
#ifndef ZONAL_LINUX_H
#define ZONAL_LINUX_H

#if defined(ZONAL_ZONAL_H) && !defined(ZONAL_SHORT_NAMES_H)
#error "<zonal/linux.h> comes before <zonal/zonal.h>: struct page has been named struct zonal_page"
#endif

#include <zonal/short_names.h>
#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

extern struct zonal zonal_image;

static inline struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	return zonal_alloc(&zonal_image, gfp, order);
}

static inline struct page *alloc_page(gfp_t gfp) { return alloc_pages(gfp, 0); }

static inline struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order)
{
	return zonal_alloc_node(&zonal_image, nid, gfp, order);
}

static inline void __free_pages(struct page *page, unsigned order)
{
	zonal_free(&zonal_image, page, order);
}

static inline void __free_page(struct page *page) { __free_pages(page, 0); }

static inline void split_page(struct page *page, unsigned order)
{
	zonal_split(&zonal_image, page, order);
}

static inline void get_page(struct page *page) { zonal_get(page); }
static inline void put_page(struct page *page) { zonal_put(&zonal_image, page); }
static inline pfn_t page_to_pfn(const struct page *page) { return zonal_pfn(page); }
static inline struct page *pfn_to_page(pfn_t pfn) { return zonal_page(&zonal_image, pfn); }

/*
 * By address, through the linear map; __GFP_HIGHMEM is not allowed (D14).
 * 0 or NULL when out of memory. Context as zonal_alloc().
 */
unsigned long __get_free_pages(gfp_t gfp, unsigned order) ZONAL_MUST_USE;
unsigned long get_zeroed_page(gfp_t gfp) ZONAL_MUST_USE;
void free_pages(unsigned long address, unsigned order);
void *alloc_pages_exact(size_t bytes, gfp_t gfp) ZONAL_MUST_USE;
void free_pages_exact(void *address, size_t bytes);
void *page_address(const struct page *page);
struct page *virt_to_page(const void *address);

ZONAL_END_DECLS

#endif
