/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio devices of the device tree: which of them are disks.
 *
 * A board has places for devices (QEMU's virt has 32), most of them empty: device id 0. Each is
 * mapped and asked; the first read is one that survives a fault, because a tree may name a place
 * where nothing answers. Disks are set up in the order of the tree, which names them.
 *
 * Only coherent devices are used: memory is shared with them as it is cached, and no line is
 * ever cleaned or invalidated. The tree says so of a device, or of a bus above it, by
 * `dma-coherent`; one without is refused by name.
 *
 * Where the tree limits what masters on the device's bus reach (dma-ranges), memory for it is
 * ZONE_DMA's, which every master reaches (row I16); else any.
 *
 * Context: boot or task, once.
 */
#include <zonal/port.h>

#include "arm64_exception.h"
#include "arm64_memory.h"
#include "board/device.h"
#include "drivers/irq/irq.h"
#include "drivers/mmio.h"
#include "lib/kprintf.h"
#include "virtio.h"

#define VIRTIO_REG_BYTES 0x200u

static uint32_t regs_read(void *base, unsigned offset) { return mmio_read32(base, offset); }

static void regs_write(void *base, unsigned offset, uint32_t value)
{
	mmio_write32(base, offset, value);
}

static bool refuse(const char *where, const char *rule)
{
	kprintf("virtio: %s: %s; it is not used\n", where, rule);
	return false;
}

static bool map_registers(const char *where, const struct device_range *range, struct virtio *bus)
{
	struct arm64_fault fault;
	void *base;

	if (range->bytes < VIRTIO_REG_BYTES)
		return refuse(where, "reg: less than 512 bytes");
	base = arm64_map_device(range->phys, range->bytes);
	if (!base)
		return refuse(where, "reg: it cannot be mapped");
	if (!arm64_probe_read((uintptr_t)base, &fault))
		return refuse(where, "nothing answers there");
	bus->regs = (struct virtio_regs){ .read = regs_read, .write = regs_write, .base = base };
	return true;
}

static bool start_disk(int node, const char *where, const struct virtio *bus, gfp_t reach)
{
	struct device_irq irq;
	struct virtio_blk *disk;

	if (!device_irq(node, 0, &irq))
		return refuse(where, "a disk without a usable interrupt");
	if (!device_dma_coherent(node))
		return refuse(where, "not dma-coherent, and caches are not maintained for it");
	disk = virtio_blk_start(bus, where, device_dma_limited(node) ? reach : 0);
	if (!disk)
		return false;
	irq_attach(&irq, virtio_blk_interrupt, disk);
	return true;
}

/* True if a disk is there and works. */
static bool look_at(int node, gfp_t reach)
{
	struct device_range range;
	struct virtio bus = { .version = 0 };
	char where[24];
	unsigned id;

	if (!device_reg(node, 0, &range))
		return refuse("a node", "no usable reg");
	zn_snprintf(where, sizeof(where), "0x%llx", (unsigned long long)range.phys);
	if (!map_registers(where, &range, &bus))
		return false;
	id = virtio_identify(&bus);
	if (bus.fault[0])
		return refuse(where, bus.fault);
	/* An empty place, or a device that is nothing to us. */
	if (id != VIRTIO_ID_BLOCK)
		return false;
	return start_disk(node, where, &bus, reach);
}

unsigned virtio_find_disks(gfp_t reach)
{
	unsigned found = 0;

	for (int node = device_find("virtio,mmio", -1); node >= 0;
	     node = device_find("virtio,mmio", node))
		found += look_at(node, reach);
	return found;
}
