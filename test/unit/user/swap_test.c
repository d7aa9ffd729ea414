/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap areas: what is written comes back, which area is asked first, what happens to a place that
 * is given up, and what disks are refused. Nothing runs at EL0: places are taken and given back by
 * hand. Pages are counted around each case.
 */
#include "swap_world.h"

enum { PAGES = 64, SECTORS = (PAGES + 1) * 8 };

/* ---- RAM ---- */

BLOCK_TEST(swap, pages_in_ram_come_back_as_they_were)
{
	uint64_t token[PAGES], room = swap_room();
	struct swap_info info;
	bool busy;

	KT_TRUE(!swap_on_ram(PAGES, &swap_test_codec));
	KT_EQ(swap_room(), room + PAGES);
	for (unsigned i = 0; i < PAGES; i++) {
		struct page *page = swap_page_new(i, 4 + i * 8);

		token[i] = swap_take(0, MAY_ALL, &busy);
		KT_TRUE(token[i] && !swap_on_a_disk(token[i]) && !busy);
		KT_TRUE(swap_pack(token[i], page));
		swap_page_free(page);
	}
	KT_EQ(swap_room(), room);
	KT_EQ(swap_take(0, MAY_ALL, &busy), 0);
	KT_TRUE(swap_off("ram0") != NULL);
	for (unsigned i = 0; i < PAGES; i++) {
		struct page *page = swap_page_new(0, 1), *cached;

		KT_EQ(swap_look(token[i], &cached), SWAP_STORED);
		KT_EQ(swap_load(token[i], page), 0);
		KT_TRUE(!cached && swap_page_is(page, i, 4 + i * 8));
		KT_TRUE(!swap_release(token[i]));
		swap_page_free(page);
	}
	KT_TRUE(swap_look_area(0, &info) && !swap_look_area(1, &info));
	KT_EQ(info.held_pages, 0);
	KT_EQ(info.out, PAGES);
	KT_EQ(info.in, PAGES);
	KT_TRUE(!swap_off("ram0"));
	KT_EQ(swap_room(), room);
}

BLOCK_TEST(swap, a_page_that_does_not_compress_is_refused_and_the_next_area_asked)
{
	struct page *page = swap_page_new(1, 1);
	uint64_t first, second;
	struct swap_info info;
	bool busy;

	KT_TRUE(!swap_on_ram(PAGES, &swap_test_codec) && !swap_on_ram(PAGES, &swap_test_codec));
	first = swap_take(0, MAY_ALL, &busy);
	KT_TRUE(!swap_pack(first, page));
	second = swap_take(first, MAY_ALL, &busy);
	KT_TRUE(second >> 32 == (first >> 32) + 1);
	KT_EQ(swap_take(second, MAY_ALL, &busy), 0);
	KT_TRUE(!swap_release(first) && !swap_release(second));
	KT_TRUE(swap_look_area(0, &info));
	KT_EQ(info.refused, 1);
	KT_EQ(info.out, 0);
	/* Without memory for the piece it is the same. */
	swap_page_free(page);
	page = swap_page_new(1, 64);
	first = swap_take(0, MAY_ALL, &busy);
	zonal_inject(swap_memory(), 0, 100);
	KT_TRUE(!swap_pack(first, page));
	zonal_inject(swap_memory(), 0, 0);
	KT_TRUE(swap_pack(first, page));
	KT_TRUE(!swap_release(first));
	swap_page_free(page);
	KT_TRUE(!swap_off("ram0") && !swap_off("ram1") && swap_off("ram1"));
}

BLOCK_TEST(swap, a_damaged_piece_is_an_error_and_nothing_more)
{
	struct page *page = swap_page_new(5, 64);
	uint64_t token, slot;
	port_irqflags_t flags;
	struct swap_info info;
	unsigned char byte = 1;
	struct swap_area *area;
	bool busy;

	KT_TRUE(!swap_on_ram(PAGES, &swap_test_codec));
	token = swap_take(0, MAY_ALL, &busy);
	KT_TRUE(swap_pack(token, page));
	area = swap_area_of(token, &slot);
	flags = swap_map_lock(&area->map);
	pool_free(&area->pool, swap_map_get(&area->map, slot) >> SLOT_SMALL_SHIFT);
	swap_map_unlock(&area->map, flags);
	/* The same place, with another length. */
	KT_TRUE(pool_put(&area->pool, &byte, 1, &slot));
	flags = swap_map_lock(&area->map);
	swap_map_set(&area->map, token & 0xffffffff, slot << SLOT_SMALL_SHIFT | SLOT_STORED);
	swap_map_unlock(&area->map, flags);
	log_begin();
	KT_EQ(swap_load(token, page), USER_EIO);
	KT_STR_EQ(log_end(), "swap ram0: page 0 cannot be read\n");
	KT_TRUE(!swap_release(token));
	KT_TRUE(swap_look_area(0, &info));
	KT_EQ(info.errors, 1);
	KT_TRUE(!swap_off("ram0"));
	swap_page_free(page);
}

