/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that boot has left for later (<zonal/deferred.h>): on which boards, and the tasks that
 * bring them.
 *
 * Writing the page map takes about six instructions a page. Up to 64 GiB that is a tenth of a
 * second, and nobody need know of it; from there on the larger part is left, unless deferred=
 * says otherwise. A board of 1 TiB has 268 million pages, and its first command runs when less
 * than one and a half million are initialised.
 *
 * One task a node, all at once, of the lowest priority but that of the idle tasks: what a CPU has
 * to do otherwise goes first, and whoever is short of pages brings them himself. They start when
 * the board is ready for its user, so they do not stand in the way of that. A task ends when its
 * node is done.
 *
 * No locks of ours.
 */
#include <zonal/deferred.h>
#include <zonal/linux.h>

#include "lib/assert.h"
#include "platform.h"
#include "sched/sched.h"

#define LATER_FROM_BYTES (64ULL << 30)
#define PRIORITY 1u
#define HELD_NS 10000000u /* zonal_check() takes long on such a board */

bool page_init_wanted(void)
{
	uint64_t bytes = 0;

	if (boot_args.deferred != BOOT_DEFERRED_BY_SIZE)
		return boot_args.deferred == BOOT_DEFERRED_ON;
	for (unsigned i = 0; i < boot_info.range_count; i++)
		bytes += boot_info.range[i].size;
	return bytes >= LATER_FROM_BYTES;
}

static int page_init_work(void *arg)
{
	unsigned nid = (unsigned)(uintptr_t)arg;
	enum zonal_deferred_state state;

	ASSERT(nid < ZONAL_MAX_NODES, "pages of node %u", nid);
	while ((state = zonal_deferred_turn(&zonal_image, nid)) != ZONAL_DEFERRED_DONE)
		if (state == ZONAL_DEFERRED_HELD)
			task_sleep_ns(HELD_NS);
	return 0;
}

void page_init_start(void)
{
	ASSERT(task_current(), "before there is a scheduler");
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		if (zonal_deferred_pages(&zonal_image, nid))
			(void)platform_node_task(nid, "pageinit", page_init_work,
						 (void *)(uintptr_t)nid, PRIORITY);
}
