/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_PAGE_OWNER_H
#define MM_PAGE_OWNER_H

#include "side_map.h"
#include "stack_depot.h"

/* owner_record.flags */
#define OWNER_KNOWN 0x1u     /* the page was taken since recording began, or is early */
#define OWNER_ALLOCATED 0x2u /* it is in use; else: how it was used last */

/* What is known of one page (D17). */
struct owner_record {
	uint64_t time_ns;      /* when it was taken; 0: early */
	uint64_t task;         /* id of the task that took it; 0: none */
	gfp_t gfp;
	uint32_t alloc_stack;  /* handles */
	uint32_t free_stack;   /* of the last free; STACK_NONE: never freed */
	uint8_t order;         /* of the block, 0 once it is split */
	uint8_t type;          /* migratetype asked for */
	int8_t migrate_reason; /* -1: not migrated */
	uint8_t flags;
};

_Static_assert(sizeof(struct owner_record) == 32, "four words, as owner_at() stores them");

struct page_owner {
	struct side_map records; /* struct owner_record of each page */
	struct stack_depot depot;
	_Atomic uint64_t recursions; /* allocations by the recorder itself */
};

/* Records for the whole page map and the depot, out of the storage. Context: boot. */
void page_owner_init(struct zonal *mm, const struct boot_info *info);
/* Record from now on; pages in use become "early". Nothing if it is off. Context: boot. */
void page_owner_start(struct zonal *mm);

/*
 * The block was just taken, is split, or is about to go back. Called by who has it
 * alone; any context, no lock held. All but _set: only for a block whose head has
 * MAPPED_TRACED, which _free takes off.
 */
void page_owner_set(struct zonal *mm, struct page *page, unsigned order, gfp_t gfp, unsigned type);
void page_owner_split(struct zonal *mm, struct page *page, unsigned order);
void page_owner_free(struct zonal *mm, struct page *page, unsigned order);
/* B17: all pages but the head go back; the head stays, as a single page. */
void page_owner_free_rest(struct zonal *mm, struct page *page, unsigned order);

/* Copy what is known of a page. False: page_owner is off, there is no such page, or
 * nothing is known of it. Any context; a moment's picture while others allocate. */
bool page_owner_read(const struct zonal *mm, pfn_t pfn, struct owner_record *out);

/* Count the pages that each stack holds into stack->held; their number. One caller at
 * a time; page_owner must be on. Context: task. */
uint64_t page_owner_tally(struct zonal *mm);

#endif
