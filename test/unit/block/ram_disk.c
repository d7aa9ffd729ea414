/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk made of memory; see ram_disk.h.
 *
 * A disk that is not held does a request in start() and ends it there, so that nothing of a
 * test depends on time. A held one keeps the places in the order in which they were started
 * and answers as many as it is allowed to, the oldest or the newest first. Its second half of
 * memory is what would be left of it after a power failure: a FLUSH copies the first there.
 *
 * All of it runs under the queue's lock, which ops have.
 */
#include "ram_disk.h"

#include <string.h>

#include "lib/log.h"
#include "lib/printf.h"

enum { TEST_PIECES = 64 };

static struct {
	void *memory[TEST_PIECES];
	size_t bytes[TEST_PIECES];
	unsigned count;
	void (*body)(void);
} test;

void *block_test_alloc(size_t bytes)
{
	void *memory = test.count < TEST_PIECES ? kt_port_alloc(bytes, 64) : NULL;

	if (!KT_OK(memory != NULL, "no memory for %zu bytes", bytes))
		return NULL;
	test.memory[test.count] = memory;
	test.bytes[test.count++] = bytes;
	return memory;
}

static void run_body(void)
{
	test.count = 0;
	test.body();
	while (test.count--)
		kt_port_free(test.memory[test.count], test.bytes[test.count], 64);
}

void block_test_run(void (*body)(void))
{
	test.body = body;
	sched_world_run(run_body);
}

/* ---- lines of log ---- */

static struct {
	struct ticket_lock lock;
	char text[2048];
	size_t used;
	bool (*before)(const char *line);
} lines = { .lock = LOCK_INIT(LOCK_CONSOLE) };

static bool keep_line(const char *line)
{
	port_irqflags_t flags;

	if (!line)
		return lines.before && lines.before(NULL);
	flags = port_irq_save();
	lock_take(&lines.lock);
	lines.used += (size_t)zn_snprintf(lines.text + lines.used, sizeof(lines.text) - lines.used,
					  "%s\n", line);
	lines.used = ZN_MIN(lines.used, sizeof(lines.text) - 1);
	lock_drop(&lines.lock);
	port_irq_restore(flags);
	return true;
}

void log_begin(void)
{
	lines.before = zn_log_hook;
	lines.used = 0;
	lines.text[0] = '\0';
	zn_log_hook = keep_line;
}

const char *log_end(void)
{
	zn_log_hook = lines.before;
	return lines.text;
}

/* ---- the disk ---- */

static unsigned char *place_of(struct ram_disk *disk, uint64_t sector)
{
	return disk->data + (sector << BLOCK_SECTOR_SHIFT);
}

static void move_data(struct ram_disk *disk, const struct block_request *request)
{
	unsigned char *at = place_of(disk, request->sector);
	uint32_t left = request->bytes;

	for (unsigned i = 0; i < request->pages; i++) {
		uint32_t bytes = ZN_MIN(left, (uint32_t)PAGE_SIZE);

		if (request->op == BLOCK_READ)
			memcpy(block_page_address(request->page[i]), at, bytes);
		else
			memcpy(at, block_page_address(request->page[i]), bytes);
		at += bytes;
		left -= bytes;
	}
}

static int perform(struct ram_disk *disk, const struct block_request *request)
{
	unsigned *const fail[] = { &disk->fail_reads, &disk->fail_writes, &disk->fail_flushes };

	if (*fail[request->op]) {
		--*fail[request->op];
		return BLOCK_EIO;
	}
	if (request->op == BLOCK_FLUSH)
		memcpy(disk->durable, disk->data, disk->device.sectors << BLOCK_SECTOR_SHIFT);
	else
		move_data(disk, request);
	return 0;
}

static void ram_start(struct block_device *device, unsigned tag, struct block_request *request)
{
	struct ram_disk *disk = device->driver;

	if (disk->seen_count < RAM_DISK_SEEN)
		disk->seen[disk->seen_count] =
			(struct ram_disk_seen){ request->op, request->sector, request->bytes };
	disk->seen_count++;
	for (unsigned i = 0; i < disk->order_count && request->op == BLOCK_FLUSH; i++)
		disk->early_flushes += device->started[disk->order[i]]->op == BLOCK_WRITE;
	if (disk->held || disk->silent)
		disk->order[disk->order_count++] = tag;
	else
		block_end(device, tag, perform(disk, request));
}

static void ram_kick(struct block_device *device)
{
	struct ram_disk *disk = device->driver;

	disk->kicks++;
}

