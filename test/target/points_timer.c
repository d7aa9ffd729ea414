/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points in the image: a timer that comes one instruction later each time.
 *
 * The timer is set for AHEAD instructions from now, then a loop of AHEAD - at of them
 * runs before the work begins. So the interrupt comes about `at` instructions into the
 * work, or, if that is a masked section, at its end. The counter's tick is many instructions
 * long; setting it right after a tick makes all of them count from there, up to the few of
 * the loop that waits for the tick. Each act goes through all points anew.
 *
 * What a handler does with a zone's lock that was held open to interrupts would wait for
 * ever; it is told instead.
 */
#include <zonal/port.h>

#include "arm64_sysreg.h"
#include "counted.h"
#include "lib/atomic.h"
#include "test/points/points.h"

#define AHEAD 12288u /* more instructions than any work has */
#define CHECK_EVERY 32u
/* No work takes as many; a ring that lost a page under its owner can be walked for ever. */
#define WATCH_INSTRUCTIONS 50000000u

static struct point armed;
static _Atomic uint32_t came, stuck;

bool point_possible(void) { return counted(); }

unsigned point_check_every(void) { return CHECK_EVERY; }

/* Each act sets a watch. What does not end with interrupts masked the runner ends. */
void point_watch(bool watch) { (void)watch; }

static void does_not_end(void) { port_panic("points: a work does not end"); }

static void act(void)
{
	st_relaxed(&came, 1);
	if (lock_held(armed.watched))
		st_relaxed(&stuck, 1);
	else
		armed.act();
	counted_set(WATCH_INSTRUCTIONS, does_not_end);
}

/* Two instructions a turn, and one more for an odd number. */
static void burn(uint64_t instructions)
{
	uint64_t turns = instructions / 2 + 1;

	if (instructions & 1)
		__asm__ volatile("nop");
	__asm__ volatile("1:	subs	%0, %0, #1\n\t"
			 "b.ne	1b"
			 : "+r"(turns)
			 :
			 : "cc");
}

static void wait_for_tick(void)
{
	uint64_t start = sysreg_read(cntpct_el0);

	while (sysreg_read(cntpct_el0) == start)
		;
}

void point_arm(const struct point *point)
{
	armed = *point;
	st_relaxed(&came, 0);
	st_relaxed(&stuck, 0);
	wait_for_tick();
	counted_set(AHEAD, act);
	burn(point->at < AHEAD ? AHEAD - point->at : 0);
}

bool point_disarm(void)
{
	bool inside = ld_relaxed(&came);

	while (!ld_relaxed(&came))
		port_relax();
	counted_set(0, NULL);
	return inside;
}

bool point_stuck(void) { return ld_relaxed(&stuck); }
