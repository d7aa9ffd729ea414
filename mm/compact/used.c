/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scanner that goes up: pages in use that can move, block by block. (X6-X9)
 *
 * A pageblock is looked at page by page, by heads, without a lock: the words say what there is, and
 * may be old by the time we act. What looks like a listed page without a reference but its owner's
 * is noted, and up to 32 of those are taken off their lists under the lru lock at once, which
 * takes only what is still listed. So one hold of the lock is short however full the block is.
 *
 * An asynchronous run for a request takes blocks of its own mobility alone, and in them only what
 * lies in an aligned part, as large as the block that is wanted, in which everything can move: a
 * part with one page that stays is passed over before any page is copied in vain.
 *
 * A block that was looked at to its end and gave nothing gets the skip hint, and is passed over
 * until the hints are forgotten; the zone remembers how far the scanner has come.
 */
#include "compact.h"

#include "lib/assert.h"
#include "mm/reclaim/lists.h"
#include "mm/reclaim/scan.h"
#include "mm/trace.h"

#define BLOCKS_A_ROUND 32u /* then others may run */

struct page *compact_block(const struct compact *c, pfn_t pfn)
{
	struct page *block;

	ASSERT(!(pfn & ((1u << PAGEBLOCK_ORDER) - 1)) && pfn >> MM_SECTION_SHIFT <
	       c->mm->section_count, "block at 0x%llx", (unsigned long long)pfn);
	if (!mm_page_ready(c->mm, pfn))
		return NULL;
	block = mm_page(c->mm, pfn);
	/* Blocks that zones share, and holes, are left alone. */
	return page_zid(block) == c->zone->id &&
	       page_zid(block + (1u << PAGEBLOCK_ORDER) - 1) == c->zone->id ? block : NULL;
}

bool compact_skips(const struct compact *c, const struct page *block)
{
	return !c->ignore_skip &&
	       (ld_relaxed(&((struct page *)(uintptr_t)block)->block) & BLOCK_SKIP);
}

void compact_set_skip(const struct compact *c, struct page *block)
{
	if (!c->ignore_skip)
		fetch_or_relaxed(&block->block, BLOCK_SKIP);
}

void compact_forget_hints(struct zone *zone)
{
	struct compact c = { .mm = zone->mm, .zone = zone };

	for (pfn_t pfn = block_begin(zone->start_pfn); pfn < zone_end(zone);
	     pfn += 1u << PAGEBLOCK_ORDER) {
		struct page *block = compact_block(&c, pfn);

		if (block && compact_skips(&c, block))
			fetch_and_relaxed(&block->block, (uint8_t)~BLOCK_SKIP);
	}
	compact_init(zone);
}

void compact_init(struct zone *zone)
{
	/* Outside of the zone: a run begins at its ends. */
	st_relaxed(&zone->compact.used_at[0], 0);
	st_relaxed(&zone->compact.used_at[1], 0);
	st_relaxed(&zone->compact.free_at, 0);
	st_relaxed(&zone->compact.flush, false);
}

/* Behind the page or the block whose head it is. */
static pfn_t step_over(uint32_t word)
{
	enum page_state state = word_state(word);
	unsigned order = 0;

	if (state == PAGE_FREE || word_in_use(word))
		order = word_block_order(word);
	return (pfn_t)1 << (order < MAX_ORDER ? order : 0);
}

/* Listed, and nobody seems to hold it but its owner. A block that begins and ends in this zone may
 * have pages of another node in between, whose lists are not ours. */
static bool seems_movable(const struct compact *c, struct page *page, uint32_t word)
{
	return word_in_use(word) && (word & (PG_LRU | PG_ISOLATED)) == PG_LRU &&
	       word_zid(word) == c->zone->id && ld_relaxed(&page->refs) == 1;
}

/* Could [pfn, end), part of one block, be free as a whole? */
static bool part_can_go(struct compact *c, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		struct page *page = mm_page(c->mm, pfn);
		uint32_t word = page_word(page);

		c->used_scanned++;
		if (word_state(word) != PAGE_FREE && !seems_movable(c, page, word))
			return false;
		pfn += step_over(word);
	}
	return true;
}

