/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue before a disk: order and places, wrong requests, errors, silence, nonsense.
 *
 * The disk is one of memory (ram_disk.h). What each request got is kept beside it: how often it
 * was told, with which status. A disk that is silent is given a few milliseconds, so nothing
 * here waits for a real timeout; the test of many tasks draws from kt_seed().
 */
#include <string.h>

#include "mm/page.h"
#include "ram_disk.h"

enum { MANY = 10, TASKS = 6, SECTORS = 1024 };

struct told {
	struct block_request request;
	_Atomic unsigned times;
	unsigned place; /* in the order of ends */
};

static _Atomic unsigned ends;

static void note_end(struct block_request *request)
{
	struct told *told = request->ctx;

	told->place = atomic_fetch_add(&ends, 1);
	atomic_fetch_add(&told->times, 1);
}

static void prepare(struct told *told, enum block_op op, uint64_t sector)
{
	memset(told, 0, sizeof(*told));
	told->request.op = op;
	told->request.sector = sector;
	told->request.done = note_end;
	told->request.ctx = told;
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void four_places(struct block_device *device) { device->depth = 4; }

/* MANY reads of one page on a disk with four places that holds them. */
static struct ram_disk *start_many(struct told *told)
{
	int error;
	struct ram_disk *disk = ram_disk_make(SECTORS, four_places, &error);

	if (!KT_TRUE(disk && !error))
		return NULL;
	atomic_store(&ends, 0);
	disk->held = true;
	for (unsigned i = 0; i < MANY; i++) {
		prepare(&told[i], BLOCK_READ, i * BLOCK_PAGE_SECTORS);
		if (!ram_disk_pages(&told[i].request, 1))
			return NULL;
		block_submit(&disk->device, &told[i].request);
	}
	return disk;
}

static void end_many(struct ram_disk *disk, struct told *told)
{
	for (unsigned i = 0; i < MANY; i++)
		ram_disk_free_pages(&told[i].request);
	ram_disk_end(disk);
}

BLOCK_TEST(block_queue, requests_start_in_order_as_places_fall_free)
{
	struct told *told = block_test_alloc(MANY * sizeof(*told));
	struct ram_disk *disk = told ? start_many(told) : NULL;

	if (!disk)
		return;
	KT_EQ(disk->device.in_flight, 4);
	KT_EQ(disk->seen_count, 4);
	for (unsigned i = 0; i < MANY; i++) {
		KT_EQ(atomic_load(&ends), i);
		ram_disk_answer(disk, 1);
		KT_EQ(disk->seen_count, ZN_MIN(i + 5, (unsigned)MANY));
	}
	for (unsigned i = 0; i < MANY; i++) {
		KT_EQ(atomic_load(&told[i].times), 1);
		KT_EQ(told[i].place, i);
		KT_EQ(told[i].request.status, 0);
		KT_EQ(disk->seen[i].sector, i * BLOCK_PAGE_SECTORS);
		KT_TRUE(memcmp(block_page_address(told[i].request.page[0]),
			       disk->data + i * PAGE_SIZE, PAGE_SIZE) == 0);
	}
	KT_EQ(disk->device.most_in_flight, 4);
	KT_EQ(ld_relaxed(&disk->device.reads), MANY);
	end_many(disk, told);
}

BLOCK_TEST(block_queue, answers_out_of_order_end_the_right_requests)
{
	struct told *told = block_test_alloc(MANY * sizeof(*told));
	struct ram_disk *disk = told ? start_many(told) : NULL;

	if (!disk)
		return;
	disk->newest_first = true;
	ram_disk_answer(disk, 4);
	for (unsigned i = 0; i < 4; i++)
		KT_EQ(told[i].place, 3 - i);
	ram_disk_answer(disk, MANY);
	ram_disk_answer(disk, MANY);
	for (unsigned i = 0; i < MANY; i++)
		KT_TRUE(atomic_load(&told[i].times) == 1 &&
			memcmp(block_page_address(told[i].request.page[0]),
			       disk->data + i * PAGE_SIZE, PAGE_SIZE) == 0);
	end_many(disk, told);
}

/* What a request gets that the driver must never see. */
static int status_of(struct ram_disk *disk, enum block_op op, uint64_t sector, unsigned pages,
		     uint32_t bytes)
{
	struct block_request request = { .op = op, .sector = sector };
	unsigned before = disk->seen_count;
	int status;

	if (!ram_disk_pages(&request, ZN_MIN(pages, BLOCK_REQUEST_PAGES)))
		return 1;
	request.pages = pages;
	request.bytes = bytes;
	status = block_transfer(&disk->device, &request);
	request.pages = ZN_MIN(pages, BLOCK_REQUEST_PAGES);
	ram_disk_free_pages(&request);
	KT_EQ(disk->seen_count, before);
	return status;
}

static void large_blocks(struct block_device *device)
{
	device->block_bytes = 4096;
	device->max_pages = 4;
	device->read_only = true;
}

BLOCK_TEST(block_queue, wrong_requests_end_before_the_driver)
{
	int error;
	struct ram_disk *disk = ram_disk_new(SECTORS);

	if (!disk)
		return;
	KT_EQ(status_of(disk, BLOCK_READ, 0, 0, 0), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 0, 1, 100), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 0, 2, 512), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 0, 1, PAGE_SIZE + 512), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, SECTORS, 1, 512), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_WRITE, SECTORS - 1, 1, 1024), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, UINT64_MAX, 1, 512), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 0, BLOCK_REQUEST_PAGES + 1,
			(BLOCK_REQUEST_PAGES + 1) * (uint32_t)PAGE_SIZE), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_FLUSH, 0, 1, 512), BLOCK_EINVAL);
	ram_disk_end(disk);
	disk = ram_disk_make(SECTORS, large_blocks, &error);
	if (!KT_TRUE(disk && !error))
		return;
	KT_EQ(status_of(disk, BLOCK_WRITE, 0, 1, 4096), BLOCK_EROFS);
	KT_EQ(status_of(disk, BLOCK_READ, 0, 1, 512), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 1, 1, 4096), BLOCK_EINVAL);
	KT_EQ(status_of(disk, BLOCK_READ, 0, 5, 5 * 4096), BLOCK_EINVAL);
	ram_disk_end(disk);
}

