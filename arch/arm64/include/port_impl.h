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
#define ZONAL_PORT_LD_U16 1

/* LDRH clears the upper half itself, which gcc 12 does not believe of a volatile load. */
static inline uint32_t zonal_port_ld_u16(const _Atomic uint16_t *p)
{
	uint32_t value;

	__asm__ volatile("ldrh	%w0, %1" : "=r"(value) : "m"(*p));
	return value;
}

/*
 * The two atomics of the allocator's hot paths, which change `old` and two scratch registers alone
 * and need no stack frame. As linked, the site branches to a loop of load-exclusive and
 * store-exclusive that stands aside and comes back; on a CPU with LSE, arm64_early() puts the
 * single instruction over the branch, as it does with the helpers of atomic.S.
 */
#define ARM64_FETCH_ADD(load, store, lse, old, value, p)                                           \
	__asm__ volatile("1:	b 3f\n"                                                            \
			 "2:	.pushsection .text.lse_loops, \"ax\"\n" \
			 "3:	" load " %w0, %1\n"                                                \
			 "	add w16, %w0, %w2\n"                                             \
			 "	" store " w17, w16, %1\n"                                        \
			 "	cbnz w17, 3b\n"                                                  \
			 "	b 2b\n"                                                          \
			 "	.popsection\n"                                                   \
			 "	.pushsection lse_sites, \"a\"\n"                                 \
			 "	.p2align 2\n"                                                    \
			 "	.arch_extension lse\n"                                           \
			 "	.long 1b - .\n"                                                  \
			 "	" lse " %w2, %w0, %1\n"                                          \
			 "	.popsection"                                                     \
			 : "=&r"(old), "+Q"(*(p))                                                  \
			 : "r"(value)                                                              \
			 : "x16", "x17", "memory")

static inline int32_t zonal_port_fetch_dec_acq_rel(_Atomic int32_t *p)
{
	int32_t old;

	ARM64_FETCH_ADD("ldaxr", "stlxr", "ldaddal", old, -1, p);
	return old;
}

/* Below 65,536, which need not be cut again: the loads clear what is above. */
static inline uint32_t zonal_port_fetch_inc_u16_relaxed(_Atomic uint16_t *p)
{
	uint32_t old;

	ARM64_FETCH_ADD("ldxrh", "stxrh", "ldaddh", old, 1, p);
	return old;
}

#endif
