/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller as it is: a GICv3 whose interrupts all come to EL2.
 *
 * Four are used, all of a core's own: an SGI for calls, the hypervisor's timer, the virtual timer
 * of a guest, and the maintenance interrupt of the virtual interface. All are of group 1; the
 * board has one security state, or we are in the non-secure one, and the bits are the same.
 *
 * EOImode is 1: writing EOIR only drops the priority. Ours are deactivated at once (DIR). The
 * virtual timer's is not: it stays active, and so quiet, until the guest ends its virtual one,
 * which the list register ties to it (vgic.c).
 */
#include "hv.h"
#include "guest.h"

#define GICD_CTLR 0x0000u
#define GICD_CTLR_RWP (1u << 31)
#define GICD_CTLR_ARE 0x10u /* affinity routing */
#define GICD_CTLR_GROUP1 0x02u
#define GICR_WAKER 0x0014u
#define GICR_WAKER_SLEEP 2u
#define GICR_WAKER_ASLEEP 4u
#define GICR_TYPER_HIGH 0x000cu
#define GICR_TYPER_LOW 0x0008u
#define GICR_TYPER_LAST (1u << 4)
#define GICR_FRAME 0x20000u
#define GICR_SGI 0x10000u
#define GICR_IGROUPR0 (GICR_SGI + 0x080u)
#define GICR_ISENABLER0 (GICR_SGI + 0x100u)
#define GICR_ICENABLER0 (GICR_SGI + 0x180u)
#define GICR_ICACTIVER0 (GICR_SGI + 0x380u)
#define GICR_IPRIORITYR (GICR_SGI + 0x400u)
#define PRIORITIES 0xa0a0a0a0u
#define NONE 1020u /* INTIDs from here on are no interrupts */

static volatile uint32_t *reg(const void *frame, unsigned offset)
{
	return hv_pointer(hv_address(frame) + offset);
}

static void control(uint32_t value)
{
	volatile uint32_t *ctlr = reg(hv_pointer(hv_board.distributor), GICD_CTLR);

	*ctlr = value;
	while (*ctlr & GICD_CTLR_RWP)
		zonal_port_relax();
}

/* Affinity routing may only change while no group is on. */
void hv_gic_start(void)
{
	control(GICD_CTLR_ARE);
	control(GICD_CTLR_ARE | GICD_CTLR_GROUP1);
}

/* A core's frame has its affinity in the upper half of TYPER: Aff3.2.1.0, as bytes. */
static void *find_frame(uint64_t mpidr)
{
	uint32_t affinity = (uint32_t)((mpidr >> 8 & 0xff000000) | (mpidr & 0xffffff));
	uint64_t at = hv_board.redistributors, end = at + hv_board.redistributors_bytes;

	for (; at < end; at += GICR_FRAME) {
		if (*reg(hv_pointer(at), GICR_TYPER_HIGH) == affinity)
			return hv_pointer(at);
		if (*reg(hv_pointer(at), GICR_TYPER_LOW) & GICR_TYPER_LAST)
			break;
	}
	zonal_port_panic("no GICv3 redistributor is that of MPIDR 0x%llx",
			 (unsigned long long)mpidr);
}

/* System registers for the interface of this core. */
static void start_interface(void)
{
	sysreg_write(S3_4_C12_C9_5, 0xf);  /* ICC_SRE_EL2: registers, for EL1 too */
	isb();                             /* before the others are there to be written */
	sysreg_write(S3_0_C12_C12_5, 7);   /* ICC_SRE_EL1: so that a guest finds it so */
	sysreg_write(S3_0_C4_C6_0, 0xff);  /* ICC_PMR_EL1: any priority */
	sysreg_write(S3_0_C12_C12_3, 0);   /* ICC_BPR1_EL1 */
	sysreg_write(S3_0_C12_C12_4, 2);   /* ICC_CTLR_EL1: EOImode */
	sysreg_write(S3_0_C12_C12_7, 1);   /* ICC_IGRPEN1_EL1 */
	isb();
}

void hv_gic_start_cpu(struct hv_cpu *cpu)
{
	uint32_t mine = 1u << HV_SGI_CALL | 1u << HV_PPI_MAINTENANCE | 1u << HV_PPI_HYP_TIMER |
			1u << HV_PPI_VIRTUAL_TIMER;
	const void *frame = cpu->redistributor = find_frame(cpu->mpidr);

	*reg(frame, GICR_WAKER) &= ~GICR_WAKER_SLEEP;
	while (*reg(frame, GICR_WAKER) & GICR_WAKER_ASLEEP)
		zonal_port_relax();
	*reg(frame, GICR_ICENABLER0) = ~0u;
	*reg(frame, GICR_IGROUPR0) = ~0u;
	for (unsigned id = 0; id < 32; id += 4)
		*reg(frame, GICR_IPRIORITYR + id) = PRIORITIES;
	*reg(frame, GICR_ISENABLER0) = mine;
	/* RW and the interrupts to EL2: they wake it from WFI also while it runs no guest. */
	sysreg_write(hcr_el2, HV_HCR_HOST);
	sysreg_write(cnthp_ctl_el2, 0);
	start_interface();
}

void hv_gic_end_timer(void)
{
	*reg(this_cpu()->redistributor, GICR_ICACTIVER0) = 1u << HV_PPI_VIRTUAL_TIMER;
}

void hv_gic_signal(const struct hv_cpu *cpu)
{
	uint64_t mpidr = cpu->mpidr;
	uint64_t value = (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
			 (mpidr >> 8 & 0xff) << 16 | 1ull << (mpidr & 0xf) |
			 (uint64_t)HV_SGI_CALL << 24;

	dsb(ishst); /* what the other shall see is there before it is told */
	sysreg_write(S3_0_C12_C11_5, value); /* ICC_SGI1R_EL1 */
	isb();
}

void hv_gic_serve(void)
{
	for (;;) {
		uint64_t id = sysreg_read(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

		dsb(sy); /* it is acknowledged before anything that it announces is looked at */
		if (id >= NONE)
			return;
		sysreg_write(S3_0_C12_C12_1, id); /* ICC_EOIR1_EL1 */
		if (id == HV_PPI_HYP_TIMER)
			sysreg_write(cnthp_ctl_el2, 0);
		if (id == HV_PPI_MAINTENANCE)
			hv_vgic_ended();
		if (id == HV_PPI_VIRTUAL_TIMER)
			hv_vgic_timer();
		else
			sysreg_write(S3_0_C12_C11_1, id); /* ICC_DIR_EL1 */
		isb();
	}
}