static int read_page(struct ram_disk *disk)
{
	struct block_request request = { .op = BLOCK_READ };
	int status;

	if (!ram_disk_pages(&request, 1))
		return 1;
	status = block_transfer(&disk->device, &request);
	ram_disk_free_pages(&request);
	return status;
}

BLOCK_TEST(block_queue, error_goes_to_who_asked_and_to_the_log_once)
{
	struct ram_disk *disk = ram_disk_new(SECTORS);
	const char *text;

	if (!disk)
		return;
	disk->fail_reads = 3;
	log_begin();
	for (unsigned i = 0; i < 3; i++)
		(void)read_page(disk);
	text = log_end();
	KT_EQ(lines_of(text), 1);
	KT_TRUE(strstr(text, "read of 4096 bytes at sector 0 failed (-5)") != NULL);
	KT_EQ(ld_relaxed(&disk->device.errors), 3);
	KT_EQ(read_page(disk), 0);
	disk->fail_reads = 1;
	KT_EQ(read_page(disk), BLOCK_EIO);
	KT_TRUE(!block_is_failed(&disk->device));
	ram_disk_end(disk);
}

BLOCK_TEST(block_queue, silent_disk_is_given_up_in_time)
{
	struct told *told = block_test_alloc(MANY * sizeof(*told));
	struct ram_disk *disk = told ? start_many(told) : NULL;
	const char *text;
	int status;

	if (!disk)
		return;
	ram_disk_answer(disk, MANY);
	ram_disk_answer(disk, MANY);
	KT_EQ(atomic_load(&ends), 8);
	st_relaxed(&disk->device.timeout_ns, 2 * MS);
	disk->silent = true;
	ram_disk_answer(disk, MANY);
	log_begin();
	status = read_page(disk);
	text = log_end();
	KT_EQ(status, BLOCK_ETIMEDOUT);
	KT_EQ(lines_of(text), 1);
	KT_TRUE(strstr(text, "no answer to a read of 4096 bytes") &&
		strstr(text, "in 2 ms; it is given up"));
	KT_EQ(disk->stops, 1);
	KT_TRUE(block_is_failed(&disk->device));
	KT_EQ(disk->device.in_flight, 0);
	KT_EQ(told[MANY - 1].request.status, BLOCK_ETIMEDOUT);
	KT_EQ(atomic_load(&ends), MANY);
	KT_EQ(read_page(disk), BLOCK_EIO);
	KT_EQ(disk->stops, 1);
	end_many(disk, told);
}

