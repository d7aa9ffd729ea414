/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real mm/buddy.c on a zone of twelve pages.
 *
 * The source is included, so that the orders can be made small (explore.h): a zone
 * of twelve pages then has three pageblocks, and merges meet their borders.
 *
 * Behind its pages, inside the same 4 MiB, lies a free block of another zone, which
 * would fit if nobody looked at the zone; then comes a hole.
 *
 * zone_read() checks what mm/buddy.c's essay promises: heads and only heads of blocks in
 * lists are FREE and every page belongs to one block; lists are linked both ways and
 * agree with their counts, their bits, the page's word and its type; no two free buddies
 * are in lists, save across a border of an isolated pageblock; and both counters are the
 * sums over the lists. A zone in which one of these does not hold gives no state.
 */
#include "explore.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/buddy.c"

/* Boosts are not part of these worlds; the zone has none. */
void zone_update_floor(struct zone *zone) { (void)zone; }

/* No gate is set, so nothing is ever recorded. */
void trace_write(struct zonal *mm, enum zonal_trace_point point, const uint32_t *field,
		 unsigned count)
{
	(void)mm;
	(void)point;
	(void)field;
	(void)count;
}

enum { CHUNK = 1 << (MAX_ORDER - 1), BASE_PFN = 0x40000, OUR_ID = 2, FOREIGN_ID = 5 };
enum { FOREIGN_FIRST = PAGES, FOREIGN_ORDER = 2, MAP_PAGES = CHUNK < 16 ? 16 : CHUNK };

static struct page map[MAP_PAGES] __attribute__((aligned(MAP_PAGES * sizeof(struct page))));
static uint8_t heads[MAP_PAGES]; /* zone->heads, but in world 2 */
static uintptr_t sections[(BASE_PFN >> MM_SECTION_SHIFT) + 1];
static struct zonal mm;
static struct zone zone;
static const struct world *world;

/* One CPU, masked throughout, as the callers of mm/buddy.c are. */
static struct host_cpu cpu = { .masked = true };
_Thread_local struct host_cpu *host_self;

/* Nothing is posted to it. */
void host_serve_calls(void)
{
}

