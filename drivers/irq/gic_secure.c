/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What secure firmware does to a GIC with two security states before non-secure software may
 * use it, for boards where nobody did because we were entered at EL3.
 *
 * Out of reset every interrupt is in group 0, secure, and non-secure accesses find its bits
 * read as zero and ignore writes. So all are put into group 1, non-secure; the drivers do the
 * rest from their side, as on any board. A GICv3 redistributor is woken here too, as GICR_WAKER
 * answers the secure world alone. A priority mask in the secure half (reset: 0, nothing passes)
 * would be out of the drivers' reach; on a GICv2 it is opened here, on a GICv3, whose mask
 * is a system register, by el3.S. A GIC of one security state (GICD_CTLR.DS) has none of this.
 *
 * References: Arm IHI 0048 (GICv2), section 4.3, and IHI 0069 (GICv3), sections 4.6 and 12.9.
 */
#include "gic.h"

#include "arm64_memory.h"
#include "arm64_secure.h"
#include "lib/assert.h"
#include "lib/kprintf.h"

#define GICD_IGRPMODR 0xd00
#define GICD_CTLR_ARE_BOTH (3u << 4)
#define GICD_CTLR_DS (1u << 6)
#define GICD_CTLR_RWP (1u << 31)
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICR_CTLR 0x00
#define GICR_CTLR_RWP (1u << 3)
#define GICR_WAKER 0x14
#define GICR_WAKER_SLEEP (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)
#define FRAME_BYTES 0x10000u
#define POLL_LIMIT 1000000u

/* Devices are in the linear map: their address there says where they are. */
static bool put(const void *base, uintptr_t offset, uint32_t value)
{
	return arm64_secure_write(virt_to_phys(base) + offset, value);
}

/* False as well if nobody answers. */
static bool poll_clear(const void *base, uintptr_t offset, uint32_t bits)
{
	uint32_t value = bits;

	for (unsigned i = 0; i < POLL_LIMIT && (value & bits); i++) {
		if (!arm64_secure_read(virt_to_phys(base) + offset, &value))
			return false;
	}
	return !(value & bits);
}

static bool two_states(const void *distributor)
{
	uint32_t control;

	return arm64_secure_read(virt_to_phys(distributor) + GICD_CTLR, &control) &&
	       !(control & GICD_CTLR_DS);
}

/* Groups of INTIDs [first, end). */
static bool give_away(const void *base, unsigned first, unsigned end)
{
	bool done = true;

	ASSERT(!(first % 32) && first < end && end <= GIC_INTIDS, "INTIDs %u to %u", first, end);
	for (unsigned id = first; id < end; id += 32)
		done = put(base, GICD_IGROUPR + id / 8, UINT32_MAX) && done;
	return done;
}

static void report(bool done, const char *what)
{
	if (!done)
		kprintf("gic: the %s does not answer the secure world\n", what);
}

void gic_secure_v2(const void *distributor, unsigned count)
{
	if (arm64_owns_secure())
		report(give_away(distributor, 0, count), "distributor");
}

void gic_secure_v2_cpu(const void *distributor, const void *interface)
{
	if (arm64_owns_secure())
		report(give_away(distributor, 0, GIC_FIRST_SPI) && put(interface, GICC_CTLR, 0) &&
			       put(interface, GICC_PMR, 0xff),
		       "CPU interface");
}

void gic_secure_v3(const void *distributor, unsigned count)
{
	bool done;

	if (!arm64_owns_secure() || !two_states(distributor))
		return;
	/* ARE may only change while no group is enabled. */
	done = put(distributor, GICD_CTLR, 0) &&
	       poll_clear(distributor, GICD_CTLR, GICD_CTLR_RWP) &&
	       put(distributor, GICD_CTLR, GICD_CTLR_ARE_BOTH);
	done = done && give_away(distributor, GIC_FIRST_SPI, count);
	for (unsigned id = GIC_FIRST_SPI; done && id < count; id += 32)
		done = put(distributor, GICD_IGRPMODR + id / 8, 0);
	report(done && poll_clear(distributor, GICD_CTLR, GICD_CTLR_RWP), "distributor");
}

void gic_secure_v3_cpu(const void *distributor, const void *redistributor)
{
	const void *sgis = (const char *)redistributor + FRAME_BYTES;
	uint32_t waker;
	bool done;

	if (!arm64_owns_secure() || !two_states(distributor))
		return;
	done = arm64_secure_read(virt_to_phys(redistributor) + GICR_WAKER, &waker) &&
	       put(redistributor, GICR_WAKER, waker & ~GICR_WAKER_SLEEP) &&
	       poll_clear(redistributor, GICR_WAKER, GICR_WAKER_ASLEEP);
	done = done && give_away(sgis, 0, GIC_FIRST_SPI) && put(sgis, GICD_IGRPMODR, 0);
	report(done && poll_clear(redistributor, GICR_CTLR, GICR_CTLR_RWP), "redistributor");
}