BLOCK_TEST(block_queue, what_waits_for_a_place_fails_with_the_disk)
{
	struct told *told = block_test_alloc(MANY * sizeof(*told));
	struct ram_disk *disk = told ? start_many(told) : NULL;
	const char *text;

	if (!disk)
		return;
	disk->babbles = true;
	log_begin();
	block_poll(&disk->device);
	block_poll(&disk->device);
	text = log_end();
	KT_EQ(lines_of(text), 1);
	KT_TRUE(strstr(text, "a made-up answer; it is given up") != NULL);
	KT_EQ(atomic_load(&ends), MANY);
	for (unsigned i = 0; i < MANY; i++)
		KT_EQ(told[i].request.status, BLOCK_EIO);
	KT_EQ(disk->seen_count, 4);
	end_many(disk, told);
}

BLOCK_TEST(block_queue, pages_of_a_disk_that_does_not_stop_are_kept_from_use)
{
	struct told *told = block_test_alloc(MANY * sizeof(*told));
	struct ram_disk *disk = told ? start_many(told) : NULL;

	if (!disk)
		return;
	disk->does_not_stop = true;
	disk->babbles = true;
	block_poll(&disk->device);
	for (unsigned i = 0; i < MANY; i++) {
		struct page *page = told[i].request.page[0];

		/* What was under way may still be written; the rest never got there. */
		KT_EQ(ld_relaxed(&page->refs), i < 4 ? 2 : 1);
		if (i < 4)
			zonal_put(block_memory(), page);
	}
	end_many(disk, told);
}

BLOCK_TEST(block_queue, lost_interrupt_costs_time_only)
{
	struct ram_disk *disk = ram_disk_new(SECTORS);

	if (!disk)
		return;
	/* Allowed to answer, and nobody says so: the waiter looks by himself. */
	disk->held = true;
	disk->allowed = 1;
	KT_EQ(read_page(disk), 0);
	KT_TRUE(!block_is_failed(&disk->device));
	ram_disk_end(disk);
}

/* ---- what a driver may say ---- */

static void no_capacity(struct block_device *device) { device->sectors = 0; }
static void too_large(struct block_device *device) { device->sectors = BLOCK_MAX_SECTORS + 1; }
static void odd_blocks(struct block_device *device) { device->block_bytes = 1536; }
static void small_blocks(struct block_device *device) { device->block_bytes = 256; }
static void huge_blocks(struct block_device *device) { device->block_bytes = 8192; }
static void no_places(struct block_device *device) { device->depth = 0; }
static void many_places(struct block_device *device) { device->depth = BLOCK_MAX_DEPTH + 1; }
static void no_pages(struct block_device *device) { device->max_pages = 0; }
static void cut_block(struct block_device *device)
{
	device->block_bytes = 4096;
	device->sectors = 9;
}

