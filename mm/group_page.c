/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which page is charged to which group, and how a charge ends (Z7).
 *
 * A charged page has PG_CHARGED, and its group's number in a map of a byte a page, which is there
 * only if groups are used. The head of a block stands for all of it; a block that is split passes
 * the charge on to each page, and a head that stays alone keeps one page's. What moves to another
 * frame takes its charge along. The flag makes the free a careful one, which brings the page here.
 *
 * A page that is not charged has number 0 or an old one, which nobody reads without the flag; a
 * flag that somebody set by mistake meets 0 then, and is reported by the free.
 *
 * No lock: a page is its holder's, and its group cannot be dropped while it is charged. Context:
 * any.
 */
#include "group.h"

#include "lib/assert.h"

static _Atomic uint8_t *group_id(const struct zonal *mm, const struct page *page)
{
	ASSERT(page->pfn - mm->map_first < mm->map_span, "pfn 0x%x outside of the map", page->pfn);
	return &mm->groups.map[page->pfn - mm->map_first];
}

struct zonal_group *zonal_page_group(const struct zonal *mm, const struct page *page)
{
	struct zonal *writable = (struct zonal *)(uintptr_t)mm;

	if (!mm->groups.map || !(page_word(page) & PG_CHARGED))
		return NULL;
	return ld_acquire(&writable->groups.by_id[page_group_id(mm, page)]);
}

bool group_within(const struct zonal_group *group, const struct zonal_group *above)
{
	while (group && group != above)
		group = group->parent;
	return group;
}

void group_mark(struct zonal *mm, struct page *page, const struct zonal_group *group)
{
	ASSERT(!(page_word(page) & PG_CHARGED), "pfn 0x%x is charged already", page->pfn);
	st_relaxed(group_id(mm, page), group->id);
	fetch_or_acq_rel(&page->word, PG_CHARGED);
}

static void uncharge(struct zonal *mm, const struct page *page, uint64_t pages)
{
	struct zonal_group *group = zonal_page_group(mm, page);

	ASSERT(pages && pages <= 1u << (MAX_ORDER - 1), "%llu pages", (unsigned long long)pages);
	if (group)
		group_store_put(mm, group, pages);
}

void group_free(struct zonal *mm, struct page *page, unsigned order)
{
	/* A flag without a group is somebody's mistake, and reported by the free. */
	if (!zonal_page_group(mm, page))
		return;
	uncharge(mm, page, (uint64_t)1 << order);
	st_relaxed(group_id(mm, page), 0);
	fetch_and_acq_rel(&page->word, ~PG_CHARGED);
}

void group_free_rest(struct zonal *mm, const struct page *page, unsigned order)
{
	ASSERT(order, "pfn 0x%x is a single page", page->pfn);
	uncharge(mm, page, ((uint64_t)1 << order) - 1);
}

void group_split(struct zonal *mm, const struct page *page, unsigned order)
{
	_Atomic uint8_t *id;

	if (!mm->groups.map)
		return;
	ASSERT(page_word(page) & PG_CHARGED, "pfn 0x%x is not charged", page->pfn);
	id = group_id(mm, page);
	for (unsigned i = 1; i < 1u << order; i++)
		st_relaxed(&id[i], ld_relaxed(id));
}

void group_move(struct zonal *mm, struct page *from, struct page *to)
{
	if (!(page_word(from) & PG_CHARGED) || !mm->groups.map)
		return;
	ASSERT(!(page_word(to) & PG_CHARGED), "pfn 0x%x is charged already", to->pfn);
	st_relaxed(group_id(mm, to), ld_relaxed(group_id(mm, from)));
	st_relaxed(group_id(mm, from), 0);
	fetch_or_acq_rel(&to->word, PG_CHARGED);
	fetch_and_acq_rel(&from->word, ~PG_CHARGED);
}
