/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port to copy: every hook that must be there, for one CPU that no interrupt handler allocates
 * on. It works as it stands. What to change for more is said at each hook; contracts are in
 * <zonal/port.h>.
 *
 * Call template_start() first. `template_write` shows where a line of log goes; without it lines
 * are dropped.
 */
#include "template_port.h"

#include <stdarg.h>

void (*template_write)(const char *line);

/* More CPUs: an array, and zonal_out_this_cpu() finds the one that runs (TPIDR_EL1, TPIDR_EL2).
 * A scheduler sets `task` at each switch to the struct zonal_task in its own task. */
static struct zonal_port_cpu cpu;
static struct zonal_task task;
static bool masked;

void template_start(void)
{
	zonal_task_init(&task);
	cpu.task = &task;
}

struct zonal_port_cpu *zonal_out_this_cpu(void) { return &cpu; }

/* Handlers that allocate: mask interrupts here (DAIF.I), and return how they were. */
zonal_port_irqflags_t zonal_out_irq_save(void)
{
	zonal_port_irqflags_t was = masked;

	masked = true;
	return was;
}

void zonal_out_irq_restore(zonal_port_irqflags_t flags) { masked = flags; }
bool zonal_out_irqs_masked(void) { return masked; }

/* More CPUs: `yield` or what the hardware has for a loop that waits. */
void zonal_out_relax(void) {}

/* A clock: nanoseconds since whenever. */
uint64_t zonal_out_time_ns(void) { return 0; }

/* More CPUs: an interrupt to the other, which runs fn(arg) with irq_depth raised; wait for it. */
bool zonal_port_call_cpu(unsigned id, void (*fn)(void *), void *arg)
{
	zonal_port_irqflags_t was = zonal_out_irq_save();

	if (!id) {
		cpu.irq_depth++;
		fn(arg);
		cpu.irq_depth--;
	}
	zonal_out_irq_restore(was);
	return !id;
}

/* A library without texts (ZONAL_TEXTS=0) does not bring the formatting along for ours. */
static void write_line(const char *fmt, va_list args)
{
	char line[200];

	if (ZONAL_TEXTS)
		zonal_vsnprintf(line, sizeof(line), fmt, args);
	if (template_write)
		template_write(ZONAL_TEXTS ? line : fmt);
}

void zonal_port_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(fmt, args);
	va_end(args);
}

/* An invariant is broken and nothing of the allocator can be trusted: stop all CPUs. */
void zonal_port_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(fmt, args);
	va_end(args);
	for (;;)
		zonal_out_relax();
}