/* Each allocation of each way in fails in turn. */
BLOCK_TEST(swap, an_area_that_gets_no_memory_leaves_nothing)
{
	struct ram_disk *disk = ram_disk_new(SECTORS);
	const char *fault = "";
	unsigned tries;

	if (!disk)
		return;
	KT_TRUE(!swap_format(&disk->device));
	for (tries = 0; fault && tries < 100; tries++) {
		zonal_inject(swap_memory(), tries, 1000);
		fault = swap_on_ram(PAGES, &swap_test_codec);
		zonal_inject(swap_memory(), 0, 0);
	}
	KT_OK(tries > 3 && tries < 100, "%u tries", tries);
	fault = "";
	for (tries = 0; fault && tries < 100; tries++) {
		zonal_inject(swap_memory(), tries, 1000);
		fault = swap_on_disk(&disk->device);
		zonal_inject(swap_memory(), 0, 0);
	}
	KT_EQ(tries, 5);
	KT_TRUE(!swap_off("ram0") && !swap_off(disk->device.name));
	ram_disk_end(disk);
}

/* ---- disks ---- */

static struct ram_disk *swap_disk_new(void)
{
	struct ram_disk *disk = ram_disk_new(SECTORS);

	if (disk) {
		KT_TRUE(!swap_format(&disk->device));
		KT_TRUE(!swap_on_disk(&disk->device));
	}
	return disk;
}

static void swap_disk_end(struct ram_disk *disk)
{
	const char *fault;
	unsigned tries = 0;

	ram_disk_release(disk);
	/* The last write may just be ending. */
	while ((fault = swap_off(disk->device.name)) && tries++ < 1000)
		task_sleep_ns(MS);
	KT_OK(!fault, "%s", fault);
	ram_disk_end(disk);
}

static uint64_t begin(struct page *page)
{
	bool busy;
	uint64_t token = swap_take(0, MAY_ALL, &busy);

	if (KT_TRUE(token && swap_on_a_disk(token))) {
		swap_begin(token, page);
		swap_write(token);
	}
	return token;
}

static void written(uint64_t token, enum swap_state state)
{
	uint64_t deadline = sched_world_deadline();
	struct page *page;

	while (swap_look(token, &page) == SWAP_WRITING && port_time_ns() < deadline)
		swap_wait();
	KT_EQ(swap_look(token, &page), state);
}

BLOCK_TEST(swap, pages_on_a_disk_are_cached_until_they_are_given_and_come_back)
{
	struct ram_disk *disk = swap_disk_new();
	uint64_t token[PAGES];
	struct page *cached, *page;

	if (!disk)
		return;
	for (unsigned i = 0; i < PAGES; i++) {
		page = swap_page_new(i, 1);
		token[i] = begin(page);
		written(token[i], SWAP_CACHED);
		(void)swap_look(token[i], &cached);
		KT_TRUE(cached == page);
		swap_commit(token[i]);
		KT_EQ(swap_look(token[i], &cached), SWAP_STORED);
		swap_page_free(page);
	}
	for (unsigned i = 0; i < PAGES; i++) {
		page = swap_page_new(1000, 1);
		KT_EQ(swap_load(token[i], page), 0);
		KT_TRUE(swap_page_is(page, i, 1));
		KT_TRUE(!swap_release(token[i]));
		swap_page_free(page);
	}
	swap_disk_end(disk);
}

/* The program touches it again before it is on the disk; the place is free only then. */
BLOCK_TEST(swap, a_page_that_is_wanted_while_it_is_written_comes_back_unread)
{
	struct ram_disk *disk = swap_disk_new();
	struct page *page = swap_page_new(7, 1);
	struct swap_info info;
	uint64_t token;

	if (!disk)
		return;
	disk->held = true;
	token = begin(page);
	KT_TRUE(swap_release(token) == page);
	KT_TRUE(swap_look_area(0, &info));
	KT_EQ(info.used, 1);
	/* It may be freed as well: the request has a reference. */
	swap_page_free(page);
	ram_disk_release(disk);
	for (unsigned tries = 0; info.used && tries < 1000; tries++) {
		swap_wait();
		(void)swap_look_area(0, &info);
	}
	KT_EQ(info.used, 0);
	KT_EQ(ram_disk_count(disk, BLOCK_READ), 1); /* the header */
	swap_disk_end(disk);
}

