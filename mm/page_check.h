/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_PAGE_CHECK_H
#define MM_PAGE_CHECK_H

#include "mm.h"

/*
 * What happens when a page is not what it should be. All of these are off the hot
 * path: the callers compare one word and come here when it differs. Any context;
 * page_check_take, _block and _pcp may be called under a zone lock and print nothing.
 */

/* A page on its way out to a user or a per-CPU list, not INNER. True: fit for use; false: it is
 * BAD now and leaked (D3, D4), or poisoned and dropped (D5). */
bool page_check_take(struct zonal *mm, struct page *page);

/* Every page of a block (D4), used when GATE_CHECK_ALL is set; otherwise the head. */
bool page_check_block(struct zonal *mm, struct page *head, unsigned order);

/* A page that leaves a per-CPU list and is not PCP any more. */
bool page_check_pcp(struct zonal *mm, struct page *page);

/* D1: a block that its owner gives back with something still attached. True: fit. */
bool page_check_free(struct zonal *mm, struct page *head, unsigned order);

/* A call that is wrong in itself: double free, wrong order, another instance's page. `what` is
 * the call ("free", "put", ...). Counts, reports both states; the page stays as it is. */
void page_report_misuse(struct zonal *mm, const char *what, const struct page *page,
			unsigned order);

/* The same for a call that names no instance; it can be counted nowhere. */
void page_report_get(const struct page *page);

/* D3: one more report may be printed now. */
bool page_may_report(struct zonal *mm);

const char *page_state_name(enum page_state state);

#endif
