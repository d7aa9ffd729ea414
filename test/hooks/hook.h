/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something else happens at one place of a piece of code, and the place moves.
 *
 * In the variant host-hooks every relaxed access calls atomic_hook(), which counts. Armed
 * for access `at`, it calls `fn` there, or at the first later access where that could
 * happen on a machine:
 *
 *	HOOK_INTERRUPT  as an interrupt handler of this CPU, once it is not masked
 *	HOOK_OTHER      as CPU 1, once the lock that is watched is free: CPU 1 would wait
 *
 * So a section that is masked and locked as it should be is never entered, and one that is
 * not is entered at each of its accesses in turn.
 */
#ifndef TEST_HOOKS_HOOK_H
#define TEST_HOOKS_HOOK_H

#include "lib/lock.h"

enum hook_kind { HOOK_INTERRUPT, HOOK_OTHER };

struct hook {
	enum hook_kind kind;
	uint64_t at;
	void (*fn)(void);
	struct ticket_lock *watched;
};

void hook_arm(const struct hook *hook);
/* Off again; what did not happen yet happens now. Returns the accesses since hook_arm(). */
uint64_t hook_disarm(void);
/* The interrupt came while the watched lock was held, open to interrupts: a deadlock. */
bool hook_stuck(void);

#endif
