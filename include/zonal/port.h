/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core asks of the place it runs in: the port hooks.
 *
 * A port supplies `port_impl.h` (found through the include path, or any other named by
 * -DZONAL_PORT_HEADER='"name.h"') with the bodies of the inline hooks, and one object with the
 * others: nine that every port has, seven that it may leave out, and four of a lock, which come all
 * or not at all. arch/template/ is a port to copy. This tree has two of equal rank: arch/arm64
 * (bare metal) and arch/host (a Linux process whose threads are the CPUs).
 *
 * Common rules. No hook fails unless it says so. "Masked" means: the interrupts
 * of this CPU are masked (DAIF.I on arm64). A hook may be called with a zone
 * lock held only where it says so. Sizes and addresses are bytes, times nanoseconds.
 */
#ifndef ZONAL_PORT_H
#define ZONAL_PORT_H

#include <zonal/types.h>

ZONAL_BEGIN_DECLS

struct zonal;
struct zonal_task;

/*
 * One per CPU, owned by the port; found by zonal_port_this_cpu(). The core reads it
 * masked. The scheduler keeps `task` right across switches.
 */
struct zonal_port_cpu {
	uint32_t id;             /* dense, 0..ZONAL_MAX_CPUS-1; immutable */
	uint32_t irq_depth;      /* > 0 inside an interrupt handler; own CPU */
	struct zonal_task *task; /* allocator state of what runs here; never NULL; own CPU */
};

typedef unsigned long zonal_port_irqflags_t;

/* ---- inline hooks, bodies in port_impl.h -------------------------------- */

/* Mask this CPU's interrupts, return the former state. Nests. Any context. */
static inline zonal_port_irqflags_t zonal_port_irq_save(void);
/* Back to exactly the state that the paired zonal_port_irq_save() returned. */
static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags);
/* For assertions and tests. */
static inline bool zonal_port_irqs_masked(void);
/* The CPU that runs this. The answer is stable only while masked. */
static inline struct zonal_port_cpu *zonal_port_this_cpu(void);
/* One step of a spin loop. Any context, locks held. */
static inline void zonal_port_relax(void);
/* Monotonic, in nanoseconds, the same on all CPUs to within a tick. Any context, locks held. A
 * port without a clock returns what it likes that never goes back, 0 if need be: then stamps of
 * traces are worth nothing, and what waits for a time to pass (oom, reporting) waits for good. */
static inline uint64_t zonal_port_time_ns(void);

/*
 * Optional: a lock of the port's own in place of the library's ticket lock. port_impl.h defines
 * ZONAL_PORT_LOCK as 1, the type zonal_port_lock_t, of which zeroed memory is a free one, and
 *	void zonal_port_lock_take(zonal_port_lock_t *)  waits; acquire
 *	bool zonal_port_lock_try(zonal_port_lock_t *)   does not wait; false: somebody has it
 *	void zonal_port_lock_drop(zonal_port_lock_t *)  release; the holder alone calls it
 *	bool zonal_port_lock_held(zonal_port_lock_t *)  by anybody; racy is good enough
 * Called masked, in any context, interrupt included, so a lock that sleeps will not do. At most
 * three of them are held at once, and none of them twice.
 *
 * Two more names that port_impl.h may define are for speed and size:
 * ZONAL_PORT_VOLATILE_RELAXED and ZONAL_PORT_FETCH_DEC, see lib/atomic.h.
 */

/* ---- out of line -------------------------------------------------------- */

/*
 * Run fn(arg) on CPU `cpu` in interrupt context and return when it has run.
 * Context: task or boot, not masked, no lock held (the caller must be able to
 * serve such a call itself). An offline CPU is not called; false says so.
 */
bool zonal_port_call_cpu(unsigned cpu, void (*fn)(void *), void *arg);

/* One line of log, newline added; may drop it. Conversions are those of zonal_vsnprintf(),
 * <zonal/format.h>, which does it for a port without a printf. Any context, also masked; never
 * under a zone lock. */
void zonal_port_log(const char *fmt, ...) ZONAL_PRINTF(1, 2);

/* A broken invariant: print, stop all CPUs, never return. Any context. */
void zonal_port_panic(const char *fmt, ...) ZONAL_PRINTF(1, 2) ZONAL_NORETURN;

/*
 * ---- optional: a port may leave these out, and page_owner then knows less ----
 *
 * The return addresses of the calls that led here, innermost first: pc[0] lies in the
 * function that called zonal_port_backtrace(). At most `max` (>= 1) are written; their number is
 * returned, 0 if nothing is known. In an interrupt handler the chain may go on into what
 * was interrupted. The same way to the same place gives the same addresses. Bounded work,
 * reads nothing that could fault, takes no lock, should not allocate (page_owner survives
 * it). Context: any, masked or not.
 */
unsigned zonal_port_backtrace(uintptr_t *pc, unsigned max) __attribute__((weak));

/* Number of the task that runs on this CPU, or that the running handler interrupted; 0: no
 * task. Unique as long as the task lives. Any context. */
uint64_t zonal_port_task_id(void) __attribute__((weak));

/* A request fails on purpose (zonal_inject()), in the context that made it: for tests that want to
 * know whose it was. */
void zonal_port_injected(void) __attribute__((weak));

/*
 * Reclaim's (mm/reclaim/); without them it never waits, and nothing runs in the background.
 *
 * Let whoever calls zonal_kswapd_turn(mm, nid) call it again soon, with `woken` true. Context: any,
 * masked or not, no lock of the core held. `mm` may be an instance that the port knows nothing of.
 */
void zonal_port_kswapd_wake(struct zonal *mm, unsigned nid) __attribute__((weak));

/* The same for zonal_kcompactd_turn(mm, nid). */
void zonal_port_kcompactd_wake(struct zonal *mm, unsigned nid) __attribute__((weak));

/* Sleep for about `ns`; sooner is no harm. Context: task that may wait. */
void zonal_port_nap(uint64_t ns) __attribute__((weak));

/* Let others run who want to. Context: task that may wait. */
void zonal_port_give_way(void) __attribute__((weak));

ZONAL_END_DECLS

#ifdef ZONAL_PORT_HEADER
#include ZONAL_PORT_HEADER
#else
#include "port_impl.h"
#endif

#endif
