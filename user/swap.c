/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap areas: which there are, and what happens to a place (swap.h).
 *
 * Areas lie in a table for good, so that a token leads to a lock without a question. One that is
 * added becomes the last in `order`; what is open there is said by its map, under its lock: a
 * place is taken only of an open map, and a map is closed only when no place is in use. So nobody
 * counts who looks at an area.
 *
 * The core is told of every place that comes or goes (zonal_swap_room), so that reclaim looks at
 * anonymous pages only while there is somewhere to put them. What a dead area has free is no room.
 *
 * A place that is being written knows its page and its write. When the place is given up meanwhile
 * (SLOT_DROP) its page is the program's again, and the end of the write, which has its own
 * reference, frees the place.
 */
#include "swap_internal.h"

#include <string.h>

#include <zonal/reclaim.h>
#include <zonal/user.h>

#include "lib/printf.h"

#define SLOT_BITS 32
#define SWAP_NAP_NS 20000000ull

static struct swap_area area_table[SWAP_AREAS];
/* Numbers of areas, in their order, + 1; 0 behind the last. */
static _Atomic uint8_t order[SWAP_AREAS + 1];
static struct wait_queue writers; /* who waits for any write to end */
static _Atomic uint32_t writes_ended;

/* ---- areas ---- */

static struct swap_area *area_nth(unsigned n)
{
	unsigned id = n < SWAP_AREAS ? (unsigned)ld_acquire(&order[n]) : 0;

	return id ? &area_table[id - 1] : NULL;
}

struct swap_area *swap_area_of(uint64_t token, uint64_t *slot)
{
	uint64_t id = (token >> SLOT_BITS) - 1;

	ASSERT(id < SWAP_AREAS, "token 0x%llx is of no area", (unsigned long long)token);
	*slot = token & (((uint64_t)1 << SLOT_BITS) - 1);
	return &area_table[id];
}

/* The next area to be added, not yet in order; NULL: the table is full. */
static struct swap_area *area_begin(const char *kind)
{
	unsigned id = 0;

	while (id < SWAP_AREAS && (area_table[id].codec || area_table[id].disk))
		id++;
	if (id == SWAP_AREAS)
		return NULL;
	memset(&area_table[id], 0, sizeof(area_table[id]));
	area_table[id].id = id;
	lock_set_rank(&area_table[id].map.lock, LOCK_SWAP);
	if (strcmp(kind, "ram"))
		zn_snprintf(area_table[id].name, sizeof(area_table[id].name), "%s", kind);
	else
		zn_snprintf(area_table[id].name, sizeof(area_table[id].name), "ram%u", id);
	return &area_table[id];
}

static void area_open(struct swap_area *area)
{
	port_irqflags_t flags = swap_map_lock(&area->map);
	unsigned n = 0;

	area->map.open = true;
	zonal_swap_room(swap_memory(), (int64_t)area->map.slots);
	swap_map_unlock(&area->map, flags);
	while (area_nth(n))
		n++;
	st_release(&order[n], (uint8_t)(area->id + 1));
}

const char *swap_on_ram(uint64_t pages, const struct swap_codec *codec)
{
	struct swap_area *area = area_begin("ram");
	const char *fault;

	if (pages < SWAP_LEAST_PAGES || pages > SWAP_MOST_PAGES)
		return "a swap area has 16 pages to 2^21";
	if (!area)
		return "there are as many areas as there may be (SWAP_AREAS)";
	fault = swap_ram_make(area, codec);
	if (!fault && !swap_map_make(&area->map, pages)) {
		swap_ram_drop(area);
		fault = "no memory for the map of places";
	}
	if (fault) {
		area->codec = NULL;
		return fault;
	}
	area_open(area);
	return NULL;
}

static bool disk_in_use(const struct block_device *disk)
{
	for (unsigned id = 0; id < SWAP_AREAS; id++)
		if (area_table[id].disk == disk)
			return true;
	return false;
}

