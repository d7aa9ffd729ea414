/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page checks: what is done about a page that is not in the state it must be in.
 *
 * Two kinds of fault, two answers:
 *
 *   a call that is wrong    free of a page that is not a used head of that order:
 *                           double free, wrong order, never allocated, another
 *                           instance's. Reported with the page's state and that of
 *                           the head of the block it lies in; nothing is changed,
 *                           so that the rightful owner is not harmed.
 *   a page that is damaged  flags or a mapping left at free (D1), a word that
 *                           changed while the page was free (D4). Reported, marked
 *                           BAD and leaked: a page that somebody may still write to
 *                           is never handed out again (D3).
 *
 * A poisoned page (HWPOISON) is dropped without a word, it was reported when it
 * went bad (D5).
 *
 * Reports go out at most 60 a minute (D3); the count of all is exact. The log must
 * not be called under a zone lock (T5), so what is found when pages are taken is
 * only counted: zonal_bad_count() and the `check` command show it.
 */
#include "page_check.h"

#include "lib/assert.h"
#define REPORTS_PER_MINUTE 60
#define MINUTE_NS 60000000000ll

/* What zonal_get() finds has no instance to be counted in. */
static struct report_limit get_limit;

/* D3: true if one more report may be printed now. */
static bool may_report(struct report_limit *limit)
{
	uint64_t now = port_time_ns();
	uint64_t begin = ld_relaxed(&limit->window_ns);

	/* It may have begun after `now`, by the clock of another CPU. */
	if (begin == 0 || (int64_t)(now - begin) > MINUTE_NS) {
		st_relaxed(&limit->window_ns, now | 1);
		st_relaxed(&limit->printed, 0);
	}
	return fetch_add_relaxed(&limit->printed, 1) < REPORTS_PER_MINUTE;
}

/* The head of the block that an inner page lies in, or the page itself. */
static const struct page *block_head(const struct page *page)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		const struct page *head =
			(const struct page *)((uintptr_t)page &
					      ~((sizeof(struct page) << order) - 1));
		enum page_state state = page_state(head);

		if ((state == PAGE_FREE || state == PAGE_USED) && page_order(head) >= order)
			return head;
	}
	return page;
}

/* A PCP page is single; what stands in the order's place is no order. */
static unsigned order_shown(const struct page *page)
{
	return page_state(page) == PAGE_PCP ? 0 : page_order(page);
}

static void print_misuse(const char *what, const struct page *page, unsigned order,
			 const char *whose)
{
	const struct page *head = block_head(page);

	ASSERT(head <= page && page - head < 1 << (MAX_ORDER - 1), "pfn 0x%x, head 0x%x",
	       page->pfn, head->pfn);
	port_log("zonal: bad %s of pfn 0x%x order %u: page is %s order %u refs %d%s; block head "
		 "pfn 0x%x is %s order %u",
		 what, page->pfn, order, page_state_name(page_state(page)), order_shown(page),
		 (int)ld_relaxed(&((struct page *)(uintptr_t)page)->refs), whose, head->pfn,
		 page_state_name(page_state(head)), order_shown(head));
}

void page_report_misuse(struct zonal *mm, const char *what, const struct page *page,
			unsigned order)
{
	ASSERT(mm && what, "a report of nothing, pfn 0x%x", page->pfn);
	fetch_add_relaxed(&mm->bad, 1);
	if (ZONAL_TEXTS && may_report(&mm->report_limit))
		print_misuse(what, page, order, mm_owns(mm, page) ? "" : ", another instance's");
}

void page_report_get(const struct page *page)
{
	if (ZONAL_TEXTS && may_report(&get_limit))
		print_misuse("get", page, page_order(page), "");
}

