/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk behind virtio (5.2): requests of block/ as chains of descriptors, and back.
 *
 * A request is a header (what, where), its pages, and one byte of status. Each of the device's
 * places has a slot of memory for what is not pages: header, status, and the descriptors
 * themselves where the device takes them indirectly (VIRTIO_F_INDIRECT_DESC); then one entry of
 * the queue is a request, and entry `tag` is place `tag`. Otherwise a place owns `chain`
 * entries side by side, and pages of a request are so few that 16 places fit. Either way the
 * number that the device gives back names the place by a division, and no list of free
 * entries exists that a device could spoil.
 *
 * What the device says is checked here: the number of answers, their id and length, the
 * status. Anything that it cannot mean makes reap() say false, and the queue gives the disk up.
 * A legacy device's length is not relied on, as 2.7.8 allows it to be wrong.
 *
 * The disk itself, its slots and the queue live in pages of their own and stay for good, as
 * disks do; virtio_blk_end() is for tests.
 *
 * ops run under the queue's lock, masked. Set-up: boot or task.
 */
#include "virtio.h"

#include <string.h>
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/printf.h"

#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX 12
#define CONFIG_BLK_SIZE 20

#define TYPE_IN 0u
#define TYPE_OUT 1u
#define TYPE_FLUSH 4u

#define STATUS_OK 0u
#define STATUS_LAST 2u /* 1: an error of the device, 2: a request that it does not know */
#define STATUS_NONE 0xffu /* not written yet */

/* Header and status beside the pages. */
#define EXTRA_DESCS 2u
#define SLOT_DESCS (BLOCK_REQUEST_PAGES + EXTRA_DESCS)

#define WANTED                                                                                     \
	(VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH |     \
	 VIRTIO_F_INDIRECT_DESC | VIRTIO_F_VERSION_1 | VIRTIO_F_ORDER_PLATFORM)

struct slot {
	struct virtio_desc desc[SLOT_DESCS];
	uint32_t type, reserved; /* the header, 16 bytes */
	uint64_t sector;
	uint8_t status;
} ZN_ALIGNED(64);

struct virtio_blk {
	struct block_device device;
	struct virtio bus;
	struct virtio_queue queue;
	struct slot *slot; /* device.depth of them */
	uint64_t slot_phys;
	struct page *slot_page, *own_page;
	unsigned chain;    /* entries of the queue that a place owns */
	bool indirect;
	/* Bytes that the device may write for what is in a place: not for it to say. */
	uint32_t writable[BLOCK_MAX_DEPTH];
};

_Static_assert(sizeof(struct virtio_blk) <= PAGE_SIZE, "it has one page");

struct block_device *virtio_blk_device(struct virtio_blk *disk) { return &disk->device; }

/* ---- requests ---- */

static void fill_desc(struct virtio_desc *desc, uint64_t address, uint32_t bytes, unsigned flags)
{
	desc->address = address;
	desc->bytes = bytes;
	desc->flags = (uint16_t)flags;
}

/* The chain of a request at `desc`, whose entries count from `first`. Returns its length. */
static unsigned fill_chain(struct virtio_desc *desc, unsigned first, uint64_t slot_phys,
			   const struct block_request *request)
{
	unsigned write = request->op == BLOCK_READ ? VIRTIO_DESC_WRITE : 0, n = 0;
	uint32_t left = request->bytes;

	fill_desc(&desc[n++], slot_phys + offsetof(struct slot, type), 16, VIRTIO_DESC_NEXT);
	for (unsigned i = 0; i < request->pages; i++) {
		uint32_t bytes = ZN_MIN(left, (uint32_t)PAGE_SIZE);

		fill_desc(&desc[n++], zonal_pfn(request->page[i]) << PAGE_SHIFT, bytes,
			  VIRTIO_DESC_NEXT | write);
		left -= bytes;
	}
	ASSERT(!left, "%u bytes of a request have no page", left);
	fill_desc(&desc[n++], slot_phys + offsetof(struct slot, status), 1, VIRTIO_DESC_WRITE);
	for (unsigned i = 0; i + 1 < n; i++)
		desc[i].next = (uint16_t)(first + i + 1);
	return n;
}

