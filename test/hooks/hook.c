/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points on the host: the hook in the relaxed accessors.
 *
 * In the variant host-hooks every load and relaxed store calls atomic_hook(), which counts. Armed
 * for access `at`, the act happens there, or at the first later access where it could on a
 * machine. So a section that is masked and locked as it should be is never entered, and
 * one that is not is entered at each of its accesses in turn.
 *
 * One thread plays both CPUs: what "the other CPU" does is done at once and as a whole,
 * at a place where the one that runs could not have kept it out. That is less than all
 * interleavings of two CPUs, and every one of them is a real one.
 *
 * Inside an act, and while nothing is armed, accesses do not count. No locks: one thread.
 */
#include <signal.h>
#include <unistd.h>

#include <zonal/port.h>

#include "test/points/points.h"

/* A ring that lost a page under its owner can be walked for ever. All works take 2 seconds. */
enum { WATCH_SECONDS = 120 };

static struct point armed;
static bool on;   /* armed, and the act has not come */
static bool busy; /* inside an act, or looking */
static bool stuck;
static uint64_t count;

bool point_possible(void) { return true; }

unsigned point_check_every(void) { return 1; }

static void does_not_end(int number)
{
	static const char text[] = "\nBail out! a work does not end\n";

	(void)number;
	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) == sizeof(text) - 1 ? 2 : 3);
}

void point_watch(bool watch)
{
	signal(SIGALRM, does_not_end);
	alarm(watch ? WATCH_SECONDS : 0);
}

static void act_as_other(void)
{
	struct host_cpu *self = host_self;

	host_self = host_cpu_get(1);
	armed.act();
	host_self = self;
}

static void act_as_handler(void)
{
	struct host_cpu *self = host_self;
	bool masked = self->masked;

	/* A handler that wants this lock would wait for what it interrupted, for ever. */
	if (lock_held(armed.watched)) {
		stuck = true;
		return;
	}
	self->masked = true;
	self->port.irq_depth++;
	armed.act();
	self->port.irq_depth--;
	self->masked = masked;
}

static void act(void)
{
	on = false;
	if (armed.kind == POINT_OTHER)
		act_as_other();
	else
		act_as_handler();
}

/* CPU 1 does not come in between while it is the one that runs, called by the first. */
static bool can_happen(void)
{
	if (armed.kind == POINT_OTHER)
		return !lock_held(armed.watched) && host_self != host_cpu_get(1);
	return !port_irqs_masked();
}

void atomic_hook(void)
{
	if (busy)
		return;
	busy = true;
	count++;
	if (on && count > armed.at && can_happen())
		act();
	busy = false;
}

void point_arm(const struct point *point)
{
	armed = *point;
	count = 0;
	stuck = false;
	on = true;
}

bool point_disarm(void)
{
	busy = true;
	if (on)
		act();
	busy = false;
	return armed.at < count;
}

bool point_stuck(void) { return stuck; }
