/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A theft that goes by the bytes of zone->heads finds what one that reads every word finds: rows
 * M8, B9.
 *
 * The same random state is made twice, of blocks of all kinds: in use and free, merged, taken one
 * by one, compound ones of order 1, pages on the LRU. Once the zone has its map, once it is taken
 * away, so that pageblocks are read by words. Then pageblocks are robbed, and all free lists, the
 * pageblocks' types and the counts must be the same behind each.
 */
#include <string.h>

#include <zonal/linux.h>
#include <zonal/reclaim.h>

#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/mobility.h"

enum { PAGES = 8192, BLOCKS = PAGES >> PAGEBLOCK_ORDER, HELD = 1500, STEPS = 6000 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };

struct holding {
	struct page *page;
	uint8_t order;
	bool listed;
};

/* Nobody reclaims here, so that nothing is asked of the owner of pages. */
static bool used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)handle;
	return !KT_OK(false, "pfn 0x%x is asked for", page->pfn);
}

static enum zonal_give prepare(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_BUSY;
}

static void commit(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)handle;
	KT_OK(false, "pfn 0x%x is given up", page->pfn);
}

static void give_back(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx, (void)page, (void)handle, (void)moving;
}

static const struct zonal_owner_ops ops = { .name = "steal", .used = used,
					    .give_prepare = prepare, .give_commit = commit,
					    .abort = give_back };
static struct zonal_owner *owner;

static void give(struct zonal *mm, struct holding *h)
{
	if (h->listed)
		zonal_page_remove(mm, h->page);
	if (h->page)
		zonal_free(mm, h->page, h->order);
	*h = (struct holding){ .page = NULL };
}

/* Single pages mostly; of the others half are compound. */
static void ask(struct zonal *mm, struct holding *h, uint64_t *state)
{
	static const gfp_t kind[] = { 0, __GFP_MOVABLE, __GFP_MOVABLE, __GFP_RECLAIMABLE };
	uint64_t r = kt_random(state);
	unsigned order = r % 8 < 4 ? 0 : r % 8 < 7 ? 1 : (unsigned)(r >> 3) % 5;
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | kind[r >> 8 & 3];

	h->page = zonal_alloc(mm, gfp | (order && (r >> 12 & 1) ? __GFP_COMP : 0), order);
	h->order = (uint8_t)order;
	if (h->page && !order && (r >> 16 & 1)) {
		zonal_page_add(mm, owner, h->page, 0);
		h->listed = true;
	}
}

static void make_state(struct zonal *mm, struct holding *held, uint64_t state)
{
	for (unsigned i = 0; i < STEPS; i++) {
		struct holding *h = &held[kt_random(&state) % HELD];

		if (h->page)
			give(mm, h);
		else
			ask(mm, h, &state);
	}
	/* Most of the zone is in use, as where somebody has to steal. */
	for (unsigned i = 0; i < HELD; i++)
		if (!held[i].page)
			ask(mm, &held[i], &state);
	zonal_drain_all(mm, NULL);
}

/* A free block of the pageblock, smaller than it; NULL: it has none. */
static struct page *free_of(struct zonal *mm, unsigned block)
{
	for (pfn_t pfn = KT_DMA_PFN + (block << PAGEBLOCK_ORDER), i = 0;
	     i < 1 << PAGEBLOCK_ORDER; i++)
		if (page_state(mm_page(mm, pfn + i)) == PAGE_FREE &&
		    page_order(mm_page(mm, pfn + i)) < PAGEBLOCK_ORDER)
			return mm_page(mm, pfn + i);
	return NULL;
}

static uint64_t mixed(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3;
}

/* Of all lists in their order, the types of pageblocks, and what is counted. */
static uint64_t state_of(const struct zone *zone)
{
	uint64_t hash = mixed((uint64_t)ld_relaxed(&((struct zone *)(uintptr_t)zone)->free), 1);

	for (unsigned type = 0; type < FREE_LISTS; type++)
		for (unsigned order = 0; order < MAX_ORDER; order++) {
			const struct free_list *list = &zone->list[type][order];
			uint32_t pfn = list->first;

			hash = mixed(hash, list->count);
			for (uint32_t i = 0; i < list->count; i++) {
				hash = mixed(hash, pfn);
				pfn = mm_page(zone->mm, pfn)->next;
			}
		}
	for (unsigned b = 0; b < BLOCKS; b++)
		hash = mixed(hash, kt_block_type(zone->mm, KT_DMA_PFN + (b << PAGEBLOCK_ORDER)));
	return hash;
}

