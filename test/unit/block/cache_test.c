/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing through the cache: right bytes, no needless requests, errors, durability.
 *
 * The disk is one of memory that keeps apart what it was given and what would survive a loss of
 * power. Random cases draw from kt_seed() and compare with a copy of the disk that the test
 * keeps. In the last ones several tasks work at once on parts of their own, while the body
 * of the test plays the device and answers out of order.
 */
#include "cache_disk.h"

#include <string.h>

enum { PAGES = 64, SECTORS = PAGES * (int)BLOCK_PAGE_SECTORS, STEPS = 400 };

BLOCK_TEST(block_cache, reads_what_the_disk_holds_at_any_offset)
{
	static const uint64_t sectors[] = { 1, 7, 8, 9, 1000 };
	uint64_t seed = kt_seed() | 1;

	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++) {
		struct ram_disk *disk = cache_disk_new(sectors[i]);
		size_t bytes = (size_t)sectors[i] << BLOCK_SECTOR_SHIFT;
		unsigned char *buffer = block_test_alloc(bytes);

		if (!disk || !buffer)
			return;
		for (unsigned k = 0; k < 40; k++) {
			size_t from = (size_t)kt_random(&seed) % bytes;
			size_t count = (size_t)kt_random(&seed) % (bytes - from + 1);

			memset(buffer, 0xee, bytes);
			KT_EQ(cache_read(&disk->device, from, buffer, count), 0);
			KT_TRUE(memcmp(buffer, disk->data + from, count) == 0);
			KT_TRUE(count == bytes || buffer[count] == 0xee);
		}
		cache_disk_end(disk);
	}
}

BLOCK_TEST(block_cache, second_read_asks_the_disk_for_nothing)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte[100];
	unsigned seen;

	if (!disk)
		return;
	KT_EQ(cache_read(&disk->device, 5000, byte, sizeof(byte)), 0);
	seen = disk->seen_count;
	KT_EQ(cache_read(&disk->device, 4096, byte, sizeof(byte)), 0);
	KT_EQ(cache_read(&disk->device, 8092, byte, sizeof(byte)), 0);
	KT_EQ(disk->seen_count, seen);
	/* Once dropped, it has to be read again. */
	KT_TRUE(cache_drop(&disk->device) > 0);
	KT_EQ(cache_disk_cached(disk), 0);
	KT_EQ(cache_read(&disk->device, 5000, byte, sizeof(byte)), 0);
	KT_TRUE(disk->seen_count > seen);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, only_a_partial_write_reads_the_page_first)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char *page = block_test_alloc(PAGE_SIZE);

	if (!disk || !page)
		return;
	memset(page, 0x11, PAGE_SIZE);
	KT_EQ(cache_write(&disk->device, 0, page, PAGE_SIZE), 0);
	KT_EQ(disk->seen_count, 0);
	KT_EQ(cache_write(&disk->device, 2 * PAGE_SIZE + 10, page, 20), 0);
	KT_EQ(ram_disk_count(disk, BLOCK_READ), 1);
	KT_EQ(cache_write(&disk->device, 2 * PAGE_SIZE + 100, page, 20), 0);
	KT_EQ(ram_disk_count(disk, BLOCK_READ), 1);
	KT_EQ(ram_disk_count(disk, BLOCK_WRITE), 0);
	KT_EQ(cache_flush(&disk->device), 0);
	KT_TRUE(disk->durable[2 * PAGE_SIZE + 10] == 0x11 && disk->durable[0] == 0x11);
	KT_TRUE(disk->durable[2 * PAGE_SIZE + 9] == disk->data[2 * PAGE_SIZE + 9]);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, last_page_of_an_odd_disk_is_written_as_far_as_it_goes)
{
	struct ram_disk *disk = cache_disk_new(9);
	unsigned char sector[BLOCK_SECTOR_BYTES];

	if (!disk)
		return;
	memset(sector, 0x5a, sizeof(sector));
	KT_EQ(cache_write(&disk->device, 8 * BLOCK_SECTOR_BYTES, sector, sizeof(sector)), 0);
	/* It is all that the disk has of that page: nothing had to be read. */
	KT_EQ(disk->seen_count, 0);
	KT_EQ(cache_flush(&disk->device), 0);
	KT_EQ(disk->seen[0].bytes, BLOCK_SECTOR_BYTES);
	KT_TRUE(memcmp(disk->durable + 8 * BLOCK_SECTOR_BYTES, sector, sizeof(sector)) == 0);
	KT_EQ(cache_write(&disk->device, 8 * BLOCK_SECTOR_BYTES + 500, sector, 12), 0);
	KT_EQ(cache_flush(&disk->device), 0);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, ranges_off_the_disk_are_refused)
{
	struct ram_disk *disk = cache_disk_new(16);
	uint64_t end = 16 << BLOCK_SECTOR_SHIFT;
	unsigned char byte[2] = { 0 };
	uint32_t crc;

	if (!disk)
		return;
	KT_EQ(cache_read(&disk->device, end - 1, byte, 2), BLOCK_EINVAL);
	KT_EQ(cache_read(&disk->device, UINT64_MAX, byte, 2), BLOCK_EINVAL);
	KT_EQ(cache_write(&disk->device, end, byte, 1), BLOCK_EINVAL);
	KT_EQ(cache_checksum(&disk->device, 1, end, &crc), BLOCK_EINVAL);
	KT_EQ(cache_read(&disk->device, end, byte, 0), 0);
	KT_EQ(cache_write(&disk->device, end, byte, 0), 0);
	disk->device.read_only = true;
	KT_EQ(cache_write(&disk->device, 0, byte, 1), BLOCK_EROFS);
	KT_EQ(cache_read(&disk->device, 0, byte, 1), 0);
	/* The page, and the other one ahead. */
	KT_EQ(disk->seen_count, 2);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, checksum_is_the_one_that_others_compute)
{
	struct ram_disk *disk = cache_disk_new(16);
	uint32_t crc = 1;

	if (!disk)
		return;
	KT_EQ(cache_write(&disk->device, PAGE_SIZE - 4, "123456789", 9), 0);
	KT_EQ(cache_checksum(&disk->device, PAGE_SIZE - 4, 9, &crc), 0);
	KT_EQ(crc, 0xcbf43926);
	KT_EQ(cache_checksum(&disk->device, 0, 0, &crc), 0);
	KT_EQ(crc, 0);
	cache_disk_end(disk);
}

