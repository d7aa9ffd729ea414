/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks into a private instance, and sets its marks by hand.
 *
 * A test that wants to see one rule takes the others out of its way: marks of 0
 * let the last page go, and kt_usable() puts the border of row W4 exactly where the
 * test wants it without touching the free lists. After each such change the
 * zone's folded order-0 mark is worked out again, as every writer of a mark must.
 *
 * Counters of other CPUs are read relaxed; the instance is quiet meanwhile.
 */
#include "kt_instance.h"

#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/reclaim/lists.h"

#include "mm/watermark.h"

struct zone *kt_zone(struct zonal *mm, unsigned nid, enum zone_type type)
{
	return &mm->node[nid]->zone[type];
}

void kt_floor(struct zone *zone)
{
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	zone_update_floor(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

bool kt_boost(struct zone *zone)
{
	port_irqflags_t irq = port_irq_save();
	bool boosted;

	lock_take(&zone->lock);
	boosted = zone_boost(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
	return boosted;
}

void kt_marks(struct zone *zone, int64_t min, int64_t low, int64_t high)
{
	st_relaxed(&zone->mark[WMARK_MIN], min);
	st_relaxed(&zone->mark[WMARK_LOW], low);
	st_relaxed(&zone->mark[WMARK_HIGH], high);
	kt_floor(zone);
}

void kt_no_marks(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			st_relaxed(&zone->lowmem_reserve[t], 0);
		kt_marks(zone, 0, 0, 0);
	}
}

void kt_usable(struct zone *zone, enum zone_type type, int64_t usable)
{
	st_relaxed(&zone->lowmem_reserve[type], kt_free(zone) - usable);
	kt_floor(zone);
}

void kt_lock_elsewhere(struct zone *zone)
{
	fetch_inc_u16_relaxed(&zone->lock.next);
}

void kt_unlock_elsewhere(struct zone *zone)
{
	st_release(&zone->lock.owner, (uint16_t)(ld_relaxed(&zone->lock.owner) + 1));
}

int64_t kt_free(const struct zone *zone)
{
	return ld_relaxed(&((struct zone *)(uintptr_t)zone)->free);
}

unsigned kt_blocks(const struct zone *zone, enum migratetype type, unsigned order)
{
	return zone->list[type][order].count;
}

pfn_t kt_first(const struct zone *zone, enum migratetype type, unsigned order)
{
	return zone->list[type][order].first;
}

uint32_t kt_pcp_held(struct zonal *mm, unsigned k, unsigned nid)
{
	return ld_relaxed(&mm->cpu[kt_cpu_id(k)]->pcp[nid * ZONE_TYPES + ZONE_DMA].count);
}

unsigned kt_pcp_count(const struct zone *zone)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < zone->mm->cpu_count; i++)
		if (zone->mm->cpu[i])
			sum += ld_relaxed(&zone->mm->cpu[i]->pcp[zone->id].count);
	return sum;
}

uint64_t kt_stat(const struct zone *zone, enum pcp_stat stat)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < zone->mm->cpu_count; i++)
		if (zone->mm->cpu[i])
			sum += ld_relaxed(&zone->mm->cpu[i]->pcp[zone->id].stat[stat]);
	return sum;
}

uint64_t kt_event(const struct zonal *mm, enum vm_event event)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < mm->cpu_count; c++)
		sum += ld_relaxed(&mm->cpu[c]->event[event]);
	return sum;
}

uint64_t kt_hit(const struct zone *zone)
{
	return kt_stat(zone, STAT_HIT_LOCAL) + kt_stat(zone, STAT_HIT_OTHER);
}

uint64_t kt_miss(const struct zone *zone)
{
	return kt_stat(zone, STAT_MISS_LOCAL) + kt_stat(zone, STAT_MISS_OTHER);
}

uint64_t kt_local(const struct zone *zone)
{
	return kt_stat(zone, STAT_HIT_LOCAL) + kt_stat(zone, STAT_MISS_LOCAL);
}

uint64_t kt_other(const struct zone *zone)
{
	return kt_stat(zone, STAT_HIT_OTHER) + kt_stat(zone, STAT_MISS_OTHER);
}

enum migratetype kt_block_type(const struct zonal *mm, pfn_t pfn)
{
	return page_block_type(mm_page(mm, pfn));
}

