/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inline port hooks on bare-metal arm64. Contracts: <zonal/port.h>.
 */
#ifndef ARM64_PORT_IMPL_H
#define ARM64_PORT_IMPL_H

#define ARM64_DAIF_I (1ul << 7)

/* Nanoseconds a counter tick, as a 32.32 fixed-point number; set once at boot. */
extern uint64_t arm64_ns_per_tick;

static inline zonal_port_irqflags_t zonal_port_irq_save(void)
{
	zonal_port_irqflags_t flags;

	/* "memory": nothing may move out of the masked section. MSR to DAIF takes effect
	 * in program order, no ISB needed. */
	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(flags) : : "memory");
	return flags;
}

static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags)
{
	__asm__ volatile("msr daif, %0" : : "r"(flags) : "memory");
}

static inline bool zonal_port_irqs_masked(void)
{
	zonal_port_irqflags_t flags;

	__asm__ volatile("mrs %0, daif" : "=r"(flags) : : "memory");
	return flags & ARM64_DAIF_I;
}

static inline struct zonal_port_cpu *zonal_port_this_cpu(void)
{
	struct zonal_port_cpu *cpu;

	/* Volatile, because a task may run on another CPU after the next unmasking. */
	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

static inline void zonal_port_relax(void) { __asm__ volatile("yield" : : : "memory"); }

static inline uint64_t zonal_port_time_ns(void)
{
	uint64_t ticks;

	/* The ISB keeps the counter from being read ahead of what comes before. */
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return (uint64_t)(((unsigned __int128)ticks * arm64_ns_per_tick) >> 32);
}

/* See lib/atomic.h. */
#define ZONAL_PORT_VOLATILE_RELAXED 1
#define ZONAL_PORT_FETCH_DEC 1

/*
 * The two atomics of the allocator's hot paths. They call the helpers of atomic.S as
 * the compiler would, but tell it that a helper changes x0, x15-x17 and the link register only, so
 * that nothing else need be saved around the call.
 */
static inline int32_t zonal_port_fetch_dec_acq_rel(_Atomic int32_t *p)
{
	register int64_t value __asm__("x0") = -1;
	register _Atomic int32_t *address __asm__("x1") = p;

	__asm__ volatile("bl __aarch64_ldadd4_acq_rel"
			 : "+r"(value), "+m"(*p)
			 : "r"(address)
			 : "x15", "x16", "x17", "x30", "cc", "memory");
	return (int32_t)value;
}

static inline uint16_t zonal_port_fetch_inc_u16_relaxed(_Atomic uint16_t *p)
{
	register uint64_t value __asm__("x0") = 1;
	register _Atomic uint16_t *address __asm__("x1") = p;

	__asm__ volatile("bl __aarch64_ldadd2_relax"
			 : "+r"(value), "+m"(*p)
			 : "r"(address)
			 : "x15", "x16", "x17", "x30", "cc", "memory");
	return (uint16_t)value;
}

#endif
