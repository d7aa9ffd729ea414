/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator's inline hooks at EL2. Contracts: zonal.h behind ZONAL_PORT.
 *
 * EL2 runs with interrupts masked for good, and serves what asks for it where it waits (cpu.c). So
 * "masked" is a flag of the core: nothing is served while it is set.
 */
#ifndef HV_PORT_IMPL_H
#define HV_PORT_IMPL_H

/* The part of struct hv_cpu that the hooks need: it begins with this. */
struct hv_port_cpu {
	struct zonal_port_cpu port;
	bool masked;
};

extern uint64_t hv_ticks_hz;

static inline struct zonal_port_cpu *zonal_port_this_cpu(void)
{
	struct zonal_port_cpu *cpu;

	__asm__ volatile("mrs %0, tpidr_el2" : "=r"(cpu));
	return cpu;
}

static inline bool *hv_port_masked(void)
{
	return &((struct hv_port_cpu *)(void *)zonal_port_this_cpu())->masked;
}

static inline zonal_port_irqflags_t zonal_port_irq_save(void)
{
	zonal_port_irqflags_t was = *hv_port_masked();

	*hv_port_masked() = true;
	return was;
}

static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags)
{
	*hv_port_masked() = flags;
}

static inline bool zonal_port_irqs_masked(void) { return *hv_port_masked(); }
static inline void zonal_port_relax(void) { __asm__ volatile("yield" : : : "memory"); }

static inline uint64_t zonal_port_time_ns(void)
{
	uint64_t ticks;

	/* The ISB keeps the counter from being read ahead of what comes before. */
	__asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
	/* Seconds and the rest apart: neither product needs more than 64 bits. */
	return ticks / hv_ticks_hz * 1000000000u +
	       ticks % hv_ticks_hz * 1000000000u / hv_ticks_hz;
}

#endif
