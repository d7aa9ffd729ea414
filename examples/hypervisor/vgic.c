/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller that a guest sees: a GICv3 for one core and 64 interrupts.
 *
 * Its system registers are the core's own virtual interface, which needs nobody's help. The
 * distributor and the redistributor are memory that is not there; what the guest reads and writes
 * comes here. An interrupt that is pending and enabled goes into a list register when the guest is
 * entered next. One that is in a list register already stays pending here and goes again later;
 * the end of one that has no hardware behind it is told by the maintenance interrupt, so that this
 * is looked at in time.
 *
 * The timer's list register is tied to the physical interrupt, which has been left active: the
 * guest's end of it deactivates that one, and it may fire again.
 *
 * All on the guest's core, so without locks.
 */
#include "hv.h"
#include "guest.h"

#define LISTS 4u /* that are used, of those that the core has */
#define LR_PENDING (1ull << 62)
#define LR_STATE (3ull << 62)
#define LR_HARDWARE (1ull << 61)
#define LR_GROUP1 (1ull << 60)
#define LR_PRIORITY (0xa0ull << 48)
#define LR_TELL_END (1ull << 41)
#define HCR_ENABLE 1u
#define HCR_TELL_ROOM 2u /* maintenance interrupt: at most one list register is in use */

/* Offsets that both frames have at the same place; the redistributor's in its second 64 KiB. */
enum {
	CONTROL = 0x0, TYPE = 0x4, TYPE_REDISTRIBUTOR = 0x8, WAKER = 0x14, GROUPS = 0x80,
	ENABLE = 0x100, DISABLE = 0x180, PENDING = 0x200, NOT_PENDING = 0x280, CONFIG = 0xc00,
	CONFIG_END = 0xc10, ID2 = 0xffe8,
};
#define CONTROL_KEPT 0x3u
#define CONTROL_FIXED 0x50u          /* affinity routing; one security state */
#define TYPE_64_INTERRUPTS (1u | 9u << 19)
#define TYPE_LAST (1u << 4)
#define WAKER_SLEEP 2u
#define ID2_GICV3 0x3bu
#define SGI_FRAME 0x10000u

static uint64_t list_read(unsigned i)
{
	switch (i) {
	case 0: return sysreg_read(S3_4_C12_C12_0);
	case 1: return sysreg_read(S3_4_C12_C12_1);
	case 2: return sysreg_read(S3_4_C12_C12_2);
	default: return sysreg_read(S3_4_C12_C12_3);
	}
}

static void list_write(unsigned i, uint64_t value)
{
	switch (i) {
	case 0: sysreg_write(S3_4_C12_C12_0, value); break;
	case 1: sysreg_write(S3_4_C12_C12_1, value); break;
	case 2: sysreg_write(S3_4_C12_C12_2, value); break;
	default: sysreg_write(S3_4_C12_C12_3, value); break;
	}
}

static unsigned lists(void)
{
	unsigned count = (unsigned)(sysreg_read(S3_4_C12_C11_1) & 31) + 1; /* ICH_VTR_EL2 */

	return count < LISTS ? count : LISTS;
}

static void control(uint64_t value)
{
	sysreg_write(S3_4_C12_C11_0, value); /* ICH_HCR_EL2 */
}

void hv_vgic_reset(struct hv_vgic *gic)
{
	*gic = (struct hv_vgic){ .waker = WAKER_SLEEP };
	for (unsigned i = 0; i < lists(); i++)
		list_write(i, 0);
	sysreg_write(S3_4_C12_C8_0, 0);  /* ICH_AP0R0_EL2, ICH_AP1R0_EL2: nothing is active */
	sysreg_write(S3_4_C12_C9_0, 0);
	sysreg_write(S3_4_C12_C11_7, 0); /* ICH_VMCR_EL2: all masked */
	control(HCR_ENABLE);
	isb();
}

/* The guest is gone; so is its timer's interrupt, which it may have left active. */
void hv_vgic_stop(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	for (unsigned i = 0; i < lists(); i++)
		list_write(i, 0);
	control(0);
	isb(); /* the timer is quiet before its interrupt may come again */
	hv_gic_end_timer();
}

/* An end is told until its list register is cleared, and room until nobody wants to know: both are
 * a line that is held up, and this must take it down. hv_vgic_flush() fills them anew. */
void hv_vgic_ended(void)
{
	for (unsigned i = 0; i < lists(); i++)
		if (!(list_read(i) & LR_STATE))
			list_write(i, 0);
	control(HCR_ENABLE);
	isb(); /* it is down before the interrupt is deactivated */
}

void hv_vgic_timer(void)
{
	struct hv_guest *guest = this_cpu()->guest;

	if (guest)
		guest->vgic.pending |= 1ull << HV_PPI_VIRTUAL_TIMER;
}

void hv_vgic_raise(struct hv_vgic *gic, unsigned id, bool level)
{
	if (level)
		gic->level |= 1ull << id;
	else
		gic->level &= ~(1ull << id);
}

