/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over memory-mapped registers: the transport, its queues, and the disk on top.
 *
 * Reference: "Virtual I/O Device (VIRTIO) Version 1.2", OASIS; section numbers below are of it.
 * Both register layouts are known, the legacy one (version 1) and the modern one (2).
 *
 * Nothing that a device says is believed: every value that it writes is checked where it is
 * read, and what breaks a rule is one line of text for the log.
 *
 * Registers are reached through two functions, so that a device can be a test as well.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "block/block.h"

struct virtio_regs {
	uint32_t (*read)(void *base, unsigned offset);
	void (*write)(void *base, unsigned offset, uint32_t value);
	void *base;
};

enum { VIRTIO_ID_BLOCK = 2 };

/* Features, by bit (5.2.3, 6). */
#define VIRTIO_BLK_F_SEG_MAX ((uint64_t)1 << 2)
#define VIRTIO_BLK_F_RO ((uint64_t)1 << 5)
#define VIRTIO_BLK_F_BLK_SIZE ((uint64_t)1 << 6)
#define VIRTIO_BLK_F_FLUSH ((uint64_t)1 << 9)
#define VIRTIO_F_INDIRECT_DESC ((uint64_t)1 << 28)
#define VIRTIO_F_VERSION_1 ((uint64_t)1 << 32)
#define VIRTIO_F_ORDER_PLATFORM ((uint64_t)1 << 36)

struct virtio {
	struct virtio_regs regs;
	unsigned version;   /* 1 legacy, 2 modern */
	uint64_t features;  /* in force */
	char fault[112];    /* why the last call said false */
};

/* ---- transport (virtio_mmio.c) ------------------------------------------ */

/* Is there a virtio device, and which? 0: an empty place, or nothing that we know; then `fault`
 * says why, or is empty for an empty place. */
unsigned virtio_identify(struct virtio *bus);

/* Reset, and tell the device that it has a driver. False: it does not reset. */
bool virtio_begin(struct virtio *bus) ZN_MUST_USE;
/* Agree on the offered ones of `wanted`; `bus->features` are in force then. */
bool virtio_agree(struct virtio *bus, uint64_t wanted) ZN_MUST_USE;
/* Everything is set up: the device may work. */
bool virtio_go(struct virtio *bus) ZN_MUST_USE;
/* The device forgets all it was told. False: it does not say so within a bounded time. */
bool virtio_reset(struct virtio *bus) ZN_MUST_USE;
/* It is no use to this driver. */
void virtio_refuse(struct virtio *bus);

/* Fields of the device's own configuration; a value that does not change while it is read. */
uint32_t virtio_config32(struct virtio *bus, unsigned offset);
uint64_t virtio_config64(struct virtio *bus, unsigned offset);

/* Acknowledge what the device interrupts for. True: its configuration has changed. */
bool virtio_acknowledge(struct virtio *bus);
/* Does it ask to be reset? */
bool virtio_is_broken(struct virtio *bus);

/* ---- a split queue (virtio_queue.c) ------------------------------------- */

struct virtio_desc {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags;
	uint16_t next;
};
#define VIRTIO_DESC_NEXT 1u
#define VIRTIO_DESC_WRITE 2u
#define VIRTIO_DESC_INDIRECT 4u

struct virtio_avail {
	uint16_t flags;
	uint16_t index;
	uint16_t ring[];
};

struct virtio_used {
	uint16_t flags;
	uint16_t index;
	struct {
		uint32_t id;
		uint32_t bytes;
	} ring[];
};
#define VIRTIO_USED_NO_NOTIFY 1u

/* Most entries that we use of a queue. */
#define VIRTIO_QUEUE_MAX 128u

struct virtio_queue {
	unsigned size;              /* entries, a power of two */
	struct virtio_desc *desc;   /* ours to write, the device's to read */
	struct virtio_avail *avail; /* the same */
	struct virtio_used *used;   /* the device's to write */
	uint64_t phys;              /* of desc */
	struct page *page;
	uint16_t avail_next, used_next; /* ours; the device cannot spoil them */
};

/* Take memory for queue 0 and tell the device where it is. `reach`: zone modifiers. */
bool virtio_queue_start(struct virtio *bus, struct virtio_queue *queue, gfp_t reach) ZN_MUST_USE;
/* Its memory goes back; the device was reset. */
void virtio_queue_end(struct virtio_queue *queue);

/* The chain that begins at `head` is the device's from the next kick on. */
void virtio_queue_offer(struct virtio_queue *queue, unsigned head);
void virtio_queue_kick(struct virtio *bus, struct virtio_queue *queue);
/* How many chains the device has given back; what it says, unchecked. */
unsigned virtio_queue_used(const struct virtio_queue *queue);
/* The next of them. */
void virtio_queue_take(struct virtio_queue *queue, uint32_t *id, uint32_t *bytes);

/* `bytes` of zeroed memory for a device; NULL: there is none. `page` is to free it. */
void *virtio_memory(gfp_t reach, size_t bytes, struct page **page, uint64_t *phys) ZN_MUST_USE;

/* ---- a disk (virtio_blk.c) ---------------------------------------------- */

struct virtio_blk;

/* Set up the disk behind `bus` and register it with block/; NULL, said why, if it is unusable.
 * `reach`: zone modifiers of what it can reach. Context: boot or task. */
struct virtio_blk *virtio_blk_start(const struct virtio *bus, const char *where, gfp_t reach);
/* The other way round, for tests. No request is under way. */
void virtio_blk_end(struct virtio_blk *disk);
/* Its interrupt. */
void virtio_blk_interrupt(void *disk);
struct block_device *virtio_blk_device(struct virtio_blk *disk);

/* ---- the image (find.c) ------------------------------------------------- */

/* Find the disks of the device tree, register them; how many. `reach`: zone modifiers for those
 * on a bus that does not reach everything. Context: boot or task. */
unsigned virtio_find_disks(gfp_t reach);

#endif
