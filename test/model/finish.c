/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a board: when all is free again, the free lists must look as if
 * nothing had ever happened.
 *
 * A free area has exactly one shape once every pair of buddies is joined (rows
 * B4, B5, B14): cut it into the largest aligned blocks of order 10 and below that
 * lie in one zone. The expected count of each order is worked out from the frame
 * map alone and compared, zone by zone, over all migratetypes together.
 */
#include "press.h"

#include <string.h>

static uint32_t expected[M_ZIDS][MAX_ORDER];

static bool frames_are_free(const struct model *m, pfn_t pfn, unsigned order)
{
	int node = board_node(m, pfn);
	enum zone_type zone = board_zone(m, pfn);

	for (pfn_t p = pfn; p < pfn + ((pfn_t)1 << order); p++)
		if (p >= M_PFNS || m->owner[p] != O_FREE || board_node(m, p) != node ||
		    board_zone(m, p) != zone)
			return false;
	return true;
}

/* The largest block that begins at pfn, which is free. */
static unsigned largest_order(const struct model *m, pfn_t pfn)
{
	unsigned order = 0;

	while (order + 1 < MAX_ORDER && !(pfn & (((pfn_t)2 << order) - 1)) &&
	       frames_are_free(m, pfn, order + 1))
		order++;
	return order;
}

static void expect_blocks(const struct model *m)
{
	memset(expected, 0, sizeof(expected));
	for (unsigned i = 0; i < m->info.range_count; i++) {
		pfn_t pfn = m->info.range[i].start >> PAGE_SHIFT;
		pfn_t end = pfn + (m->info.range[i].size >> PAGE_SHIFT);

		while (pfn < end) {
			unsigned zid, order;

			/* A block may have begun in the range before, of the same node. */
			if (m->owner[pfn] != O_FREE) {
				pfn++;
				continue;
			}
			zid = (unsigned)board_node(m, pfn) * ZONE_TYPES + board_zone(m, pfn);
			order = largest_order(m, pfn);
			expected[zid][order]++;
			pfn += (pfn_t)1 << order;
		}
	}
}

static bool compare_blocks(struct model *m)
{
	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		const struct zone *z = m->mm->zone[zid];

		for (unsigned order = 0; z && order < MAX_ORDER; order++) {
			unsigned count = 0;

			for (unsigned t = 0; t < MIGRATE_TYPES; t++)
				count += z->list[t][order].count;
			if (count != expected[zid][order])
				return m_fail(m, "zone %u has %u blocks of order %u, not %u", zid,
					      count, order, expected[zid][order]);
		}
	}
	return true;
}

bool op_finish(struct model *m)
{
	snprintf(m->last, sizeof(m->last), "everything is freed");
	if (m->press && !press_end(m))
		return false;
	while (m->live_count) {
		struct live *b = &m->live[m->live_count - 1];

		host_set_cpu(m->cpu = m->live_count % m->cpu_count);
		zonal_free(m->mm, zonal_page(m->mm, b->pfn), b->order);
		if (b->refs > 1 && b->order && !b->compound)
			pages_give_tail(m, m->live_count - 1);
		if (--b->refs == 0)
			pages_give(m, m->live_count - 1);
	}
	zonal_drain_all(m->mm, NULL);
	expect_blocks(m);
	return verify_all(m) && verify_counters(m) && compare_blocks(m);
}