static void start(struct block_device *device, unsigned tag, struct block_request *request)
{
	static const uint32_t type[] = { TYPE_IN, TYPE_OUT, TYPE_FLUSH };
	struct virtio_blk *disk = device->driver;
	struct slot *slot = &disk->slot[tag];
	uint64_t phys = disk->slot_phys + tag * sizeof(*slot);
	unsigned head = tag * disk->chain, n;

	ASSERT(request->pages <= device->max_pages, "%u pages, at most %u", request->pages,
	       device->max_pages);
	slot->type = type[request->op];
	slot->reserved = 0;
	slot->sector = request->sector;
	slot->status = STATUS_NONE;
	disk->writable[tag] = 1 + (request->op == BLOCK_READ ? request->bytes : 0);
	n = fill_chain(disk->indirect ? slot->desc : &disk->queue.desc[head],
		       disk->indirect ? 0 : head, phys, request);
	if (disk->indirect)
		fill_desc(&disk->queue.desc[head], phys + offsetof(struct slot, desc),
			  n * (uint32_t)sizeof(struct virtio_desc), VIRTIO_DESC_INDIRECT);
	virtio_queue_offer(&disk->queue, head);
}

static void kick(struct block_device *device)
{
	struct virtio_blk *disk = device->driver;

	virtio_queue_kick(&disk->bus, &disk->queue);
}

static bool nonsense(struct block_device *device, const char *what, uint32_t value,
		     const char *rule)
{
	zn_snprintf(device->fault, sizeof(device->fault), "%s %u: %s", what, value, rule);
	return false;
}

/* A request whose bytes did not all come has failed, though the device calls it good. */
static int outcome(const struct virtio_blk *disk, unsigned tag, uint8_t status, uint32_t bytes)
{
	if (status != STATUS_OK)
		return BLOCK_EIO;
	return disk->bus.version == 2 && bytes < disk->writable[tag] ? BLOCK_EIO : 0;
}

static bool reap_one(struct virtio_blk *disk)
{
	struct block_device *device = &disk->device;
	uint32_t id, bytes;
	unsigned tag;
	uint8_t status;

	virtio_queue_take(&disk->queue, &id, &bytes);
	tag = id / disk->chain;
	if (id % disk->chain || tag >= device->depth || !device->started[tag])
		return nonsense(device, "used id", id, "not the head of a request in flight");
	if (bytes > disk->writable[tag])
		return nonsense(device, "used length", bytes, "more than it was given to write");
	status = *(volatile uint8_t *)&disk->slot[tag].status;
	if (status > STATUS_LAST)
		return nonsense(device, "status", status, "0, 1 and 2 are known");
	block_end(device, tag, outcome(disk, tag, status, bytes));
	return true;
}

static bool reap(struct block_device *device)
{
	struct virtio_blk *disk = device->driver;
	unsigned count = virtio_queue_used(&disk->queue);

	if (count > device->in_flight)
		return nonsense(device, "used index ahead by", count, "more than are in flight");
	while (count--)
		if (!reap_one(disk))
			return false;
	return true;
}

static bool stop(struct block_device *device)
{
	struct virtio_blk *disk = device->driver;

	return virtio_reset(&disk->bus);
}

static const struct block_ops virtio_blk_ops = {
	.driver = "virtio",
	.start = start,
	.kick = kick,
	.reap = reap,
	.stop = stop,
};

void virtio_blk_interrupt(void *arg)
{
	struct virtio_blk *disk = arg;

	if (virtio_acknowledge(&disk->bus) && virtio_is_broken(&disk->bus))
		block_give_up(&disk->device, BLOCK_EIO, "it asks to be reset");
	block_poll(&disk->device);
}

/* ---- set-up ---- */

