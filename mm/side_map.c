/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Side maps: an array beside the page map, for what only some features keep of a page.
 *
 * The array of a section has an entry for each page that the section's map covers, and lies
 * on the same node. As with the map itself the table holds the address that the entry of pfn 0
 * would have, so that an entry is found by one load, one product and one sum. A section
 * without a map has no entries and 0 in the table: whoever looks must know that the page is
 * there.
 *
 * Who may write an entry is its user's rule (page_owner.h). Built once at boot from the
 * instance's storage, zeroed, never given back; no locks.
 */
#include "side_map.h"

#include "init.h"
#include "lib/assert.h"
#include "meta.h"

struct side_map_build {
	struct side_map *map;
	struct zonal *mm;
};

static void take_section(void *ctx, pfn_t s, struct section_bounds bounds, unsigned nid)
{
	const struct side_map_build *build = ctx;
	size_t size = build->map->entry_bytes;
	void *entries = meta_take(build->mm, nid, (bounds.end - bounds.first) * size);

	ASSERT(s < build->mm->section_count && !build->map->section[s], "section %llu of %llu",
	       (unsigned long long)s, (unsigned long long)build->mm->section_count);
	build->map->section[s] = (uintptr_t)entries - bounds.first * size;
}

void side_map_init(struct side_map *map, struct zonal *mm, const struct boot_info *info,
		   size_t entry_bytes)
{
	struct side_map_build build = { map, mm };
	unsigned nid = (unsigned)info->range[0].nid;

	ASSERT(entry_bytes && mm->section_count, "%llu bytes, %llu sections",
	       (unsigned long long)entry_bytes, (unsigned long long)mm->section_count);
	map->entry_bytes = entry_bytes;
	map->section = meta_take(mm, nid, mm->section_count * sizeof(*map->section));
	pagemap_each_section(info, take_section, &build);
}

void side_map_add(struct side_map *map, pfn_t s, pfn_t first, void *entries)
{
	ASSERT(!map->section[s], "section %llu has its entries", (unsigned long long)s);
	map->section[s] = (uintptr_t)entries - first * map->entry_bytes;
}