static void answer_one(struct ram_disk *disk)
{
	bool newest = disk->newest_first || (disk->mixed && ++disk->answered % 2);
	unsigned at = newest ? disk->order_count - 1 : 0;
	unsigned tag = disk->order[at];

	memmove(&disk->order[at], &disk->order[at + 1],
		(disk->order_count - at - 1) * sizeof(disk->order[0]));
	disk->order_count--;
	block_end(&disk->device, tag, perform(disk, disk->device.started[tag]));
}

static bool ram_reap(struct block_device *device)
{
	struct ram_disk *disk = device->driver;

	if (disk->babbles) {
		strcpy(device->fault, "a made-up answer");
		return false;
	}
	while (!disk->silent && disk->order_count && (!disk->held || disk->allowed)) {
		if (disk->held)
			disk->allowed--;
		answer_one(disk);
	}
	return true;
}

static bool ram_stop(struct block_device *device)
{
	struct ram_disk *disk = device->driver;

	disk->stops++;
	disk->order_count = 0;
	return !disk->does_not_stop;
}

static const struct block_ops ram_ops = {
	.driver = "memory",
	.start = ram_start,
	.kick = ram_kick,
	.reap = ram_reap,
	.stop = ram_stop,
};

struct ram_disk *ram_disk_make(uint64_t sectors, void (*change)(struct block_device *device),
			       int *error)
{
	struct ram_disk *disk = block_test_alloc(sizeof(*disk));
	size_t bytes = (size_t)sectors << BLOCK_SECTOR_SHIFT;
	uint64_t seed = kt_seed() | 1;

	*error = BLOCK_ENOMEM;
	if (!disk)
		return NULL;
	disk->data = block_test_alloc(bytes);
	disk->durable = block_test_alloc(bytes);
	if (!disk->data || !disk->durable)
		return NULL;
	for (size_t i = 0; i < bytes; i++)
		disk->data[i] = (unsigned char)kt_random(&seed);
	memcpy(disk->durable, disk->data, bytes);
	disk->device = (struct block_device){ .ops = &ram_ops, .driver = disk, .sectors = sectors,
					      .block_bytes = BLOCK_SECTOR_BYTES, .depth = 16,
					      .max_pages = BLOCK_REQUEST_PAGES,
					      .needs_flush = true };
	if (change)
		change(&disk->device);
	*error = block_register(&disk->device);
	return disk;
}

struct ram_disk *ram_disk_new(uint64_t sectors)
{
	int error;
	struct ram_disk *disk = ram_disk_make(sectors, NULL, &error);

	KT_OK(disk && !error, "no disk of %llu sectors (%d)", (unsigned long long)sectors, error);
	return error ? NULL : disk;
}

void ram_disk_end(struct ram_disk *disk)
{
	ram_disk_release(disk);
	block_unregister(&disk->device);
}

void ram_disk_answer(struct ram_disk *disk, unsigned count)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&disk->device.lock);
	disk->allowed = count;
	lock_drop(&disk->device.lock);
	port_irq_restore(flags);
	block_poll(&disk->device);
}

void ram_disk_release(struct ram_disk *disk)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&disk->device.lock);
	disk->held = disk->silent = false;
	lock_drop(&disk->device.lock);
	port_irq_restore(flags);
	block_poll(&disk->device);
}

unsigned ram_disk_count(struct ram_disk *disk, enum block_op op)
{
	port_irqflags_t flags = port_irq_save();
	unsigned count = 0, seen;

	/* It may be at work: requests are noted under this lock. */
	lock_take(&disk->device.lock);
	seen = disk->seen_count;
	for (unsigned i = 0; i < ZN_MIN(seen, (unsigned)RAM_DISK_SEEN); i++)
		count += disk->seen[i].op == op;
	lock_drop(&disk->device.lock);
	port_irq_restore(flags);
	KT_OK(seen <= RAM_DISK_SEEN, "%u requests, %d are noted", seen, RAM_DISK_SEEN);
	return count;
}

bool ram_disk_pages(struct block_request *request, unsigned pages)
{
	request->pages = 0;
	for (unsigned i = 0; i < pages; i++) {
		request->page[i] = zonal_alloc(block_memory(), GFP_KERNEL, 0);
		if (!KT_TRUE(request->page[i] != NULL))
			return false;
		request->pages++;
	}
	request->bytes = (uint32_t)(pages * PAGE_SIZE);
	return true;
}

void ram_disk_free_pages(struct block_request *request)
{
	for (unsigned i = 0; i < request->pages; i++)
		zonal_free(block_memory(), request->page[i], 0);
}
