/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of <zonal/linux.h> that deal in addresses instead of pages, and the one
 * instance that they and their inline siblings use.
 *
 * An address is that of the linear map, where every page of RAM has a fixed place.
 * Linux refuses __GFP_HIGHMEM here because such a page might have no address; all of our
 * RAM has one, but a caller that passes the flag is as wrong here as there, so
 * it gets NULL and a line of log (row D14).
 *
 * No state beyond the instance; contexts as for zonal_alloc() and zonal_free().
 */
#include <zonal/linux.h>
#include <zonal/port.h>

#include "lib/assert.h"
#include "arm64_memory.h"
#include "mm/mm.h"

struct zonal zonal_image;

void *page_address(const struct page *page)
{
	DASSERT(page, "the address of no page");
	return phys_to_virt(page_to_pfn(page) << PAGE_SHIFT);
}

struct page *virt_to_page(const void *address)
{
	DASSERT((uintptr_t)address >= ARM64_LINEAR_OFFSET &&
			(uintptr_t)address < ARM64_STACK_WINDOW,
		"%p is not in the linear map", address);
	return pfn_to_page(virt_to_phys(address) >> PAGE_SHIFT);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned order)
{
	struct page *page;

	if (gfp & __GFP_HIGHMEM) {
		port_log("__get_free_pages: __GFP_HIGHMEM pages have no address by contract");
		return 0;
	}
	page = alloc_pages(gfp, order);
	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void free_pages(unsigned long address, unsigned order)
{
	if (address)
		__free_pages(virt_to_page((void *)address), order);
}

void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	struct page *page;

	if (gfp & __GFP_HIGHMEM) {
		port_log("alloc_pages_exact: __GFP_HIGHMEM pages have no address by contract");
		return NULL;
	}
	page = zonal_alloc_exact(&zonal_image, gfp, bytes);
	return page ? page_address(page) : NULL;
}

void free_pages_exact(void *address, size_t bytes)
{
	if (address)
		zonal_free_exact(&zonal_image, virt_to_page(address), bytes);
}
