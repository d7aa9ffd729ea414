/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving a guest's memory while it runs.
 *
 * A guest that was built of single pages has each of them on the allocator's lists, with a handle
 * that says whose and where. Compaction asks here, as any owner is asked:
 *
 *	prepare   the entry becomes invalid but keeps the frame's address and a mark, and the TLBs
 *	          of all cores forget it: from here on the guest cannot touch the page
 *	commit    copy, and a valid entry for the new frame
 *	abort     a valid entry for the old one
 *
 * A guest that touches the page meanwhile faults, waits in hv_move_wait() on its own core, and does
 * the access again: it sees time pass, and nothing else. Whoever moves is core 0, in
 * zonal_compact(); guest->lock is held for each change of an entry, and not from prepare to commit:
 * the mark is what keeps others off.
 *
 * The guest may have its caches off, as it has at first. So what it wrote past them is not read
 * from old lines of the old frame, and the new one is in memory before the entry is valid. And it
 * may have code in the page: no core keeps what it fetched from the new frame when that was
 * another's.
 */
#include "hv.h"
#include "guest.h"
#include "move.h"

#define VALID 1ull
#define MOVING (1ull << 55) /* of the bits that are software's, in an invalid entry */
#define ADDRESS 0x0000fffffffff000ull

static struct zonal_owner *owner;

static uint64_t handle_of(const struct hv_guest *guest, uint64_t ipa)
{
	return (uint64_t)guest->index << 56 | ipa >> ZONAL_PAGE_SHIFT;
}

static struct hv_guest *guest_of(uint64_t handle)
{
	return &hv_guests[handle >> 56];
}

static uint64_t ipa_of(uint64_t handle)
{
	return (handle & ((1ull << 56) - 1)) << ZONAL_PAGE_SHIFT;
}

/* The entry of a page at its place, if it still is there; the guest's lock is held. */
static uint64_t *entry_of(const zonal_page_t *page, uint64_t handle)
{
	struct hv_guest *guest = guest_of(handle);
	unsigned order;
	uint64_t *entry = guest->root ? hv_stage2_entry(guest, ipa_of(handle), &order) : NULL;
	bool here = entry && !order &&
		    (*entry & ADDRESS) >> ZONAL_PAGE_SHIFT == zonal_pfn(page);

	return here ? entry : NULL;
}

static bool used(void *ctx, zonal_page_t *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return true; /* nothing of it is ever given up, so let it be thought in use */
}

static enum zonal_give give_prepare(void *ctx, zonal_page_t *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_NO_ROOM;
}

static void give_commit(void *ctx, zonal_page_t *page, uint64_t handle)
{
	(void)ctx, (void)handle;
	zonal_port_panic("page 0x%llx of a guest was given up",
			 (unsigned long long)zonal_pfn(page));
}

static enum zonal_give move_prepare(void *ctx, zonal_page_t *page, uint64_t handle, unsigned may)
{
	struct hv_guest *guest = guest_of(handle);
	uint64_t *entry;

	(void)ctx, (void)may;
	hv_lock(&guest->lock);
	entry = entry_of(page, handle);
	if (entry && *entry & VALID) {
		*(volatile uint64_t *)entry = (*entry & ~VALID) | MOVING;
		hv_stage2_flush(guest, ipa_of(handle));
	} else {
		entry = NULL;
	}
	hv_unlock(&guest->lock);
	return entry ? ZONAL_GIVE_YES : ZONAL_GIVE_GONE;
}

/* The entry is valid again, with the frame of `page`. */
static void settle(struct hv_guest *guest, uint64_t ipa, const zonal_page_t *page)
{
	unsigned order;
	uint64_t *entry;

	hv_lock(&guest->lock);
	entry = hv_stage2_entry(guest, ipa, &order);
	*(volatile uint64_t *)entry = (*entry & ~(MOVING | ADDRESS)) | VALID |
				      (uint64_t)zonal_pfn(page) << ZONAL_PAGE_SHIFT;
	__asm__ volatile("dsb ishst" : : : "memory"); /* seen by any walk from here on */
	hv_unlock(&guest->lock);
}

static void move_commit(void *ctx, zonal_page_t *from, zonal_page_t *to, uint64_t handle)
{
	struct hv_guest *guest = guest_of(handle);
	const void *old = hv_pointer((uint64_t)zonal_pfn(from) << ZONAL_PAGE_SHIFT);
	void *frame = hv_pointer((uint64_t)zonal_pfn(to) << ZONAL_PAGE_SHIFT);

	(void)ctx;
	cache_clean(old, ZONAL_PAGE_SIZE);
	memcpy(frame, old, ZONAL_PAGE_SIZE);
	cache_clean(frame, ZONAL_PAGE_SIZE);
	icache_forget();
	settle(guest, ipa_of(handle), to);
	guest->moved++;
}

static void give_back(void *ctx, zonal_page_t *page, uint64_t handle, bool moving)
{
	(void)ctx;
	if (moving)
		settle(guest_of(handle), ipa_of(handle), page);
}

int hv_move_start(void)
{
	static const struct zonal_owner_ops ops = {
		.name = "guests", .kind = ZONAL_ANON, .used = used, .give_prepare = give_prepare,
		.give_commit = give_commit, .move_prepare = move_prepare,
		.move_commit = move_commit, .abort = give_back,
	};

	owner = zonal_owner_register(hv_mm, &ops, NULL);
	return owner ? 0 : ZONAL_ENOMEM;
}

void hv_move_add(struct hv_guest *guest, zonal_page_t *page, uint64_t ipa)
{
	zonal_page_add(hv_mm, owner, page, handle_of(guest, ipa));
}

void hv_move_remove(zonal_page_t *page)
{
	zonal_page_remove(hv_mm, page);
}

bool hv_move_wait(struct hv_guest *guest, uint64_t ipa)
{
	unsigned order;
	const volatile uint64_t *entry = hv_stage2_entry(guest, ipa, &order);

	if (!entry || !(*entry & (VALID | MOVING)))
		return false;
	guest->waits++;
	while (!(*entry & VALID))
		hv_cpu_serve();
	return true;
}