static void rob(struct zone *zone, struct page *page, unsigned type)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	mobility_steal_block(zone, page, type);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

/* What the zone is like behind each theft; twice each block, since the first one writes into the
 * bytes what it found. Returns how many changed their type. */
static unsigned run(uint64_t seed, bool by_words, uint64_t found[2 * BLOCKS])
{
	static struct holding held[HELD];
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	unsigned changed = 0;

	memset(held, 0, sizeof(held));
	if (!mm || !KT_EQ(zone->map != 0, ZONE_HEADS))
		return 0;
	owner = zonal_owner_register(mm, &ops, NULL);
	if (!KT_TRUE(owner))
		return 0;
	make_state(mm, held, seed);
	kt_check_all(mm);
	if (by_words)
		zone->map = 0;
	for (unsigned i = 0; i < 2 * BLOCKS; i++) {
		struct page *page = free_of(mm, i % BLOCKS);
		unsigned was = page ? page_block_type(page) : 0;

		if (page)
			rob(zone, page, (unsigned)(seed + i) % MIGRATE_PCPTYPES);
		changed += page && page_block_type(page) != was;
		found[i] = state_of(zone);
	}
	kt_check_all(mm);
	return changed;
}

KTEST(rows_m, m8_b9_a_block_is_robbed_by_heads_as_by_words)
{
	static uint64_t by_heads[2 * BLOCKS], by_words[2 * BLOCKS];
	uint64_t seed = kt_seed() | 1;
	unsigned changed = 0;

	for (unsigned round = 0; round < 6; round++, seed += 2) {
		unsigned count = run(seed, false, by_heads);

		KT_EQ(run(seed, true, by_words), count);
		changed += count;
		for (unsigned i = 0; i < 2 * BLOCKS; i++)
			if (!KT_OK(by_heads[i] == by_words[i], "seed %llu: theft %u differs",
				   (unsigned long long)seed, i))
				return;
	}
	KT_TRUE(changed); /* what could move was counted, and decided */
}

/* A pair that is taken out of the middle of a block, where no block began before: if it is a
 * compound one, a theft must come by. */
KTEST(rows_m, m8_a_carved_pair_is_seen_by_a_theft)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *page = mm ? mm_page(mm, KT_DMA_PFN + 700) : NULL;
	port_irqflags_t irq;
	bool carved;

	if (!mm)
		return;
	irq = port_irq_save();
	lock_take(&zone->lock);
	carved = buddy_carve(zone, page, 1);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	KT_TRUE(carved);
	KT_TRUE(!zone->map || !*(uint8_t *)(zone->heads + page->pfn));
	KT_TRUE(!zone->map || *(uint8_t *)(zone->heads + page->pfn + 1) == HEADS_NONE);
}

/* Two nodes whose memory takes turns within a pageblock: pages of the other are not touched, and
 * neither goes by bytes that both would write. */
KTEST(rows_m, m8_zones_that_take_turns_are_robbed_by_words)
{
	static const struct kt_spec turns = { .ram = { { 0, KT_DMA_PFN, 1024 + 128 },
						       { 1, KT_DMA_PFN + 1024 + 128, 128 },
						       { 0, KT_DMA_PFN + 1024 + 256, 4096 } } };
	struct zonal *mm = kt_bare_instance(&turns);
	struct zone *zone = mm ? kt_zone(mm, 0, ZONE_DMA) : NULL;
	struct page *page, *other;

	if (!mm)
		return;
	KT_TRUE(!zone->map && !kt_zone(mm, 1, ZONE_DMA)->map);
	page = mm_page(mm, KT_DMA_PFN + 1024);
	other = mm_page(mm, KT_DMA_PFN + 1024 + 128);
	KT_EQ(page_order(page), 7);
	rob(zone, page, MIGRATE_UNMOVABLE);
	KT_EQ(page->list_type, MIGRATE_UNMOVABLE);
	KT_EQ(other->list_type, MIGRATE_MOVABLE);
	KT_EQ(kt_free(kt_zone(mm, 1, ZONE_DMA)), 128);
	kt_check_all(mm);
}
