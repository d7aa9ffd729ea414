/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of 2 MiB for a program, out of memory that single pages are scattered over: the thp work
 * of the recorded figures.
 *
 * A program fills 880 MiB, gives back a random half of it page by page, and touches 187 blocks,
 * 85 % of what is free then; zeroing is included, and whatever reclaim and compaction do for them.
 * Printed are how many it asked for, how many of them are blocks, what one cost, and on how many
 * pages it found something wrong afterwards; one that is wrong fails the case.
 *
 * The program is test/user/blocks.c. Only where there are tasks at EL0. On a board of less than
 * the recorded one's 1 GiB it finds no memory, and the case is left out.
 */

#include <zonal/linux.h>

#include "bench.h"
#include "lib/kprintf.h"
#include "mm/mm.h"

typedef unsigned long long ull;

enum { BLOCKS = 187, FILL_PAGES = (880 << 20) / 4096 };

static uint64_t pages_free(void)
{
	struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		pages += (uint64_t)ZN_MAX(ld_relaxed(&zone->free), 0);
	return pages;
}

bool bench_thp(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	uint64_t served = 0, each;
	int id, ns, wrong;

	if (!bench->port->program || pages_free() < FILL_PAGES + FILL_PAGES / 16)
		return true;
	id = bench->port->begin("blocks", BLOCKS);
	if (!bench->port->faulted(id, FILL_PAGES + BLOCKS, &served))
		return bench_failed(c, order, "its program does not go on");
	ns = bench->port->end(id);
	wrong = ns > 0 ? 0 : -ns;
	each = ns > 0 ? (uint64_t)ns * 1000 / BLOCKS : 0;
	if (!bench->quiet)
		kprintf(bench->json ? "{\"schema\":\"zonal.thp/1\",\"name\":\"thp\",\"asked\":%u,"
				      "\"served\":%llu,\"wrong\":%d,\"ns_per_op\":%llu.%03llu}\n" :
				      "thp asked=%u served=%llu wrong=%d ns_per_op=%llu.%03llu\n",
			BLOCKS, (ull)served, wrong, (ull)(each / 1000), (ull)(each % 1000));
	return !wrong || bench_failed(c, order, "its program failed, or a page was wrong");
}
