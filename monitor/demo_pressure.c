/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Step 5 of the demonstration: what happens when memory runs short.
 *
 * Most of the board's memory is held first, so that little has to be filled, in seconds. What is
 * left is LITTLE, then PLENTY, and the watermarks. The program is press (user/programs/press.c),
 * which derives every word that it writes from its address and looks at all of them again.
 *
 *	swap        a program with a quarter more memory than is left runs to its end: pages go to
 *	            compressed RAM and come back
 *	compaction  two programs fill what is left between each other, and one is ended: free
 *	            memory is in pieces. Blocks of 2 MiB are asked for, then 4 MiB in a row; pages
 *	            of the other program move, which looks at its words all the while
 *	OOM         a third one wants four times what there is. It is ended, and only it
 *
 * The report of the kill would fill the terminal; its lines are kept (zn_log_hook) and shown if
 * something went wrong. Programs and memory are given up on every way out.
 *
 * Context: the task of the demonstration. No locks.
 */
#include "demo.h"

#include <zonal/contig.h>
#include <zonal/linux.h>
#include <zonal/oom.h>
#include <zonal/tunables.h>
#include <zonal/user.h>

#include "lib/assert.h"
#include "lib/log.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "mm/event.h"
#include "mm/watermark.h"
#include "platform/platform.h"
#include "report/report.h"
#include "sched/sched.h"
#include "user/swap.h"
#include "user/user.h"

#define LITTLE 640u      /* pages left above the marks, for the program that swaps */
#define PLENTY 8192u     /* for those whose pages move */
#define BLOCKS 8u        /* of 2 MiB, asked for */
#define ROW_PAGES 1024u  /* asked for in a row */
#define WAIT_NS 2000000u
#define WAITS 10000u     /* so often: 20 s */
#define FOREVER 0u       /* rounds of press */

typedef unsigned long long ull;

struct pressure {
	struct page *held, *more; /* the second: while there is swap */
	uint64_t left;       /* pages free above the high marks */
	unsigned number;     /* of the program started last; makes contents differ */
	unsigned wrong;
};

static void wrong(struct pressure *p, const char *what)
{
	kprintf("   FAILED: %s\n", what);
	p->wrong++;
}

static uint64_t event_now(unsigned event) { return report_event(&zonal_image, event); }

/* Pages of a node that are free above the high marks. */
static uint64_t room_of(unsigned nid)
{
	int64_t room = 0;

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		struct zone *zone = zonal_image.zone[nid * ZONE_TYPES + t];

		if (zone)
			room += ld_relaxed(&zone->free) - zone_mark(zone, WMARK_HIGH);
	}
	return room > 0 ? (uint64_t)room : 0;
}

/* Pages that a program gets before somebody has to be asked for his: of all nodes, above min. */
static uint64_t pages_without_asking(void)
{
	struct zone *zone;
	int64_t sum = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		sum += ZN_MAX(ld_relaxed(&zone->free) - zone_mark(zone, WMARK_MIN) -
				      ld_relaxed(&zone->lowmem_reserve[ZONE_MOVABLE]),
			      (int64_t)0);
	return (uint64_t)sum;
}

/* A boost (S8) keeps up to half again the high mark from everybody until kswapd has come to take
 * it back. So little is left here that a program would rightly be ended then, now and again. */
static void set_boosts(struct pressure *p, unsigned factor)
{
	/* Marks that are computed anew end the boosts that are there. */
	if (zonal_set_watermark_boost(&zonal_image, factor) ||
	    zonal_set_watermark_scale(&zonal_image, zonal_image.options.watermark_scale_factor))
		wrong(p, "the boosts cannot be set");
}

