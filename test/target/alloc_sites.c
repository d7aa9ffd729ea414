/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any allocation of the image's own code may fail: tasks, address spaces and their tables, pages
 * of programs, swap, the cache of blocks, virtio queues, pages of groups.
 *
 * Each of these is set up, used and taken down again and again, while a task beside it makes
 * requests fail: in even rounds from one request on that moves on by one each round, so that
 * each is the first to fail once; in odd rounds by chance, from the seed. What fails must say so;
 * what began must end; and when it is over all memory is back and every invariant holds.
 *
 * Whose requests failed is noted by return addresses (port_injected()), also for all other cases of
 * this image that make requests fail. The last case here prints them, and test/image/sites.t holds
 * them against all places in the source that allocate.
 */
#include <zonal/group.h>
#include <zonal/linux.h>

#include "mm/alloc.h"
#include "monitor/group_command.h"
#include "platform/platform.h"
#include "test/unit/block/cache_disk.h"
#include "test/unit/block/fake_virtio.h"
#include "user/space.h"
#include "user/swap.h"
#include "user/user.h"
#include "user_world.h"

enum { DEPTH = 10, PLACES = 1024, SECTORS = 2048, ROUNDS = 40 };

extern char _start[];

/* Return addresses of all that failed, each once, without a gap. */
static _Atomic uintptr_t place[PLACES];

static void note(uintptr_t pc)
{
	for (unsigned i = 0; i < PLACES; i++) {
		uintptr_t there = 0;

		if (atomic_load(&place[i]) == pc)
			return;
		if (atomic_compare_exchange_strong(&place[i], &there, pc) || there == pc)
			return;
	}
}

void port_injected(void)
{
	uintptr_t pc[DEPTH];
	unsigned depth = port_backtrace(pc, DEPTH);

	for (unsigned i = 0; i < depth; i++)
		note(pc[i]);
}

/* ---- failures ------------------------------------------------------------------ */

static unsigned round_now;
static uint64_t chance;
static _Atomic bool rigged;

static void arm(void)
{
	if (round_now % 2 == 0)
		zonal_inject(&zonal_image, round_now / 2, 1000);
	else
		zonal_inject(&zonal_image, kt_random(&chance) % 60, 1 + kt_random(&chance) % 3);
}

static void disarm(void) { zonal_inject(&zonal_image, 0, 0); }

/* In odd rounds what runs long meets more than one. */
static int rig(void *arg)
{
	(void)arg;
	while (atomic_load(&rigged)) {
		if (round_now % 2)
			arm();
		task_sleep_ns(MS / 2);
	}
	return 0;
}

/* ---- what is tried --------------------------------------------------------------- */

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static unsigned try_task(void)
{
	struct task_spec spec = { .name = "unlucky", .fn = nothing, .priority = 4,
				  .on_node = true, .nid = (int)sched_world_node() };
	struct task *task = NULL;
	int error = task_spawn(&spec, &task);

	if (!error)
		task_join(task);
	else
		KT_TRUE(error == ZONAL_ENOMEM && !task);
	return error != 0;
}

/* It ends by itself, or for want of memory, and checks what it wrote. */
static unsigned try_program(void)
{
	struct user_end end = { .reason = USER_KILLED };
	const char *why = NULL;
	int id = user_start("press", 48 | 2ull << 24 | 7ull << 32, &why);

	if (id <= 0) {
		KT_TRUE(why != NULL);
		return 1;
	}
	KT_TRUE(user_join(id, &end));
	KT_OK(end.reason != USER_EXITED || !end.status, "%d words are wrong", end.status);
	return end.reason != USER_EXITED;
}

