/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row T2 and the zone lock: whatever comes in between, at every access in turn.
 *
 * For each work (works.c) and each act below: the work is done with the act at its first
 * access, then at its second, and so on to its last. After each: no page has two owners,
 * none is lost, and zonal_check() finds every list, count and floor right. Acts change
 * something that lasts (a page taken, one given back), because a handler that leaves
 * everything as it was hides that it was let in.
 *
 * An act is done as an interrupt of this CPU, and as another CPU.
 */
#include <signal.h>
#include <unistd.h>

#include "hook.h"
#include "points.h"

#include "mm/watermark.h"
#include "test/ktest.h"
#include "test/unit/mm/kt_instance.h"

/* A ring that lost a page under its owner can be walked for ever; seconds, where all take 2. */
enum { KEPT = 4, NODE_PAGES = 16384, MOST_POINTS = 100000, WATCH_SECONDS = 120 };

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

/* One work with one act at one access; the number of accesses, 0 if something is wrong. */
static uint64_t try_point(const struct work *work, const struct hook *hook)
{
	uint64_t accesses;
	bool good;

	work->prepare();
	hook_arm(hook);
	work->run();
	accesses = hook_disarm();
	good = KT_OK(!hook_stuck(), "the zone's lock is held with interrupts open") &&
	       pages_add_up() && kt_check_all(points_mm);
	work->tidy();
	level();
	return good ? accesses : 0;
}

static bool try_all_points(const struct work *work, enum hook_kind kind, unsigned act)
{
	struct hook hook = { kind, 0, acts[act].fn, &points_zone->lock };
	uint64_t accesses;

	for (; hook.at < MOST_POINTS; hook.at++) {
		accesses = try_point(work, &hook);
		if (!KT_OK(accesses, "%s: %s %s at access %llu", work->name,
			   kind == HOOK_OTHER ? "another CPU" : "an interrupt", acts[act].name,
			   (unsigned long long)hook.at))
			return false;
		if (hook.at >= accesses)
			break;
	}
	return KT_TRUE(hook.at > 1 && hook.at < MOST_POINTS);
}

static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, NODE_PAGES } },
	.cpus = 2,
};

static void does_not_end(int number)
{
	static const char text[] = "\nBail out! a work does not end\n";

	(void)number;
	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) == sizeof(text) - 1 ? 2 : 3);
}

/* Up to the first that fails. */
static bool try_acts(const struct work *work, enum hook_kind kind)
{
	bool good = true;

	for (unsigned act = 0; act < ARRAY_SIZE(acts) && good; act++)
		good = try_all_points(work, kind, act);
	return good;
}

static void try_every_work(enum hook_kind kind)
{
	bool good = true;

	points_mm = kt_instance(&board);
	if (!points_mm)
		return;
	signal(SIGALRM, does_not_end);
	alarm(WATCH_SECONDS);
	points_zone = kt_zone(points_mm, 0, ZONE_DMA);
	kept[0].count = kept[1].count = 0;
	level();
	for (unsigned w = 0; w < work_count && good; w++)
		good = try_acts(&works[w], kind);
	alarm(0);
}

KTEST(points, an_interrupt_at_every_access_breaks_nothing) { try_every_work(HOOK_INTERRUPT); }

KTEST(points, another_cpu_at_every_access_breaks_nothing) { try_every_work(HOOK_OTHER); }

static unsigned came;

static void note(void) { came++; }

/* The hook itself: masked or locked sections are passed by, open ones are not. */
KTEST(points, the_hook_respects_mask_and_lock)
{
	static struct ticket_lock lock;
	static _Atomic uint32_t word;
	struct hook hook = { HOOK_INTERRUPT, 0, note, &lock };
	port_irqflags_t irq = port_irq_save();

	came = 0;
	hook_arm(&hook);
	st_relaxed(&word, 1);
	KT_EQ(came, 0);
	port_irq_restore(irq);
	st_relaxed(&word, 2);
	KT_EQ(came, 1);
	st_relaxed(&word, 3);
	KT_EQ(came, 1);
	KT_TRUE(hook_disarm() >= 3);
	irq = port_irq_save();
	lock_take(&lock);
	hook.kind = HOOK_OTHER;
	hook_arm(&hook);
	st_relaxed(&word, 4);
	KT_EQ(came, 1);
	lock_drop(&lock);
	st_relaxed(&word, 5);
	KT_EQ(came, 2);
	(void)hook_disarm();
	port_irq_restore(irq);
}
