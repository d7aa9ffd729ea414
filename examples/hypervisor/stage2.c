/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 2: a guest's addresses to pages of the allocator.
 *
 * 39 bits of guest address in three levels: the root has entries of 1 GiB, then of 2 MiB, then of
 * 4 KiB. Memory is taken from the guest's claim in blocks of 2 MiB as long as it has such; the rest
 * comes as single pages, wherever they are, and each of those goes on the allocator's lists, so
 * that it can be moved (move.c). Tables are from a claim of their own: they stay where they are.
 *
 * Changes. Before the guest runs there is nothing to order but the stores themselves; the DSB in
 * hv_stage2_enter() does that. While it runs, an entry goes from valid to invalid with a
 * TLB invalidation behind it (hv_stage2_flush()), and only then to another valid one: break before
 * make. All under guest->lock.
 */
#include "hv.h"
#include "guest.h"
#include "move.h"

#define ENTRIES 512u
#define SHIFT_ROOT 30u

#define DESC_ADDRESS 0x0000fffffffff000ull
#define DESC_TABLE 3ull
/* Normal memory, write-back; read and write; inner shareable; accessed. */
#define DESC_RAM (0xfull << 2 | 3ull << 6 | 3ull << 8 | 1ull << 10)
#define DESC_BLOCK (DESC_RAM | 1ull)
#define DESC_PAGE (DESC_RAM | 3ull)

static uint64_t *table_of(uint64_t entry)
{
	return hv_pointer(entry & DESC_ADDRESS);
}

static zonal_page_t *page_of(uint64_t entry)
{
	return zonal_page(hv_mm, (zonal_pfn_t)((entry & DESC_ADDRESS) >> ZONAL_PAGE_SHIFT));
}

/* What a claim gave: it is there, and of the node that it is for. */
static zonal_page_t *taken(const struct hv_guest *guest, zonal_page_t *page, const char *what)
{
	if (!page || zonal_page_node(page) != guest->node)
		zonal_port_panic("guest %s: the claim of its %s gave %s", guest->name, what,
				 page ? "a page of another node" : "nothing");
	return page;
}

static uint64_t address_of(const zonal_page_t *page)
{
	return (uint64_t)zonal_pfn(page) << ZONAL_PAGE_SHIFT;
}

/* The root, a table for each GiB, and one for each 2 MiB if no block is to be had. */
uint64_t hv_stage2_tables(uint64_t bytes)
{
	return 1 + (bytes + (1ull << SHIFT_ROOT) - 1) / (1ull << SHIFT_ROOT) + bytes / BLOCK_BYTES;
}

static void *take_table(struct hv_guest *guest)
{
	zonal_page_t *page = zonal_claim_take(&guest->tables, (int)guest->node,
					      ZONAL_GFP_KERNEL | ZONAL_GFP_F_ZERO, 0);

	return hv_pointer(address_of(taken(guest, page, "tables")));
}

/* The table below an entry, which is made if it is not there. */
static uint64_t *below(struct hv_guest *guest, uint64_t *entry)
{
	if (!*entry)
		*entry = hv_address(take_table(guest)) | DESC_TABLE;
	return table_of(*entry);
}

static void build_pages(struct hv_guest *guest, uint64_t *entry, uint64_t ipa)
{
	uint64_t *table = below(guest, entry);

	for (unsigned i = 0; i < ENTRIES; i++, ipa += ZONAL_PAGE_SIZE) {
		zonal_page_t *page = zonal_claim_take(&guest->ram, (int)guest->node,
						      ZONAL_GFP_F_ZERO, 0);

		table[i] = address_of(taken(guest, page, "memory")) | DESC_PAGE;
		hv_move_add(guest, page, ipa);
	}
	guest->pages += ENTRIES;
}

