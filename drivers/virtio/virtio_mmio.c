/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio's registers in memory: find out what is there, agree on features, start and reset.
 *
 * Set-up is the sequence of 3.1.1: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK (modern
 * only), queues, DRIVER_OK. The legacy layout (4.2.4) has 32 feature bits and no FEATURES_OK,
 * and its configuration has no generation; there a value is read until it is twice the same.
 *
 * A device that does not do as it is told gets a bounded number of looks, never a wait without
 * end: a register is read at most POLLS times for one change.
 *
 * No state of its own, no lock: a bus has one user at a time, but for virtio_acknowledge(),
 * whose registers nobody else touches. Context: any.
 */
#include "virtio.h"

#include "lib/assert.h"
#include "lib/printf.h"

#define REG_MAGIC 0x000
#define REG_VERSION 0x004
#define REG_DEVICE 0x008
#define REG_DEVICE_FEATURES 0x010
#define REG_DEVICE_FEATURES_SEL 0x014
#define REG_DRIVER_FEATURES 0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_INTERRUPT_STATUS 0x060
#define REG_INTERRUPT_ACK 0x064
#define REG_STATUS 0x070
#define REG_GENERATION 0x0fc
#define REG_CONFIG 0x100

#define MAGIC 0x74726976u /* "virt" */

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

#define INTERRUPT_CONFIG 2u

enum { POLLS = 1000 };

static uint32_t get(struct virtio *bus, unsigned offset)
{
	return bus->regs.read(bus->regs.base, offset);
}

static void set(struct virtio *bus, unsigned offset, uint32_t value)
{
	bus->regs.write(bus->regs.base, offset, value);
}

static bool fault(struct virtio *bus, const char *what, uint32_t value, const char *rule)
{
	zn_snprintf(bus->fault, sizeof(bus->fault), "%s 0x%x: %s", what, value, rule);
	return false;
}

unsigned virtio_identify(struct virtio *bus)
{
	uint32_t magic = get(bus, REG_MAGIC);

	bus->fault[0] = '\0';
	if (magic != MAGIC) {
		(void)fault(bus, "magic value", magic, "it is 0x74726976");
		return 0;
	}
	bus->version = get(bus, REG_VERSION);
	if (bus->version != 1 && bus->version != 2) {
		(void)fault(bus, "version", bus->version, "1 and 2 are known");
		return 0;
	}
	return get(bus, REG_DEVICE);
}

static void status_add(struct virtio *bus, uint32_t bits)
{
	set(bus, REG_STATUS, get(bus, REG_STATUS) | bits);
}

bool virtio_reset(struct virtio *bus)
{
	set(bus, REG_STATUS, 0);
	for (unsigned i = 0; i < POLLS; i++)
		if (!get(bus, REG_STATUS))
			return true;
	return fault(bus, "status", get(bus, REG_STATUS), "0 is expected after a reset");
}

bool virtio_begin(struct virtio *bus)
{
	ASSERT(bus->version == 1 || bus->version == 2, "version %u", bus->version);
	if (!virtio_reset(bus))
		return false;
	status_add(bus, STATUS_ACKNOWLEDGE);
	status_add(bus, STATUS_DRIVER);
	return true;
}

static uint64_t offered(struct virtio *bus)
{
	uint64_t features;

	set(bus, REG_DEVICE_FEATURES_SEL, 0);
	features = get(bus, REG_DEVICE_FEATURES);
	if (bus->version == 1)
		return features;
	set(bus, REG_DEVICE_FEATURES_SEL, 1);
	return features | (uint64_t)get(bus, REG_DEVICE_FEATURES) << 32;
}

bool virtio_agree(struct virtio *bus, uint64_t wanted)
{
	uint64_t features = offered(bus) & wanted;

	if (bus->version == 2 && !(features & VIRTIO_F_VERSION_1))
		return fault(bus, "version", 2, "such a device must offer VIRTIO_F_VERSION_1");
	set(bus, REG_DRIVER_FEATURES_SEL, 0);
	set(bus, REG_DRIVER_FEATURES, (uint32_t)features);
	bus->features = features;
	if (bus->version == 1)
		return true;
	set(bus, REG_DRIVER_FEATURES_SEL, 1);
	set(bus, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
	status_add(bus, STATUS_FEATURES_OK);
	if (!(get(bus, REG_STATUS) & STATUS_FEATURES_OK))
		return fault(bus, "features", (uint32_t)features, "the device refuses them");
	return true;
}

bool virtio_go(struct virtio *bus)
{
	uint32_t status;

	status_add(bus, STATUS_DRIVER_OK);
	status = get(bus, REG_STATUS);
	if (status & (STATUS_NEEDS_RESET | STATUS_FAILED) || !(status & STATUS_DRIVER_OK))
		return fault(bus, "status", status, "it does not start");
	return true;
}

void virtio_refuse(struct virtio *bus) { status_add(bus, STATUS_FAILED); }

bool virtio_is_broken(struct virtio *bus)
{
	return (get(bus, REG_STATUS) & STATUS_NEEDS_RESET) != 0;
}

bool virtio_acknowledge(struct virtio *bus)
{
	uint32_t why = get(bus, REG_INTERRUPT_STATUS);

	/* Before the queue is looked at: what the device does after that interrupts anew. */
	set(bus, REG_INTERRUPT_ACK, why);
	return (why & INTERRUPT_CONFIG) != 0;
}

uint64_t virtio_config64(struct virtio *bus, unsigned offset)
{
	uint64_t value = 0, before;
	uint32_t generation;

	/* A device that never leaves its configuration alone gets what was read last. */
	for (unsigned i = 0; i < POLLS; i++) {
		before = value;
		generation = bus->version == 2 ? get(bus, REG_GENERATION) : 0;
		value = get(bus, REG_CONFIG + offset);
		value |= (uint64_t)get(bus, REG_CONFIG + offset + 4) << 32;
		if (bus->version == 2 ? generation == get(bus, REG_GENERATION)
				      : i && value == before)
			break;
	}
	return value;
}

uint32_t virtio_config32(struct virtio *bus, unsigned offset)
{
	return get(bus, REG_CONFIG + offset);
}