void kt_type_block(struct zone *zone, pfn_t pfn, enum migratetype type)
{
	struct page *page = mm_page(zone->mm, pfn);
	port_irqflags_t irq = port_irq_save();

	lock_take(&zone->lock);
	block_set_type(page, type);
	mobility_move_block(zone, page, type);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

void kt_list_page(struct zonal *mm, struct page *page, bool listed)
{
	uint32_t word = page_word(page);

	KT_TRUE(word_in_use(word) && listed == !(word & PG_LRU));
	page_set_word(page, word ^ PG_LRU);
	block_count_listed(mm, page, listed ? 1 : UINT32_MAX);
}

/* What a theft asks of a pageblock instead of its words (M8). */
static bool listed_as_counted(struct zonal *mm, struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned, block = 1 << PAGEBLOCK_ORDER;
	bool same = true;

	for (pfn_t pfn = align_up(zone->start_pfn, block); same && pfn + block <= end;
	     pfn += block) {
		unsigned count = 0;

		if (!zonal_page(mm, pfn))
			continue;
		for (pfn_t i = 0; i < block; i++) {
			uint32_t word = page_word(mm_page(mm, pfn + i));

			count += word_in_use(word) && (word & PG_LRU);
		}
		same = KT_EQ(ld_relaxed(&zone->listed[pfn >> PAGEBLOCK_ORDER]), count);
	}
	return same;
}

bool kt_check_all(struct zonal *mm)
{
	struct zonal_finding finding = { "", 0 };
	bool ok = zonal_check(mm, &finding);
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		ok = (!ZONE_HEADS || !zone->map || listed_as_counted(mm, zone)) && ok;
	return KT_OK(ok, "zonal_check: %s", finding.text);
}

uint64_t kt_take_all(struct zonal *mm, int nid, gfp_t gfp, unsigned order, struct page **chain)
{
	struct page *page;
	uint64_t count = 0;

	while ((page = zonal_alloc_node(mm, nid, gfp, order))) {
		*(struct page **)zonal_page_owner(page) = *chain;
		*chain = page;
		count++;
	}
	return count;
}

void kt_give_all(struct zonal *mm, struct page *chain, unsigned order)
{
	while (chain) {
		struct page *next = *(struct page **)zonal_page_owner(chain);

		zonal_free(mm, chain, order);
		chain = next;
	}
}

struct zonal_task *kt_task_save(struct zonal_task *saved)
{
	struct zonal_task *task = port_this_cpu()->task;

	*saved = *task;
	return task;
}

void kt_task_restore(const struct zonal_task *saved)
{
	*port_this_cpu()->task = *saved;
}

port_irqflags_t kt_irq_enter(void)
{
	port_irqflags_t flags = port_irq_save();

	port_this_cpu()->irq_depth++;
	return flags;
}

void kt_irq_exit(port_irqflags_t flags)
{
	port_this_cpu()->irq_depth--;
	port_irq_restore(flags);
}

uint64_t kt_map_hash(struct zonal *mm, pfn_t first, uint64_t pages)
{
	uint64_t hash = 14695981039346656037ull;

	for (pfn_t pfn = first; pfn < first + pages; pfn++) {
		const unsigned char *at = (const unsigned char *)mm_page(mm, pfn);

		for (unsigned i = 0; i < sizeof(struct page); i++)
			hash = (hash ^ at[i]) * 1099511628211ull;
	}
	return hash;
}

void kt_close_zone(struct zone *zone)
{
	kt_marks(zone, 1 << 20, 1 << 20, 1 << 20);
}

int kt_served_by(struct zonal *mm, int nid, gfp_t gfp, unsigned order)
{
	struct page *page = zonal_alloc_node(mm, nid, gfp | __GFP_NOWARN, order);
	int where;

	if (!page)
		return -1;
	where = (int)(zonal_page_node(page) * ZONE_TYPES + zonal_page_zone(page));
	zonal_free(mm, page, order);
	return where;
}

struct zonal *kt_bare_instance(const struct kt_spec *spec)
{
	struct zonal *mm = kt_instance(spec);

	if (mm)
		kt_no_marks(mm);
	return mm;
}

unsigned kt_blocks_of_order(const struct zone *zone, unsigned order)
{
	unsigned count = 0;

	for (unsigned t = 0; t < MIGRATE_TYPES; t++)
		count += kt_blocks(zone, (enum migratetype)t, order);
	return count;
}

bool kt_vector_is(struct zonal *mm, const unsigned *expected)
{
	bool ok = true;

	for (unsigned order = 0; order < MAX_ORDER; order++)
		ok &= KT_OK(kt_blocks_of_order(kt_zone(mm, 0, ZONE_DMA), order) == expected[order],
			    "order %u has %u blocks, expected %u", order,
			    kt_blocks_of_order(kt_zone(mm, 0, ZONE_DMA), order), expected[order]);
	return ok;
}
