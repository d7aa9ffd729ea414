/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is checked word by word while the task itself has it moved to and fro.
 *
 *	arg  bits 0-19   pages
 *	     bits 20-27  rounds of checking all pages and writing them anew
 *	     bits 32-47  a number that makes the contents differ from those of others
 *	     bit 48      the contents do not compress
 *
 * When all is written a child is started that does nothing, and waited for. So who ends that child
 * opens the gate, and can hold all of several programs there until the last one has come.
 *
 * Eight times a round its policy is another one, and an eighth of its pages is sent to a node, 0
 * and 1 in turn. A change that its cpuset forbids just now is passed over.
 *
 * Exit status: pages that went (bits 0-19), policies that were taken (bits 20-29); -1: no memory,
 * or no child; else less than that: -2 less the page that was wrong.
 */
#include "user/programs/pattern.h"

enum { PARTS = 8, POLICIES = 3, MOST_MOVED = 0xfffff, MOST_POLICIES = 0x3ff };

static const struct {
	uint64_t mode, nodes;
} policy[POLICIES] = { { MPOL_INTERLEAVE, 3 }, { MPOL_PREFERRED, 2 }, { MPOL_DEFAULT, 0 } };

struct counts {
	uint64_t moved, policies;
};

/* The n-th time: another policy for what comes, and a part of what is there to a node. */
static void move_part(const struct pattern *p, uint64_t n, struct counts *counts)
{
	uint64_t part = n % PARTS, first = p->pages * part / PARTS;
	uint64_t bytes = (p->pages * (part + 1) / PARTS - first) * PAGE_SIZE;
	int64_t moved = call(USER_CALL_TO_NODE, address_of(pattern_at(p, first, 0)), bytes,
			     (n + p->number) % 2);

	counts->moved += moved > 0 ? (uint64_t)moved : 0;
	counts->policies += !call(USER_CALL_SET_POLICY, policy[n % POLICIES].mode, 0,
				  policy[n % POLICIES].nodes);
}

/* All pages once; the page that was wrong, -1: none. */
static int64_t one_round(const struct pattern *p, uint64_t round, struct counts *counts)
{
	for (uint64_t page = 0; page < p->pages; page++) {
		if (!pattern_good(p, page, round))
			return (int64_t)page;
		pattern_fill(p, page, round + 1);
		if (page % (p->pages / PARTS) == 0)
			move_part(p, round * (PARTS + 1) + page / (p->pages / PARTS), counts);
	}
	return -1;
}

/* False: there is no child to wait for. */
static bool pass_gate(void)
{
	static const char name[] = "hungry";
	struct user_end end;
	int64_t child;

	child = call(USER_CALL_SPAWN, address_of(name), sizeof(name) - 1, 1);
	return child > 0 && !call(USER_CALL_WAIT, (uint64_t)child, address_of(&end), 0);
}

static int at_most(uint64_t count, uint64_t most) { return (int)(count < most ? count : most); }

PROGRAM(arg)
{
	struct pattern p = { .pages = arg & 0xfffff, .number = arg >> 32 & 0xffff,
			     .dense = arg >> 48 & 1 };
	uint64_t rounds = arg >> 20 & 0xff;
	struct counts counts = { 0, 0 };

	p.memory = map(p.pages * PAGE_SIZE, USER_READ | USER_WRITE);
	if (!p.memory || p.pages < PARTS)
		return -1;
	for (uint64_t page = 0; page < p.pages; page++)
		pattern_fill(&p, page, 0);
	if (!pass_gate())
		return -1;
	for (uint64_t round = 0; round < rounds; round++) {
		int64_t wrong = one_round(&p, round, &counts);

		if (wrong >= 0)
			return -2 - (int)wrong;
	}
	return at_most(counts.moved, MOST_MOVED) | at_most(counts.policies, MOST_POLICIES) << 20;
}
