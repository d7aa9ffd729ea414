/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The panic path: one CPU reports, all others stop.
 *
 * The first CPU that panics becomes the owner by a compare-and-swap; one that comes second goes
 * to sleep with everything masked, and so do all that take IPI_STOP. A CPU that holds a
 * lock may be stopped with it, which is why nothing from here on takes one: the console is
 * told so, and formatting needs none. A CPU that has interrupts masked, for instance because
 * it spins on a lock of a stopped CPU, does not hear the IPI; it is named and left alone.
 *
 * The end is TAP's: `Bail out! reason`, at the start of a line, and behind it one line that says
 * what to do next, because what stands last is what a screen still shows. Exit status 2.
 */
#include <zonal/port.h>

#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "arm64_board.h"
#include "arm64_exception.h"
#include "arm64_sysreg.h"
#include "panic.h"

/* CPU id + 1 of the CPU that panics; 0: none. */
static _Atomic uint32_t owner;

bool arm64_panicking(void) { return ld_acquire(&owner) != 0; }

void arm64_ipi_stop(void)
{
	__asm__ volatile("msr daifset, #0xf" : : : "memory");
	for (;;)
		arm64_wfi();
}

void panic_begin(void)
{
	uint32_t expected = 0;
	uint32_t self = port_this_cpu()->id + 1;
	unsigned running;

	/* SErrors too: the report must not be interrupted by a late one. */
	__asm__ volatile("msr daifset, #0xf" : : : "memory");
	if (!atomic_compare_exchange_strong_explicit(&owner, &expected, self, memory_order_acq_rel,
						     memory_order_acquire)) {
		if (expected != self)
			board_ops.stop_self();
		return;
	}
	board_ops.console(BOARD_CONSOLE_ALONE);
	running = board_ops.stop_others();
	if (running)
		kprintf("\n# %u other CPUs have interrupts masked and did not stop\n", running);
}

static void print_next(void)
{
	kprintf("# next: tools/panic.py LOG names file and line of each address; docs/look.md, "
		"\"A panic\"\n");
}

void panic_nested(uint64_t esr, uint64_t elr, uint64_t far)
{
	unsigned depth = arm64_this_cpu()->fault_depth;

	/* Not a second time by the same way: first the console's own function again, then,
	 * as it may be the UART that brings the faults, memory only. exit.c tells that. */
	if (depth == 2)
		board_ops.console(BOARD_CONSOLE_RESTORE);
	else if (depth == 3)
		board_ops.console(BOARD_CONSOLE_LOST);
	else
		arm64_ipi_stop();
	kprintf("\n# fault while reporting: %s, esr %llx elr %llx far %llx\n",
		arm64_class_name(esr), (unsigned long long)esr, (unsigned long long)elr,
		(unsigned long long)far);
	kprintf("Bail out! fault while a fault was reported\n");
	print_next();
	board_ops.exit(2);
}

static void ZN_NORETURN leave(const char *fmt, va_list args)
{
	/* Not when reporting itself has failed already: the reason must still come out. */
	if (arm64_this_cpu()->fault_depth <= 1)
		board_ops.report();
	kprintf("\nBail out! ");
	kvprintf(fmt, args);
	kprintf("\n");
	print_next();
	board_ops.exit(2);
}

void panic_end(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	leave(fmt, args);
}

void zonal_port_panic(const char *fmt, ...)
{
	va_list args;

	panic_begin();
	if (++arm64_this_cpu()->fault_depth > 3)
		arm64_ipi_stop();
	kprintf("\n# panic on CPU %u\n", port_this_cpu()->id);
	if (arm64_this_cpu()->fault_depth == 1) {
		/* The call, not what follows it: such a call may be the end of its function. */
		arm64_backtrace((uintptr_t)__builtin_return_address(0) - 4,
				*(uintptr_t *)__builtin_frame_address(0));
	}
	va_start(args, fmt);
	leave(fmt, args);
}