BLOCK_TEST(swap, as_many_writes_as_requests_then_busy)
{
	struct ram_disk *disk = swap_disk_new();
	uint64_t token[SWAP_WRITES];
	struct page *page[SWAP_WRITES];
	bool busy;

	if (!disk)
		return;
	disk->held = true;
	for (unsigned i = 0; i < SWAP_WRITES; i++)
		token[i] = begin(page[i] = swap_page_new(i, 1));
	KT_EQ(swap_take(0, MAY_ALL, &busy), 0);
	KT_TRUE(busy);
	/* Who may not write gets no place on a disk, and is not told to wait. */
	KT_EQ(swap_take(0, ZONAL_MAY_UNMAP, &busy), 0);
	KT_TRUE(!busy);
	ram_disk_release(disk);
	for (unsigned i = 0; i < SWAP_WRITES; i++) {
		written(token[i], SWAP_CACHED);
		KT_TRUE(swap_release(token[i]) == page[i]);
		swap_page_free(page[i]);
	}
	swap_disk_end(disk);
}

BLOCK_TEST(swap, a_cached_page_can_be_another_frame)
{
	struct ram_disk *disk = swap_disk_new();
	struct page *page = swap_page_new(7, 1), *to = swap_page_new(7, 1), *cached;
	uint64_t token;

	if (!disk)
		return;
	token = begin(page);
	written(token, SWAP_CACHED);
	swap_moved(token, to);
	swap_page_free(page);
	KT_EQ(swap_look(token, &cached), SWAP_CACHED);
	KT_TRUE(cached == to && swap_release(token) == to);
	swap_page_free(to);
	swap_disk_end(disk);
}

BLOCK_TEST(swap, a_failed_write_keeps_the_page_and_a_failed_read_loses_it_alone)
{
	struct ram_disk *disk = swap_disk_new();
	struct page *page = swap_page_new(7, 1), *cached;
	uint64_t token, room = swap_room();
	struct swap_info info;

	if (!disk)
		return;
	disk->fail_writes = 1;
	log_begin();
	token = begin(page);
	written(token, SWAP_FAILED);
	KT_TRUE(strstr(log_end(), "swap vda: a page could not be written (-5); it stays") != NULL);
	KT_TRUE(swap_release(token) == page);
	KT_EQ(swap_room(), room);
	token = begin(page);
	written(token, SWAP_CACHED);
	swap_commit(token);
	disk->fail_reads = 1;
	log_begin();
	KT_EQ(swap_load(token, page), USER_EIO);
	KT_TRUE(strstr(log_end(), "swap vda: page 0 cannot be read\n") != NULL);
	KT_EQ(swap_load(token, page), 0);
	KT_TRUE(swap_page_is(page, 7, 1));
	KT_TRUE(!swap_release(token));
	KT_TRUE(swap_look_area(0, &info) && !info.dead);
	KT_EQ(info.errors, 2);
	swap_page_free(page);
	(void)swap_look(token = begin(page = swap_page_new(1, 1)), &cached);
	KT_TRUE(cached == page && swap_release(token) == page);
	swap_page_free(page);
	swap_disk_end(disk);
}

/* It is silent: the requests time out, and the disk is no room any more. */
BLOCK_TEST(swap, a_disk_that_vanishes_is_no_room_and_loses_only_what_it_has)
{
	struct ram_disk *disk = swap_disk_new();
	struct page *page = swap_page_new(7, 1), *kept = swap_page_new(8, 1), *cached;
	uint64_t on_disk, waiting, room = swap_room() - PAGES;
	struct swap_info info;
	bool busy;

	if (!disk)
		return;
	on_disk = begin(page);
	written(on_disk, SWAP_CACHED);
	swap_commit(on_disk);
	disk->silent = true;
	st_relaxed(&disk->device.timeout_ns, 20 * MS);
	log_begin();
	waiting = begin(kept);
	written(waiting, SWAP_FAILED);
	KT_TRUE(strstr(log_end(), "swap vda: the disk is gone; what is there is lost") != NULL);
	KT_TRUE(swap_look_area(0, &info) && info.dead);
	KT_EQ(swap_room(), room);
	KT_EQ(swap_take(0, MAY_ALL, &busy), 0);
	KT_TRUE(!busy);
	KT_TRUE(swap_release(waiting) == kept && swap_page_is(kept, 8, 1));
	KT_EQ(swap_load(on_disk, page), USER_EIO);
	KT_EQ(swap_look(on_disk, &cached), SWAP_STORED);
	KT_TRUE(!swap_release(on_disk));
	KT_EQ(swap_room(), room);
	swap_page_free(page);
	swap_page_free(kept);
	swap_disk_end(disk);
}