/* ---- errors ---- */

BLOCK_TEST(block_cache, read_error_is_told_and_the_next_read_tries_again)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte = 0;

	if (!disk)
		return;
	/* The read, what is read ahead, and the second try. */
	disk->fail_reads = 3;
	KT_EQ(cache_read(&disk->device, 40 * PAGE_SIZE, &byte, 1), BLOCK_EIO);
	disk->fail_reads = 0;
	KT_EQ(cache_read(&disk->device, 40 * PAGE_SIZE, &byte, 1), 0);
	KT_EQ(byte, disk->data[40 * PAGE_SIZE]);
	disk->fail_reads = 2;
	KT_EQ(cache_write(&disk->device, 20 * PAGE_SIZE + 1, &byte, 1), BLOCK_EIO);
	KT_EQ(cache_disk_dirty(disk), 0);
	disk->fail_reads = 0;
	KT_EQ(cache_write(&disk->device, 20 * PAGE_SIZE + 1, &byte, 1), 0);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, failed_write_stays_dirty_until_a_flush_brings_it_there)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte = 0x77;
	unsigned seen;

	if (!disk)
		return;
	KT_EQ(cache_write(&disk->device, 100, &byte, 1), 0);
	disk->fail_writes = 1;
	KT_TRUE(cache_write_back());
	KT_EQ(cache_disk_dirty(disk), 1);
	seen = disk->seen_count;
	/* In the background it is not tried for ever. */
	(void)cache_write_back();
	KT_EQ(disk->seen_count, seen);
	disk->fail_writes = 1;
	KT_EQ(cache_flush(&disk->device), BLOCK_EIO);
	KT_EQ(cache_disk_dirty(disk), 1);
	KT_EQ(cache_flush(&disk->device), 0);
	KT_EQ(cache_disk_dirty(disk), 0);
	KT_EQ(disk->durable[100], 0x77);
	disk->fail_flushes = 1;
	KT_EQ(cache_flush(&disk->device), BLOCK_EIO);
	KT_EQ(cache_flush(&disk->device), 0);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, what_is_cached_of_a_dead_disk_can_be_read_and_nothing_more)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte = 3, back = 0;

	if (!disk)
		return;
	KT_EQ(cache_write(&disk->device, 100, &byte, 1), 0);
	block_give_up(&disk->device, BLOCK_EIO, "the test says so");
	KT_EQ(cache_read(&disk->device, 100, &back, 1), 0);
	KT_EQ(back, 3);
	KT_EQ(cache_read(&disk->device, 50 * PAGE_SIZE, &back, 1), BLOCK_EIO);
	KT_EQ(cache_write(&disk->device, 100, &byte, 1), BLOCK_EIO);
	KT_EQ(cache_flush(&disk->device), BLOCK_EIO);
	cache_disk_end(disk);
}

