/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counted instructions; see counted.h.
 *
 * Whether they are counted is found out: a loop of known length must take as many
 * nanoseconds as it has instructions, to within the counter's tick, three times.
 *
 * The timer's interrupt (PPI 30, by the architecture's recommendation, and so on QEMU's
 * board) is registered once and stays; the handler turns the timer off before it calls.
 * Everything here belongs to the CPU that calls, masked where it matters.
 */
#include "counted.h"

#include <zonal/port.h>

#include "arm64_sysreg.h"
#include "drivers/irq/irq.h"

#define PHYSICAL_TIMER_INTID 30u
#define CTL_ENABLE 1u
#define NS_PER_SECOND 1000000000ull
#define LOOP_TURNS 100000u

static void (*on_time)(void);
static uint64_t set_for; /* ticks */

static uint64_t tick_ns(void) { return NS_PER_SECOND / sysreg_read(cntfrq_el0); }

static uint64_t now_ticks(void)
{
	arm64_isb(); /* not ahead of what comes before */
	return sysreg_read(cntpct_el0);
}

/* Two instructions a turn. */
static uint64_t loop_ns(void)
{
	uint64_t start = now_ticks(), turns = LOOP_TURNS;

	__asm__ volatile("1:	subs	%0, %0, #1\n\t"
			 "b.ne	1b"
			 : "+r"(turns)
			 :
			 : "cc");
	return (now_ticks() - start) * tick_ns();
}

bool counted(void)
{
	port_irqflags_t irq = port_irq_save();
	bool exact = true;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t ns = loop_ns();

		exact = exact && ns + 4 * tick_ns() > 2 * LOOP_TURNS &&
			ns < 2 * LOOP_TURNS + 4 * tick_ns();
	}
	port_irq_restore(irq);
	return exact;
}

static void fired(void *unused)
{
	void (*fn)(void) = on_time;

	(void)unused;
	sysreg_write(cntp_ctl_el0, 0);
	arm64_isb();
	on_time = NULL;
	if (fn)
		fn();
}

uint64_t counted_late(void) { return (now_ticks() - set_for) * tick_ns(); }

void counted_set(uint64_t instructions, void (*fn)(void))
{
	static bool registered;
	port_irqflags_t irq = port_irq_save();

	sysreg_write(cntp_ctl_el0, 0);
	arm64_isb();
	if (!registered)
		irq_register(PHYSICAL_TIMER_INTID, fired, NULL);
	registered = true;
	on_time = instructions ? fn : NULL;
	if (on_time) {
		set_for = now_ticks() + instructions / tick_ns();
		sysreg_write(cntp_cval_el0, set_for);
		sysreg_write(cntp_ctl_el0, CTL_ENABLE);
		arm64_isb();
	}
	port_irq_restore(irq);
}
