/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue (2.7): descriptors, what is offered, what was used.
 *
 * All three parts lie in one block of pages in the layout that the legacy transport
 * prescribes: the used ring begins at the next page. The modern transport takes three addresses
 * and any layout, so one is enough. The legacy one takes a page number of 32 bits, which
 * reaches 16 TiB; descriptors have 64-bit addresses in both.
 *
 * Who may be believed. The device reads descriptors and the ring of what is offered, and writes
 * the used ring. Since it could write to the others as well, nothing is ever read back from
 * them: positions are kept in struct virtio_queue, and which descriptors form a chain is
 * known by its head alone (virtio_blk.c). What is read of the used ring is read once.
 *
 * Barriers. An offer is three steps, each visible before the next: descriptors and ring entry,
 * then the index (2.7.13), then the doorbell. An answer is two: the index, then the entry
 * and the memory that it speaks of (2.7.14).
 *
 * Under the lock of the disk's queue, but for set-up.
 */
#include "virtio.h"

#include <string.h>
#include <zonal/port.h>

#include "port_dma.h"
#include "lib/assert.h"
#include "lib/printf.h"

#define REG_GUEST_PAGE_SIZE 0x028
#define REG_QUEUE_SEL 0x030
#define REG_QUEUE_NUM_MAX 0x034
#define REG_QUEUE_NUM 0x038
#define REG_QUEUE_ALIGN 0x03c
#define REG_QUEUE_PFN 0x040
#define REG_QUEUE_READY 0x044
#define REG_QUEUE_NOTIFY 0x050
#define REG_QUEUE_DESC 0x080
#define REG_QUEUE_DRIVER 0x090
#define REG_QUEUE_DEVICE 0x0a0

/* Read or written by the device at any time. */
#define shared(place) (*(volatile __typeof__(place) *)&(place))

static uint32_t get(struct virtio *bus, unsigned offset)
{
	return bus->regs.read(bus->regs.base, offset);
}

static void set(struct virtio *bus, unsigned offset, uint32_t value)
{
	bus->regs.write(bus->regs.base, offset, value);
}

static void set64(struct virtio *bus, unsigned offset, uint64_t value)
{
	set(bus, offset, (uint32_t)value);
	set(bus, offset + 4, (uint32_t)(value >> 32));
}

static unsigned order_of(size_t bytes)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

void *virtio_memory(gfp_t reach, size_t bytes, struct page **page, uint64_t *phys)
{
	void *memory;

	ASSERT(bytes && order_of(bytes) < MAX_ORDER, "%zu bytes for a device", bytes);
	*page = zonal_alloc(block_memory(), GFP_KERNEL | __GFP_NOWARN | reach, order_of(bytes));
	if (!*page)
		return NULL;
	*phys = zonal_pfn(*page) << PAGE_SHIFT;
	memory = block_page_address(*page);
	memset(memory, 0, PAGE_SIZE << order_of(bytes));
	return memory;
}

static size_t used_offset(unsigned size)
{
	size_t avail_end = size * sizeof(struct virtio_desc) + sizeof(struct virtio_avail) +
			   (size + 1) * sizeof(uint16_t);

	return align_up(avail_end, PAGE_SIZE);
}

static size_t queue_bytes(unsigned size)
{
	return used_offset(size) + sizeof(struct virtio_used) +
	       size * sizeof(((struct virtio_used *)0)->ring[0]) + sizeof(uint16_t);
}

/* As many entries as the device has, we want, and is a power of two; 0: unusable, said why. */
static unsigned choose_size(struct virtio *bus)
{
	uint32_t most = get(bus, REG_QUEUE_NUM_MAX);
	unsigned size = VIRTIO_QUEUE_MAX;

	while (size > most)
		size /= 2;
	if (size < 4)
		zn_snprintf(bus->fault, sizeof(bus->fault),
			    "queue size %u: a request takes at least 4 entries", most);
	return size < 4 ? 0 : size;
}

