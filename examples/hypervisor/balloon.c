/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio balloon, by which a guest says what it does not need: free page reporting.
 *
 * The device is virtio 1.0's over memory-mapped registers. Of its features it offers reporting
 * alone; it never asks for pages, so that the queues to inflate and to deflate, which every balloon
 * has, stay empty. A guest puts blocks of its free memory on the third queue, each a descriptor
 * with address and length, and does not use them until they are on the used ring. Here the whole
 * blocks of 2 MiB among them leave stage 2 and go back to the allocator; a guest that touches one
 * later gets another page (give.c).
 *
 * The rings lie in the guest's memory, which may be moved at any time: each look is a copy under
 * the guest's lock (hv_stage2_read()). The guest is on this core and waits for the store that
 * notified us, so there is nobody to order against. What it says there is not trusted: a ring
 * outside of its memory, or a chain without an end, ends it.
 */
#include "hv.h"
#include "guest.h"

enum {
	MAGIC = 0x00, VERSION = 0x04, DEVICE = 0x08, FEATURES = 0x10, FEATURES_SELECT = 0x14,
	QUEUE_SELECT = 0x30, QUEUE_MOST = 0x34, QUEUE_SIZE = 0x38, QUEUE_READY = 0x44,
	NOTIFY = 0x50, INTERRUPT = 0x60, INTERRUPT_ACK = 0x64, STATUS = 0x70, QUEUE_DESC = 0x80,
	QUEUE_AVAIL = 0x90, QUEUE_USED = 0xa0,
};
#define MAGIC_VIRT 0x74726976u
#define DEVICE_BALLOON 5u
#define FEATURES_LOW (1u << 5) /* reporting */
#define FEATURES_HIGH 1u       /* bit 32: virtio 1 */
#define QUEUE_REPORT 2u
#define MOST 64u               /* the driver wants 32 at least */

#define DESC_NEXT 1u
struct desc {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct used {
	uint32_t id, length;
};

/* ---- the queue ------------------------------------------------------------------- */

/* One chain of descriptors; how many pages came of it. False: it is none. */
static bool take_chain(struct hv_guest *guest, const struct hv_queue *queue, uint16_t head,
		       uint64_t *pages)
{
	struct desc desc = { .flags = DESC_NEXT, .next = head };

	for (unsigned steps = 0; desc.flags & DESC_NEXT; steps++) {
		if (steps == queue->size || desc.next >= queue->size ||
		    !hv_stage2_read(guest, queue->desc + desc.next * sizeof(desc), &desc,
				    sizeof(desc)))
			return false;
		*pages += hv_give(guest, desc.address, desc.length);
	}
	return true;
}

/* The next of the available ring, and the answer; *more is false if there is none. */
static bool serve_one(struct hv_guest *guest, struct hv_queue *queue, uint64_t *pages, bool *more)
{
	uint16_t head, index, at = queue->next % queue->size;
	struct used used = { .length = 0 };

	if (!hv_stage2_read(guest, queue->avail + 2, &index, sizeof(index)))
		return false;
	/* More than the ring holds: it would keep this core from serving the others. */
	if ((uint16_t)(index - queue->next) > queue->size)
		return false;
	*more = index != queue->next;
	if (!*more)
		return true;
	if (!hv_stage2_read(guest, queue->avail + 4 + 2u * at, &head, sizeof(head)) ||
	    !take_chain(guest, queue, head, pages))
		return false;
	used.id = head;
	queue->next++;
	return hv_stage2_write(guest, queue->used + 4 + 8u * at, &used, sizeof(used)) &&
	       hv_stage2_write(guest, queue->used + 2, &queue->next, sizeof(queue->next));
}

static void serve(struct hv_guest *guest)
{
	struct hv_queue *queue = &guest->balloon.queue[QUEUE_REPORT];
	uint64_t pages = 0;
	bool more = queue->ready && queue->size;

	while (more) {
		if (serve_one(guest, queue, &pages, &more))
			continue;
		hv_guest_end(guest, "has a ring that is none");
		return;
	}
	guest->balloon.interrupt = 1;
	guest->given += pages;
	if (pages)
		hv_say("guest %s: gave %llu MiB back, node %u has %llu pages free", guest->name,
		       (unsigned long long)(pages * ZONAL_PAGE_SIZE / MIB), guest->node,
		       (unsigned long long)hv_free_pages(guest->node));
}

/* ---- registers --------------------------------------------------------------------- */

uint64_t hv_balloon_read(struct hv_guest *guest, uint64_t offset)
{
	const struct hv_balloon *balloon = &guest->balloon;

	switch (offset) {
	case MAGIC: return MAGIC_VIRT;
	case VERSION: return 2;
	case DEVICE: return DEVICE_BALLOON;
	case FEATURES: return balloon->features_select ? FEATURES_HIGH : FEATURES_LOW;
	case QUEUE_MOST: return balloon->select < HV_QUEUES ? MOST : 0;
	case QUEUE_READY: return balloon->select < HV_QUEUES &&
				 balloon->queue[balloon->select].ready;
	case INTERRUPT: return balloon->interrupt;
	case STATUS: return balloon->status;
	default: return 0; /* also its configuration: no page is asked for */
	}
}

/* Half of an address: the low one at `offset`, the high one behind it. */
static void set_half(uint64_t *address, uint64_t offset, uint32_t value)
{
	if (offset & 4)
		*address = (*address & UINT32_MAX) | (uint64_t)value << 32;
	else
		*address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void set_queue(struct hv_queue *queue, uint64_t offset, uint32_t value)
{
	switch (offset & ~4ull) {
	case QUEUE_SIZE & ~4u:
		queue->size = (uint16_t)(value <= MOST ? value : 0);
		break;
	case QUEUE_READY & ~4u:
		queue->ready = value & 1;
		queue->next = 0;
		break;
	case QUEUE_DESC:
		set_half(&queue->desc, offset, value);
		break;
	case QUEUE_AVAIL:
		set_half(&queue->avail, offset, value);
		break;
	case QUEUE_USED:
		set_half(&queue->used, offset, value);
		break;
	default:
		break;
	}
}

void hv_balloon_write(struct hv_guest *guest, uint64_t offset, uint64_t value)
{
	struct hv_balloon *balloon = &guest->balloon;

	if (offset == FEATURES_SELECT)
		balloon->features_select = (uint32_t)value;
	else if (offset == QUEUE_SELECT)
		balloon->select = (uint32_t)value;
	else if (offset == INTERRUPT_ACK)
		balloon->interrupt &= ~(uint32_t)value;
	else if (offset == NOTIFY && value == QUEUE_REPORT)
		serve(guest);
	else if (offset == STATUS && !value)
		*balloon = (struct hv_balloon){ .status = 0 };
	else if (offset == STATUS)
		balloon->status = (uint32_t)value;
	else if (balloon->select < HV_QUEUES)
		set_queue(&balloon->queue[balloon->select], offset, (uint32_t)value);
	hv_vgic_raise(&guest->vgic, GUEST_BALLOON_IRQ, balloon->interrupt);
}