void hv_stage2_build(struct hv_guest *guest)
{
	guest->root = take_table(guest);
	for (uint64_t at = 0; at < guest->bytes; at += BLOCK_BYTES) {
		uint64_t ipa = GUEST_RAM + at;
		uint64_t *table = below(guest, &guest->root[ipa >> SHIFT_ROOT]);
		uint64_t *entry = &table[ipa / BLOCK_BYTES % ENTRIES];
		zonal_page_t *block = zonal_claim_take(&guest->ram, (int)guest->node,
						       ZONAL_GFP_F_ZERO, BLOCK_ORDER);

		if (block) {
			*entry = address_of(taken(guest, block, "memory")) | DESC_BLOCK;
			guest->blocks++;
		} else {
			build_pages(guest, entry, ipa);
		}
	}
}

/* ---- to look and to write ----------------------------------------------------- */

/* The entry that maps `ipa`, or would; *order is that of what it maps. NULL: no table is there. */
uint64_t *hv_stage2_entry(const struct hv_guest *guest, uint64_t ipa, unsigned *order)
{
	uint64_t *entry;

	if (ipa < GUEST_RAM || ipa - GUEST_RAM >= guest->bytes)
		return NULL;
	entry = &table_of(guest->root[ipa >> SHIFT_ROOT])[ipa / BLOCK_BYTES % ENTRIES];
	*order = BLOCK_ORDER;
	if ((*entry & DESC_TABLE) == DESC_TABLE) {
		entry = &table_of(*entry)[ipa / ZONAL_PAGE_SIZE % ENTRIES];
		*order = 0;
	}
	return entry;
}

void *hv_stage2_at(const struct hv_guest *guest, uint64_t ipa, uint64_t *bytes)
{
	unsigned order;
	const uint64_t *entry = hv_stage2_entry(guest, ipa, &order);
	uint64_t offset;

	if (!entry || !(*entry & 1))
		return NULL;
	offset = ipa & (((uint64_t)ZONAL_PAGE_SIZE << order) - 1);
	*bytes = ((uint64_t)ZONAL_PAGE_SIZE << order) - offset;
	return hv_pointer((*entry & DESC_ADDRESS) + offset);
}

unsigned hv_stage2_pages(struct hv_guest *guest, uint64_t ipa, zonal_page_t **page)
{
	unsigned count = 0, order;
	const uint64_t *entry;

	hv_lock(&guest->lock);
	entry = hv_stage2_entry(guest, ipa, &order);
	for (unsigned i = 0; entry && !order && i < ENTRIES; i++)
		if (entry[i] & 1)
			page[count++] = page_of(entry[i]);
	hv_unlock(&guest->lock);
	return count;
}

/*
 * The next piece of the guest's memory that is one for the host as well, with guest->lock held so
 * that it stays where it is; NULL, and no lock: there is none.
 */
static void *piece(struct hv_guest *guest, uint64_t ipa, uint64_t *bytes)
{
	uint64_t room;
	void *at;

	do {
		hv_lock(&guest->lock);
		at = hv_stage2_at(guest, ipa, &room);
		if (at) {
			*bytes = *bytes < room ? *bytes : room;
			return at;
		}
		hv_unlock(&guest->lock);
	} while (hv_move_wait(guest, ipa));
	return NULL;
}

bool hv_stage2_read(struct hv_guest *guest, uint64_t ipa, void *to, uint64_t bytes)
{
	for (uint64_t done = 0, part; done < bytes; done += part) {
		const void *at;

		part = bytes - done;
		at = piece(guest, ipa + done, &part);
		if (!at)
			return false;
		memcpy((char *)to + done, at, part);
		hv_unlock(&guest->lock);
	}
	return true;
}

bool hv_stage2_write(struct hv_guest *guest, uint64_t ipa, const void *from, uint64_t bytes)
{
	for (uint64_t done = 0, part; done < bytes; done += part) {
		void *at;

		part = bytes - done;
		at = piece(guest, ipa + done, &part);
		if (!at)
			return false;
		memcpy(at, (const char *)from + done, part);
		hv_unlock(&guest->lock);
	}
	return true;
}

/* ---- translations that cores keep --------------------------------------------------- */

/* Makes the guest's tables and number (VMID) those of this core; returns whose were. */
static uint64_t select(const struct hv_guest *guest)
{
	uint64_t was = sysreg_read(vttbr_el2);

	sysreg_write(vttbr_el2, hv_address(guest->root) | (uint64_t)(guest->index + 1) << 48);
	isb(); /* invalidations from here on are for this number */
	return was;
}

