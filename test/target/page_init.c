/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of this very board that boot left for later: they come while the board works.
 *
 * On a board that leaves none (the small ones, unless deferred=on) there is nothing to see. The
 * tasks that bring them have the lowest priority, so this one sleeps while it waits; it gives up
 * only if nothing at all comes for as long as an emulator under load could be asked to wait.
 */
#include <zonal/deferred.h>
#include <zonal/linux.h>

#include "mm/mm.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/ktest.h"

enum { SLEEP_NS = 20000000, NOTHING_MOST = 3000 };

static uint64_t left(void)
{
	uint64_t pages = 0;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		pages += zonal_deferred_pages(&zonal_image, n);
	return pages;
}

KTEST(page_init, pages_that_boot_left_come_in_the_background)
{
	uint64_t before = left(), now;
	unsigned nothing = 0;
	struct zone *zone;
	unsigned zid;

	if (!page_init_wanted()) {
		KT_EQ(before, 0);
		kt_skip("this board leaves none");
		return;
	}
	for (now = before; now && nothing < NOTHING_MOST; before = now) {
		task_sleep_ns(SLEEP_NS);
		now = left();
		nothing = now < before ? 0 : nothing + 1;
	}
	KT_OK(!now, "%llu pages have not come", (unsigned long long)now);
	mm_for_each_zone(&zonal_image, zid, zone)
		KT_EQ(ld_relaxed(&zone->deferred), 0);
}
