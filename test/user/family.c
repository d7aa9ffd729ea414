/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0 that start, wait for and kill others.
 *
 * `arg` says which part this one plays. Parents exit with 0, or the line of the check that
 * failed; children end as the parent wants to see.
 */
#include "user/programs/program.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__;                                                           \
	} while (0)

enum part { PARENT, SPINS, SLEEPS, WAITS, EXITS_7, FAULTS, LEAVES_ORPHANS, COUNTS, NAPS };

static const char name[] = "family";

static int64_t spawn(enum part part)
{
	return call(USER_CALL_SPAWN, address_of(name), sizeof(name) - 1, part);
}

static bool ended(int64_t id, enum user_reason reason, int status)
{
	struct user_end end = { 0 };

	return !call(USER_CALL_WAIT, (uint64_t)id, address_of(&end), 0) &&
	       end.reason == (uint32_t)reason && end.status == status;
}

static int parent(void)
{
	static const enum part victims[] = { SPINS, SLEEPS, WAITS };
	struct user_end end;
	int64_t id;

	for (unsigned i = 0; i < ARRAY_SIZE(victims); i++) {
		id = spawn(victims[i]);
		CHECK(id > 0);
		call(USER_CALL_SLEEP, 3000000, 0, 0);
		CHECK(!call(USER_CALL_KILL, (uint64_t)id, 0, 0));
		CHECK(ended(id, USER_KILLED, -1));
		CHECK(call(USER_CALL_KILL, (uint64_t)id, 0, 0) == USER_ESRCH);
		/* Killed before it has begun, as like as not. */
		id = spawn(victims[i]);
		CHECK(id > 0 && !call(USER_CALL_KILL, (uint64_t)id, 0, 0));
		CHECK(ended(id, USER_KILLED, -1));
	}
	id = spawn(EXITS_7);
	CHECK(id > 0 && call(USER_CALL_WAIT, (uint64_t)id, 8, 0) == USER_EFAULT);
	CHECK(ended(id, USER_EXITED, 7));
	CHECK(call(USER_CALL_WAIT, (uint64_t)id, address_of(&end), 0) == USER_ESRCH);
	id = spawn(FAULTS);
	CHECK(id > 0 && ended(id, USER_FAULTED, -1));
	/* A grandchild is nobody's here. */
	id = spawn(LEAVES_ORPHANS);
	CHECK(id > 0 && ended(id, USER_EXITED, 0));
	CHECK(call(USER_CALL_KILL, (uint64_t)id + 1, 0, 0) == USER_ESRCH);
	return 0;
}

static volatile uint64_t count;

PROGRAM(arg)
{
	int64_t id;

	switch ((enum part)arg) {
	case PARENT:
		return parent();
	case SPINS:
		for (;;)
			count++;
	case SLEEPS:
		call(USER_CALL_SLEEP, ~0ull, 0, 0);
		return 1;
	case WAITS:
		id = spawn(NAPS);
		(void)ended(id, USER_EXITED, 0);
		return 1;
	case EXITS_7:
		return 7;
	case FAULTS:
		*(volatile uint8_t *)(uintptr_t)count = 1;
		return 1;
	case LEAVES_ORPHANS:
		CHECK(spawn(EXITS_7) > 0 && spawn(COUNTS) > 0 && spawn(EXITS_7) > 0);
		return 0;
	case NAPS:
		call(USER_CALL_SLEEP, 50000000, 0, 0);
		return 0;
	default:
		for (unsigned i = 0; i < 100000; i++)
			count++;
		return 0;
	}
}
