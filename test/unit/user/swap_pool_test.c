/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of compressed pages, and the map of places: by themselves, with random sizes and
 * orders.
 *
 * Pieces hold bytes that follow from their first one, so that one that was copied from the
 * wrong place is seen. Pages are counted around each case.
 */
#include "swap_world.h"

enum { PIECES = 400 };

struct piece {
	uint64_t handle;
	size_t bytes;
	unsigned char first;
};

static uint64_t state;
static unsigned char bytes_of_test[POOL_MOST], bytes_back[POOL_MOST];

static bool piece_put(struct swap_pool *pool, struct piece *piece, size_t bytes)
{
	piece->bytes = bytes;
	piece->first = (unsigned char)kt_random(&state);
	for (size_t i = 0; i < bytes; i++)
		bytes_of_test[i] = (unsigned char)(piece->first + i * 7);
	return pool_put(pool, bytes_of_test, bytes, &piece->handle);
}

static bool piece_good(struct swap_pool *pool, const struct piece *piece)
{
	size_t bytes;
	const void *inside = pool_piece(pool, piece->handle, &bytes);

	if (pool_get(pool, piece->handle, bytes_back) != piece->bytes || bytes != piece->bytes)
		return false;
	if (inside && memcmp(inside, bytes_back, bytes))
		return false;
	for (size_t i = 0; i < piece->bytes; i++)
		if (bytes_back[i] != (unsigned char)(piece->first + i * 7))
			return false;
	return true;
}

BLOCK_TEST(swap, pieces_of_any_size_come_back_as_they_were)
{
	static struct piece piece[PIECES];
	static struct swap_pool pool;
	uint64_t bytes = 0;

	pool_make(&pool);
	state = kt_seed();
	memset(piece, 0, sizeof(piece));
	for (unsigned step = 0; step < 20 * PIECES; step++) {
		struct piece *p = &piece[kt_random(&state) % PIECES];

		if (p->bytes) {
			KT_TRUE(piece_good(&pool, p));
			pool_free(&pool, p->handle);
			bytes -= p->bytes;
			p->bytes = 0;
		} else if (KT_TRUE(piece_put(&pool, p, 1 + kt_random(&state) % POOL_MOST))) {
			bytes += p->bytes;
		}
		KT_EQ(pool.bytes, bytes);
	}
	for (unsigned i = 0; i < PIECES; i++)
		if (piece[i].bytes) {
			KT_TRUE(piece_good(&pool, &piece[i]));
			pool_free(&pool, piece[i].handle);
		}
	KT_EQ(pool.pages, 0);
	KT_EQ(pool.pieces, 0);
	KT_EQ(pool.bytes, 0);
}

/* The largest, the smallest, and a size that two of a page would not waste more of. */
BLOCK_TEST(swap, little_of_a_page_is_wasted)
{
	static const size_t sizes[] = { POOL_MOST, 1, 30, 700, 1000, 1300, 1500, 2000, 2300, 2700 };
	static struct piece piece[PIECES];
	static struct swap_pool pool;

	pool_make(&pool);
	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
		size_t rounded = (sizes[s] + POOL_LENGTH + POOL_STEP - 1) / POOL_STEP * POOL_STEP;

		for (unsigned i = 0; i < PIECES; i++)
			KT_TRUE(piece_put(&pool, &piece[i], sizes[s]));
		/* Heads, ends of spans and the last span together: an eighth. */
		KT_OK(pool.pages * PAGE_SIZE * 7 / 8 <= PIECES * rounded + 4 * PAGE_SIZE,
		      "%llu pages for %u pieces of %zu bytes", (unsigned long long)pool.pages,
		      PIECES, sizes[s]);
		for (unsigned i = 0; i < PIECES; i++)
			KT_TRUE(piece_good(&pool, &piece[i]));
		for (unsigned i = 0; i < PIECES; i++)
			pool_free(&pool, piece[(i * 7 + 3) % PIECES].handle);
		KT_EQ(pool.pages, 0);
	}
}

BLOCK_TEST(swap, a_pool_without_memory_says_so_and_keeps_nothing)
{
	static struct swap_pool pool;
	struct piece piece;
	unsigned tries;

	pool_make(&pool);
	for (tries = 0; tries < 8; tries++) {
		bool put;

		/* A span of this size has four pages: each of them fails in turn. */
		zonal_inject(swap_memory(), tries, 100);
		put = piece_put(&pool, &piece, POOL_MOST);
		zonal_inject(swap_memory(), 0, 0);
		if (put)
			break;
		KT_EQ(pool.pages, 0);
	}
	KT_EQ(tries, POOL_SPAN_PAGES);
	pool_free(&pool, piece.handle);
}

BLOCK_TEST(swap, places_are_given_once_and_again_when_they_are_free)
{
	enum { SLOTS = 1300 };
	static bool taken[SLOTS];
	static struct swap_map map;
	uint64_t count = 0;
	port_irqflags_t flags;

	memset(&map, 0, sizeof(map));
	state = kt_seed();
	memset(taken, 0, sizeof(taken));
	lock_set_rank(&map.lock, LOCK_SWAP);
	if (!KT_TRUE(swap_map_make(&map, SLOTS)))
		return;
	flags = swap_map_lock(&map);
	KT_EQ(swap_map_take(&map), UINT64_MAX);
	map.open = true;
	for (unsigned step = 0; step < 10 * SLOTS; step++) {
		uint64_t slot = kt_random(&state) % SLOTS;

		if (taken[slot]) {
			KT_EQ(swap_map_get(&map, slot), slot << SLOT_PFN_SHIFT | SLOT_STORED);
			swap_map_free(&map, slot);
			taken[slot] = false;
			count--;
			continue;
		}
		slot = swap_map_take(&map);
		if (!KT_TRUE(slot < SLOTS && !taken[slot]))
			break;
		swap_map_set(&map, slot, slot << SLOT_PFN_SHIFT | SLOT_STORED);
		taken[slot] = true;
		KT_EQ(map.used, ++count);
	}
	while (count < SLOTS && swap_map_take(&map) != UINT64_MAX)
		count++;
	KT_EQ(count, SLOTS);
	KT_EQ(swap_map_take(&map), UINT64_MAX);
	for (uint64_t slot = 0; slot < SLOTS; slot++)
		swap_map_free(&map, slot);
	KT_EQ(map.used, 0);
	map.open = false;
	swap_map_unlock(&map, flags);
	swap_map_drop(&map);
}