/* No console here: an assertion that fails ends the program. */
void zonal_port_panic(const char *fmt, ...)
{
	va_list args;

	printf("# panic: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

void zone_open(const struct world *chosen)
{
	world = chosen;
	host_self = &cpu;
	mm.section = sections;
	sections[BASE_PFN >> MM_SECTION_SHIFT] =
		(uintptr_t)map - (uintptr_t)BASE_PFN * sizeof(struct page);
	for (unsigned i = 0; i < MAP_PAGES; i++) {
		map[i].pfn = BASE_PFN + i;
		page_set_word(&map[i], word_make(0, PAGE_HOLE, 0));
	}
	for (unsigned i = 0; i < 1u << FOREIGN_ORDER; i++)
		page_set_word(&map[FOREIGN_FIRST + i], word_make(FOREIGN_ID, PAGE_INNER, 0));
	page_set_word(&map[FOREIGN_FIRST], word_make(FOREIGN_ID, PAGE_FREE, FOREIGN_ORDER));
	map[FOREIGN_FIRST].list_type = world->block_types[0];
	map[FOREIGN_FIRST].next = map[FOREIGN_FIRST].prev = PFN_NONE;
	for (unsigned i = 0; i < PAGES; i += 1u << PAGEBLOCK_ORDER)
		block_set_type(&map[i], world->block_types[i >> PAGEBLOCK_ORDER]);
}

static void load_block(unsigned at, uint8_t block)
{
	uint32_t word = word_make(OUR_ID, PAGE_INNER, 0);

	map[at].owner[0] = map[at].owner[1] = 0xdeadbeefcafef00d;
	if (block_is_used(block))
		word = word_make(OUR_ID, PAGE_USED, block_order(block));
	else if (block_is_free(block))
		word = word_make(OUR_ID, PAGE_FREE, block_order(block));
	page_set_word(&map[at], word);
	heads[at] = block_is_free(block) || (block_is_used(block) && block_order(block) == 1) ?
			    0 : HEADS_NONE;
}

/* The block at `at` goes behind the last one of its list. */
static void load_list(unsigned at, uint8_t block)
{
	unsigned type = block_type(block), order = block_order(block);
	struct free_list *list = &zone.list[type][order];
	int64_t pages = 1 << order;

	map[at].list_type = (uint8_t)type;
	map[at].next = PFN_NONE;
	map[at].prev = list->count ? list->last : PFN_NONE;
	if (list->count)
		map[list->last - BASE_PFN].next = map[at].pfn;
	else
		list->first = map[at].pfn;
	list->last = map[at].pfn;
	list->count++;
	st_relaxed(&zone.filled[type], (uint16_t)(ld_relaxed(&zone.filled[type]) | 1u << order));
	own_add(&zone.free, type == MIGRATE_ISOLATE ? 0 : pages);
	own_add(&zone.free_cma, type == MIGRATE_CMA ? pages : 0);
}

void zone_load(const struct state *state)
{
	memset(&zone, 0, sizeof(zone));
	/* World 2 goes by sections, the others as zones do whose structures follow each other. */
	zone.map = EXPLORE_WORLD == 2 ? 0 : sections[BASE_PFN >> MM_SECTION_SHIFT];
	zone.heads = (uintptr_t)heads - BASE_PFN;
	zone.start_pfn = BASE_PFN;
	zone.spanned = PAGES;
	zone.mm = &mm;
	zone.id = OUR_ID;
	lock_take(&zone.lock);
	for (unsigned i = 0; i < PAGES; i += 1u << PAGEBLOCK_ORDER)
		zone.isolated_blocks +=
			world->block_types[i >> PAGEBLOCK_ORDER] == MIGRATE_ISOLATE;
	for (unsigned i = 0; i < PAGES; i++)
		load_block(i, state->block[i]);
	for (unsigned i = 0; i < PAGES && state->list[i] != LIST_END; i++)
		load_list(state->list[i], state->block[state->list[i]]);
}

static void use(struct page *page, unsigned order)
{
	if (page_word(page) == word_make(OUR_ID, PAGE_INNER, 0))
		page_set_word(page, word_make(OUR_ID, PAGE_USED, order));
}

static void call_put(const struct call *call)
{
	struct page *page = &map[call->page];
	unsigned order = page_order(page);

	page_set_word(page, word_make(OUR_ID, PAGE_INNER, 0));
	if (call->op == OP_PUT)
		buddy_put(&zone, page, order, call->tail ? BUDDY_TAIL : BUDDY_AUTO);
	else
		buddy_put_type(&zone, page, order, call->type, BUDDY_AUTO);
}

static void call_take(const struct call *call)
{
	struct page *out[PAGES], *page;
	unsigned count;

	if (call->op == OP_TAKE) {
		page = buddy_take(&zone, call->order, call->type);
		if (page)
			use(page, call->order);
		return;
	}
	if (call->op == OP_TAKE_EXACT) {
		if (buddy_take_exact(&zone, &map[call->page]))
			use(&map[call->page], 0);
		return;
	}
	count = buddy_take_run(&zone, call->type, out, call->order);
	for (unsigned i = 0; i < count; i++)
		use(out[i], 0);
}

void zone_call(const struct call *call)
{
	if (call->op == OP_MOVE)
		buddy_move(&zone, &map[call->page], call->type);
	else if (call->op == OP_PUT || call->op == OP_PUT_TYPE)
		call_put(call);
	else
		call_take(call);
}

/* One list into `state`, from its place `*at` on. */
static const char *read_list(struct state *state, unsigned type, unsigned order, unsigned *at)
{
	const struct free_list *list = &zone.list[type][order];
	uint32_t prev = PFN_NONE, pfn = list->count ? list->first : PFN_NONE;

	for (unsigned i = 0; i < list->count; i++, (*at)++) {
		unsigned head = pfn - BASE_PFN;

		if (head >= PAGES || head + (1u << order) > PAGES)
			return "a list leads out of the zone";
		if (head & ((1u << order) - 1))
			return "a block is not aligned to its size";
		if (page_word(&map[head]) != word_make(OUR_ID, PAGE_FREE, order))
			return "a listed page's word is not that of a free head of this order";
		if (map[head].list_type != type || map[head].prev != prev)
			return "a listed page does not name its list or the one before it";
		if (*at == PAGES || state->block[head] != BLOCK_INNER)
			return "a block is in two places";
		state->block[head] = free_block(type, order);
		state->list[*at] = (uint8_t)head;
		prev = pfn;
		pfn = map[head].next;
	}
	if (pfn != PFN_NONE || (list->count && list->last != prev))
		return "a list does not end where it says";
	return (ld_relaxed(&zone.filled[type]) >> order & 1) != (list->count != 0)
		       ? "`filled` and a list disagree" : NULL;
}

static const char *read_lists(struct state *state)
{
	unsigned at = 0;

	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		for (unsigned order = 0; order < LIST_SLOTS; order++) {
			const char *fault = read_list(state, type, order, &at);

			if (fault)
				return fault;
		}
	return NULL;
}

/* Every page is in one block, and only heads are anything but INNER. */
static const char *read_pages(struct state *state)
{
	for (unsigned i = 0, end = 0; i < PAGES; i++) {
		uint32_t word = page_word(&map[i]);

		if (word_zid(word) != OUR_ID || map[i].pfn != BASE_PFN + i)
			return "a page has another zone or frame number";
		if (word_state(word) == PAGE_USED)
			state->block[i] = (uint8_t)(BLOCK_USED | word_order(word));
		else if (word_state(word) == PAGE_FREE && state->block[i] == BLOCK_INNER)
			return "a free head is in no list";
		else if (word_state(word) != PAGE_FREE && word != word_make(OUR_ID, PAGE_INNER, 0))
			return "a page that is no head is not INNER";
		if ((state->block[i] == BLOCK_INNER) != (i < end))
			return "blocks overlap, or a page is in none";
		if (state->block[i] != BLOCK_INNER)
			end = i + (1u << block_order(state->block[i]));
	}
	return NULL;
}

static bool isolated(unsigned at)
{
	return page_block_type(&map[at]) == MIGRATE_ISOLATE;
}

/* B14 and B6. */
static const char *check_buddies(const struct state *state)
{
	for (unsigned i = 0; i < PAGES; i++) {
		unsigned order = block_order(state->block[i]), buddy = i ^ 1u << order;

		if (!block_is_free(state->block[i]))
			continue;
		if (order >= PAGEBLOCK_ORDER && isolated(i) != isolated(buddy))
			continue;
		if (order < MAX_ORDER - 1 && buddy < PAGES &&
		    block_is_free(state->block[buddy]) && block_order(state->block[buddy]) == order)
			return "two free buddies were not merged";
	}
	return NULL;
}

/* What a theft would not come by (block_steal.c). */
static const char *check_heads(const struct state *state)
{
	for (unsigned i = 0; zone.map && i < PAGES; i++) {
		uint8_t block = state->block[i];

		if (block_is_free(block) && heads[i])
			return "a theft would pass by a free block";
		if (block_is_used(block) && block_order(block) == 1 && heads[i])
			return "a theft would pass by a pair in use";
	}
	return NULL;
}

static const char *check_counts(const struct state *state)
{
	int64_t free = 0, cma = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		uint8_t block = state->block[i];
		int64_t pages = block_is_free(block) ? 1 << block_order(block) : 0;

		free += block_type(block) != MIGRATE_ISOLATE ? pages : 0;
		cma += block_type(block) == MIGRATE_CMA ? pages : 0;
	}
	if (free != ld_relaxed(&zone.free) || cma != ld_relaxed(&zone.free_cma))
		return "zone->free or free_cma is not the sum over the lists";
	if (page_word(&map[FOREIGN_FIRST]) != word_make(FOREIGN_ID, PAGE_FREE, FOREIGN_ORDER))
		return "the other zone's block was touched";
	return NULL;
}

const char *zone_read(struct state *state)
{
	const char *fault;

	memset(state->block, BLOCK_INNER, sizeof(state->block));
	memset(state->list, LIST_END, sizeof(state->list));
	fault = read_lists(state);
	fault = fault ? fault : read_pages(state);
	fault = fault ? fault : check_buddies(state);
	fault = fault ? fault : check_heads(state);
	return fault ? fault : check_counts(state);
}
