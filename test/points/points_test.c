/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row T2 and the zone lock: whatever comes in between, at every point in turn.
 *
 * For each work (works.c) and each act below: the work is done with the act at its first
 * point, then at its second, and so on to its last. After each: no page has two owners,
 * none is lost; and, after some on target, zonal_check() finds every list, count and
 * floor right. Acts change something that lasts (a page taken, one given back), because a
 * handler that leaves everything as it was hides that it was let in.
 */
#include "points.h"

#include "mm/watermark.h"
#include "test/ktest.h"
#include "test/unit/mm/kt_instance.h"

enum { KEPT = 4, NODE_PAGES = 16384, MOST_POINTS = 100000 };

/* Pages of order 0 and 1 that the acts own. */
static struct {
	struct page *page[2 * KEPT];
	unsigned count;
} kept[2];

static void keep(unsigned order)
{
	struct page *page = zonal_alloc(points_mm, GFP_NOWAIT | __GFP_NOWARN, order);

	if (page)
		kept[order].page[kept[order].count++] = page;
}

static void let_go(unsigned order)
{
	zonal_free(points_mm, kept[order].page[--kept[order].count], order);
}

static void act_take(void) { keep(0); }
static void act_give(void) { let_go(0); }
static void act_take_block(void) { keep(1); }
static void act_give_block(void) { let_go(1); }
static void act_drain(void) { zonal_drain_local(points_mm); }

static void act_boost(void)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&points_zone->lock);
	zone_set_boosted(points_zone, true);
	lock_drop(&points_zone->lock);
	port_irq_restore(irq);
}

static const struct {
	const char *name;
	void (*fn)(void);
} acts[] = {
	{ "takes a page", act_take },        { "gives a page back", act_give },
	{ "takes a block", act_take_block }, { "gives a block back", act_give_block },
	{ "drains its lists", act_drain },   { "boosts the zone", act_boost },
};

/* As many kept pages as at the start. */
static void level(void)
{
	for (unsigned order = 0; order < ARRAY_SIZE(kept); order++) {
		while (kept[order].count < KEPT)
			keep(order);
		while (kept[order].count > KEPT)
			let_go(order);
	}
}

/* No page has two owners, and all are somewhere. */
static bool pages_add_up(void)
{
	uint64_t out = works_hold();

	for (unsigned order = 0; order < ARRAY_SIZE(kept); order++) {
		for (unsigned i = 0; i < kept[order].count; i++) {
			if (works_have(kept[order].page[i]))
				return KT_OK(false, "a page has two owners");
		}
		out += kept[order].count << order;
	}
	return KT_EQ((uint64_t)kt_free(points_zone) + kt_pcp_count(points_zone) + out,
		     zone_managed(points_zone));
}

/* One work with one act at one point; `last` is set if the work has no more. */
static bool try_point(const struct work *work, const struct point *point, bool *last)
{
	bool good;

	work->prepare();
	point_arm(point);
	work->run();
	*last = !point_disarm();
	good = KT_OK(!point_stuck(), "the zone's lock is held with interrupts open") &&
	       pages_add_up();
	if (good && (*last || point->at % point_check_every() == 0))
		good = kt_check_all(points_mm);
	work->tidy();
	level();
	return good;
}

static bool try_all_points(const struct work *work, enum point_kind kind, unsigned act)
{
	struct point point = { kind, 0, acts[act].fn, &points_zone->lock };
	bool last = false;

	for (; !last && point.at < MOST_POINTS; point.at++) {
		if (!KT_OK(try_point(work, &point, &last), "%s: %s %s at point %llu", work->name,
			   kind == POINT_OTHER ? "another CPU" : "an interrupt", acts[act].name,
			   (unsigned long long)point.at))
			return false;
	}
	return KT_OK(last && point.at > 2, "%s has %llu points", work->name,
		     (unsigned long long)point.at);
}

/* Up to the first that fails. */
static bool try_acts(const struct work *work, enum point_kind kind)
{
	bool good = true;

	for (unsigned act = 0; act < ARRAY_SIZE(acts) && good; act++)
		good = try_all_points(work, kind, act);
	return good;
}

void points_try(enum point_kind kind)
{
	static const struct kt_spec board = {
		.ram = { { 0, KT_DMA_PFN, NODE_PAGES } },
		.cpus = 2,
	};
	bool good = true;

	points_mm = kt_instance(&board);
	if (!points_mm)
		return;
	points_zone = kt_zone(points_mm, 0, ZONE_DMA);
	kept[0].count = kept[1].count = 0;
	level();
	point_watch(true);
	for (unsigned w = 0; w < work_count && good; w++)
		good = try_acts(&works[w], kind);
	point_watch(false);
}

KTEST(points, an_interrupt_at_every_point_breaks_nothing)
{
	if (point_possible())
		points_try(POINT_INTERRUPT);
	else
		kt_skip("instructions are not counted (-icount)");
}
