/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of cases with programs. See user_world.h.
 *
 * Memory that comes back late, as kernel stacks do, is waited for; a board that goes on is checked
 * by zonal_check_busy(). Ballast is blocks as large as there are, chained through their owner
 * words. What may fail is asserted here, so that a case need not.
 */
#include "user_world.h"

#include <zonal/linux.h>

#include "mm/watermark.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "user/user.h"

static int id[CROWD];
static struct page *ballast;
static unsigned boost_before;

uint64_t user_world_before(void)
{
	int first[2 * CROWD];
	struct user_end end;

	/* The first start of anything may leave what it keeps, and so may the first start of so
	 * many at once (page tables of the window of stacks: a crowd starts again before the
	 * stacks of the one before are given back). The reaper needs a moment. */
	for (unsigned i = 0; i < ARRAY_SIZE(first); i++)
		first[i] = user_world_start("probe", 0);
	for (unsigned i = 0; i < ARRAY_SIZE(first); i++)
		KT_TRUE(first[i] > 0 && user_join(first[i], &end));
	task_sleep_ns(20 * MS);
	return sched_world_free_pages();
}

void user_world_is_back(uint64_t before)
{
	uint64_t deadline = sched_world_deadline(), now;
	struct user_info info;
	unsigned next = 0;

	do {
		task_sleep_ns(MS);
		now = sched_world_free_pages();
	} while (now < before && port_time_ns() < deadline);
	KT_OK(now >= before, "%llu pages are free, %llu were before", (unsigned long long)now,
	      (unsigned long long)before);
	KT_EQ(user_list(&next, &info, 1), 0);
}

void user_world_is_sound(uint64_t before)
{
	struct zonal_finding finding;

	user_world_is_back(before);
	KT_OK(zonal_check_busy(&zonal_image, &finding), "%s", finding.text);
}

int user_world_start(const char *program, uint64_t arg)
{
	const char *why = NULL;
	int started = user_start(program, arg, &why);

	KT_OK(started > 0, "%s: %s", program, why);
	return started;
}

uint64_t user_world_pages(int program)
{
	struct user_info info;

	return user_look(program, &info) ? info.pages : 0;
}

bool user_world_has_pages(int program, uint64_t pages)
{
	uint64_t deadline = sched_world_deadline();

	while (user_world_pages(program) < pages && port_time_ns() < deadline)
		task_sleep_ns(MS);
	return KT_TRUE(user_world_pages(program) >= pages);
}

/* A program that goes on is a failure, and no board that stands still. */
static void must_end(int program)
{
	uint64_t deadline = sched_world_deadline();
	struct user_info info;

	while (user_look(program, &info) && port_time_ns() < deadline)
		task_sleep_ns(MS / 4);
	if (!user_look(program, &info))
		return;
	KT_OK(false, "task %d goes on with %llu pages", program,
	      (unsigned long long)info.pages);
	KT_TRUE(user_kill(program));
}

void user_world_ends(int program, enum user_reason reason)
{
	struct user_end end = { .reason = USER_FAULTED };

	must_end(program);

	if (KT_TRUE(program > 0 && user_join(program, &end)))
		KT_OK(end.reason == reason && (reason != USER_EXITED || !end.status),
		      "task %d: reason %u, status %d", program, end.reason, end.status);
}

void crowd_start(uint64_t pages, unsigned rounds)
{
	for (unsigned i = 0; i < CROWD; i++)
		id[i] = user_world_start("press", pages / CROWD | (uint64_t)rounds << 24 |
						  (uint64_t)(i + 1) << 32);
}

int crowd_id(unsigned n) { return id[n]; }

bool crowd_runs(void)
{
	struct user_info info;

	for (unsigned i = 0; i < CROWD; i++)
		if (user_look(id[i], &info))
			return true;
	return false;
}

void crowd_ends(bool killed)
{
	struct user_end end;

	for (unsigned i = 0; i < CROWD; i++)
		if (KT_TRUE(id[i] > 0 && user_join(id[i], &end)))
			KT_OK((end.reason == USER_EXITED && end.status == 0) ||
				      (killed && end.reason == USER_KILLED),
			      "task %u: reason %u, status %d", i, end.reason, end.status);
}

/* Pages of a node that are free above a mark, for who may take of all zones. */
static uint64_t room_of(unsigned nid, enum watermark mark)
{
	int64_t room = 0;

	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zone *zone = zonal_image.zone[nid * ZONE_TYPES + t];

		if (zone)
			room += ld_relaxed(&zone->free) - zone_mark(zone, mark) -
				ld_relaxed(&zone->lowmem_reserve[ZONE_MOVABLE]);
	}
	return room > 0 ? (uint64_t)room : 0;
}

static uint64_t room_of_all(enum watermark mark)
{
	uint64_t sum = 0;

	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		sum += room_of(nid, mark);
	return sum;
}

static void hold(struct page *page, unsigned order)
{
	uint64_t *words = zonal_page_owner(page);

	words[0] = (uintptr_t)ballast;
	words[1] = order;
	ballast = page;
}

/* A boost (S8) keeps up to half again the high mark from everybody until kswapd has come to take
 * it back: programs that may be in want of that are rightly killed, and when, is luck. */
static void no_boosts(void)
{
	boost_before = zonal_image.options.watermark_boost_factor;
	KT_EQ(zonal_set_watermark_boost(&zonal_image, 0), 0);
	/* Marks that are computed anew end the boosts that are there. */
	KT_EQ(zonal_set_watermark_scale(&zonal_image, zonal_image.options.watermark_scale_factor),
	      0);
}

uint64_t crowd_ballast(uint64_t pages)
{
	gfp_t gfp = (GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;

	no_boosts();
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		for (unsigned order = MAX_ORDER; zonal_image.node[nid] && order-- > 0;) {
			struct page *page;

			while (room_of(nid, WMARK_HIGH) > pages + (1ull << order) &&
			       (page = alloc_pages_node((int)nid, gfp, order)))
				hold(page, order);
		}
	return room_of_all(WMARK_MIN);
}

void crowd_ballast_give(void)
{
	while (ballast) {
		struct page *page = ballast;
		const uint64_t *words = zonal_page_owner(page);
		unsigned order = (unsigned)words[1];

		ballast = (struct page *)(uintptr_t)words[0];
		__free_pages(page, order);
	}
	KT_EQ(zonal_set_watermark_boost(&zonal_image, boost_before), 0);
}
