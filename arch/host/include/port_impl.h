/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host port's inline hooks: a CPU is a thread, or a mask that one thread
 * puts on and off.
 *
 * A test with one thread calls host_set_cpu(n) and is CPU n from then on. A test
 * with threads calls host_cpu_attach(n) in each. "Interrupts" are functions
 * posted to a CPU by zonal_port_call_cpu(); they run when that CPU unmasks.
 */
#ifndef HOST_PORT_IMPL_H
#define HOST_PORT_IMPL_H

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#ifdef HOST_PARKS
#include "host_lock.h"
#endif

struct host_cpu {
	struct zonal_port_cpu port;
	bool masked;           /* own thread */
	_Atomic bool pending;  /* a call is posted; see host_port.c */
};

extern _Thread_local struct host_cpu *host_self;
/* What the clock shows, if a test has stopped it; 0: it runs. */
extern _Atomic uint64_t host_clock_ns;

/* This thread is CPU `id` from now on, without owning it. Not masked, not in a handler. */
void host_set_cpu(unsigned id);
/* This thread owns CPU `id` until it detaches: calls to it are posted, not run by proxy. */
void host_cpu_attach(unsigned id);
void host_cpu_detach(void);
/* The same, and until a thread attaches again the CPU is offline: it is not called. */
void host_cpu_stop(void);
/* Run what was posted to this CPU. Called when interrupts are unmasked. */
void host_serve_calls(void);
/* The CPU's structure, for tests and the host scheduler. */
struct host_cpu *host_cpu_get(unsigned id);

static inline zonal_port_irqflags_t zonal_port_irq_save(void)
{
	zonal_port_irqflags_t was = host_self->masked;

	host_self->masked = true;
	return was;
}

static inline void zonal_port_irq_restore(zonal_port_irqflags_t flags)
{
	host_self->masked = flags;
	if (!flags && atomic_load_explicit(&host_self->pending, memory_order_acquire))
		host_serve_calls();
}

static inline bool zonal_port_irqs_masked(void) { return host_self->masked; }
static inline struct zonal_port_cpu *zonal_port_this_cpu(void) { return &host_self->port; }

static inline void zonal_port_relax(void)
{
	if (!host_self->masked && atomic_load_explicit(&host_self->pending, memory_order_acquire))
		host_serve_calls();
	sched_yield();
}

static inline uint64_t zonal_port_time_ns(void)
{
	uint64_t set = atomic_load_explicit(&host_clock_ns, memory_order_relaxed);
	struct timespec now;

	if (set)
		return set;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
