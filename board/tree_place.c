/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree moves out of the way of large blocks.
 *
 * A loader puts the blob where it likes, often into the midst of RAM (QEMU: 128 MiB behind its
 * start, padded to 1 MiB), and there it stays for as long as drivers read it: one page that
 * cannot move, in a place that could else be part of a contiguous range. So boot copies it to
 * where it takes memory itself, at the top of its node beside the page map, and only as much
 * of it as is used.
 *
 * What the list of reserved ranges keeps for the blob alone carries BOOT_TREE
 * (topology_full.c). If somebody else claims any of these pages, a reserve map that names the
 * blob for example, they are not ours to give back, and the blob stays.
 *
 * The order is the caller's: a place is taken before RAM is mapped, so that it can be mapped by
 * pages and read-only; the copy is made once RAM has answered; then the old place is given back.
 * One CPU, no locks.
 */
#include "tree_place.h"

#include <libfdt.h>
#include <string.h>

#include "early.h"
#include "lib/assert.h"
#include "topology_ranges.h"

size_t tree_used(const void *dt)
{
	size_t map = fdt_off_mem_rsvmap(dt) +
		     ((size_t)fdt_num_mem_rsv(dt) + 1) * sizeof(struct fdt_reserve_entry);
	size_t nodes = (size_t)fdt_off_dt_struct(dt) + fdt_size_dt_struct(dt);
	size_t strings = (size_t)fdt_off_dt_strings(dt) + fdt_size_dt_strings(dt);
	size_t bytes = ZN_MAX(map, ZN_MAX(nodes, strings));

	ASSERT(bytes <= fdt_totalsize(dt), "%zu bytes used of %u", bytes, fdt_totalsize(dt));
	return bytes;
}

/* RAM that holds pages of the blob which are nobody else's; NULL: there are none. */
static const struct boot_range *ram_to_gain(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];

		for (unsigned j = 0; j < info->range_count && (r->flags & BOOT_TREE); j++) {
			const struct boot_range *ram = &info->range[j];

			if (boot_range_usable(ram) && r->start < range_end(ram) &&
			    ram->start < range_end(r))
				return ram;
		}
	}
	return NULL;
}

bool tree_take_place(struct boot_info *info, size_t bytes, uint64_t *phys)
{
	const struct boot_range *ram = ram_to_gain(info);

	return ram && early_take(info, (unsigned)ram->nid, bytes, PAGE_SIZE, info->range_count,
				 phys);
}

void tree_copy(void *to, const void *dt, size_t bytes)
{
	ASSERT(!((uintptr_t)to & 7) && bytes >= tree_used(dt), "%zu bytes to %p", bytes, to);
	memcpy(to, dt, bytes);
	fdt_set_totalsize(to, (uint32_t)bytes);
}

void tree_give_back(struct boot_info *info)
{
	ranges_drop((struct range_list){ info->reserved, &info->reserved_count, ZONAL_MAX_RANGES },
		    BOOT_FIRMWARE | BOOT_TREE);
}
