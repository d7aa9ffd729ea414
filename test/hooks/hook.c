/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook in the relaxed accessors; see hook.h.
 *
 * One thread plays both CPUs: what "the other CPU" does is done at once and as a whole,
 * at a place where the one that runs could not have kept it out. That is less than all
 * interleavings of two CPUs, and every one of them is a real one.
 *
 * Inside `fn`, and while nothing is armed, accesses do not count. No locks: one thread.
 */
#include "hook.h"

#include <zonal/port.h>

static struct hook armed;
static bool on;   /* a hook is armed and has not happened */
static bool busy; /* inside `fn`, or looking */
static bool stuck;
static uint64_t count;

static void deliver(void)
{
	struct host_cpu *self = host_self;
	bool masked = self->masked;

	on = false;
	if (armed.kind == HOOK_OTHER) {
		host_self = host_cpu_get(1);
		armed.fn();
		host_self = self;
		return;
	}
	/* A handler that wants this lock would wait for what it interrupted, for ever. */
	if (lock_held(armed.watched)) {
		stuck = true;
		return;
	}
	self->masked = true;
	self->port.irq_depth++;
	armed.fn();
	self->port.irq_depth--;
	self->masked = masked;
}

static bool can_happen(void)
{
	if (armed.kind == HOOK_INTERRUPT)
		return !port_irqs_masked();
	return !lock_held(armed.watched);
}

void atomic_hook(void)
{
	if (busy)
		return;
	busy = true;
	count++;
	if (on && count > armed.at && can_happen())
		deliver();
	busy = false;
}

void hook_arm(const struct hook *hook)
{
	armed = *hook;
	count = 0;
	stuck = false;
	on = armed.fn != NULL;
}

uint64_t hook_disarm(void)
{
	busy = true;
	if (on)
		deliver();
	busy = false;
	return count;
}

bool hook_stuck(void) { return stuck; }
