/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row P12 on this board: what a CPU keeps of another node goes back after some seconds, and
 * nobody has to ask.
 *
 * The lists looked at are those of the CPU that runs this, which stays on it, and sleeps while it
 * waits. Whatever else runs there may use the same list; so the case waits until its pages are gone
 * once, and gives up only after much longer than that takes.
 */
#include <zonal/linux.h>

#include "mm/mm.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/ktest.h"

enum { SLEEP_NS = 100000000, SLEEPS_MOST = 3000 };

/* The CPU's list of some zone on another node, filled; NULL: no other node has memory. */
static struct pcp *fill_remote_list(unsigned cpu)
{
	unsigned own = zonal_image.cpu[cpu]->node;

	for (nodemask_t left = zonal_image.has_kernel_memory; left; left &= left - 1) {
		int nid = (int)nodemask_first(left);
		struct page *page;
		struct pcp *pcp;

		if (nid == (int)own)
			continue;
		page = zonal_alloc_node(&zonal_image, nid, GFP_KERNEL | __GFP_THISNODE, 0);
		if (!page)
			continue;
		pcp = &zonal_image.cpu[cpu]->pcp[page_zid(page)];
		zonal_free(&zonal_image, page, 0);
		return pcp;
	}
	return NULL;
}

KTEST(expire, pages_of_another_node_that_nobody_uses_go_back)
{
	struct pcp *pcp = fill_remote_list(port_this_cpu()->id);
	unsigned sleeps = 0;

	if (!pcp) {
		kt_skip("no other node has memory");
		return;
	}
	while (ld_relaxed(&pcp->count) && sleeps++ < SLEEPS_MOST)
		task_sleep_ns(SLEEP_NS);
	KT_OK(!ld_relaxed(&pcp->count), "%u pages after %u sleeps", ld_relaxed(&pcp->count),
	      sleeps);
}
