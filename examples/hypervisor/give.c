/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a guest gives back, and gets again when it touches it.
 *
 * What is given back is whole blocks of 2 MiB of the guest's addresses. The entry becomes empty,
 * all TLBs forget it, and only then the block, or the single pages that were there, are freed:
 * others may have them at once. A single page that core 0 is just moving is left to the guest.
 *
 * The guest's next access faults. It gets a block of its node or the nearest one that has one, or,
 * where memory is fragmented, a single page. There was no claim for it: if the host has nothing,
 * the guest ends. Pages come cleared and are clean in memory, as those of the beginning.
 *
 * All on the guest's own core. Only it fills an entry or empties it, so what it saw before it took
 * guest->lock is still so behind it, but for marks of pages that are being moved.
 */
#include "hv.h"
#include "guest.h"
#include "move.h"

#define GFP_AGAIN ((ZONAL_GFP_HIGHUSER_MOVABLE & ~ZONAL_GFP_F_DIRECT_RECLAIM) | \
		   ZONAL_GFP_F_ZERO | ZONAL_GFP_F_NOWARN)

static void free_singles(zonal_page_t **page, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		hv_move_remove(page[i]);
		zonal_free(hv_mm, page[i], 0);
	}
}

/* One block of the guest's; the pages that are free by it. */
static uint64_t give_block(struct hv_guest *guest, uint64_t ipa)
{
	zonal_page_t *page[1u << BLOCK_ORDER];
	unsigned order, count;

	hv_lock(&guest->lock);
	count = hv_stage2_empty(guest, ipa, page, &order);
	hv_unlock(&guest->lock);
	if (!count)
		return 0;
	if (!order) {
		free_singles(page, count);
		return count;
	}
	zonal_free(hv_mm, page[0], BLOCK_ORDER);
	return 1u << BLOCK_ORDER;
}

uint64_t hv_give(struct hv_guest *guest, uint64_t ipa, uint64_t bytes)
{
	uint64_t pages = 0, at = (ipa + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);

	for (; at - ipa <= bytes && bytes - (at - ipa) >= BLOCK_BYTES; at += BLOCK_BYTES)
		pages += give_block(guest, at);
	return pages;
}

static zonal_page_t *fresh(const struct hv_guest *guest, unsigned order)
{
	zonal_page_t *page = zonal_alloc_node(hv_mm, (int)guest->node, GFP_AGAIN, order);

	if (page)
		cache_clean(hv_pointer((uint64_t)zonal_pfn(page) << ZONAL_PAGE_SHIFT),
			       (size_t)ZONAL_PAGE_SIZE << order);
	return page;
}

static bool again_single(struct hv_guest *guest, uint64_t ipa, unsigned order)
{
	zonal_page_t *page = fresh(guest, 0);
	zonal_page_t *table = page && order ? fresh(guest, 0) : NULL;

	if (!page || (order && !table)) {
		zonal_free(hv_mm, page, 0);
		return false;
	}
	hv_lock(&guest->lock);
	if (table)
		hv_stage2_set_table(guest, ipa, table);
	hv_stage2_set(guest, ipa, page);
	hv_unlock(&guest->lock);
	hv_move_add(guest, page, ipa & ~(uint64_t)(ZONAL_PAGE_SIZE - 1));
	guest->again++;
	return true;
}

bool hv_give_again(struct hv_guest *guest, uint64_t ipa)
{
	unsigned order;
	const uint64_t *entry = hv_stage2_entry(guest, ipa, &order);
	zonal_page_t *block;

	if (!entry)
		return false;
	block = order ? fresh(guest, BLOCK_ORDER) : NULL;
	if (block) {
		hv_lock(&guest->lock);
		hv_stage2_set(guest, ipa, block);
		hv_unlock(&guest->lock);
		guest->again += 1u << BLOCK_ORDER;
	} else if (!again_single(guest, ipa, order)) {
		hv_guest_end(guest, "wants memory again that it gave back, and there is none");
	}
	return true;
}
