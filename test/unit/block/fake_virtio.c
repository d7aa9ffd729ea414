/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device side of a virtio disk, written from the specification and not from our driver:
 * it finds the queue by what it was told, follows descriptors by their `next`, and believes
 * nobody either. Whatever it cannot make sense of fails the case.
 *
 * Physical addresses are those of the allocator under the scheduler. One thread at a time.
 */
#include "fake_virtio.h"

#include <string.h>

#include "ram_disk.h"

static void *at(uint64_t phys)
{
	struct page *page = zonal_page(block_memory(), phys >> PAGE_SHIFT);

	if (!KT_OK(page != NULL, "the device was given address 0x%llx", (unsigned long long)phys))
		return NULL;
	return (char *)block_page_address(page) + phys % PAGE_SIZE;
}

/* ---- registers ---- */

static uint32_t config_read(struct fake_virtio *fake, unsigned offset)
{
	uint64_t capacity = fake->capacity;

	if (offset == 0 && fake->unsteady) {
		fake->unsteady--;
		fake->generation++;
		capacity ^= 0x5555;
	}
	switch (offset) {
	case 0: return (uint32_t)capacity;
	case 4: return (uint32_t)(capacity >> 32);
	case 12: return fake->seg_max;
	case 20: return fake->blk_size;
	default: KT_OK(false, "configuration at %u is read", offset); return 0;
	}
}

static uint32_t fake_read(void *base, unsigned offset)
{
	struct fake_virtio *fake = base;

	switch (offset) {
	case 0x000: return fake->magic;
	case 0x004: return fake->version;
	case 0x008: return fake->id;
	case 0x010: return (uint32_t)(fake->features >> (fake->features_sel ? 32 : 0));
	case 0x034: return fake->queue_max;
	case 0x040: return fake->queue_in_use ? 1 : fake->pfn;
	case 0x044: return fake->queue_in_use ? 1 : fake->ready;
	case 0x060: return fake->interrupt;
	case 0x070: return fake->status;
	case 0x0fc: return fake->generation;
	default: break;
	}
	if (offset >= 0x100)
		return config_read(fake, offset - 0x100);
	KT_OK(false, "register 0x%x is read", offset);
	return 0;
}

static void write_status(struct fake_virtio *fake, uint32_t value)
{
	if (value) {
		fake->status = value;
		if (fake->refuses_features)
			fake->status &= ~8u;
		if (fake->does_not_start && value & 4)
			fake->status |= 64;
		return;
	}
	fake->resets++;
	fake->pfn = fake->ready = 0;
	fake->seen = 0;
	if (!fake->never_resets)
		fake->status = fake->stays_in_reset ? 1 : 0;
}

static void fake_write(void *base, unsigned offset, uint32_t value)
{
	struct fake_virtio *fake = base;
	bool old = fake->version == 1;

	switch (offset) {
	case 0x014: fake->features_sel = value; return;
	case 0x020:
		if (fake->driver_sel)
			fake->driver_features |= (uint64_t)value << 32;
		else
			fake->driver_features = value;
		return;
	case 0x024: fake->driver_sel = value; return;
	case 0x028: KT_TRUE(old); fake->page_size = value; return;
	case 0x030: KT_EQ(value, 0); return;
	case 0x038: fake->queue_num = value; return;
	case 0x03c: KT_TRUE(old); fake->queue_align = value; return;
	case 0x040: KT_TRUE(old); fake->pfn = value; return;
	case 0x044: KT_TRUE(!old); fake->ready = value; return;
	case 0x050: KT_EQ(value, 0); fake->notified++; return;
	case 0x064: fake->acknowledged |= value; fake->interrupt &= ~value; return;
	case 0x070: write_status(fake, value); return;
	default: break;
	}
	if (KT_OK(!old && offset >= 0x080 && offset <= 0x0a4 && !(offset & 0xb),
		  "register 0x%x is written", offset)) {
		uint64_t *address = &fake->address[(offset - 0x080) >> 4];

		if (offset & 4)
			*address = (uint32_t)*address | (uint64_t)value << 32;
		else
			*address = value;
	}
}

bool fake_virtio_init(struct fake_virtio *fake, unsigned version, uint64_t sectors)
{
	uint64_t seed = kt_seed() | 1;

	*fake = (struct fake_virtio){
		.magic = 0x74726976, .version = version, .id = 2, .queue_max = 256,
		.features = 0x20000000000 | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
			    VIRTIO_BLK_F_FLUSH | VIRTIO_F_INDIRECT_DESC |
			    (version == 2 ? VIRTIO_F_VERSION_1 : 0),
		.capacity = sectors, .seg_max = 126, .blk_size = 512,
		.data = block_test_alloc((size_t)sectors << BLOCK_SECTOR_SHIFT),
	};
	for (size_t i = 0; fake->data && i < sectors << BLOCK_SECTOR_SHIFT; i++)
		fake->data[i] = (unsigned char)kt_random(&seed);
	return fake->data != NULL;
}

struct virtio fake_virtio_bus(struct fake_virtio *fake)
{
	return (struct virtio){ .regs = { fake_read, fake_write, fake } };
}