BLOCK_TEST(block_queue, disk_that_breaks_a_rule_is_refused_with_the_value)
{
	static const struct {
		void (*change)(struct block_device *device);
		const char *says;
	} row[] = {
		{ no_capacity, "capacity 0: at least one sector" },
		{ too_large, "capacity 18014398509481985: at most 2^54" },
		{ cut_block, "capacity 9: a multiple of the block size" },
		{ odd_blocks, "block size 1536: a power of two" },
		{ small_blocks, "block size 256: a power of two" },
		{ huge_blocks, "block size 8192: a power of two" },
		{ no_places, "requests at a time 0: 1 to 32" },
		{ many_places, "requests at a time 33: 1 to 32" },
		{ no_pages, "pages of a request 0: 1 to 16" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		int error;
		const char *text;

		log_begin();
		(void)ram_disk_make(16, row[i].change, &error);
		text = log_end();
		KT_EQ(error, BLOCK_EINVAL);
		KT_OK(lines_of(text) == 1 && strstr(text, row[i].says), "row %u: %s", i, text);
	}
}

BLOCK_TEST(block_queue, full_table_refuses_and_names_are_used_again)
{
	struct ram_disk *disk[BLOCK_MAX_DEVICES + 1];
	unsigned count = 0;
	int error = 0;

	while (count <= BLOCK_MAX_DEVICES && !error)
		disk[count++] = ram_disk_make(8, NULL, &error);
	KT_EQ(error, BLOCK_ENOMEM);
	for (unsigned i = 0; i + 1 < count; i++) {
		char name[8];

		strcpy(name, disk[i]->device.name);
		KT_TRUE(block_find(name) == &disk[i]->device);
		ram_disk_end(disk[i]);
		KT_TRUE(block_find(name) == NULL);
	}
	KT_TRUE(block_find("vdz") == NULL && block_find("") == NULL);
}

/* ---- many at once ---- */

static struct ram_disk *busy_disk;
static _Atomic unsigned wrong, tasks_left;

/* Few in the image, where several virtual CPUs share a real one. */
static unsigned transfers(void) { return kt_port_is_target() ? 5 : 150; }

static void transfer_one(uint64_t *seed, struct block_request *request, unsigned char mark)
{
	uint64_t page = kt_random(seed) % (SECTORS / BLOCK_PAGE_SECTORS / TASKS);
	unsigned char *memory = block_page_address(request->page[0]);

	/* Each task has pages of its own: number modulo TASKS. */
	request->sector = (page * TASKS + mark) * BLOCK_PAGE_SECTORS;
	request->op = BLOCK_WRITE;
	memset(memory, mark + (int)page, PAGE_SIZE);
	if (block_transfer(&busy_disk->device, request))
		atomic_fetch_add(&wrong, 1);
	memset(memory, 0xee, PAGE_SIZE);
	request->op = BLOCK_READ;
	if (block_transfer(&busy_disk->device, request) || memory[PAGE_SIZE - 1] != memory[0] ||
	    memory[0] != (unsigned char)(mark + page))
		atomic_fetch_add(&wrong, 1);
}

static int transfer_main(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;
	struct block_request request = { .op = BLOCK_READ };
	uint64_t seed = (kt_seed() + number) | 1;

	if (ram_disk_pages(&request, 1))
		for (unsigned i = 0; i < transfers(); i++)
			transfer_one(&seed, &request, (unsigned char)number);
	ram_disk_free_pages(&request);
	atomic_fetch_sub(&tasks_left, 1);
	return 0;
}

BLOCK_TEST(block_queue, many_tasks_get_their_own_bytes)
{
	struct task *task[TASKS];
	int error;

	busy_disk = ram_disk_make(SECTORS, four_places, &error);
	if (!KT_TRUE(busy_disk && !error))
		return;
	busy_disk->held = busy_disk->mixed = true;
	atomic_store(&wrong, 0);
	atomic_store(&tasks_left, TASKS);
	for (unsigned i = 0; i < TASKS; i++)
		task[i] = sched_world_task(transfer_main, (void *)(uintptr_t)i, -1, 6);
	/* This task is the device: it answers whatever is there. */
	while (atomic_load(&tasks_left)) {
		ram_disk_answer(busy_disk, 3);
		task_sleep_ns(MS / 20);
	}
	for (unsigned i = 0; i < TASKS; i++)
		if (task[i])
			task_join(task[i]);
	KT_EQ(atomic_load(&wrong), 0);
	KT_EQ(ld_relaxed(&busy_disk->device.reads), TASKS * transfers());
	ram_disk_end(busy_disk);
}
