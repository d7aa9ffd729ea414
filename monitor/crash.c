/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `crash KIND`: break something on purpose, to see what is reported.
 *
 * A report that nobody ever saw is one that does not work. Each kind is a way in which a
 * real run ends; test/image/crash.t boots the image once for each and compares the report, the
 * "Bail out!" line and the exit status. None of them returns.
 *
 * The kinds that need a second core use the highest one that is online, so that
 * the report is seen to work on a core other than the one that booted.
 */
#include <string.h>

#include <zonal/port.h>

#include "lib/kprintf.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "arm64_cpu.h"
#include "crash.h"
#include "arm64_mmu.h"

#define DEPTH_NEVER_REACHED 1000000

static uint32_t not_code = 0xd65f03c0;

#define WAIT_NS 1000000000u

static unsigned last_cpu(void)
{
	uint64_t deadline = port_time_ns() + WAIT_NS;
	unsigned cpu = ZONAL_MAX_CPUS - 1;

	while (cpu && !cpu_is_online(cpu))
		cpu--;
	/* It may be so new that it takes no task yet. */
	while (!sched_cpu_online(cpu) && port_time_ns() < deadline)
		port_relax();
	return cpu;
}

static void crash_null(void)
{
	/* A variable the compiler cannot see into: it would turn a plain NULL into a trap. */
	volatile uint32_t *volatile nowhere = NULL;

	*nowhere = 1;
}

static void crash_exec(void)
{
	void (*function)(void) = (void (*)(void))(uintptr_t)&not_code;

	function();
}

static void crash_udf(void) { __asm__ volatile("udf #0"); }

static void crash_text(void)
{
	*(volatile uint32_t *)(uintptr_t)crash_null = 0;
}

/* Not a tail call, and not without end as far as the compiler knows. */
static ZN_NOINLINE unsigned recurse(volatile unsigned *depth)
{
	volatile unsigned char frame[256];

	frame[0] = (unsigned char)(*depth)++;
	if (*depth < DEPTH_NEVER_REACHED)
		return recurse(depth) + frame[0];
	return frame[0];
}

static void crash_stack(void)
{
	volatile unsigned depth = 0;

	recurse(&depth);
}

static void call_null(void *unused)
{
	(void)unused;
	crash_null();
}

static void call_stack(void *unused)
{
	(void)unused;
	crash_stack();
}

static void crash_handler(void) { (void)port_call_cpu(last_cpu(), call_null, NULL); }
static void crash_irqstack(void) { (void)port_call_cpu(last_cpu(), call_stack, NULL); }

/* With a lock held that page tables, stacks and so the scheduler need. */
static void crash_lock(void)
{
	(void)mmu_lock();
	crash_null();
}

static void crash_panic(void) { port_panic("crash: asked for, value %d", 42); }

/* Another core has interrupts masked for good: it cannot be stopped. */
static int deaf_task(void *event)
{
	event_set(event);
	(void)port_irq_save();
	for (;;)
		port_relax();
	return 0;
}

static struct event started;

static void start_on_last(int (*fn)(void *))
{
	struct cpumask cpus = cpumask_of(last_cpu());
	struct task_spec spec = {
		.name = "crash", .fn = fn, .arg = &started, .priority = SCHED_PRIORITY_DEFAULT,
		.cpus = &cpus, .detached = true,
	};

	if (task_spawn(&spec, NULL))
		port_panic("crash: no task for CPU %u", last_cpu());
}

static void crash_deaf(void)
{
	start_on_last(deaf_task);
	(void)event_wait(&started, SCHED_NEVER);
	crash_panic();
}

static int panic_task(void *event)
{
	event_set(event);
	port_panic("crash: both at once, on CPU %u", port_this_cpu()->id);
}

/* Two cores panic at about the same time: one report, not two mixed. */
static void crash_both(void)
{
	start_on_last(panic_task);
	while (!arm64_panicking())
		port_relax();
	port_panic("crash: both at once, on CPU %u", port_this_cpu()->id);
}

/* A report that faults itself: the console's own function is not there. */
static void crash_twice(void)
{
	console_set_sink((void (*)(const char *, size_t))8);
	crash_null();
}

static const struct {
	const char *name;
	void (*fn)(void);
	bool needs_two; /* cores: one does something to another */
} kinds[] = {
	{ "null", crash_null, false },	       { "exec", crash_exec, false },
	{ "udf", crash_udf, false },	       { "text", crash_text, false },
	{ "stack", crash_stack, false },       { "handler", crash_handler, true },
	{ "irqstack", crash_irqstack, true },  { "lock", crash_lock, false },
	{ "panic", crash_panic, false },       { "deaf", crash_deaf, true },
	{ "both", crash_both, true },	       { "twice", crash_twice, false },
};

const char *arm64_crash_kind(unsigned n) { return n < ARRAY_SIZE(kinds) ? kinds[n].name : NULL; }

int arm64_crash(const char *kind)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i].name))
			continue;
		if (kinds[i].needs_two && cpu_online_count() < 2) {
			kprintf("crash: %s: needs a second core, and one is online\n", kind);
			return 1;
		}
		kinds[i].fn();
	}
	kprintf("crash: %s: not one of", kind);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		kprintf(" %s", kinds[i].name);
	kprintf("\n");
	return 1;
}
