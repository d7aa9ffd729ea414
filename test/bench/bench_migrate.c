/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a page costs that compaction moves, scanning and copy included.
 *
 * An owner of movable pages takes most of the free memory, gives back a random half page by
 * page, and then all nodes are compacted wholly: about a quarter of the memory moves. The time
 * of that is shared among the pages that moved. Each page's contents are its number in the
 * owner's table, written at its beginning and end, and all are looked at afterwards: one that is
 * wrong fails the case.
 *
 * The owner does what every owner must, find the page by its handle, copy it and put the new one in
 * its place; a page of a task would be unmapped and mapped as well. The table is in pieces of
 * 4 MiB, taken before; PIECES bounds the board to 16 Mi pages. Only where pages have contents: in
 * the image.
 */
#include "bench.h"
#include "bench_owner.h"

#include <string.h>
#include <zonal/linux.h>
#include <zonal/reclaim.h>

#include "mm/mm.h"

#define PIECES 16u
#define PIECE_BYTES (4u << 20)
#define PIECE_ENTRIES (PIECE_BYTES / sizeof(uint32_t))
#define NO_PAGE 0xffffffffu

static struct migrate {
	uint32_t *piece[PIECES];
	unsigned pieces;
	uint64_t count; /* places */
	const struct bench_port *port;
} pages;

static uint32_t *place(uint64_t i) { return &pages.piece[i / PIECE_ENTRIES][i % PIECE_ENTRIES]; }

static uint64_t *contents(uint32_t pfn) { return pages.port->contents(pfn_to_page(pfn)); }

static enum zonal_give page_moves(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)may;
	return *place(handle) == page->pfn ? ZONAL_GIVE_YES : ZONAL_GIVE_GONE;
}

static void page_moved(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	(void)ctx;
	memcpy(contents(to->pfn), contents(from->pfn), PAGE_SIZE);
	*place(handle) = to->pfn;
}

static void page_is_back(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops ops = { .name = "bench",
					    .kind = ZONAL_ANON,
					    .used = bench_unused,
					    .give_prepare = bench_keeps,
					    .give_commit = bench_given,
					    .move_prepare = page_moves,
					    .move_commit = page_moved,
					    .abort = page_is_back };

static bool take_pieces(const struct bench *bench, uint64_t want)
{
	while (pages.pieces * (uint64_t)PIECE_ENTRIES < want) {
		if (pages.pieces == PIECES)
			return false;
		pages.piece[pages.pieces] = bench->port->take(PIECE_BYTES);
		if (!pages.piece[pages.pieces])
			return false;
		pages.pieces++;
	}
	return true;
}

static void give_pieces(const struct bench *bench)
{
	while (pages.pieces)
		bench->port->give(pages.piece[--pages.pieces], PIECE_BYTES);
}

static void give_page(uint64_t i)
{
	struct page *page = pfn_to_page(*place(i));

	*place(i) = NO_PAGE;
	zonal_page_remove(&zonal_image, page);
	__free_page(page);
}

/* Most of the free memory, then a random half of it back. */
static void take_and_scatter(struct zonal_owner *owner, uint64_t want, gfp_t gfp)
{
	uint32_t random = 1;

	for (pages.count = 0; pages.count < want; pages.count++) {
		struct page *page = alloc_page(gfp);
		uint64_t *words;

		if (!page)
			break;
		words = contents((uint32_t)page_to_pfn(page));
		words[0] = words[PAGE_SIZE / 8 - 1] = pages.count;
		*place(pages.count) = (uint32_t)page_to_pfn(page);
		zonal_page_add(&zonal_image, owner, page, pages.count);
	}
	for (uint64_t i = 0; i < pages.count; i++)
		if (bench_random(&random) & 1)
			give_page(i);
	zonal_drain_all(&zonal_image, NULL);
}

/* Give all back; false: the contents of one were wrong. */
static bool give_all(void)
{
	bool right = true;

	for (uint64_t i = 0; i < pages.count; i++) {
		uint64_t *words;

		if (*place(i) == NO_PAGE)
			continue;
		words = contents(*place(i));
		right &= words[0] == i && words[PAGE_SIZE / 8 - 1] == i;
		give_page(i);
	}
	return right;
}

bool bench_migrate(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	uint64_t free = 0, begin;
	struct zonal_compacted done;
	struct zonal_owner *owner;
	struct zone *zone;
	unsigned zid;
	bool right;

	if (!bench->port->program)
		return true;
	pages.port = bench->port;
	mm_for_each_zone(&zonal_image, zid, zone)
		free += (uint64_t)ld_relaxed(&zone->free);
	owner = zonal_owner_register(&zonal_image, &ops, NULL);
	if (!owner || !take_pieces(bench, free)) {
		give_pieces(bench);
		return bench_failed(c, order, "no memory for its table");
	}
	take_and_scatter(owner, free / 8 * 7, c->gfp);
	begin = port_time_ns();
	zonal_compact(&zonal_image, NODE_NONE, &done);
	begin = port_time_ns() - begin;
	right = give_all();
	zonal_owner_unregister(&zonal_image, owner);
	give_pieces(bench);
	if (!right || !done.moved)
		return bench_failed(c, order, right ? "no page moved" : "wrong contents");
	bench_result(bench, c->name, "", order, done.moved, begin);
	return true;
}
