/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a clean page of the disk cache costs on its way out, kswapd and direct reclaim together:
 * the work of the recorded figures of Linux 5.10.
 *
 *	1. 60 % of the memory is taken as single pages, timed, and given back: nothing is short
 *	2. a disk is read in pieces of 128 KiB until its cache has 70 % of the memory
 *	3. the same 60 % is taken again, timed: reclaim makes the room
 *
 * What the third takes longer than the first is shared among the pages that went. That is the whole
 * of the difference: waking kswapd, its rounds, direct reclaim, and slow paths of requests.
 *
 * The disk is one without contents: a read of it clears its pages, there and then, and so it has
 * any size. The pages that push out are in nobody's lists and stay. Counted instructions are those
 * of all cores; nobody sleeps while there is clean cache, or it would be counted too.
 *
 * Only where pages have contents: in the image. Context: as bench.c.
 */
#include <string.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench.h"
#include "block/cache.h"
#include "lib/kprintf.h"
#include "mm/mm.h"

enum { TAKE_PERCENT = 60, CACHE_PERCENT = 70, PIECE_BYTES = 128 << 10, TURN_PAGES = 16 };
/* They are cleared with interrupts masked. */
enum { BLANK_PAGES = 4 };

typedef unsigned long long ull;

/* ---- a disk that is read only, and nothing is on it ---- */

static void blank_start(struct block_device *device, unsigned tag, struct block_request *request)
{
	for (unsigned i = 0; i < request->pages; i++)
		memset(block_page_address(request->page[i]), 0, PAGE_SIZE);
	block_end(device, tag, 0);
}

static void blank_kick(struct block_device *device) { (void)device; }

static bool blank_reap(struct block_device *device)
{
	(void)device;
	return true;
}

static const struct block_ops blank_ops = {
	.driver = "blank", .start = blank_start, .kick = blank_kick, .reap = blank_reap,
	.stop = blank_reap,
};

static struct block_device blank;

static bool blank_begin(uint64_t pages)
{
	memset(&blank, 0, sizeof(blank));
	blank.ops = &blank_ops;
	blank.sectors = pages * BLOCK_PAGE_SECTORS;
	blank.block_bytes = PAGE_SIZE;
	blank.depth = BLOCK_REQUEST_PAGES;
	blank.max_pages = BLANK_PAGES;
	blank.read_only = true;
	if (block_register(&blank))
		return false;
	if (!cache_attach(&blank))
		return true;
	block_unregister(&blank);
	return false;
}

static void blank_end(void)
{
	cache_detach(&blank);
	block_unregister(&blank);
}

/* Read it from its beginning until so many pages are cached. */
static bool blank_read(const struct bench *bench, uint64_t pages)
{
	void *piece = bench->port->take(PIECE_BYTES);
	bool good = piece;

	for (uint64_t at = 0; good && at < pages << PAGE_SHIFT; at += PIECE_BYTES)
		good = !cache_read(&blank, at, piece, PIECE_BYTES);
	if (piece)
		bench->port->give(piece, PIECE_BYTES);
	return good;
}

/* ---- the pages that push it out ---- */

struct pile {
	struct page *top;
	uint64_t count, ns;
};

static void pile_take(struct pile *pile, uint64_t count, gfp_t gfp)
{
	uint64_t start = port_time_ns();

	for (pile->top = NULL, pile->count = 0; pile->count < count; pile->count++) {
		struct page *page = alloc_page(gfp);

		if (!page)
			break;
		*(struct page **)zonal_page_owner(page) = pile->top;
		pile->top = page;
		/* QEMU, which counts instructions of one core after the other, gives the next one
		 * its turn: a kswapd that was woken there. */
		if (pile->count % TURN_PAGES == 0)
			port_relax();
	}
	pile->ns = port_time_ns() - start;
}

static void pile_give(struct pile *pile)
{
	while (pile->top) {
		struct page *page = pile->top;

		pile->top = *(struct page **)zonal_page_owner(page);
		__free_page(page);
	}
}

static uint64_t events(enum vm_event event)
{
	uint64_t sum = 0;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (zonal_image.cpu[cpu])
			sum += ld_relaxed(&zonal_image.cpu[cpu]->event[event]);
	return sum;
}

static uint64_t managed_pages(void)
{
	struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		pages += ld_relaxed(&zone->managed);
	return pages;
}

/* ---- the case ---- */

static void print_parts(const struct bench *bench, const struct pile *free,
			const struct pile *pressed, const uint64_t gone[2])
{
	if (bench->quiet)
		return;
	kprintf(bench->json ? "{\"schema\":\"zonal.reclaim/1\",\"name\":\"reclaim-clean\","
			      "\"pages\":%llu,\"ns_without\":%llu,\"ns_with\":%llu,"
			      "\"by_kswapd\":%llu,\"direct\":%llu}\n" :
			      "reclaim-clean pages=%llu ns_without=%llu ns_with=%llu "
			      "by_kswapd=%llu direct=%llu\n",
		(ull)pressed->count, (ull)free->ns, (ull)pressed->ns, (ull)gone[0], (ull)gone[1]);
}

static ZN_NOINLINE bool press(const struct bench *bench, const struct bench_case *c, unsigned order,
		  const struct pile *free)
{
	uint64_t gone[2] = { events(EVENT_PGSTEAL_KSWAPD), events(EVENT_PGSTEAL_DIRECT) };
	struct pile pile;

	pile_take(&pile, free->count, c->gfp);
	gone[0] = events(EVENT_PGSTEAL_KSWAPD) - gone[0];
	gone[1] = events(EVENT_PGSTEAL_DIRECT) - gone[1];
	pile_give(&pile);
	if (pile.count < free->count || !(gone[0] + gone[1]) || pile.ns < free->ns)
		return bench_failed(c, order, "nothing was reclaimed, or too little");
	print_parts(bench, free, &pile, gone);
	bench_result(bench, c->name, "", order, gone[0] + gone[1], pile.ns - free->ns);
	return true;
}

bool bench_clean(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	uint64_t managed = managed_pages();
	struct pile free;
	bool good;

	if (!bench->port->contents)
		return true;
	pile_take(&free, managed * TAKE_PERCENT / 100, c->gfp);
	pile_give(&free);
	if (!blank_begin(managed))
		return bench_failed(c, order, "no room for one more disk");
	good = blank_read(bench, managed * CACHE_PERCENT / 100);
	if (good)
		good = press(bench, c, order, &free);
	else
		(void)bench_failed(c, order, "its disk could not be read");
	blank_end();
	return good;
}