/* A group that is smaller than its program, with swap or without. */
static unsigned try_swap(void)
{
	static struct zonal_group group;
	const char *fault = swap_on_ram(512, &swap_lz4);
	unsigned failed = fault != NULL;
	uint64_t deadline = sched_world_deadline();

	KT_EQ(zonal_group_make(&zonal_image, &group, NULL, 30), 0);
	zonal_group_join(&group, task_memory(task_current()));
	failed += try_program();
	zonal_group_join(NULL, task_memory(task_current()));
	while (zonal_group_drop(&group) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	KT_TRUE(!group.used);
	KT_TRUE(fault || !swap_off("ram0"));
	return failed;
}

static struct ram_disk *disk;

static unsigned try_swap_disk(void)
{
	const char *fault = swap_format(&disk->device);

	if (!fault)
		fault = swap_on_disk(&disk->device);
	if (!fault)
		KT_TRUE(!swap_off(disk->device.name));
	return fault != NULL;
}

static unsigned try_cache(void)
{
	unsigned char byte[16] = { 9 };
	int error = cache_attach(&disk->device), sum = 0;

	if (error) {
		KT_EQ(error, BLOCK_ENOMEM);
		return 1;
	}
	for (unsigned i = 0; i < 6; i++) {
		sum |= cache_write(&disk->device, i * 41 * PAGE_SIZE, byte, sizeof(byte));
		sum |= cache_read(&disk->device, i * 30 * PAGE_SIZE, byte, sizeof(byte));
	}
	sum |= cache_flush(&disk->device);
	(void)cache_drop(&disk->device);
	KT_TRUE(!sum || (sum & BLOCK_ENOMEM) == BLOCK_ENOMEM);
	cache_detach(&disk->device);
	return sum != 0;
}

static struct fake_virtio fake;

static unsigned try_virtio(void)
{
	struct virtio bus = fake_virtio_bus(&fake);
	struct virtio_blk *blk;

	KT_EQ(virtio_identify(&bus), VIRTIO_ID_BLOCK);
	blk = virtio_blk_start(&bus, "unlucky", 0);
	if (blk)
		virtio_blk_end(blk);
	return !blk;
}

static unsigned (*const tries[])(void) = { try_task, try_program, try_swap, try_swap_disk,
					   try_cache, try_virtio };

static void rounds(void)
{
	struct task *rigger;
	unsigned failed[ARRAY_SIZE(tries)] = { 0 };

	disk = ram_disk_new(SECTORS);
	if (!disk || !fake_virtio_init(&fake, 2, SECTORS))
		return;
	atomic_store(&rigged, true);
	rigger = sched_world_task(rig, NULL, -1, TESTER - 1);
	for (round_now = 0; round_now < ROUNDS; round_now++) {
		for (unsigned i = 0; i < ARRAY_SIZE(tries); i++) {
			arm();
			failed[i] += tries[i]();
			disarm();
		}
	}
	atomic_store(&rigged, false);
	if (rigger)
		task_join(rigger);
	disarm();
	ram_disk_end(disk);
	for (unsigned i = 0; i < ARRAY_SIZE(tries); i++)
		KT_OK(failed[i], "way %u never failed", i);
}

KTEST_F(alloc_sites, whatever_allocates_may_fail_and_nothing_is_lost, KT_TARGET_ONLY)
{
	uint64_t before;

	KT_TRUE(group_command_begin(&zonal_image)); /* which keeps its map */
	before = user_world_before();
	chance = kt_seed() | 1;
	log_begin();
	block_test_run(rounds);
	(void)log_end();
	user_world_is_sound(before);
}

/* At boot, where hardly anything is in use; so it is asked for once more. */
KTEST_F(alloc_sites, a_table_without_memory_stays_as_it_is, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	unsigned slots = user_most();

	zonal_inject(&zonal_image, 0, 1000); /* whoever else asks meanwhile */
	process_begin(ZONAL_USER_TASKS_MOST);
	disarm();
	KT_EQ(user_most(), slots);
	KT_TRUE(process_slot(slots - 1) && !process_slot(slots));
	user_world_is_back(before);
}

/* What test/image/sites.t reads. */
KTEST_F(alloc_sites, the_places_that_failed_are_told, KT_TARGET_ONLY)
{
	for (unsigned i = 0; i < PLACES && atomic_load(&place[i]); i++)
		kt_diag("failed at 0x%llx",
			(unsigned long long)(atomic_load(&place[i]) - (uintptr_t)_start));
	KT_TRUE(!atomic_load(&place[PLACES - 1]));
}