static bool read_config(struct virtio_blk *disk)
{
	struct block_device *device = &disk->device;
	uint64_t features = disk->bus.features;
	uint32_t segments = features & VIRTIO_BLK_F_SEG_MAX ?
				    virtio_config32(&disk->bus, CONFIG_SEG_MAX) : 1;

	device->sectors = virtio_config64(&disk->bus, CONFIG_CAPACITY);
	device->block_bytes = features & VIRTIO_BLK_F_BLK_SIZE ?
				      virtio_config32(&disk->bus, CONFIG_BLK_SIZE) :
				      BLOCK_SECTOR_BYTES;
	device->read_only = (features & VIRTIO_BLK_F_RO) != 0;
	device->needs_flush = (features & VIRTIO_BLK_F_FLUSH) != 0;
	device->max_pages = ZN_MIN(segments, BLOCK_REQUEST_PAGES);
	disk->indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
	if (segments)
		return true;
	zn_snprintf(disk->bus.fault, sizeof(disk->bus.fault),
		    "seg_max 0: a request has at least one segment");
	return false;
}

/* How many places the queue holds, and how many entries each of them owns. */
static void cut_queue(struct virtio_blk *disk)
{
	struct block_device *device = &disk->device;
	unsigned fair = disk->queue.size / 16;

	disk->chain = 1;
	if (!disk->indirect) {
		unsigned most = ZN_MAX(fair, EXTRA_DESCS + 1) - EXTRA_DESCS;

		device->max_pages = ZN_MIN(device->max_pages, most);
		disk->chain = device->max_pages + EXTRA_DESCS;
	}
	device->depth = ZN_MIN(disk->queue.size / disk->chain, BLOCK_MAX_DEPTH);
	ASSERT(device->depth, "a queue of %u holds no chain of %u", disk->queue.size, disk->chain);
}

static bool take_slots(struct virtio_blk *disk, gfp_t reach)
{
	disk->slot = virtio_memory(reach, disk->device.depth * sizeof(struct slot),
				   &disk->slot_page, &disk->slot_phys);
	if (disk->slot)
		return true;
	zn_snprintf(disk->bus.fault, sizeof(disk->bus.fault), "no memory for %u requests",
		    disk->device.depth);
	return false;
}

static bool set_up(struct virtio_blk *disk, gfp_t reach)
{
	if (!virtio_begin(&disk->bus) || !virtio_agree(&disk->bus, WANTED) || !read_config(disk) ||
	    !virtio_queue_start(&disk->bus, &disk->queue, reach))
		return false;
	cut_queue(disk);
	return take_slots(disk, reach) && virtio_go(&disk->bus);
}

static void give_memory_back(struct virtio_blk *disk)
{
	virtio_queue_end(&disk->queue);
	if (disk->slot_page)
		zonal_put(block_memory(), disk->slot_page);
	zonal_put(block_memory(), disk->own_page);
}

/* Not used, said why already. Memory that the device was told of and may not have forgotten is
 * left to it. */
static void abandon(struct virtio_blk *disk)
{
	bool quiet = virtio_reset(&disk->bus);

	virtio_refuse(&disk->bus);
	if (quiet || !disk->queue.page)
		give_memory_back(disk);
}

struct virtio_blk *virtio_blk_start(const struct virtio *bus, const char *where, gfp_t reach)
{
	struct page *page;
	uint64_t phys;
	struct virtio_blk *disk = virtio_memory(0, sizeof(*disk), &page, &phys);

	if (!disk) {
		port_log("virtio: %s: no memory for a disk; it is not used", where);
		return NULL;
	}
	disk->own_page = page;
	disk->bus = *bus;
	disk->device.ops = &virtio_blk_ops;
	disk->device.driver = disk;
	disk->device.reach = reach;
	if (!set_up(disk, reach))
		port_log("virtio: %s: %s; it is not used", where, disk->bus.fault);
	else if (block_register(&disk->device) == 0)
		return disk;
	abandon(disk);
	return NULL;
}

void virtio_blk_end(struct virtio_blk *disk)
{
	block_unregister(&disk->device);
	if (virtio_reset(&disk->bus))
		give_memory_back(disk);
}
