/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inline port hooks on bare-metal arm64. Contracts: <zonal/port.h>.
 */
#ifndef ARM64_PORT_IMPL_H
#define ARM64_PORT_IMPL_H

#define ARM64_DAIF_I (1ul << 7)

/* Nanoseconds a counter tick, as a 32.32 fixed-point number; set once at boot. */
extern uint64_t arm64_ns_per_tick;

static inline port_irqflags_t port_irq_save(void)
{
	port_irqflags_t flags;

	/* "memory": nothing may move out of the masked section. MSR to DAIF takes effect
	 * in program order, no ISB needed. */
	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(flags) : : "memory");
	return flags;
}

static inline void port_irq_restore(port_irqflags_t flags)
{
	__asm__ volatile("msr daif, %0" : : "r"(flags) : "memory");
}

static inline bool port_irqs_masked(void)
{
	port_irqflags_t flags;

	__asm__ volatile("mrs %0, daif" : "=r"(flags) : : "memory");
	return flags & ARM64_DAIF_I;
}

static inline struct port_cpu *port_this_cpu(void)
{
	struct port_cpu *cpu;

	/* Volatile, because a task may run on another CPU after the next unmasking. */
	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

static inline void port_relax(void) { __asm__ volatile("yield" : : : "memory"); }

static inline uint64_t port_time_ns(void)
{
	uint64_t ticks;

	/* The ISB keeps the counter from being read ahead of what comes before. */
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return (uint64_t)(((unsigned __int128)ticks * arm64_ns_per_tick) >> 32);
}

#endif