/* ---- the queue ---- */

struct fake_ring {
	struct virtio_desc *desc;
	struct virtio_avail *avail;
	struct virtio_used *used;
};

static struct fake_ring ring_of(struct fake_virtio *fake)
{
	uint64_t desc = fake->address[0], avail = fake->address[1], used = fake->address[2];

	if (fake->version == 1) {
		KT_EQ(fake->page_size, PAGE_SIZE);
		desc = (uint64_t)fake->pfn * fake->page_size;
		avail = desc + fake->queue_num * 16;
		used = align_up(avail + 6 + 2 * fake->queue_num, fake->queue_align);
	} else {
		KT_EQ(fake->ready, 1);
	}
	return (struct fake_ring){ at(desc), at(avail), at(used) };
}

/* Move the data of one descriptor; the bytes written for the driver. */
static uint32_t transfer(struct fake_virtio *fake, const struct virtio_desc *desc, uint32_t type,
			 uint64_t *offset)
{
	uint64_t end = fake->capacity << BLOCK_SECTOR_SHIFT;
	bool writes = desc->flags & VIRTIO_DESC_WRITE;

	KT_EQ(writes, type == 0);
	if (!KT_TRUE(*offset <= end && desc->bytes <= end - *offset && desc->bytes <= PAGE_SIZE))
		return 0;
	if (writes)
		memcpy(at(desc->address), fake->data + *offset, desc->bytes);
	else
		memcpy(fake->data + *offset, at(desc->address), desc->bytes);
	*offset += desc->bytes;
	return writes ? desc->bytes : 0;
}

/* Do what the chain at desc[i] says. Bytes written for the driver, status included. */
static uint32_t run_chain(struct fake_virtio *fake, const struct virtio_desc *desc, unsigned i)
{
	struct { uint32_t type, reserved; uint64_t sector; } *header;
	unsigned length = 1;
	uint64_t offset;
	uint32_t bytes = 0;
	unsigned char *status;

	if (desc[i].flags & VIRTIO_DESC_INDIRECT) {
		KT_TRUE(fake->driver_features & VIRTIO_F_INDIRECT_DESC);
		fake->indirect_seen++;
		desc = at(desc[i].address);
		i = 0;
	}
	KT_TRUE(desc[i].bytes == 16 && desc[i].flags == VIRTIO_DESC_NEXT);
	header = at(desc[i].address);
	offset = header->sector << BLOCK_SECTOR_SHIFT;
	for (i = desc[i].next; desc[i].flags & VIRTIO_DESC_NEXT; i = desc[i].next) {
		bytes += transfer(fake, &desc[i], header->type, &offset);
		length++;
	}
	KT_TRUE(desc[i].bytes == 1 && desc[i].flags == VIRTIO_DESC_WRITE);
	status = at(desc[i].address);
	if (fake->lie != FAKE_NO_STATUS)
		*status = fake->lie == FAKE_STATUS ? 77 : fake->lie == FAKE_ERROR;
	fake->longest_chain = ZN_MAX(fake->longest_chain, length + 1);
	return bytes + 1;
}

/* How the answer looks that goes into the ring. */
static void spoil(struct fake_virtio *fake, uint32_t *id, uint32_t *bytes)
{
	switch (fake->lie) {
	case FAKE_ID_TOO_LARGE: *id = 0x10000 + fake->queue_num; break;
	case FAKE_ID_INSIDE: *id += fake->indirect_seen ? 7 : 1; break;
	case FAKE_LENGTH: *bytes += 1; break;
	case FAKE_SHORT: *bytes = 1; break;
	default: break;
	}
}

unsigned fake_virtio_serve(struct fake_virtio *fake, unsigned most)
{
	struct fake_ring ring = ring_of(fake);
	unsigned done = 0;

	if (!ring.desc || !ring.avail || !ring.used)
		return 0;
	ring.used->flags = fake->wants_no_notify ? VIRTIO_USED_NO_NOTIFY : 0;
	while (done < most && fake->seen != ring.avail->index) {
		unsigned head = ring.avail->ring[fake->seen++ % fake->queue_num];
		unsigned to = ring.used->index % fake->queue_num;
		uint32_t id = head, bytes = run_chain(fake, ring.desc, head);

		spoil(fake, &id, &bytes);
		ring.used->ring[to].id = id;
		ring.used->ring[to].bytes = bytes;
		ring.used->index++;
		if (fake->lie == FAKE_ID_TWICE) {
			to = ring.used->index % fake->queue_num;
			ring.used->ring[to].id = id;
			ring.used->index++;
		}
		done++;
	}
	if (fake->lie == FAKE_INDEX)
		ring.used->index = (uint16_t)(ring.used->index + 1000);
	if (fake->lie == FAKE_SCRIBBLE) {
		memset(ring.desc, 0xff, fake->queue_num * sizeof(*ring.desc));
		memset(ring.avail->ring, 0xff, fake->queue_num * sizeof(uint16_t));
	}
	fake->served += done;
	fake->interrupt |= done ? 1 : 0;
	return done;
}