/* ---- disks that are no swap ---- */

static void refused(struct ram_disk *disk, const char *why)
{
	const char *fault = swap_on_disk(&disk->device);
	struct swap_info info;

	KT_OK(fault && !strcmp(fault, why), "\"%s\", not \"%s\"", fault ? fault : "taken", why);
	KT_TRUE(!swap_look_area(0, &info));
}

static void with_word(struct ram_disk *disk, unsigned byte, uint32_t value, bool summed,
		      const char *why)
{
	uint64_t words[3], sum = 0x5a4f4e4c;

	KT_TRUE(!swap_format(&disk->device));
	memcpy(disk->data + byte, &value, sizeof(value));
	memcpy(words, disk->data, sizeof(words));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15 + i;
	if (summed)
		memcpy(disk->data + 24, &sum, sizeof(sum));
	refused(disk, why);
}

BLOCK_TEST(swap, a_disk_without_a_sound_header_is_refused_with_the_reason)
{
	struct ram_disk *disk = ram_disk_new(SECTORS);

	if (!disk)
		return;
	refused(disk, "the disk holds no swap header: swap format writes one");
	with_word(disk, 0, 0x12345678, true,
		  "the disk holds no swap header: swap format writes one");
	with_word(disk, 8, 2, false, "the swap header is damaged: its sum is wrong");
	with_word(disk, 16, PAGES, false, "the swap header is damaged: its sum is wrong");
	with_word(disk, 8, 2, true, "the swap header has another version");
	with_word(disk, 12, 1000, true, "the swap header was written for pages of another size");
	with_word(disk, 16, 15, true, "the swap header says fewer than 16 pages");
	with_word(disk, 16, PAGES + 2, true, "the swap header says more pages than the disk has");
	with_word(disk, 20, 1, true, "the swap header says more pages than the disk has");
	disk->fail_reads = 1;
	refused(disk, "the header could not be read");
	disk->fail_writes = 1;
	KT_TRUE(swap_format(&disk->device) != NULL);
	disk->fail_flushes = 1;
	KT_TRUE(swap_format(&disk->device) != NULL);
	KT_TRUE(!swap_format(&disk->device) && !swap_on_disk(&disk->device));
	KT_STR_EQ(swap_on_disk(&disk->device), "the disk is a swap area already");
	KT_STR_EQ(swap_format(&disk->device), "the disk is a swap area");
	swap_disk_end(disk);
}

static void make_read_only(struct block_device *device) { device->read_only = true; }
static void make_near(struct block_device *device) { device->reach = __GFP_DMA; }

BLOCK_TEST(swap, a_disk_that_cannot_hold_swap_is_refused_with_the_reason)
{
	int error;
	struct ram_disk *disk = ram_disk_new(15 * 8);

	refused(disk, "the disk is too small: swap needs 16 pages");
	KT_TRUE(swap_format(&disk->device) != NULL);
	ram_disk_end(disk);
	disk = ram_disk_make(SECTORS, make_read_only, &error);
	refused(disk, "the disk is read-only");
	KT_STR_EQ(swap_format(&disk->device), "the disk is read-only");
	ram_disk_end(disk);
	disk = ram_disk_make(SECTORS, make_near, &error);
	refused(disk, "the disk does not reach all memory");
	ram_disk_end(disk);
	disk = ram_disk_new(SECTORS);
	KT_TRUE(!swap_format(&disk->device));
	log_begin();
	block_give_up(&disk->device, BLOCK_EIO, "test");
	(void)log_end();
	refused(disk, "the disk was given up");
	ram_disk_end(disk);
	KT_TRUE(swap_on_ram(15, &swap_test_codec) != NULL);
	KT_TRUE(swap_on_ram(SWAP_MOST_PAGES + 1, &swap_test_codec) != NULL);
}