const char *swap_format(struct block_device *disk)
{
	return disk_in_use(disk) ? "the disk is a swap area" : swap_disk_format(disk);
}

const char *swap_on_disk(struct block_device *disk)
{
	struct swap_area *area = area_begin(disk->name);
	const char *fault;
	uint64_t slots;

	if (disk_in_use(disk))
		return "the disk is a swap area already";
	if (!area)
		return "there are as many areas as there may be (SWAP_AREAS)";
	fault = swap_disk_make(area, disk, &slots);
	if (fault)
		return fault;
	if (!swap_map_make(&area->map, slots)) {
		swap_disk_drop(area);
		return "no memory for the map of places";
	}
	area_open(area);
	return NULL;
}

/* No place of it can be taken any more. False: some are in use. */
static bool area_close(struct swap_area *area)
{
	port_irqflags_t flags = swap_map_lock(&area->map);
	bool unused = !area->map.used;

	if (unused) {
		area->map.open = false;
		if (!area->dead)
			zonal_swap_room(swap_memory(), -(int64_t)area->map.slots);
	}
	swap_map_unlock(&area->map, flags);
	return unused;
}

const char *swap_off(const char *name)
{
	struct swap_area *area;
	unsigned n = 0;

	while ((area = area_nth(n)) && strcmp(area->name, name))
		n++;
	if (!area)
		return "no swap area has that name";
	if (!area_close(area))
		return "there are pages in it";
	/* Who is in the middle of the list sees an area twice, or misses one: no harm. */
	for (; n < SWAP_AREAS; n++)
		st_release(&order[n], ld_relaxed(&order[n + 1]));
	swap_map_drop(&area->map);
	if (area->disk)
		swap_disk_drop(area);
	else
		swap_ram_drop(area);
	area->codec = NULL;
	return NULL;
}

bool swap_look_area(unsigned n, struct swap_info *out)
{
	struct swap_area *area = area_nth(n);
	port_irqflags_t flags;

	if (!area)
		return false;
	*out = (struct swap_info){ .in = ld_relaxed(&area->in), .out = ld_relaxed(&area->out),
				   .refused = ld_relaxed(&area->refused),
				   .errors = ld_relaxed(&area->errors) };
	memcpy(out->name, area->name, sizeof(out->name));
	flags = swap_map_lock(&area->map);
	out->disk = area->disk;
	out->dead = area->dead;
	out->pages = area->map.slots;
	out->used = area->map.used;
	swap_map_unlock(&area->map, flags);
	if (out->disk)
		return true;
	flags = port_irq_save();
	lock_take(&area->pool.lock);
	out->held_pages = area->pool.pages;
	out->bytes = area->pool.bytes;
	lock_drop(&area->pool.lock);
	port_irq_restore(flags);
	return true;
}

/* ---- places ---- */

static void slot_free(struct swap_area *area, uint64_t slot)
{
	swap_map_free(&area->map, slot);
	if (!area->dead)
		zonal_swap_room(swap_memory(), 1);
}

/* A place of this area, and the write that it will need. */
static uint64_t area_take(struct swap_area *area, bool *busy)
{
	port_irqflags_t flags = swap_map_lock(&area->map);
	uint64_t slot = UINT64_MAX, small = 0;

	if (area->disk && !area->idle && !area->dead && area->map.used < area->map.slots)
		*busy = true;
	else if (!area->dead)
		slot = swap_map_take(&area->map);
	if (slot != UINT64_MAX) {
		zonal_swap_room(swap_memory(), -1);
		if (area->disk) {
			small = (uint64_t)__builtin_ctz(area->idle);
			area->idle &= area->idle - 1;
			swap_map_set(&area->map, slot, SLOT_TAKEN | small << SLOT_SMALL_SHIFT);
		}
	}
	swap_map_unlock(&area->map, flags);
	return slot == UINT64_MAX ? 0 : (uint64_t)(area->id + 1) << SLOT_BITS | slot;
}

