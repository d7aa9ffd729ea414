/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C11 atomics by short names with the memory order in the name.
 *
 * Fields that CPUs share without a lock are _Atomic and are touched only
 * through these, so that a reader sees the order at the place of use and the
 * host's thread sanitizer sees the very operations that ship. Read-modify-write
 * operations compile to out-of-line helpers on arm64 (arch/arm64/kernel/atomic.S), which boot
 * turns into single LSE instructions where the CPU has them.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

#ifdef ZONAL_ATOMIC_HOOK
/*
 * A variant of the host build for tests alone (test/hooks/): before every load and every relaxed
 * store a test may do what an interrupt or another CPU could do there. A value to store is
 * computed first, so that the way from a load to the store of what it gave has a hook.
 */
void atomic_hook(void);
#define ld_acquire(p) (atomic_hook(), atomic_load_explicit(p, memory_order_acquire))
#define ld_relaxed(p) (atomic_hook(), atomic_load_explicit(p, memory_order_relaxed))
#define st_relaxed(p, v)                                                                           \
	({                                                                                         \
		__typeof__((void)0, *(p)) st_relaxed_value = (v);                                  \
		atomic_hook();                                                                     \
		atomic_store_explicit(p, st_relaxed_value, memory_order_relaxed);                  \
	})
#elif defined(ZONAL_PORT_VOLATILE_RELAXED)
/*
 * A port whose compiler spends an instruction on the address of every C11
 * relaxed access (gcc 12 on arm64 does: no immediate offsets) may ask for
 * volatile ones: of an aligned scalar they are a single load or store, as relaxed
 * atomics are. (void)0 strips _Atomic from the type.
 */
#define ld_relaxed(p) (*(const volatile __typeof__((void)0, *(p)) *)(uintptr_t)(p))
#define st_relaxed(p, v)                                                                           \
	((void)(*(volatile __typeof__((void)0, *(p)) *)(uintptr_t)(p) =                            \
			(__typeof__((void)0, *(p)))(v)))
#else
#define ld_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)
#define st_relaxed(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#endif
#ifndef ZONAL_ATOMIC_HOOK
#define ld_acquire(p) atomic_load_explicit(p, memory_order_acquire)
#endif
#ifndef ZONAL_PORT_LD_U16
/* A port whose compiler widens such a load by an instruction of its own may have a better one. */
#define ld_relaxed_u16(p) ((uint32_t)ld_relaxed(p))
#else
#define ld_relaxed_u16(p) zonal_port_ld_u16(p)
#endif
#define st_release(p, v) atomic_store_explicit(p, v, memory_order_release)
#define fetch_add_relaxed(p, v) atomic_fetch_add_explicit(p, v, memory_order_relaxed)
#define fetch_add_acquire(p, v) atomic_fetch_add_explicit(p, v, memory_order_acquire)
#ifdef ZONAL_PORT_FETCH_DEC
/* The port has a cheaper way to call its helper than the compiler's: see there. */
#define fetch_dec_acq_rel(p) zonal_port_fetch_dec_acq_rel(p)
#define fetch_inc_u16_relaxed(p) zonal_port_fetch_inc_u16_relaxed(p)
#else
#define fetch_dec_acq_rel(p) fetch_sub_acq_rel(p, 1)
#define fetch_inc_u16_relaxed(p) fetch_add_relaxed(p, 1)
#endif
#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)
#define fetch_or_acq_rel(p, v) atomic_fetch_or_explicit(p, v, memory_order_acq_rel)
#define fetch_or_relaxed(p, v) atomic_fetch_or_explicit(p, v, memory_order_relaxed)
#define fetch_and_relaxed(p, v) atomic_fetch_and_explicit(p, v, memory_order_relaxed)
#define fetch_and_acq_rel(p, v) atomic_fetch_and_explicit(p, v, memory_order_acq_rel)

/* A counter that one writer owns and others may read: no read-modify-write needed. */
#define own_add(p, v)                                                                              \
	do {                                                                                       \
		__auto_type own_add_at = (p);                                                      \
		st_relaxed(own_add_at, ld_relaxed(own_add_at) + (v));                              \
	} while (0)

#endif
