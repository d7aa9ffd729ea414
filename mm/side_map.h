/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_SIDE_MAP_H
#define MM_SIDE_MAP_H

#include "mm.h"

/*
 * Something of a fixed size for every page that has a structure, beside the page map and laid
 * out as it is: section by section, on the section's node. What belongs to few features stays
 * out of the 32 bytes of struct page that way (page_owner's records today).
 */
struct side_map {
	uintptr_t *section; /* i: by section, biased as mm->section is */
	size_t entry_bytes; /* i */
};

/* The entry of a page; zonal_page(mm, pfn) must be there or pfn be within a section's bounds.
 * `entry_bytes` is the map's own, given again so that the product is a shift. */
static inline void *side_map_at(const struct side_map *map, pfn_t pfn, size_t entry_bytes)
{
	DASSERT(entry_bytes == map->entry_bytes && map->section[pfn >> MM_SECTION_SHIFT],
		"entry of %llu bytes of pfn 0x%llx", (unsigned long long)entry_bytes,
		(unsigned long long)pfn);
	return (void *)(map->section[pfn >> MM_SECTION_SHIFT] + pfn * entry_bytes);
}

/* Zeroed entries for the whole page map. Context: boot, within zonal_init(). */
/* Zeroed entries for section `s`, whose first page is `first`, which had none. Published by whoever
 * publishes its pages. */
void side_map_add(struct side_map *map, pfn_t s, pfn_t first, void *entries);
void side_map_init(struct side_map *map, struct zonal *mm, const struct boot_info *info,
		   size_t entry_bytes);

#endif