/* X7 */
static bool is_source(const struct compact *c, const struct page *block)
{
	unsigned type = page_block_type(block);

	if (type == MIGRATE_ISOLATE)
		return false;
	if (c->mode != MOVE_ASYNC || !c->direct)
		return true;
	if (c->type == MIGRATE_MOVABLE)
		return type == MIGRATE_MOVABLE || type == MIGRATE_CMA;
	return type == c->type;
}

/* X8: more is off the lists of the node than half of what is on them. */
static bool too_many_isolated(const struct zone *zone)
{
	struct node *node = zone->mm->node[zone->node];
	uint64_t listed = 0, isolated = 0;

	for (unsigned list = 0; list < LRU_LISTS; list++)
		listed += lru_size(node, list, ZONE_MOVABLE);
	for (unsigned kind = 0; kind < ZONAL_KINDS; kind++)
		isolated += count_of(&node->reclaim.lru.isolated[kind]);
	return isolated > listed / 2;
}

static bool wait_for_lists(struct compact *c)
{
	/* Bounded: those who have them off are at work, or wait for a disk. */
	for (unsigned naps = 0; too_many_isolated(c->zone); naps++) {
		if (c->mode == MOVE_ASYNC || naps == 16 || !port_nap)
			return !(c->contended = true);
		reclaim_nap(RECLAIM_NAP_NS);
	}
	return true;
}

/* Note what seems movable from used_at on, in the block that ends at `end`. */
static unsigned look_at_block(struct compact *c, pfn_t end, struct page **found)
{
	bool whole_parts = c->direct && c->mode == MOVE_ASYNC && c->order > 0;
	pfn_t part = (pfn_t)1 << (whole_parts ? ZN_MIN((unsigned)c->order, PAGEBLOCK_ORDER) : 0);
	unsigned count = 0;

	while (c->used_at < end && count < MOVE_BATCH) {
		struct page *page = mm_page(c->mm, c->used_at);
		uint32_t word = page_word(page);

		if (whole_parts && !(c->used_at & (part - 1)) &&
		    !part_can_go(c, c->used_at, c->used_at + part)) {
			c->used_at += part;
			continue;
		}
		c->used_scanned++;
		if (seems_movable(c, page, word))
			found[count++] = page;
		c->used_at += step_over(word);
	}
	c->used_at = ZN_MIN(c->used_at, end);
	return count;
}

/* The block is done: remember. */
static void block_is_done(struct compact *c, struct page *block)
{
	struct zone_compact *state = &c->zone->compact;

	if (!c->block_result)
		compact_set_skip(c, block);
	c->block_result = false;
	if (c->ignore_skip)
		return;
	if (c->used_at > ld_relaxed(&state->used_at[0]))
		st_relaxed(&state->used_at[0], (uint32_t)c->used_at);
	if (c->mode != MOVE_ASYNC && c->used_at > ld_relaxed(&state->used_at[1]))
		st_relaxed(&state->used_at[1], (uint32_t)c->used_at);
}

bool compact_take_used(struct compact *c)
{
	struct page *found[MOVE_BATCH], *block = NULL;
	uint64_t scanned = c->used_scanned;
	unsigned count, got, blocks = 0;
	pfn_t end, from;

	ASSERT(!c->batch.count, "%u pages of the last round", c->batch.count);
	if (!wait_for_lists(c))
		return false;
	for (;; c->used_at = end, c->block_result = false) {
		end = block_end(c->used_at);
		if (block_begin(c->used_at) >= block_begin(c->free_at))
			return true;
		block = compact_block(c, block_begin(c->used_at));
		if (block && is_source(c, block) &&
		    (c->used_at != block_begin(c->used_at) || !compact_skips(c, block)))
			break;
		if (++blocks % BLOCKS_A_ROUND == 0)
			reclaim_give_way();
	}
	from = c->used_at;
	count = look_at_block(c, end, found);
	got = move_take_some(c->mm, &c->batch, c->mm->node[c->zone->node], found, count);
	c->block_result |= got > 0;
	c->isolated += got;
	trace(c->mm, COMPACT_USED, (uint32_t)from, (uint32_t)c->used_at,
	      (uint32_t)(c->used_scanned - scanned), got);
	if (c->used_at == end)
		block_is_done(c, block);
	return true;
}
