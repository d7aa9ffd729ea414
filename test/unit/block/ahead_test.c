/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-ahead: what a reader who goes through a disk makes the cache ask for, and one who does
 * not.
 *
 * First the arithmetic by itself, which needs no disk, then the requests that a disk of memory
 * sees: how many there are, and that an error ahead is nobody's error.
 */
#include "block/cache_internal.h"
#include "cache_disk.h"

KTEST(block_ahead, window_doubles_with_each_sequential_read)
{
	static const unsigned window[] = { 4, 8, 16, 32, 64, 64 };
	struct cache_ahead ahead = { .window = 0 };
	uint64_t from, got = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(window); i++) {
		uint64_t count = cache_ahead_plan(&ahead, i * 64, 64, 100000, &from);

		KT_EQ(ahead.window, window[i]);
		KT_EQ(from, ZN_MAX((i + 1) * 64, got));
		got = from + count;
		KT_EQ(got, (i + 1) * 64 + window[i]);
	}
}

KTEST(block_ahead, asks_again_only_when_half_is_used)
{
	struct cache_ahead ahead = { .window = 0 };
	uint64_t from, end = 0;
	unsigned asked = 0;

	for (unsigned i = 0; i < 200; i++) {
		uint64_t count = cache_ahead_plan(&ahead, i, 1, 100000, &from);

		if (!count)
			continue;
		asked++;
		KT_EQ(from, ZN_MAX(i + 1, end));
		end = from + count;
	}
	/* 4, 8, 16, 32, 64 pages ahead, then about 32 at a time. */
	KT_TRUE(asked >= 6 && asked <= 12);
	KT_TRUE(end > 200 && end <= 200 + CACHE_AHEAD_MOST);
}

KTEST(block_ahead, reads_elsewhere_end_it)
{
	struct cache_ahead ahead = { .window = 0 };
	uint64_t from;

	KT_EQ(cache_ahead_plan(&ahead, 0, 8, 1000, &from), 4);
	KT_EQ(cache_ahead_plan(&ahead, 500, 8, 1000, &from), 0);
	KT_EQ(cache_ahead_plan(&ahead, 300, 8, 1000, &from), 0);
	KT_EQ(cache_ahead_plan(&ahead, 308, 8, 1000, &from), 4);
	KT_EQ(from, 316);
}

KTEST(block_ahead, ends_with_the_disk)
{
	struct cache_ahead ahead = { .next = 990, .window = 64 };
	uint64_t from;

	KT_EQ(cache_ahead_plan(&ahead, 990, 8, 1000, &from), 2);
	KT_EQ(from, 998);
	KT_EQ(cache_ahead_plan(&ahead, 998, 2, 1000, &from), 0);
}

BLOCK_TEST(block_ahead, sequential_reader_gets_large_requests_and_few)
{
	enum { PAGES = 256 };
	struct ram_disk *disk = cache_disk_new(PAGES * BLOCK_PAGE_SECTORS);
	unsigned char byte;
	struct cache_counts count;

	if (!disk)
		return;
	for (unsigned i = 0; i < PAGES; i++) {
		KT_EQ(cache_read(&disk->device, i * PAGE_SIZE, &byte, 1), 0);
		KT_EQ(byte, disk->data[i * PAGE_SIZE]);
	}
	cache_count(&disk->device, &count);
	KT_EQ(count.misses, 1);
	KT_EQ(count.ahead, PAGES - 1);
	KT_TRUE(disk->seen_count <= 30);
	cache_disk_end(disk);
}

BLOCK_TEST(block_ahead, random_reader_gets_what_he_asks_for)
{
	struct ram_disk *disk = cache_disk_new(256 * BLOCK_PAGE_SECTORS);
	unsigned char byte;

	if (!disk)
		return;
	for (unsigned i = 0; i < 20; i++)
		KT_EQ(cache_read(&disk->device, (i * 37 + 11) % 256 * PAGE_SIZE, &byte, 1), 0);
	KT_EQ(disk->seen_count, 20);
	KT_EQ(cache_disk_cached(disk), 20);
	cache_disk_end(disk);
}

BLOCK_TEST(block_ahead, failed_read_ahead_harms_nobody)
{
	struct ram_disk *disk = cache_disk_new(256 * BLOCK_PAGE_SECTORS);
	unsigned char byte;

	if (!disk)
		return;
	/* The second read finds its page, and its request ahead fails. */
	KT_EQ(cache_read(&disk->device, 0, &byte, 1), 0);
	disk->fail_reads = 1;
	KT_EQ(cache_read(&disk->device, PAGE_SIZE, &byte, 1), 0);
	for (unsigned i = 0; i < 20; i++) {
		KT_EQ(cache_read(&disk->device, i * PAGE_SIZE, &byte, 1), 0);
		KT_EQ(byte, disk->data[i * PAGE_SIZE]);
	}
	cache_disk_end(disk);
}