/* Hold all of a node but so much of its room, in blocks as large as there are. */
static void hold_node(struct page **chain, unsigned nid, uint64_t leave)
{
	gfp_t gfp = (GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;

	ASSERT(zonal_image.node[nid], "node %u is not there", nid);
	for (unsigned order = MAX_ORDER; order-- > 0;) {
		struct page *page;

		while (room_of(nid) > leave + (1ull << order) &&
		       (page = alloc_pages_node((int)nid, gfp, order)))
			demo_hold(chain, page, order);
	}
}

/* What is left is on one node, so that it is worth something there. */
static void hold_most(struct pressure *p, struct page **chain, uint64_t leave)
{
	unsigned here = demo_first_node(task_cpu());

	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++)
		if (zonal_image.node[nid])
			hold_node(chain, nid, nid == here ? leave : 0);
	p->left = room_of(here);
}

static int start(struct pressure *p, uint64_t pages, unsigned rounds)
{
	uint64_t arg = pages | (uint64_t)rounds << 24 | (uint64_t)++p->number << 32;
	const char *why = NULL;
	int id;

	ASSERT(pages && pages < 1u << 24 && rounds < 256, "%llu pages, %u rounds", (ull)pages,
	       rounds);
	id = user_start("press", arg, &why);

	if (id < 0)
		wrong(p, why ? why : "a program did not start");
	return id;
}

/* Its end is as it must be: by itself with 0, or by a kill. */
static void ends(struct pressure *p, int id, enum user_reason reason)
{
	struct user_end end;

	if (id <= 0)
		return;
	if (!user_join(id, &end) || end.reason != reason || (reason == USER_EXITED && end.status)) {
		wrong(p, end.reason == USER_EXITED && end.status > 0 ?
				 "a program found a wrong word" : "a program ended otherwise");
		kprintf("   reason %u, status %d\n", end.reason, end.status);
	}
}

static void end(struct pressure *p, int id)
{
	if (id > 0)
		(void)user_kill(id);
	ends(p, id, USER_KILLED);
}

/* Until the program has filled its memory; some of it may have been taken again. */
static void wait_for_pages(int id, uint64_t pages)
{
	struct user_info info;

	for (unsigned i = 0; i < WAITS && user_look(id, &info) && info.pages < pages; i++)
		task_sleep_ns(WAIT_NS);
}

/* The area that came last is no more. */
static void swap_end(struct pressure *p)
{
	struct swap_info area;
	unsigned n = 0;

	while (swap_look_area(n, &area))
		n++;
	if (!n || !swap_look_area(n - 1, &area) || swap_off(area.name))
		wrong(p, "swap stays in use");
}

/* ---- the three parts ---------------------------------------------------- */

static void show_swap(struct pressure *p)
{
	uint64_t out = event_now(EVENT_PSWPOUT), in = event_now(EVENT_PSWPIN);
	uint64_t left, pages;

	/* What CPUs keep for themselves would come on top of what is counted. */
	zonal_drain_all(&zonal_image, NULL);
	left = pages_without_asking();
	pages = left * 5 / 4;
	if (swap_on_ram(pages, &swap_lz4)) {
		wrong(p, "no swap in RAM");
		return;
	}
	ends(p, start(p, pages, 1), USER_EXITED);
	swap_end(p);
	out = event_now(EVENT_PSWPOUT) - out;
	in = event_now(EVENT_PSWPIN) - in;
	kprintf("   swap: a program of %llu pages where %llu are left: %llu out to compressed RAM, "
		"%llu back\n", (ull)pages, (ull)left, (ull)out, (ull)in);
	if (!out || !in)
		wrong(p, "nothing was swapped");
}

/* Blocks of 2 MiB that came, given back at once. */
static unsigned take_blocks(void)
{
	struct page *chain = NULL, *page;
	unsigned got = 0;

	for (; got < BLOCKS && (page = alloc_pages(GFP_TRANSHUGE | __GFP_NOWARN, PAGEBLOCK_ORDER));
	     got++)
		demo_hold(&chain, page, PAGEBLOCK_ORDER);
	demo_release(&chain);
	return got;
}

