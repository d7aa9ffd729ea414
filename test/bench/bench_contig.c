/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous memory out of memory in use: the work of the recorded figures.
 *
 *	880 MiB are filled with movable pages, each with its number in it, and a random half of
 *	them (of the parts named -full a random eighth, 12 in 100) is dropped, page by page. Then
 *
 *	contig-range64   each aligned range of 64 MiB of the board is taken, and given back
 *	contig-pages64   any 64 MiB in a row, twice
 *	contig-cma64     64 MiB of the first CMA area, twice; both are given back at the end. Left
 *	                 out on a board without an area of that size (cma=128M)
 *
 * Each prints how many were asked and served, in how many of the ranges nothing was that cannot
 * move (of the other parts 0), how many of the filled pages had the wrong contents afterwards,
 * pages moved, and nanoseconds for a page of those served.
 *
 * The pages are an owner's of this file: his table has the frame of each number. He can move
 * a page, and gives none up. Context: as bench.c; one run at a time.
 */
#include "bench.h"
#include "bench_owner.h"

#include <string.h>
#include <zonal/contig.h>
#include <zonal/linux.h>
#include <zonal/port.h>
#include <zonal/reclaim.h>

#include "lib/kprintf.h"
#include "mm/mm.h"

#define RANGE_PAGES ((64u << 20) / PAGE_SIZE)
#define FILL_PAGES ((880u << 20) / PAGE_SIZE)
#define MOST_KEPT 2u

typedef unsigned long long ull;

static struct {
	const struct bench_port *port;
	struct zonal_owner *owner;
	uint32_t *frame; /* of each number; PFN_NONE: dropped */
	uint64_t moved;
	uint32_t random;
} b;

/* ---- the owner ---- */

static enum zonal_give owner_move(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)may;
	return b.frame[handle] == zonal_pfn(page) ? ZONAL_GIVE_YES : ZONAL_GIVE_GONE;
}

static void owner_moved(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	(void)ctx;
	if (b.port->contents)
		memcpy(b.port->contents(to), b.port->contents(from), PAGE_SIZE);
	b.frame[handle] = (uint32_t)zonal_pfn(to);
	b.moved++;
}

static void owner_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops ops = {
	.name = "bench", .kind = ZONAL_ANON, .used = bench_unused, .give_prepare = bench_keeps,
	.give_commit = bench_given, .move_prepare = owner_move, .move_commit = owner_moved,
	.abort = owner_abort,
};

static void drop(unsigned i)
{
	struct page *page = pfn_to_page(b.frame[i]);

	if (b.frame[i] == PFN_NONE)
		return;
	b.frame[i] = PFN_NONE;
	zonal_page_remove(&zonal_image, page);
	__free_page(page);
}

/* ---- before and after ---- */

static uint64_t *first_word(unsigned i)
{
	return b.port->contents ? b.port->contents(pfn_to_page(b.frame[i])) : NULL;
}

static void fill(unsigned drop_percent)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FILL_PAGES; i++)
		b.frame[i] = PFN_NONE;
	for (; count < FILL_PAGES; count++) {
		struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN |
					       __GFP_NORETRY);

		if (!page)
			break;
		b.frame[count] = (uint32_t)page_to_pfn(page);
		if (b.port->contents)
			*first_word(count) = count;
		zonal_page_add(&zonal_image, b.owner, page, count);
	}
	for (unsigned i = 0; i < count; i++)
		if (bench_random(&b.random) % 100 < drop_percent)
			drop(i);
}

/* All are dropped; how many had something else in them than their number. */
static unsigned empty(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < FILL_PAGES; i++) {
		if (b.frame[i] == PFN_NONE)
			continue;
		if (b.port->contents)
			wrong += *first_word(i) != i;
		drop(i);
	}
	return wrong;
}

/* ---- what is measured ---- */

struct score {
	unsigned asked, served;
	unsigned movable; /* of ranges asked for: nothing is in them that cannot move */
	uint64_t ns; /* of those served */
};

/* Before the first is asked for: the image, the device tree, tables of the boot and what the kernel
 * has allocated stay where they are. */
static bool range_movable(pfn_t at)
{
	for (pfn_t pfn = at; pfn < at + RANGE_PAGES; pfn++) {
		const struct page *page = zonal_page(&zonal_image, pfn);
		uint32_t word = page ? page_word(page) : 0;

		if (!page || (word_in_use(word) && !(word & PG_LRU)) ||
		    page_state(page) == PAGE_RESERVED)
			return false;
	}
	return true;
}

