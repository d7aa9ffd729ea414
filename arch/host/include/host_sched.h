/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that host tests of the scheduler run on: threads, a board with two
 * nodes, an allocator instance whose pages are real memory.
 */
#ifndef HOST_SCHED_H
#define HOST_SCHED_H

#include <zonal/boot_info.h>
#include <zonal/port.h>
#include <zonal/zonal.h>

struct host_sched_cpu {
	_Atomic bool kicked;        /* an interrupt for the scheduler is pending */
	_Atomic uint64_t timer_ns;  /* its timer; SCHED_NEVER: off */
};

struct host_sched {
	struct boot_info board;
	struct zonal *mm;
	char *ram;          /* stands for physical memory from ram_phys on */
	uint64_t ram_phys, ram_bytes;
	_Atomic bool stop;  /* CPUs leave when idle */
	bool no_maps;       /* a test's wish: no stack is mapped */
	_Atomic unsigned contexts; /* that were made and not given back */
	struct host_sched_cpu cpu[ZONAL_MAX_CPUS];
};

extern struct host_sched host_sched;

#define HOST_CLOCK_START 1000000000ull

/* As sched_port_world(), but one CPU and a clock that stands while a task runs. */
bool host_quiet_world(void (*fn)(void *), void *arg);

/* port_irq_restore(), out of line; see sched_internal.h for why. */
void host_sched_unmask(port_irqflags_t flags);
/* Told to stop, and this is the idle task of a CPU other than the first. */
bool host_sched_should_stop(void);
void host_sched_stop_cpu(void) ZN_NORETURN;
/* The address sanitizer forgets what it knew of [start, start + bytes). */
void host_sched_unpoison(void *start, size_t bytes);

#endif
