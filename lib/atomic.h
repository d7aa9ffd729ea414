/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C11 atomics by short names with the memory order in the name.
 *
 * Fields that CPUs share without a lock are _Atomic and are touched only
 * through these, so that a reader sees the order at the place of use and the
 * host's thread sanitizer sees the very operations that ship. Read-modify-write
 * operations compile to out-of-line helpers on arm64 (arch/arm64/atomic.S), which boot
 * turns into single LSE instructions where the CPU has them.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include <stdatomic.h>

#define ld_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)
#define ld_acquire(p) atomic_load_explicit(p, memory_order_acquire)
#define st_relaxed(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define st_release(p, v) atomic_store_explicit(p, v, memory_order_release)
#define fetch_add_relaxed(p, v) atomic_fetch_add_explicit(p, v, memory_order_relaxed)
#define fetch_add_acquire(p, v) atomic_fetch_add_explicit(p, v, memory_order_acquire)
#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)
#define fetch_or_acq_rel(p, v) atomic_fetch_or_explicit(p, v, memory_order_acq_rel)
#define fetch_and_acq_rel(p, v) atomic_fetch_and_explicit(p, v, memory_order_acq_rel)

/* A counter that one writer owns and others may read: no read-modify-write needed. */
#define own_add(p, v) st_relaxed(p, ld_relaxed(p) + (v))

#endif