uint64_t swap_take(uint64_t after, unsigned may, bool *busy)
{
	struct swap_area *area;
	unsigned n = 0;
	uint64_t token = 0, unused;

	*busy = false;
	if (after) {
		const struct swap_area *last = swap_area_of(after, &unused);

		while ((area = area_nth(n)) && area != last)
			n++;
		n++;
	}
	for (; !token && (area = area_nth(n)); n++)
		if (!area->disk || (may & ZONAL_MAY_WRITE))
			token = area_take(area, busy);
	return token;
}

bool swap_on_a_disk(uint64_t token)
{
	uint64_t slot;

	return swap_area_of(token, &slot)->disk;
}

static void word_set(uint64_t token, uint64_t word)
{
	uint64_t slot;
	struct swap_area *area = swap_area_of(token, &slot);
	port_irqflags_t flags = swap_map_lock(&area->map);

	swap_map_set(&area->map, slot, word);
	swap_map_unlock(&area->map, flags);
}

static uint64_t word_get(uint64_t token)
{
	uint64_t slot, word;
	struct swap_area *area = swap_area_of(token, &slot);
	port_irqflags_t flags = swap_map_lock(&area->map);

	word = swap_map_get(&area->map, slot);
	swap_map_unlock(&area->map, flags);
	return word;
}

bool swap_pack(uint64_t token, struct page *page)
{
	uint64_t slot, word;
	struct swap_area *area = swap_area_of(token, &slot);

	ASSERT(!area->disk, "a page is packed into place 0x%llx", (unsigned long long)token);
	if (!swap_ram_store(area, swap_address(page), &word))
		return false;
	word_set(token, word);
	fetch_add_relaxed(&area->out, 1);
	zonal_swap_count(swap_memory(), true);
	return true;
}

static struct page *word_page(uint64_t word)
{
	return zonal_page(swap_memory(), word >> SLOT_PFN_SHIFT);
}

static unsigned word_small(uint64_t word)
{
	return (unsigned)(word >> SLOT_SMALL_SHIFT) & ((1u << POOL_INDEX_BITS) - 1);
}

void swap_begin(uint64_t token, struct page *page)
{
	uint64_t slot, word = word_get(token);
	struct swap_area *area = swap_area_of(token, &slot);
	struct swap_write *write = &area->write[word_small(word)];

	ASSERT((word & SLOT_STATE) == SLOT_TAKEN, "place 0x%llx holds 0x%llx",
	       (unsigned long long)token, (unsigned long long)word);
	zonal_get(page);
	zonal_page_writing(swap_memory(), page);
	write->area = area;
	write->slot = slot;
	write->page = page;
	word_set(token, (uint64_t)zonal_pfn(page) << SLOT_PFN_SHIFT | SLOT_CACHED | SLOT_WRITING |
			(uint64_t)word_small(word) << SLOT_SMALL_SHIFT);
}

void swap_write(uint64_t token)
{
	uint64_t slot;
	struct swap_area *area = swap_area_of(token, &slot);

	fetch_add_relaxed(&area->out, 1);
	zonal_swap_count(swap_memory(), true);
	swap_disk_write(area, word_small(word_get(token)));
}

/* The device is given up: what is free there is no room any more. The lock is held. */
static void area_die(struct swap_area *area)
{
	ASSERT(!area->dead, "%s dies twice", area->name);
	area->dead = true;
	zonal_swap_room(swap_memory(), (int64_t)area->map.used - (int64_t)area->map.slots);
}

void swap_written(struct swap_write *write, int status)
{
	struct swap_area *area = write->area;
	struct page *page = write->page;
	port_irqflags_t flags = swap_map_lock(&area->map);
	uint64_t word = swap_map_get(&area->map, write->slot);
	bool dies = status && block_is_failed(area->disk) && !area->dead;

	if (dies)
		area_die(area);
	if (word & SLOT_DROP)
		slot_free(area, write->slot);
	else
		swap_map_set(&area->map, write->slot,
			     (word & ~SLOT_WRITING) | (status ? SLOT_ERROR : 0));
	write->page = NULL;
	area->idle |= 1u << (write - area->write);
	swap_map_unlock(&area->map, flags);
	if (status && fetch_add_relaxed(&area->errors, 1) == 0)
		port_log("swap %s: a page could not be written (%d); it stays in memory",
			 area->name, status);
	if (dies)
		port_log("swap %s: the disk is gone; what is there is lost to its programs",
			 area->name);
	zonal_page_written(swap_memory(), page);
	zonal_put(swap_memory(), page);
	fetch_add_relaxed(&writes_ended, 1);
	(void)wait_wake(&writers, WAKE_ALL);
}

