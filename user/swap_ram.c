/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A swap area in RAM: pages are compressed into the area's pool.
 *
 * To compress takes memory to work with, which nobody wants to ask for when there is none, so
 * some pieces of it are taken when the area begins: one for each CPU and two for those that are
 * preempted. Who finds none free waits for one; nobody who has one waits for anything, so that
 * ends.
 *
 *	work memory   state of the compressor, then one compressed page
 *
 * A page that does not become smaller than POOL_MOST is refused: it would save too little. The
 * caller tries the next area.
 *
 * Context: tasks, open.
 */
#include "swap_internal.h"

#include <zonal/user.h>

#define STATE_BYTES 4608u

_Static_assert(STATE_BYTES + POOL_MOST <= PAGE_SIZE << SWAP_WORK_ORDER, "both have room");

const char *swap_ram_make(struct swap_area *area, const struct swap_codec *codec)
{
	unsigned wanted = ZN_MIN(sched_port_cpu_count() + 2, SWAP_WORKS);

	ASSERT(codec->state_bytes <= STATE_BYTES, "%s wants %zu bytes", codec->name,
	       codec->state_bytes);
	area->codec = codec;
	pool_make(&area->pool);
	area->works = 0;
	while (area->works < wanted) {
		struct page *page = zonal_alloc(swap_memory(), GFP_KERNEL | __GFP_NOWARN,
						SWAP_WORK_ORDER);

		if (!page)
			break;
		area->work[area->works++] = page;
	}
	area->works_all = area->works;
	return area->works ? NULL : "no memory to compress with";
}

void swap_ram_drop(struct swap_area *area)
{
	ASSERT(area->works == area->works_all && !area->pool.pieces, "%llu pages are in %s",
	       (unsigned long long)area->pool.pieces, area->name);
	while (area->works)
		zonal_free(swap_memory(), area->work[--area->works], SWAP_WORK_ORDER);
}

/* ---- memory to work with ---- */

static bool works_free(void *arg)
{
	/* A hint: who takes one looks again, with the lock. */
	return *(volatile unsigned *)&((struct swap_area *)arg)->works != 0;
}

static struct page *work_take(struct swap_area *area)
{
	struct page *page = NULL;

	for (;;) {
		port_irqflags_t flags = swap_map_lock(&area->map);

		if (area->works)
			page = area->work[--area->works];
		swap_map_unlock(&area->map, flags);
		if (page)
			return page;
		(void)wait_until(&area->workers, works_free, area, SCHED_NEVER);
	}
}

static void work_give(struct swap_area *area, struct page *page)
{
	port_irqflags_t flags = swap_map_lock(&area->map);
	bool none = !area->works;

	area->work[area->works++] = page;
	swap_map_unlock(&area->map, flags);
	/* Only who found none can be waiting. */
	if (none)
		(void)wait_wake(&area->workers, WAKE_ALL);
}

/* ---- pages ---- */

bool swap_ram_store(struct swap_area *area, const void *page, uint64_t *word)
{
	struct page *work = work_take(area);
	char *state = swap_address(work), *packed = state + STATE_BYTES;
	uint64_t handle;
	size_t bytes = area->codec->pack(page, packed, POOL_MOST, state);
	bool stored;

	stored = bytes && pool_put(&area->pool, packed, bytes, &handle);
	work_give(area, work);
	if (!stored) {
		fetch_add_relaxed(&area->refused, 1);
		return false;
	}
	*word = handle << SLOT_SMALL_SHIFT | SLOT_STORED;
	return true;
}

int swap_ram_load(struct swap_area *area, uint64_t word, void *page)
{
	size_t bytes;
	const void *piece = pool_piece(&area->pool, word >> SLOT_SMALL_SHIFT, &bytes);
	struct page *work;
	char *packed;
	bool good;

	if (piece)
		return area->codec->unpack(piece, bytes, page) ? 0 : USER_EIO;
	/* It begins in one page and ends in another. */
	work = work_take(area);
	packed = (char *)swap_address(work) + STATE_BYTES;
	bytes = pool_get(&area->pool, word >> SLOT_SMALL_SHIFT, packed);
	good = area->codec->unpack(packed, bytes, page);
	work_give(area, work);
	return good ? 0 : USER_EIO;
}
