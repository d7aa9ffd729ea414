/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's part on swap: what a page costs on its way to compressed RAM and back, without
 * the compressor.
 *
 *	reclaim-anon  a program has filled its pages and sleeps; rounds of reclaim over every
 *	              node take them, looking, scanning anew, unmapping and storing included
 *	swapin        the program wakes and touches them again, with memory in plenty
 *
 * The rounds are those that kswapd and direct reclaim run, called here one after the other: a
 * program that is really short of memory would spend time asleep, and the clock does not tell
 * sleep from work.
 *
 * In place of the compressor stands one that leaves out the zeros of the program's pages: half a
 * page remains, about what LZ4 makes of it. What this one costs is measured by itself and left out.
 *
 * The program is test/user/swapper.c. Only where there are tasks at EL0.
 */
#include "bench.h"

#include <zonal/linux.h>
#include <zonal/port.h>

#include "mm/reclaim/scan.h"
#include "user/swap.h"

enum { PAGES = 8192, ROUNDS_MOST = 64 };

/* ---- in place of the compressor ---- */

enum { PIECE = 64, HALF = 32 };

static size_t halves_pack(const void *page, void *to, size_t room, void *state)
{
	const uint64_t *from = page;
	uint64_t *out = to, rest = 0;

	(void)state;
	if (room < PAGE_SIZE / 2)
		return 0;
	for (unsigned i = 0; i < PAGE_SIZE / PIECE; i++, from += PIECE / 8) {
		for (unsigned word = 0; word < HALF / 8; word++)
			*out++ = from[word];
		for (unsigned word = HALF / 8; word < PIECE / 8; word++)
			rest |= from[word];
	}
	/* Another page, as of the program's text. */
	return rest ? 0 : PAGE_SIZE / 2;
}

static bool halves_unpack(const void *from, size_t bytes, void *page)
{
	const uint64_t *in = from;
	uint64_t *out = page;

	for (unsigned i = 0; i < PAGE_SIZE / PIECE; i++, out += PIECE / 8) {
		for (unsigned word = 0; word < HALF / 8; word++)
			out[word] = *in++;
		for (unsigned word = HALF / 8; word < PIECE / 8; word++)
			out[word] = 0;
	}
	return bytes == PAGE_SIZE / 2;
}

static const struct swap_codec halves = {
	.name = "halves", .pack = halves_pack, .unpack = halves_unpack,
};

/* What one page costs of that, or back. */
static uint64_t codec_ns(bool back)
{
	static _Alignas(64) uint64_t page[2 * PAGE_SIZE / 8];
	const unsigned often = 1000;
	uint64_t start = port_time_ns();

	for (unsigned i = 0; i < often; i++)
		if (back)
			(void)halves_unpack(page, PAGE_SIZE / 2, page + PAGE_SIZE / 8);
		else
			(void)halves_pack(page, page + PAGE_SIZE / 8, PAGE_SIZE / 2, NULL);
	start = port_time_ns() - start;
	return start / often;
}

/* ---- reclaim ---- */

/* One round over every node; the caller's flags say that it works for reclaim. */
static void round_over_all(unsigned priority)
{
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		struct scan s = { .mm = &zonal_image, .high_zone = ZONE_MOVABLE, .target = PAGES,
				  .priority = priority, .may_swap = true,
				  .may = ZONAL_MAY_WRITE | ZONAL_MAY_WAIT | ZONAL_MAY_FS |
					 ZONAL_MAY_UNMAP };

		if (zonal_image.node[nid])
			(void)shrink_node(&s, zonal_image.node[nid]);
	}
}

/* Take nearly all of the program's pages; the time of it. */
static uint64_t reclaim_all(struct swap_info *area)
{
	struct zonal_task *task = port_this_cpu()->task;
	uint64_t start = port_time_ns();

	task->flags |= ZTASK_MEMALLOC;
	for (unsigned i = 0; i < ROUNDS_MOST && area->out < PAGES * 7 / 8; i++) {
		round_over_all(1);
		(void)swap_look_area(0, area);
	}
	task->flags &= ~ZTASK_MEMALLOC;
	return port_time_ns() - start;
}

bool bench_swap(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	struct swap_info area = { .out = 0 };
	uint64_t out_ns;
	int id, back_us;

	if (!bench->port->program)
		return true;
	if (swap_look_area(0, &area) || swap_on_ram(2 * PAGES, &halves))
		return bench_failed(c, order, "there is swap already, or no memory for it");
	id = bench->port->begin("swapper", PAGES);
	out_ns = reclaim_all(&area);
	back_us = bench->port->end(id);
	(void)swap_look_area(0, &area);
	if (swap_off(area.name) || back_us <= 0)
		return bench_failed(c, order, "its program failed");
	if (area.out < PAGES * 3 / 4 || area.in < PAGES * 3 / 4)
		return bench_failed(c, order, "few pages went to swap");
	if (c->count)
		bench_result(bench, c->name, "", order, area.in,
			     (uint64_t)back_us * 1000 - area.in * codec_ns(true));
	else
		bench_result(bench, c->name, "", order, area.out,
			     out_ns - area.out * codec_ns(false));
	return true;
}