enum swap_state swap_look(uint64_t token, struct page **page)
{
	uint64_t word = word_get(token);

	*page = NULL;
	if ((word & SLOT_STATE) == SLOT_TAKEN)
		return SWAP_TAKEN;
	if ((word & SLOT_STATE) == SLOT_STORED)
		return SWAP_STORED;
	*page = word_page(word);
	if (word & SLOT_WRITING)
		return SWAP_WRITING;
	return word & SLOT_ERROR ? SWAP_FAILED : SWAP_CACHED;
}

void swap_commit(uint64_t token)
{
	ASSERT((word_get(token) & (SLOT_STATE | SLOT_WRITING | SLOT_ERROR)) == SLOT_CACHED,
	       "place 0x%llx is not written", (unsigned long long)token);
	word_set(token, SLOT_STORED);
}

void swap_moved(uint64_t token, struct page *to)
{
	uint64_t word = word_get(token);

	ASSERT((word & (SLOT_STATE | SLOT_WRITING)) == SLOT_CACHED, "place 0x%llx holds 0x%llx",
	       (unsigned long long)token, (unsigned long long)word);
	word_set(token, (uint64_t)zonal_pfn(to) << SLOT_PFN_SHIFT |
			(word & (SLOT_STATE | SLOT_ERROR)));
}

struct page *swap_release(uint64_t token)
{
	uint64_t slot, word;
	struct swap_area *area = swap_area_of(token, &slot);
	port_irqflags_t flags = swap_map_lock(&area->map);

	word = swap_map_get(&area->map, slot);
	if (word & SLOT_WRITING) {
		swap_map_set(&area->map, slot, SLOT_TAKEN | SLOT_DROP);
	} else {
		if (area->disk && (word & SLOT_STATE) == SLOT_TAKEN)
			area->idle |= 1u << word_small(word);
		slot_free(area, slot);
	}
	swap_map_unlock(&area->map, flags);
	if (!area->disk && (word & SLOT_STATE) == SLOT_STORED)
		pool_free(&area->pool, word >> SLOT_SMALL_SHIFT);
	return (word & SLOT_STATE) == SLOT_CACHED ? word_page(word) : NULL;
}

int swap_load(uint64_t token, struct page *page)
{
	uint64_t slot, word = word_get(token);
	struct swap_area *area = swap_area_of(token, &slot);
	int error;

	ASSERT((word & SLOT_STATE) == SLOT_STORED, "place 0x%llx holds 0x%llx",
	       (unsigned long long)token, (unsigned long long)word);
	error = area->disk ? swap_disk_read(area, slot, page) :
			     swap_ram_load(area, word, swap_address(page));
	fetch_add_relaxed(error ? &area->errors : &area->in, 1);
	if (error)
		port_log("swap %s: page %llu cannot be read", area->name,
			 (unsigned long long)slot);
	else
		zonal_swap_count(swap_memory(), false);
	return error;
}

static bool write_ended(void *arg) { return ld_relaxed(&writes_ended) != *(uint32_t *)arg; }

void swap_wait(void)
{
	uint32_t seen = ld_relaxed(&writes_ended);

	(void)wait_until(&writers, write_ended, &seen, port_time_ns() + SWAP_NAP_NS);
	/* Nobody else looks whether the disk is silent. */
	for (unsigned n = 0; area_nth(n); n++)
		if (area_nth(n)->disk)
			(void)block_look(area_nth(n)->disk);
}