static void retire(struct zonal *mm, struct page *page)
{
	struct zone *zone = mm->zone[page_zid(page)];

	if (zone && (page_word(page) & PG_HWPOISON))
		fetch_add_relaxed(&zone->retired, 1);
	page_set_word(page, (page_word(page) & ~(WORD_STATE_MASK | PG_TAKE_CHECK)) |
				    (uint32_t)PAGE_BAD << WORD_STATE_SHIFT);
	st_relaxed(&page->mapped, 0);
	st_relaxed(&page->refs, 0);
}

bool page_check_take(struct zonal *mm, struct page *page)
{
	uint32_t word = page_word(page);

	if (!(word & PG_TAKE_CHECK) && !(word & PG_HWPOISON) && word_state(word) == PAGE_INNER)
		return true;
	if (!(word & PG_HWPOISON))
		fetch_add_relaxed(&mm->bad, 1);
	retire(mm, page);
	return false;
}

bool page_check_pcp(struct zonal *mm, struct page *page)
{
	if (!(page_word(page) & PG_HWPOISON))
		fetch_add_relaxed(&mm->bad, 1);
	retire(mm, page);
	return false;
}

bool page_check_block(struct zonal *mm, struct page *head, unsigned order)
{
	bool all = ZONAL_DEBUG || (ld_relaxed(&mm->gates) & GATE_CHECK_ALL);
	unsigned count = all ? 1u << order : 1;
	bool fit = true;

	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", head->pfn, order);
	for (unsigned i = 0; i < count; i++) {
		uint32_t word = page_word(head + i);

		if (word_state(word) != PAGE_INNER || (word & ~WORD_ALLOC_MASK))
			fit = false;
	}
	if (fit)
		return true;
	/* D4: the whole block is thrown away; one page of it can be written to by
	 * somebody, and the rest may be next. */
	fetch_add_relaxed(&mm->bad, 1);
	for (unsigned i = 0; i < 1u << order; i++)
		retire(mm, head + i);
	return false;
}

/* D1: what is wrong with a page being freed; the last in 5.10's order wins. */
static const char *bad_reason(const struct page *page, bool head)
{
	struct page *p = (struct page *)(uintptr_t)page;
	uint32_t word = page_word(page);
	const char *why = NULL;

	if (ld_relaxed(&p->mapped) & ~MAPPED_TRACED)
		why = "still mapped";
	if (word & PG_MAPPING)
		why = "mapping still set";
	if (!head && ld_relaxed(&p->refs))
		why = "references left";
	if (word & (PG_FREE_CHECK & ~(PG_MAPPING | PG_CHARGED)))
		why = "owner's flags still set";
	if (word & PG_CHARGED)
		why = "still charged to a memory group";
	return why;
}

bool page_check_free(struct zonal *mm, struct page *head, unsigned order)
{
	bool all = ZONAL_DEBUG || (ld_relaxed(&mm->gates) & GATE_CHECK_ALL);
	unsigned count = all ? 1u << order : 1;

	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", head->pfn, order);
	/* D5. 5.10 lets a larger block into the lists and throws it away when it is
	 * taken; here the page's mark would not survive that, so it goes now. */
	if (page_word(head) & PG_HWPOISON) {
		for (unsigned j = 0; j < 1u << order; j++)
			retire(mm, head + j);
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *why = bad_reason(head + i, i == 0);

		if (!why)
			continue;
		fetch_add_relaxed(&mm->bad, 1);
		if (ZONAL_TEXTS && may_report(&mm->report_limit))
			port_log("zonal: bad page pfn 0x%x freed with order %u: %s (word 0x%x); "
				 "the block is not used again",
				 head[i].pfn, order, why, page_word(head + i));
		for (unsigned j = 0; j < 1u << order; j++)
			retire(mm, head + j);
		return false;
	}
	return true;
}

bool page_may_report(struct zonal *mm)
{
	return ZONAL_TEXTS && may_report(&mm->report_limit);
}

uint64_t zonal_bad_count(const struct zonal *mm)
{
	return ld_relaxed(&((struct zonal *)(uintptr_t)mm)->bad);
}
