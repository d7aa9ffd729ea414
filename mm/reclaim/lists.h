/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_RECLAIM_LISTS_H
#define MM_RECLAIM_LISTS_H

#include "mm/group.h"
#include "mm/mm.h"

/* Set or clear owner flags of a page; the word before. Acquire and release, because a flag says
 * who may touch what else there is of the page. */
static inline uint32_t word_set(struct page *page, uint32_t flags)
{
	return fetch_or_acq_rel(&page->word, flags);
}

static inline uint32_t word_clear(struct page *page, uint32_t flags)
{
	return fetch_and_acq_rel(&page->word, ~flags);
}

/* Both in one step. */
static inline uint32_t word_change(struct page *page, uint32_t clear, uint32_t set)
{
	uint32_t word = page_word(page);

	while (!atomic_compare_exchange_weak_explicit(&page->word, &word, (word & ~clear) | set,
						      memory_order_acq_rel, memory_order_relaxed))
		;
	return word;
}

/* Zone ids are node * ZONE_TYPES + type, so neither needs the zone. */
static inline unsigned page_zone_type(const struct page *page)
{
	return page_zid(page) % ZONE_TYPES;
}

static inline struct lru *page_lru(const struct zonal *mm, const struct page *page)
{
	return &mm->node[page_zid(page) / ZONE_TYPES]->reclaim.lru;
}

/* One page more of its pageblock has PG_LRU, or one less (UINT32_MAX): what a theft asks (M8). */
static inline void block_count_listed(struct zonal *mm, const struct page *page, uint32_t by)
{
	struct zone *zone = mm_page_zone(mm, page);

	if (ZONE_HEADS && zone->map)
		fetch_add_relaxed(&zone->listed[page->pfn >> PAGEBLOCK_ORDER], by);
}

static inline unsigned page_owner_id(const struct page *page)
{
	return ld_relaxed(&((struct page *)(uintptr_t)page)->owner_id);
}

static inline const struct zonal_owner *owner_of(const struct zonal *mm, const struct page *page)
{
	return &mm->owners[page_owner_id(page)];
}

/* The list that a page belongs to, by its owner's kind and PG_ACTIVE. */
static inline unsigned lru_list_of(const struct zonal *mm, const struct page *page)
{
	return owner_of(mm, page)->ops->kind * 2 + !!(page_word(page) & PG_ACTIVE);
}

/* Z7: whose lists a page is on: its group's, if it is charged to one. That changes only while it is
 * on none. */
static inline struct lru_lists *lru_lists_of(const struct zonal *mm, struct lru *lru,
					     const struct page *page)
{
	unsigned id = page_group_id(mm, page);

	return unlikely(id) ? &lru->group[id] : &lru->root;
}

/* A counter that is written by several, and may for a moment be short of what is true. */
static inline uint64_t count_of(_Atomic int64_t *counter)
{
	int64_t now = ld_relaxed(counter);

	return now > 0 ? (uint64_t)now : 0;
}

/* Nothing on them. */
static inline void lru_lists_init(struct lru_lists *lists)
{
	for (unsigned i = 0; i < LRU_LISTS; i++)
		lists->list[i].young = lists->list[i].old = PFN_NONE;
}

/* Pages of one list in zones of these types. */
static inline uint64_t lists_sum(struct lru_lists *lists, unsigned list, unsigned low_zone,
				 unsigned high_zone)
{
	uint64_t sum = 0;

	for (unsigned t = low_zone; t <= high_zone; t++)
		sum += ld_relaxed(&lists->list[list].count[t]);
	return sum;
}

static inline uint64_t lists_size(struct lru_lists *lists, unsigned list, unsigned high_zone)
{
	return lists_sum(lists, list, 0, high_zone);
}

/* The same of a group's list and of those below it, NULL: of all pages of the node, where there are
 * groups. (group_lists.c) */
#if ZONAL_RECLAIM
uint64_t lru_sum_of_groups(struct node *node, const struct zonal_group *group, unsigned list,
			   unsigned low_zone, unsigned high_zone);
#else
static inline uint64_t lru_sum_of_groups(struct node *node, const struct zonal_group *group,
					 unsigned list, unsigned low_zone, unsigned high_zone)
{
	(void)node, (void)group, (void)list, (void)low_zone, (void)high_zone;
	return 0;
}
#endif

static inline uint64_t lru_sum_in(struct node *node, const struct zonal_group *group, unsigned list,
				  unsigned low_zone, unsigned high_zone)
{
	if (likely(!node->reclaim.lru.group))
		return lists_sum(&node->reclaim.lru.root, list, low_zone, high_zone);
	return lru_sum_of_groups(node, group, list, low_zone, high_zone);
}

/* Up to a type of zone, of a group and those below it, NULL: of the node; of the node; and of one
 * zone. */
static inline uint64_t lru_size_in(struct node *node, const struct zonal_group *group,
				   unsigned list, unsigned high_zone)
{
	return lru_sum_in(node, group, list, 0, high_zone);
}

static inline uint64_t lru_size(struct node *node, unsigned list, unsigned high_zone)
{
	return lru_sum_in(node, NULL, list, 0, high_zone);
}

static inline uint64_t lru_zone_size(struct node *node, unsigned list, unsigned zone_type)
{
	return lru_sum_in(node, NULL, list, zone_type, zone_type);
}

/* The lists of a group, NULL: of who is in none. */
static inline struct lru_lists *group_lists(struct node *node, const struct zonal_group *group)
{
	return group ? &node->reclaim.lru.group[group->id] : &node->reclaim.lru.root;
}

/* On to the list that it belongs to / off it. The lock is held. */
void lru_link(struct zonal *mm, struct lru *lru, struct page *page, bool old_end);
void lru_unlink(struct zonal *mm, struct lru *lru, struct page *page);

#endif