static void ask_ranges(struct score *score)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		const struct node *node = zonal_image.node[n];
		pfn_t at = node ? align_up(node->start_pfn, RANGE_PAGES) : 0, end;

		for (end = node ? node->start_pfn + node->spanned : 0; at + RANGE_PAGES <= end;
		     at += RANGE_PAGES) {
			bool movable = range_movable(at);
			uint64_t start = port_time_ns();

			score->asked++;
			score->movable += movable;
			if (zonal_alloc_contig_range(&zonal_image, at, RANGE_PAGES, GFP_KERNEL))
				continue;
			score->ns += port_time_ns() - start;
			score->served++;
			zonal_free_contig_range(&zonal_image, at, RANGE_PAGES);
		}
	}
}

static void ask_pages(struct score *score)
{
	struct page *page[MOST_KEPT];

	for (unsigned i = 0; i < MOST_KEPT; i++) {
		uint64_t start = port_time_ns();

		page[i] = zonal_alloc_contig_pages(&zonal_image, RANGE_PAGES, GFP_KERNEL,
						   NODE_NONE, NULL);
		score->asked++;
		score->served += page[i] != NULL;
		score->ns += page[i] ? port_time_ns() - start : 0;
	}
	for (unsigned i = 0; i < MOST_KEPT; i++)
		if (page[i])
			zonal_free_contig_range(&zonal_image, page_to_pfn(page[i]), RANGE_PAGES);
}

static void ask_area(struct score *score)
{
	struct page *page[MOST_KEPT];

	for (unsigned i = 0; i < MOST_KEPT; i++) {
		uint64_t start = port_time_ns();

		page[i] = zonal_cma_alloc(&zonal_image, 0, RANGE_PAGES, 0);
		score->asked++;
		score->served += page[i] != NULL;
		score->ns += page[i] ? port_time_ns() - start : 0;
	}
	for (unsigned i = 0; i < MOST_KEPT; i++)
		if (page[i])
			zonal_cma_release(&zonal_image, 0, page[i], RANGE_PAGES);
}

static void run_part(const struct bench *bench, const char *name, void (*ask)(struct score *score),
		     unsigned drop_percent)
{
	struct score score = { 0 };
	uint64_t pages, each;
	unsigned wrong;

	b.random = 1;
	fill(drop_percent);
	b.moved = 0;
	ask(&score);
	wrong = empty();
	pages = (uint64_t)score.served * RANGE_PAGES;
	each = pages ? score.ns * 1000 / pages : 0;
	if (bench->quiet)
		return;
	kprintf(bench->json ? "{\"schema\":\"zonal.contig/1\",\"name\":\"%s\",\"asked\":%u,"
			      "\"served\":%u,\"movable\":%u,\"wrong\":%u,\"moved\":%llu,"
			      "\"ns_per_page\":%llu.%03llu}\n" :
			      "%s asked=%u served=%u movable=%u wrong=%u moved=%llu "
			      "ns_per_page=%llu.%03llu\n",
		name, score.asked, score.served, score.movable, wrong, (ull)b.moved,
		(ull)(each / 1000), (ull)(each % 1000));
}

static void run_parts(const struct bench *bench)
{
	struct zonal_cma_info area;

	run_part(bench, "contig-range64", ask_ranges, 50);
	run_part(bench, "contig-range64-full", ask_ranges, 12);
	run_part(bench, "contig-pages64", ask_pages, 50);
	if (!zonal_cma_info(&zonal_image, 0, &area) || area.pages < RANGE_PAGES)
		return;
	run_part(bench, "contig-cma64", ask_area, 50);
	run_part(bench, "contig-cma64-full", ask_area, 12);
}

bool bench_contig(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	size_t bytes = FILL_PAGES * sizeof(*b.frame);

	b.port = bench->port;
	b.frame = b.port->take(bytes);
	b.owner = b.frame ? zonal_owner_register(&zonal_image, &ops, NULL) : NULL;
	if (b.owner) {
		run_parts(bench);
		zonal_owner_unregister(&zonal_image, b.owner);
	}
	if (b.frame)
		b.port->give(b.frame, bytes);
	return b.owner ||
	       bench_failed(c, order, "no memory for its table, or no place for an owner");
}
