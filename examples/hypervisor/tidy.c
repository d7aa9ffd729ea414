/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory in disorder, and order made while guests run.
 *
 *	fragment      every second page of all nodes is held while the guests are built, so that
 *	              they are of single pages; then these are let go, and the guests' lie between
 *	compact=MS    all nodes are compacted every so many milliseconds as long as guests run
 *	wander=MS     the single pages of each guest go to the next node every so many milliseconds
 *
 *	hoard=MS      all that is free is taken every so many milliseconds, until no guest runs
 *
 * A machine that has run for weeks looks as after `fragment`. The pages held are a list through
 * their owner bytes, by frame number.
 *
 * A line tells how many pages a compaction moved, and how many blocks of 2 MiB are free in one
 * piece before and after. Core 0 alone.
 */
#include "hv.h"
#include "guest.h"

/* All that is free, and no more: nobody is asked to give up anything. */
#define GFP_ANY_FREE (ZONAL_GFP_F_HIGHMEM | ZONAL_GFP_F_MOVABLE | ZONAL_GFP_F_NOWARN)
#define NOTHING UINT64_MAX

struct held {
	uint64_t next; /* frame number */
};

static uint64_t compact_ticks, wander_ticks, hoard_ticks;
static bool fragment;
static uint64_t taken = NOTHING; /* a list */

static void hold(uint64_t *list, zonal_page_t *page)
{
	struct held *held = zonal_page_owner(page);

	held->next = *list;
	*list = zonal_pfn(page);
}

static zonal_page_t *let_go(uint64_t *list)
{
	zonal_page_t *page = zonal_page(hv_mm, (zonal_pfn_t)*list);
	const struct held *held = zonal_page_owner(page);

	*list = held->next;
	return page;
}

static void free_list(uint64_t *list)
{
	while (*list != NOTHING)
		zonal_free(hv_mm, let_go(list), 0);
}

static void take_every_second(void)
{
	uint64_t others = NOTHING;
	zonal_page_t *page;

	while ((page = zonal_alloc(hv_mm, GFP_ANY_FREE, 0)))
		hold(zonal_pfn(page) % 2 ? &taken : &others, page);
	free_list(&others);
	zonal_drain_all(hv_mm, NULL);
}

static void take_all(void)
{
	zonal_page_t *page;

	while ((page = zonal_alloc(hv_mm, GFP_ANY_FREE, 0)))
		hold(&taken, page);
}

/* ---- order ----------------------------------------------------------------------- */

static uint64_t free_blocks(unsigned node)
{
	struct zonal_free_range range;
	zonal_pfn_t next = 0;
	uint64_t blocks = 0, size = 1u << BLOCK_ORDER;

	while (zonal_free_next(hv_mm, &next, &range)) {
		uint64_t first = (range.start + size - 1) / size;
		uint64_t last = (range.start + range.pages) / size;

		if (range.node == node && last > first)
			blocks += last - first;
	}
	return blocks;
}

static void compact(void)
{
	struct zonal_compacted done;

	for (unsigned node = 0; node < hv_nodes(); node++) {
		uint64_t before = free_blocks(node);

		zonal_compact(hv_mm, (int)node, &done);
		if (done.moved)
			hv_say("node %u: %llu pages moved, free blocks of 2 MiB: %llu, now %llu",
			       node, (unsigned long long)done.moved, (unsigned long long)before,
			       (unsigned long long)free_blocks(node));
	}
}

/* ---- from node to node -------------------------------------------------------------- */

static void wander(struct hv_guest *guest)
{
	static zonal_page_t *page[1u << BLOCK_ORDER];
	unsigned count, moved = 0;

	guest->place = (guest->place + 1) % hv_nodes();
	for (uint64_t at = 0; at < guest->bytes; at += BLOCK_BYTES) {
		count = hv_stage2_pages(guest, GUEST_RAM + at, page);
		moved += zonal_pages_to_node(hv_mm, page, count, (int)guest->place);
	}
	hv_say("guest %s: %u pages moved to node %u", guest->name, moved, guest->place);
}

static void wander_all(void)
{
	for (struct hv_guest *guest = hv_guests; guest < hv_guests + HV_GUESTS; guest++)
		if (guest->state == HV_RUNNING && guest->pages)
			wander(guest);
}

/* ---- by the words ------------------------------------------------------------------- */

/* The ticks of a word NAME=MS; 0: there is none. */
static uint64_t period_of(const char *name)
{
	char word[12];
	const char *text = word;
	uint64_t ms;

	if (!words_value(hv_board.arguments, name, 0, word, sizeof(word)))
		return 0;
	if (words_number(&text, &ms) && !*text && ms && ms <= 10000)
		return ms * hv_ticks_hz / 1000;
	hv_say("%s%s: not 1 to 10000 milliseconds", name, word);
	return 0;
}

void hv_tidy_begin(void)
{
	compact_ticks = period_of("compact=");
	wander_ticks = period_of("wander=");
	hoard_ticks = period_of("hoard=");
	fragment = words_value(hv_board.arguments, "fragment", 0, (char[1]){ 0 }, 1);
	if (fragment)
		take_every_second();
}

void hv_tidy_built(void)
{
	free_list(&taken);
	zonal_drain_all(hv_mm, NULL);
}

uint64_t hv_tidy_period(void)
{
	if (compact_ticks)
		return compact_ticks;
	return wander_ticks ? wander_ticks : hoard_ticks;
}

void hv_tidy_turn(void)
{
	static uint64_t due;
	uint64_t now = sysreg_read(cntpct_el0);

	if (now < due) /* woken for something else */
		return;
	due = now + hv_tidy_period();
	if (compact_ticks)
		compact();
	if (wander_ticks)
		wander_all();
	if (hoard_ticks)
		take_all();
}

void hv_tidy_end(void)
{
	free_list(&taken);
}
