/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The places of a swap area: one word each.
 *
 * The word says what the place holds (swap_internal.h): nothing, a page on the disk, a piece of the
 * pool, a page that is under way. So the map is the swap cache as well, and there is no second
 * table that could disagree.
 *
 * Words lie in single pages, found by a block of pointers: 8 bytes of memory for each page of
 * swap. Places that were freed are chained through their words; those never used yet come
 * after, in ascending order, so that a fresh disk is written from its beginning to its end.
 *
 * A lock guards all words; every operation is a few steps. It is taken inside the lock of a page
 * table, and in interrupts, when a write ends.
 */
#include "swap_internal.h"

#include <string.h>

#define WORDS (PAGE_SIZE / sizeof(uint64_t))
#define GFP_MAP (GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)

/* Taken here and dropped there: no name of the lock is known to both callers. */
LOCK_UNSAID port_irqflags_t swap_map_lock(struct swap_map *map)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&map->lock);
	return flags;
}

LOCK_UNSAID void swap_map_unlock(struct swap_map *map, port_irqflags_t flags)
{
	lock_drop(&map->lock);
	port_irq_restore(flags);
}

static uint64_t leaves(const struct swap_map *map) { return (map->slots + WORDS - 1) / WORDS; }

bool swap_map_make(struct swap_map *map, uint64_t slots)
{
	struct zonal *mm = swap_memory();

	ASSERT(slots && slots <= SWAP_MOST_PAGES && !map->open, "%llu places",
	       (unsigned long long)slots);
	map->slots = slots;
	map->used = map->fresh = map->free = 0;
	map->root_order = 0;
	while (PAGE_SIZE << map->root_order < leaves(map) * sizeof(struct page *))
		map->root_order++;
	map->root = zonal_alloc(mm, GFP_MAP, map->root_order);
	map->leaf = map->root ? swap_address(map->root) : NULL;
	for (uint64_t i = 0; map->root && i < leaves(map); i++) {
		map->leaf[i] = zonal_alloc(mm, GFP_MAP, 0);
		if (!map->leaf[i])
			swap_map_drop(map);
	}
	return map->root;
}

void swap_map_drop(struct swap_map *map)
{
	struct zonal *mm = swap_memory();

	ASSERT(!map->used && !map->open, "%llu places are in use", (unsigned long long)map->used);
	for (uint64_t i = 0; map->root && i < leaves(map); i++)
		zonal_free(mm, map->leaf[i], 0);
	zonal_free(mm, map->root, map->root_order);
	map->root = NULL;
}

static uint64_t *word_of(struct swap_map *map, uint64_t slot)
{
	uint64_t *words = swap_address(map->leaf[slot / WORDS]);

	DASSERT_HELD(&map->lock);
	ASSERT(slot < map->fresh, "place %llu of %llu", (unsigned long long)slot,
	       (unsigned long long)map->fresh);
	return &words[slot % WORDS];
}

uint64_t swap_map_take(struct swap_map *map)
{
	uint64_t slot;

	if (!map->open || map->used == map->slots)
		return UINT64_MAX;
	if (map->free) {
		slot = map->free - 1;
		ASSERT((*word_of(map, slot) & SLOT_STATE) == SLOT_FREE, "place %llu is in use",
		       (unsigned long long)slot);
		map->free = *word_of(map, slot) >> SLOT_PFN_SHIFT;
	} else {
		slot = map->fresh++;
	}
	map->used++;
	*word_of(map, slot) = SLOT_TAKEN;
	return slot;
}

uint64_t swap_map_get(struct swap_map *map, uint64_t slot)
{
	uint64_t word = *word_of(map, slot);

	ASSERT((word & SLOT_STATE) != SLOT_FREE, "place %llu is free", (unsigned long long)slot);
	return word;
}

void swap_map_set(struct swap_map *map, uint64_t slot, uint64_t word)
{
	ASSERT((*word_of(map, slot) & SLOT_STATE) != SLOT_FREE && (word & SLOT_STATE),
	       "place %llu holds 0x%llx", (unsigned long long)slot, (unsigned long long)word);
	*word_of(map, slot) = word;
}

void swap_map_free(struct swap_map *map, uint64_t slot)
{
	(void)swap_map_get(map, slot);
	*word_of(map, slot) = map->free << SLOT_PFN_SHIFT;
	map->free = slot + 1;
	map->used--;
}
