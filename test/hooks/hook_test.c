/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hook does that a timer cannot: another CPU; and whether it keeps the rules of
 * the machine that it plays. A masked section and a lock that another CPU would wait for
 * are passed by, an open section is entered at once, and a handler that could only wait
 * for what it interrupted is told instead of run.
 */
#include <zonal/port.h>

#include "test/ktest.h"
#include "test/points/points.h"

KTEST(points, another_cpu_at_every_access_breaks_nothing) { points_try(POINT_OTHER); }

static unsigned came;

static void note(void) { came++; }

KTEST(points, the_hook_waits_for_the_mask)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_INTERRUPT, 0, note, &lock };
	port_irqflags_t irq = port_irq_save();

	came = 0;
	point_arm(&point);
	st_relaxed(&word, 1);
	KT_EQ(came, 0);
	port_irq_restore(irq);
	st_relaxed(&word, 2);
	KT_EQ(came, 1);
	st_relaxed(&word, 3);
	KT_EQ(came, 1);
	KT_TRUE(point_disarm());
	KT_TRUE(!point_stuck());
}

KTEST(points, the_hook_waits_for_the_lock)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_OTHER, 0, note, &lock };
	port_irqflags_t irq = port_irq_save();

	came = 0;
	lock_take(&lock);
	point_arm(&point);
	st_relaxed(&word, 1);
	KT_EQ(came, 0);
	lock_drop(&lock);
	st_relaxed(&word, 2);
	KT_EQ(came, 1);
	(void)point_disarm();
	port_irq_restore(irq);
}

KTEST(points, the_hook_tells_a_lock_held_open_to_interrupts)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct point point = { POINT_INTERRUPT, 0, note, &lock };

	came = 0;
	lock_take(&lock);
	point_arm(&point);
	st_relaxed(&word, 1);
	lock_drop(&lock);
	(void)point_disarm();
	KT_TRUE(point_stuck());
	KT_EQ(came, 0);
}