static bool place_legacy(struct virtio *bus, const struct virtio_queue *queue)
{
	uint64_t pfn = queue->phys >> PAGE_SHIFT;

	if (pfn > UINT32_MAX) {
		zn_snprintf(bus->fault, sizeof(bus->fault),
			    "queue page 0x%llx: a legacy device takes 32 bits",
			    (unsigned long long)pfn);
		return false;
	}
	set(bus, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
	set(bus, REG_QUEUE_NUM, queue->size);
	set(bus, REG_QUEUE_ALIGN, PAGE_SIZE);
	set(bus, REG_QUEUE_PFN, (uint32_t)pfn);
	return true;
}

static bool place_modern(struct virtio *bus, const struct virtio_queue *queue)
{
	size_t avail = queue->size * sizeof(struct virtio_desc);

	set(bus, REG_QUEUE_NUM, queue->size);
	set64(bus, REG_QUEUE_DESC, queue->phys);
	set64(bus, REG_QUEUE_DRIVER, queue->phys + avail);
	set64(bus, REG_QUEUE_DEVICE, queue->phys + used_offset(queue->size));
	set(bus, REG_QUEUE_READY, 1);
	return true;
}

bool virtio_queue_start(struct virtio *bus, struct virtio_queue *queue, gfp_t reach)
{
	unsigned busy_reg = bus->version == 1 ? REG_QUEUE_PFN : REG_QUEUE_READY;
	char *memory;

	memset(queue, 0, sizeof(*queue));
	set(bus, REG_QUEUE_SEL, 0);
	if (get(bus, busy_reg)) {
		zn_snprintf(bus->fault, sizeof(bus->fault), "queue 0 is in use after a reset");
		return false;
	}
	queue->size = choose_size(bus);
	if (!queue->size)
		return false;
	memory = virtio_memory(reach, queue_bytes(queue->size), &queue->page, &queue->phys);
	if (!memory) {
		zn_snprintf(bus->fault, sizeof(bus->fault), "no memory for a queue of %u",
			    queue->size);
		return false;
	}
	queue->desc = (void *)memory;
	queue->avail = (void *)(memory + queue->size * sizeof(struct virtio_desc));
	queue->used = (void *)(memory + used_offset(queue->size));
	if (bus->version == 1 ? place_legacy(bus, queue) : place_modern(bus, queue))
		return true;
	virtio_queue_end(queue);
	return false;
}

void virtio_queue_end(struct virtio_queue *queue)
{
	if (queue->page)
		zonal_put(block_memory(), queue->page);
	queue->page = NULL;
}

void virtio_queue_offer(struct virtio_queue *queue, unsigned head)
{
	DASSERT(head < queue->size, "head %u in a queue of %u", head, queue->size);
	shared(queue->avail->ring[queue->avail_next % queue->size]) = (uint16_t)head;
	queue->avail_next++;
}

void virtio_queue_kick(struct virtio *bus, struct virtio_queue *queue)
{
	/* The device finds descriptors and entries behind the index. */
	port_dma_wmb();
	shared(queue->avail->index) = queue->avail_next;
	/* The index before the look whether it wants to be told: it looks for more after it has
	 * said that it does, so one of us sees the other. And before the doorbell. */
	port_dma_mb();
	if (!(shared(queue->used->flags) & VIRTIO_USED_NO_NOTIFY))
		set(bus, REG_QUEUE_NOTIFY, 0);
}

unsigned virtio_queue_used(const struct virtio_queue *queue)
{
	unsigned count = (uint16_t)(shared(queue->used->index) - queue->used_next);

	/* The entries, and the data of the requests, are not older than the index. */
	port_dma_rmb();
	return count;
}

void virtio_queue_take(struct virtio_queue *queue, uint32_t *id, uint32_t *bytes)
{
	unsigned at = queue->used_next % queue->size;

	*id = shared(queue->used->ring[at].id);
	*bytes = shared(queue->used->ring[at].bytes);
	queue->used_next++;
}