BLOCK_TEST(block_cache, no_memory_is_an_error_and_loses_nothing)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);
	unsigned char byte = 9;
	unsigned failed = 0;

	if (!disk)
		return;
	/* Each allocation of a read and of a write in turn. */
	for (unsigned skip = 0; skip < 4; skip++) {
		zonal_inject(block_memory(), skip, 100);
		failed += cache_read(&disk->device, 0, &byte, 1) == BLOCK_ENOMEM;
		failed += cache_write(&disk->device, 30 * PAGE_SIZE, disk->data, PAGE_SIZE) ==
			  BLOCK_ENOMEM;
		zonal_inject(block_memory(), 0, 0);
		KT_EQ(cache_flush(&disk->device), 0);
		(void)cache_drop(&disk->device);
		KT_EQ(cache_disk_cached(disk), 0);
	}
	KT_TRUE(failed >= 3);
	cache_disk_end(disk);
}

/* ---- against a copy ---- */

struct shadow {
	struct ram_disk *disk;
	unsigned char *copy, *buffer;
	uint64_t seed;
};

static void random_step(struct shadow *s)
{
	size_t from = (size_t)kt_random(&s->seed) % (PAGES * PAGE_SIZE);
	size_t most = ZN_MIN(PAGES * PAGE_SIZE - from, 5 * PAGE_SIZE);
	size_t bytes = 1 + (size_t)kt_random(&s->seed) % most;
	struct block_device *device = &s->disk->device;

	switch (kt_random(&s->seed) % 8) {
	case 0:
		KT_EQ(cache_flush(device), 0);
		KT_TRUE(memcmp(s->disk->durable, s->copy, PAGES * PAGE_SIZE) == 0);
		break;
	case 1: (void)cache_drop(device); break;
	case 2: (void)cache_write_back(); break;
	case 3:
	case 4:
	case 5:
		memset(s->buffer, (int)kt_random(&s->seed), bytes);
		memcpy(s->copy + from, s->buffer, bytes);
		KT_EQ(cache_write(device, from, s->buffer, bytes), 0);
		break;
	default:
		KT_EQ(cache_read(device, from, s->buffer, bytes), 0);
		KT_TRUE(memcmp(s->buffer, s->copy + from, bytes) == 0);
		break;
	}
}

BLOCK_TEST(block_cache, random_operations_keep_every_byte)
{
	struct shadow s = { .disk = cache_disk_new(SECTORS), .seed = kt_seed() | 1 };

	s.copy = block_test_alloc(PAGES * PAGE_SIZE);
	s.buffer = block_test_alloc(PAGES * PAGE_SIZE);
	if (!s.disk || !s.copy || !s.buffer)
		return;
	memcpy(s.copy, s.disk->data, PAGES * PAGE_SIZE);
	for (unsigned i = 0; i < STEPS; i++)
		random_step(&s);
	KT_EQ(cache_flush(&s.disk->device), 0);
	KT_TRUE(memcmp(s.disk->durable, s.copy, PAGES * PAGE_SIZE) == 0);
	KT_EQ(cache_disk_dirty(s.disk), 0);
	cache_disk_end(s.disk);
}

/* ---- the barrier ---- */

static int flush_main(void *arg) { return cache_flush(arg); }

/* Flush in a task of its own, while this one answers a request at a time. */
static int flush_answered_slowly(struct ram_disk *disk)
{
	struct task *task = sched_world_task(flush_main, &disk->device, -1, 6);
	unsigned before = ram_disk_count(disk, BLOCK_FLUSH);

	if (!task)
		return 1;
	while (ld_relaxed(&disk->device.flushes) == before) {
		ram_disk_answer(disk, 1);
		task_sleep_ns(MS / 20);
	}
	return task_join(task);
}