static void select_back(uint64_t was)
{
	sysreg_write(vttbr_el2, was);
	isb();
}

void hv_stage2_enter(const struct hv_guest *guest)
{
	uint64_t size = sysreg_read(id_aa64mmfr0_el1) & 7;

	/* As TCR_EL2; SL0 1: walks begin at level 1. */
	sysreg_write(vtcr_el2, 1ull << 31 | size << 16 | 3ull << 12 | 1ull << 10 | 1ull << 8 |
			       1ull << 6 | 25);
	dsb(ishst); /* the tables before any walk */
	select(guest);
	/* What an earlier guest of this number had. */
	__asm__ volatile("tlbi vmalls12e1is\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb"
			 : : : "memory");
}

/*
 * One entry has become invalid: nobody translates by it any more when this returns. The first TLBI
 * is for what stage 2 alone gave; what a core keeps of both stages together goes with the second,
 * which the first must have come before.
 */
void hv_stage2_flush(const struct hv_guest *guest, uint64_t ipa)
{
	uint64_t was;

	dsb(ishst); /* the entry, before who looks for it anew */
	was = select(guest);
	__asm__ volatile("tlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb"
			 : : "r"(ipa >> ZONAL_PAGE_SHIFT) : "memory");
	select_back(was);
}

/* The same for many entries: all that anybody keeps of this guest. */
static void forget(const struct hv_guest *guest)
{
	uint64_t was;

	dsb(ishst);
	was = select(guest);
	__asm__ volatile("tlbi vmalls12e1is\n\tdsb ish\n\tisb" : : : "memory");
	select_back(was);
}

/* ---- entries of a running guest ---------------------------------------------------- */

void hv_stage2_set(struct hv_guest *guest, uint64_t ipa, const zonal_page_t *page)
{
	unsigned order;
	uint64_t *entry = hv_stage2_entry(guest, ipa, &order);

	*(volatile uint64_t *)entry = address_of(page) | (order ? DESC_BLOCK : DESC_PAGE);
	dsb(ishst); /* seen by the walk of the access that is done again */
}

void hv_stage2_set_table(struct hv_guest *guest, uint64_t ipa, const zonal_page_t *page)
{
	unsigned order;
	uint64_t *entry = hv_stage2_entry(guest, ipa, &order);

	dsb(ishst); /* its zeroes, before anybody walks through it */
	*(volatile uint64_t *)entry = address_of(page) | DESC_TABLE;
}

unsigned hv_stage2_empty(struct hv_guest *guest, uint64_t ipa, zonal_page_t **page,
			 unsigned *order)
{
	uint64_t *entry = hv_stage2_entry(guest, ipa, order);
	unsigned count = 0;

	for (unsigned i = 0; entry && i < (*order ? 1 : ENTRIES); i++) {
		if (!(entry[i] & 1))
			continue;
		page[count++] = page_of(entry[i]);
		*(volatile uint64_t *)&entry[i] = 0;
	}
	if (count)
		forget(guest);
	return count;
}

/* ---- the end --------------------------------------------------------------------- */

static void free_entry(uint64_t entry, unsigned order)
{
	zonal_page_t *page;

	if (!(entry & DESC_ADDRESS))
		return;
	page = page_of(entry);
	if (!order)
		hv_move_remove(page);
	zonal_free(hv_mm, page, order);
}

static void free_table(uint64_t entry, unsigned level)
{
	const uint64_t *table = table_of(entry);

	for (unsigned i = 0; i < ENTRIES; i++) {
		if (level < 3 && (table[i] & DESC_TABLE) == DESC_TABLE)
			free_table(table[i], level + 1);
		else
			free_entry(table[i], level == 3 ? 0 : BLOCK_ORDER);
	}
	zonal_free(hv_mm, page_of(entry), 0);
}

/* The guest does not run any more. */
void hv_stage2_free(struct hv_guest *guest)
{
	forget(guest);
	free_table(hv_address(guest->root), 1);
	guest->root = NULL;
}
