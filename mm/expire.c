/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of other nodes that a CPU keeps in its lists and does not use (row P12).
 *
 * A CPU that took a page from afar once has a batch of that node's pages in its list, and may
 * never ask again. So once a second somebody calls zonal_expire_lists(): a list of a zone on
 * another node that was not used for three calls gives a batch back. As in 5.10 the call that
 * sees the use is the first of the three, and giving a batch back is a use: what is left goes
 * three calls later. Lists of the CPU's own node are left alone, and so are empty ones; no CPU
 * is disturbed for them.
 *
 * 5.10 runs that on each CPU, which finds its own counters changed. Here the caller compares
 * counters from outside and asks a CPU, idle or not, only to give pages back. A free into a list is
 * a use as well; 5.10 does not see it, and a list that is only freed to stays.
 *
 * One caller at a time: `seen` and `expire` of each list are his. Zone locks as in drain.c.
 */
#include <zonal/expire.h>

#include "lib/assert.h"
#include "pcp.h"

#define EXPIRE_CALLS 3

/* Grows with each use. */
static uint64_t uses_of(struct pcp *pcp)
{
	uint64_t uses = 0;

	for (unsigned i = 0; i < PCP_STATS; i++)
		uses += ld_relaxed(&pcp->stat[i]);
	return uses;
}

static void expire_list(struct zonal *mm, unsigned c, struct zone *zone)
{
	struct pcp *pcp = &mm->cpu[c]->pcp[zone->id];
	uint64_t uses = uses_of(pcp);

	ASSERT(pcp->expire <= EXPIRE_CALLS, "CPU %u, zone %u: %u calls to go", c, zone->id,
	       pcp->expire);
	if (uses != pcp->seen) {
		pcp->seen = uses;
		pcp->expire = EXPIRE_CALLS;
	}
	if (!pcp->expire || !ld_relaxed(&pcp->count) || --pcp->expire)
		return;
	drain_batch(zone, c);
}

void zonal_expire_lists(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	/* Two that ask each other would hang. */
	ASSERT(!port_irqs_masked(), "CPU %u waits for others with interrupts masked",
	       (unsigned)port_this_cpu()->id);
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		if (!mm->cpu[c] || !ld_relaxed(&mm->cpu[c]->online))
			continue;
		mm_for_each_zone(mm, zid, zone)
			if (zone->node != mm->cpu[c]->node)
				expire_list(mm, c, zone);
	}
}