BLOCK_TEST(block_cache, flush_waits_for_every_write_before_it_tells_the_disk)
{
	struct ram_disk *disk = cache_disk_new(SECTORS);

	if (!disk)
		return;
	disk->newest_first = true;
	/* In the second round the writes are under way already when it begins. */
	for (unsigned round = 0; round < 2; round++) {
		unsigned char byte = (unsigned char)(0xa0 + round);

		for (unsigned i = 0; i < PAGES; i += 4)
			KT_EQ(cache_write(&disk->device, i * PAGE_SIZE, &byte, 1), 0);
		disk->held = true;
		if (round)
			KT_TRUE(cache_write_back());
		KT_EQ(flush_answered_slowly(disk), 0);
		KT_EQ(disk->early_flushes, 0);
		KT_EQ(cache_disk_dirty(disk), 0);
		for (unsigned i = 0; i < PAGES; i += 4)
			KT_EQ(disk->durable[i * PAGE_SIZE], byte);
		ram_disk_release(disk);
	}
	cache_disk_end(disk);
}

/* ---- the limit ---- */

BLOCK_TEST(block_cache, writer_over_the_limit_waits_for_the_disk)
{
	struct ram_disk *disk = cache_disk_new(4 * SECTORS);
	unsigned char *page = block_test_alloc(PAGE_SIZE);

	if (!disk || !page)
		return;
	KT_TRUE(cache_dirty_limit(sched_world_node()) > 8);
	cache_set_dirty_limit(8);
	for (unsigned i = 0; i < 4 * PAGES; i++) {
		KT_EQ(cache_write(&disk->device, i * PAGE_SIZE, page, PAGE_SIZE), 0);
		KT_TRUE(cache_disk_dirty(disk) <= 2 * 8);
	}
	cache_set_dirty_limit(0);
	KT_TRUE(ram_disk_count(disk, BLOCK_WRITE) > 0);
	cache_disk_end(disk);
}

/* ---- several tasks, and a disk that answers out of order ---- */

enum { WORKERS = 4, PART = PAGES / WORKERS };

static struct {
	struct ram_disk *disk;
	_Atomic unsigned left, wrong;
	unsigned char value[PAGES]; /* each by the task whose part it is */
} together;

/* Part `number` is the pages with that number modulo WORKERS: neighbours are others'. */
static void work_on_a_page(unsigned number, uint64_t *seed, unsigned char *buffer)
{
	unsigned page = (unsigned)kt_random(seed) % PART * WORKERS + number;
	struct block_device *device = &together.disk->device;

	if (kt_random(seed) % 2) {
		together.value[page]++;
		memset(buffer, together.value[page], PAGE_SIZE);
		if (cache_write(device, page * PAGE_SIZE, buffer, PAGE_SIZE))
			atomic_fetch_add(&together.wrong, 1);
		return;
	}
	if (cache_read(device, page * PAGE_SIZE, buffer, PAGE_SIZE) ||
	    buffer[0] != together.value[page] || buffer[PAGE_SIZE - 1] != buffer[0])
		atomic_fetch_add(&together.wrong, 1);
}

static int worker_main(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg, steps = kt_port_is_target() ? 20 : 300;
	uint64_t seed = (kt_seed() + number) | 1;
	struct page *page = zonal_alloc(block_memory(), GFP_KERNEL, 0);

	for (unsigned i = 0; page && i < steps; i++) {
		work_on_a_page(number, &seed, block_page_address(page));
		if (number == 0 && i % 16 == 0 && cache_flush(&together.disk->device))
			atomic_fetch_add(&together.wrong, 1);
		if (number == 1 && i % 16 == 0)
			(void)cache_drop(&together.disk->device);
	}
	zonal_free(block_memory(), page, 0);
	atomic_fetch_sub(&together.left, 1);
	return 0;
}

BLOCK_TEST(block_cache, tasks_at_work_together_lose_no_byte)
{
	struct task *task[WORKERS];

	together.disk = cache_disk_new(SECTORS);
	if (!together.disk)
		return;
	memset(together.disk->data, 0, PAGES * PAGE_SIZE);
	memset(together.value, 0, sizeof(together.value));
	together.disk->held = together.disk->mixed = true;
	atomic_store(&together.wrong, 0);
	atomic_store(&together.left, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		task[i] = sched_world_task(worker_main, (void *)(uintptr_t)i, -1, 6);
	while (atomic_load(&together.left)) {
		ram_disk_answer(together.disk, 2);
		task_sleep_ns(MS / 20);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		if (task[i])
			task_join(task[i]);
	ram_disk_release(together.disk);
	KT_EQ(atomic_load(&together.wrong), 0);
	KT_EQ(cache_flush(&together.disk->device), 0);
	for (unsigned i = 0; i < PAGES; i++)
		KT_TRUE(together.disk->durable[i * PAGE_SIZE] == together.value[i] &&
			together.disk->durable[(i + 1) * PAGE_SIZE - 1] == together.value[i]);
	cache_disk_end(together.disk);
}