static void show_moves(struct pressure *p)
{
	uint64_t before = event_now(EVENT_PGMIGRATE_SUCCESS), between, after;
	unsigned blocks = take_blocks();
	struct page *row;

	between = event_now(EVENT_PGMIGRATE_SUCCESS);
	row = zonal_alloc_contig_pages(&zonal_image, ROW_PAGES, GFP_KERNEL, ZONAL_NODE_NONE, NULL);
	after = event_now(EVENT_PGMIGRATE_SUCCESS);
	kprintf("   compaction: %u of %u blocks of 2 MiB, %llu pages moved; %u pages in a row: %s, "
		"%llu moved\n", blocks, BLOCKS, (ull)(between - before), ROW_PAGES,
		row ? "yes" : "no", (ull)(after - between));
	if (row)
		(void)zonal_free_contig_range(&zonal_image, page_to_pfn(row), ROW_PAGES);
	if (!blocks)
		wrong(p, "no block of 2 MiB came");
}

static char kept[24][100];
static _Atomic unsigned kept_lines;

/* Lines of the report. NULL: show them. */
static bool keep_line(const char *line)
{
	unsigned n = line ? fetch_add_relaxed(&kept_lines, 1) : 0;

	if (line && n < ARRAY_SIZE(kept))
		(void)zn_snprintf(kept[n], sizeof(kept[n]), "%s", line);
	for (unsigned i = 0; !line && i < ZN_MIN(ld_relaxed(&kept_lines), ARRAY_SIZE(kept)); i++)
		kprintf("   | %s\n", kept[i]);
	return true;
}

static void show_kill(struct pressure *p, int stays)
{
	bool (*before)(const char *line) = zn_log_hook;
	uint64_t kills = event_now(EVENT_OOM_KILL), pages = 0;
	struct user_end end = { .reason = USER_EXITED };
	struct user_info info;
	int id;

	st_relaxed(&kept_lines, 0);
	zn_log_hook = keep_line;
	id = start(p, p->left * 4, FOREVER);
	if (id > 0) {
		(void)user_adjust(id, ZONAL_OOM_ADJ_MOST);
		while (user_look(id, &info)) {
			pages = ZN_MAX(pages, info.pages);
			task_sleep_ns(WAIT_NS);
		}
		if (!user_join(id, &end))
			wrong(p, "the program was lost");
	}
	zn_log_hook = before;
	kills = event_now(EVENT_OOM_KILL) - kills;
	kprintf("   out of memory: a program of %llu MiB was ended by %llu kill, it had %llu "
		"pages; its neighbour %s\n", (ull)(p->left * 4 >> (20 - PAGE_SHIFT)), (ull)kills,
		(ull)pages, user_look(stays, &info) ? "runs on" : "has ended");
	if (kills == 1 && end.reason == USER_KILLED && user_look(stays, &info))
		return;
	(void)keep_line(NULL);
	wrong(p, "one kill was to be, and of the largest program alone");
}

/* ---- all of it ---------------------------------------------------------- */

static void run(struct pressure *p)
{
	int stays, goes;

	hold_most(p, &p->more, LITTLE);
	show_swap(p);
	demo_release(&p->more);
	if (zn_stop_asked())
		return;
	p->left = room_of(demo_first_node(task_cpu()));
	stays = start(p, p->left * 2 / 5, FOREVER);
	goes = start(p, p->left * 2 / 5, FOREVER);
	wait_for_pages(stays, p->left * 2 / 5);
	wait_for_pages(goes, p->left * 2 / 5);
	end(p, goes);
	show_moves(p);
	if (!zn_stop_asked())
		show_kill(p, stays);
	end(p, stays);
}

unsigned demo_pressure(void)
{
	unsigned boosts = zonal_image.options.watermark_boost_factor;
	struct pressure p = { .held = NULL, .more = NULL };

	ASSERT(!port_irqs_masked(), "programs are waited for");
	set_boosts(&p, 0);
	hold_most(&p, &p.held, PLENTY);
	kprintf("\n5. All memory but %llu MiB is held; programs check each word that they wrote\n",
		(ull)(p.left >> (20 - PAGE_SHIFT)));
	run(&p);
	demo_release(&p.held);
	set_boosts(&p, boosts);
	return p.wrong;
}
