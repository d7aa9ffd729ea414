/* SPDX-License-Identifier: BSD-2-Clause */
/* C11's atomics for a program of one CPU: Frama-C 25 does not read _Atomic. Found in place of the
 * compiler's by tools/run_proofs.py. */
#ifndef PROOFS_STDATOMIC_H
#define PROOFS_STDATOMIC_H

enum memory_order {
	memory_order_relaxed,
	memory_order_acquire,
	memory_order_release,
	memory_order_acq_rel,
	memory_order_seq_cst
};

#define ONE_CPU_TURN(p, becomes)                                                                   \
	({                                                                                         \
		typeof(*(p)) was_ = *(p);                                                          \
		*(p) = (becomes);                                                                  \
		was_;                                                                              \
	})
#define ONE_CPU_SWAP(p, e, v) (*(p) == *(e) ? (*(p) = (v), 1) : (*(e) = *(p), 0))

#define atomic_load_explicit(p, order) (*(p))
#define atomic_store_explicit(p, v, order) ((void)(*(p) = (v)))
#define atomic_load(p) (*(p))
#define atomic_store(p, v) ((void)(*(p) = (v)))
#define atomic_exchange_explicit(p, v, order) ONE_CPU_TURN(p, v)
#define atomic_fetch_add_explicit(p, v, order) ONE_CPU_TURN(p, was_ + (v))
#define atomic_fetch_sub_explicit(p, v, order) ONE_CPU_TURN(p, was_ - (v))
#define atomic_fetch_or_explicit(p, v, order) ONE_CPU_TURN(p, was_ | (v))
#define atomic_fetch_and_explicit(p, v, order) ONE_CPU_TURN(p, was_ & (v))
#define atomic_compare_exchange_strong_explicit(p, e, v, yes, no) ONE_CPU_SWAP(p, e, v)
#define atomic_compare_exchange_weak_explicit(p, e, v, yes, no) ONE_CPU_SWAP(p, e, v)
#define atomic_thread_fence(order) ((void)0)

#endif
