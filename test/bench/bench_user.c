/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's part at EL0: what a page costs that a program touches, and gives back.
 *
 *	fault      16,384 fresh pages are touched, zeroing included
 *	unmap      they are unmapped by one call
 *	hugefault  32 blocks of 2 MiB are touched, zeroing included
 *
 * The program is test/user/touch.c: it reads the clock by a system call around its work and
 * gives the nanoseconds back as its exit status. Only where there are tasks at EL0.
 */
#include "bench.h"

enum { PAGES = 16384, BLOCKS = 32 };

bool bench_user(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	unsigned ops = c->count == 2 ? BLOCKS : PAGES;
	int ns;

	if (!bench->port->program)
		return true;
	ns = bench->port->program("touch", c->count);
	if (ns <= 0)
		return bench_failed(c, order, "its program failed");
	bench_result(bench, c->name, "", order, ops, (uint64_t)ns);
	return true;
}
