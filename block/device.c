/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of disks: which there are, and by what name.
 *
 * A disk gets the first free number, and with it its name: vda is number 0. What a driver says
 * of it has come from the device, so it is checked here once more for all of them; a
 * disk that breaks a rule is refused by one line that names the value and the rule.
 *
 * Written during boot and by tests, one at a time; read by anybody without a lock: an entry
 * is published by a release store when all of the device is set.
 */
#include "block_internal.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/printf.h"

static struct block_device *_Atomic disk[BLOCK_MAX_DEVICES];

struct block_device *block_get(unsigned id)
{
	return id < BLOCK_MAX_DEVICES ? ld_acquire(&disk[id]) : NULL;
}

struct block_device *block_find(const char *name)
{
	for (unsigned id = 0; id < BLOCK_MAX_DEVICES; id++) {
		struct block_device *device = block_get(id);

		if (device && strcmp(device->name, name) == 0)
			return device;
	}
	return NULL;
}

static int refuse(const struct block_device *device, const char *what, uint64_t value,
		  const char *rule)
{
	port_log("disk: %s: %s %llu: %s; the disk is not used", device->ops->driver, what,
		 (unsigned long long)value, rule);
	return BLOCK_EINVAL;
}

static int device_fault(const struct block_device *device)
{
	if (!device->sectors)
		return refuse(device, "capacity", 0, "at least one sector of 512 bytes");
	if (device->sectors > BLOCK_MAX_SECTORS)
		return refuse(device, "capacity", device->sectors, "at most 2^54 sectors");
	if (device->block_bytes < BLOCK_SECTOR_BYTES || device->block_bytes > PAGE_SIZE ||
	    device->block_bytes & (device->block_bytes - 1))
		return refuse(device, "block size", device->block_bytes,
			      "a power of two from 512 to a page");
	if (device->sectors % (device->block_bytes >> BLOCK_SECTOR_SHIFT))
		return refuse(device, "capacity", device->sectors, "a multiple of the block size");
	if (!device->depth || device->depth > BLOCK_MAX_DEPTH)
		return refuse(device, "requests at a time", device->depth, "1 to 32");
	if (!device->max_pages || device->max_pages > BLOCK_REQUEST_PAGES)
		return refuse(device, "pages of a request", device->max_pages, "1 to 16");
	return 0;
}

int block_register(struct block_device *device)
{
	unsigned id = 0;
	int fault = device_fault(device);

	ASSERT(!device->in_flight && !device->first, "a disk with requests is registered");
	if (fault)
		return fault;
	while (id < BLOCK_MAX_DEVICES && block_get(id))
		id++;
	if (id == BLOCK_MAX_DEVICES) {
		port_log("disk: %s: more than %u disks (BLOCK_MAX_DEVICES); this one is not used",
			 device->ops->driver, BLOCK_MAX_DEVICES);
		return BLOCK_ENOMEM;
	}
	device->id = id;
	zn_snprintf(device->name, sizeof(device->name), "vd%c", 'a' + (int)id);
	block_queue_init(device);
	/* Release: who finds it finds all of it. */
	st_release(&disk[id], device);
	return 0;
}

void block_unregister(struct block_device *device)
{
	ASSERT(block_get(device->id) == device, "%s is not in the table", device->name);
	ASSERT(!device->in_flight && !device->first, "%s has requests", device->name);
	st_release(&disk[device->id], NULL);
}
