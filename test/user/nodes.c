/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes as a program sees them: policies, allowed nodes, moving to a node's cores.
 *
 * `arg` holds the board: nodes with memory in bits 0 to 15, nodes with cores that are online in
 * bits 16 to 31. Exit status 0, or the line of the check that failed. Where pages come from is
 * looked at elsewhere (test/target/user_place_test.c).
 */
#include "user/programs/program.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__;                                                           \
	} while (0)

#define RW (USER_READ | USER_WRITE)

static uint64_t lowest(uint64_t nodes) { return nodes & (~nodes + 1); }
static int ctz(uint64_t nodes) { return __builtin_ctzll(nodes); }

static bool policy_is(uint32_t mode, uint32_t flags, uint64_t nodes)
{
	struct user_policy policy;

	return !call(USER_CALL_GET_POLICY, address_of(&policy), 0, 0) && policy.mode == mode &&
	       policy.flags == flags && policy.nodes == nodes;
}

static int policies(uint64_t memory)
{
	CHECK(policy_is(MPOL_DEFAULT, 0, 0));
	CHECK(!call(USER_CALL_SET_POLICY, MPOL_INTERLEAVE, MPOL_F_STATIC, memory));
	CHECK(policy_is(MPOL_INTERLEAVE, MPOL_F_STATIC, memory));
	CHECK(call(USER_CALL_SET_POLICY, MPOL_BIND, MPOL_F_STATIC | MPOL_F_RELATIVE, memory) ==
	      USER_EINVAL);
	CHECK(policy_is(MPOL_INTERLEAVE, MPOL_F_STATIC, memory));
	CHECK(!call(USER_CALL_SET_POLICY, MPOL_DEFAULT, 0, 0));
	return 0;
}

static int ranges(uint64_t memory)
{
	volatile uint8_t *a = map(16 * PAGE_SIZE, RW);

	CHECK(a);
	CHECK(!call5(USER_CALL_BIND, address_of(a), 8 * PAGE_SIZE, MPOL_BIND, 0, lowest(memory)));
	CHECK(!call5(USER_CALL_BIND, address_of(a) + 4 * PAGE_SIZE, 8 * PAGE_SIZE, MPOL_INTERLEAVE,
		     0, memory));
	CHECK(call5(USER_CALL_BIND, address_of(a) + 10 * PAGE_SIZE, 8 * PAGE_SIZE, MPOL_LOCAL, 0,
		    0) ==
	      USER_EINVAL);
	CHECK(call5(USER_CALL_BIND, address_of(a), PAGE_SIZE, MPOL_BIND, 0, 0) == USER_EINVAL);
	CHECK(call5(USER_CALL_BIND, address_of(a), PAGE_SIZE, MPOL_BIND, 0, 1ull << 40) ==
	      USER_EINVAL);
	for (unsigned page = 0; page < 16; page++)
		a[page * PAGE_SIZE] = 1;
	CHECK(!unmap(a, 16 * PAGE_SIZE));
	return 0;
}

/* Pages go where the program says, and keep what is in them. */
static int moved(uint64_t memory)
{
	volatile uint8_t *a = map(64 * PAGE_SIZE, RW);
	int64_t there, back;

	CHECK(a);
	for (unsigned page = 0; page < 64; page += 2)
		a[page * PAGE_SIZE + 7] = (uint8_t)(page + 1);
	there = call(USER_CALL_TO_NODE, address_of(a), 64 * PAGE_SIZE, (uint64_t)ctz(memory));
	back = call(USER_CALL_TO_NODE, address_of(a), 64 * PAGE_SIZE,
		    (uint64_t)ctz(memory & ~lowest(memory) ? memory & ~lowest(memory) : memory));
	CHECK(there >= 0 && there <= 32 && back >= 0 && back <= 32);
	/* Nobody else works with these pages, and there is room. */
	CHECK(back == 32 || memory == lowest(memory));
	for (unsigned page = 0; page < 64; page++)
		CHECK(a[page * PAGE_SIZE + 7] == (page % 2 ? 0 : page + 1));
	CHECK(call(USER_CALL_TO_NODE, address_of(a), 64 * PAGE_SIZE, 64) == USER_EINVAL);
	CHECK(call(USER_CALL_TO_NODE, address_of(a), 64 * PAGE_SIZE, 63) == USER_EINVAL);
	CHECK(call(USER_CALL_TO_NODE, address_of(a) + 1, PAGE_SIZE, 0) == USER_EINVAL);
	CHECK(call(USER_CALL_TO_NODE, USER_BASE, 1ull << 38, (uint64_t)ctz(memory)) >=
	      0);
	CHECK(!unmap(a, 64 * PAGE_SIZE));
	return 0;
}

static int allowed(uint64_t memory)
{
	volatile uint8_t *a = map(4 * PAGE_SIZE, RW);

	CHECK(a && !call5(USER_CALL_BIND, address_of(a), 4 * PAGE_SIZE, MPOL_BIND, 0, memory));
	CHECK(!call(USER_CALL_SET_MEMS, lowest(memory), 0, 0));
	/* A policy for nodes that are not allowed any more. */
	CHECK(lowest(memory) == memory ||
	      call(USER_CALL_SET_POLICY, MPOL_BIND, 0, memory & ~lowest(memory)) == USER_EINVAL);
	for (unsigned page = 0; page < 4; page++)
		a[page * PAGE_SIZE] = 1;
	CHECK(!call(USER_CALL_SET_MEMS, memory, 0, 0));
	return 0;
}

static int cores(uint64_t nodes)
{
	for (uint64_t node = 0; node < 16; node++) {
		int64_t moved = call(USER_CALL_MOVE, node, 0, 0);

		if (!(nodes >> node & 1)) {
			CHECK(moved == USER_EINVAL);
			continue;
		}
		CHECK(!moved);
		for (unsigned i = 0; i < 20; i++) {
			CHECK((uint64_t)call(USER_CALL_WHERE, 0, 0, 0) >> 32 == node);
			call(USER_CALL_YIELD, 0, 0, 0);
		}
	}
	return 0;
}

PROGRAM(arg)
{
	uint64_t memory = arg & 0xffff;
	int line = policies(memory);

	line = line ? line : ranges(memory);
	line = line ? line : moved(memory);
	line = line ? line : allowed(memory);
	return line ? line : cores(arg >> 16 & 0xffff);
}