void hv_vgic_sgi(struct hv_vgic *gic, uint64_t value)
{
	/* To all others (IRM): there are none. The list of targets is for this core or nobody. */
	if (!(value >> 40 & 1) && (value & 1))
		gic->pending |= 1ull << (value >> 24 & 15);
}

static uint64_t list_value(unsigned id)
{
	uint64_t value = LR_PENDING | LR_GROUP1 | LR_PRIORITY | id;

	if (id == HV_PPI_VIRTUAL_TIMER)
		return value | LR_HARDWARE | (uint64_t)id << 32;
	return value | LR_TELL_END;
}

void hv_vgic_flush(struct hv_vgic *gic)
{
	uint64_t want = (gic->pending | gic->level) & gic->enabled, busy = 0;
	unsigned count = lists();

	for (unsigned i = 0; i < count; i++) {
		uint64_t list = list_read(i);

		if (list & LR_STATE)
			busy |= 1ull << (list & 63);
	}
	want &= ~busy;
	for (unsigned i = 0; i < count && want; i++) {
		unsigned id = (unsigned)__builtin_ctzll(want);

		if (list_read(i) & LR_STATE)
			continue;
		list_write(i, list_value(id));
		gic->pending &= ~(1ull << id);
		want &= want - 1;
	}
	control(want ? HCR_ENABLE | HCR_TELL_ROOM : HCR_ENABLE);
	isb();
}

/* ---- distributor and redistributor -------------------------------------------------- */

/* The word of a register of 64 bits, one for each interrupt, that an offset means. The
 * redistributor has the first word, the distributor the second. */
static unsigned shift_of(bool distributor) { return distributor ? 32 : 0; }

static bool bits_at(uint64_t offset, uint64_t reg, bool distributor)
{
	return offset == reg + (distributor ? 4 : 0);
}

static bool config_at(uint64_t offset, unsigned *index)
{
	*index = (unsigned)(offset - CONFIG) / 4;
	return offset >= CONFIG && offset < CONFIG_END;
}

static uint64_t common_read(const struct hv_vgic *gic, uint64_t offset, bool distributor)
{
	unsigned shift = shift_of(distributor), index;

	if (config_at(offset, &index))
		return gic->config[index];
	if (bits_at(offset, GROUPS, distributor))
		return UINT32_MAX;
	if (bits_at(offset, ENABLE, distributor) || bits_at(offset, DISABLE, distributor))
		return gic->enabled >> shift & UINT32_MAX;
	if (bits_at(offset, PENDING, distributor) || bits_at(offset, NOT_PENDING, distributor))
		return (gic->pending | gic->level) >> shift & UINT32_MAX;
	return 0;
}

static void common_write(struct hv_vgic *gic, uint64_t offset, uint64_t value, bool distributor)
{
	uint64_t bits = (value & UINT32_MAX) << shift_of(distributor);
	unsigned index;

	if (config_at(offset, &index))
		gic->config[index] = (uint32_t)value;
	else if (bits_at(offset, ENABLE, distributor))
		gic->enabled |= bits;
	else if (bits_at(offset, DISABLE, distributor))
		gic->enabled &= ~bits;
	else if (bits_at(offset, PENDING, distributor))
		gic->pending |= bits;
	else if (bits_at(offset, NOT_PENDING, distributor))
		gic->pending &= ~bits;
}

uint64_t hv_vgic_read(struct hv_vgic *gic, uint64_t ipa)
{
	uint64_t offset = ipa - GUEST_GICR;
	bool distributor = ipa < GUEST_GICR;

	if (!distributor && offset >= SGI_FRAME)
		return common_read(gic, offset - SGI_FRAME, false);
	if (distributor)
		offset = ipa - GUEST_GICD;
	if (offset == ID2)
		return ID2_GICV3;
	if (distributor && offset == CONTROL)
		return gic->control | CONTROL_FIXED;
	if (distributor && offset == TYPE)
		return TYPE_64_INTERRUPTS;
	if (!distributor && offset == TYPE_REDISTRIBUTOR)
		return TYPE_LAST;
	if (!distributor && offset == WAKER) /* it falls asleep and wakes at once */
		return gic->waker | (gic->waker & WAKER_SLEEP) << 1;
	return distributor ? common_read(gic, offset, true) : 0;
}

void hv_vgic_write(struct hv_vgic *gic, uint64_t ipa, uint64_t value)
{
	uint64_t offset = ipa - GUEST_GICR;

	if (ipa < GUEST_GICR) {
		offset = ipa - GUEST_GICD;
		if (offset == CONTROL)
			gic->control = (uint32_t)value & CONTROL_KEPT;
		else
			common_write(gic, offset, value, true);
	} else if (offset >= SGI_FRAME) {
		common_write(gic, offset - SGI_FRAME, value, false);
	} else if (offset == WAKER) {
		gic->waker = (uint32_t)value & WAKER_SLEEP;
	}
}
