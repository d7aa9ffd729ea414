/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start the disks of the board: drivers find them, block/ caches them.
 *
 * Masters on a bus that the tree limits get memory of ZONE_DMA, unless all RAM lies within the
 * limit and there is nothing to choose.
 *
 * Boot, as task "main", interrupts open.
 */
#include "disks.h"

#include "block/cache.h"
#include "drivers/virtio/virtio.h"
#include "lib/kprintf.h"
#include "platform.h"

static gfp_t limited_reach(void)
{
	for (unsigned i = 0; i < boot_info.range_count; i++)
		if (boot_info.range[i].start + boot_info.range[i].size - 1 > boot_info.dma_max)
			return __GFP_DMA;
	return 0;
}

void disks_start(void)
{
	unsigned found = virtio_find_disks(limited_reach());

	for (unsigned id = 0; id < found; id++) {
		struct block_device *disk = block_get(id);

		kprintf("disk %s: %llu sectors of 512 bytes%s\n", disk->name,
			(unsigned long long)disk->sectors, disk->read_only ? ", read-only" : "");
		if (cache_attach(disk))
			kprintf("disk %s: no memory to cache it; it is not used\n", disk->name);
	}
}

void disks_start_task(void)
{
	if (block_get(0) && !cache_start_task())
		kprintf("disk: no memory for the task that writes back\n");
}
