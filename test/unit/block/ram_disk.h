/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk made of memory for the tests of block/: it does what it is told, or does not.
 *
 *	BLOCK_TEST(suite, name) { struct ram_disk *disk = ram_disk_new(sectors); ... }
 *
 * is a case whose body runs in a task of a running scheduler, and pages and tasks are
 * counted around it. The disk lives until ram_disk_end().
 */
#ifndef TEST_RAM_DISK_H
#define TEST_RAM_DISK_H

#include "block/block.h"
#include "test/ktest.h"
#include "test/unit/sched/sched_world.h"

#define BLOCK_TEST(suite_, name_)                                                                  \
	static void block_body_##suite_##_##name_(void);                                           \
	KTEST(suite_, name_) { block_test_run(block_body_##suite_##_##name_); }                    \
	static void block_body_##suite_##_##name_(void)

void block_test_run(void (*body)(void));
/* Zeroed memory until the body ends, when pages are counted; NULL fails the case. */
void *block_test_alloc(size_t bytes);

/* Catch lines of log; what was caught, each with a newline. Of any CPU. */
void log_begin(void);
const char *log_end(void);

enum { RAM_DISK_SEEN = 256 };

struct ram_disk_seen {
	enum block_op op;
	uint64_t sector;
	uint32_t bytes;
};

struct ram_disk {
	struct block_device device;
	unsigned char *data;     /* what is on it */
	unsigned char *durable; /* what a power failure would leave */
	/* How it behaves; queue lock, or set while it has nothing to do. */
	bool held;               /* requests wait for ram_disk_answer() */
	bool newest_first;       /* and the newest is answered first */
	bool mixed;              /* or the oldest and the newest in turn */
	bool silent;             /* it never answers */
	bool babbles;            /* its next answer is nonsense */
	bool does_not_stop;
	unsigned fail_reads, fail_writes, fail_flushes; /* that many of the next ones */
	unsigned allowed;        /* answers that a held disk may give */
	/* What it did; queue lock. */
	unsigned early_flushes;  /* that came while a write was under way */
	unsigned stops, kicks, seen_count;
	struct ram_disk_seen seen[RAM_DISK_SEEN]; /* requests by their start, the first ones */
	unsigned order[BLOCK_MAX_DEPTH]; /* tags under way, by start */
	unsigned order_count, answered;
};

/* Registered, `sectors` long, contents random by kt_seed(); NULL fails the case. */
struct ram_disk *ram_disk_new(uint64_t sectors);
/* The same, after `change` has changed what it says of itself; perhaps not registered, *error. */
struct ram_disk *ram_disk_make(uint64_t sectors, void (*change)(struct block_device *device),
			       int *error);
void ram_disk_end(struct ram_disk *disk);

/* Let a held disk answer `count` requests, if there are so many. */
void ram_disk_answer(struct ram_disk *disk, unsigned count);
/* From now on it answers at once, and what it holds now. */
void ram_disk_release(struct ram_disk *disk);

/* Requests of one kind that it has seen. */
unsigned ram_disk_count(struct ram_disk *disk, enum block_op op);

/* Single pages for requests, from the allocator under the scheduler. */
bool ram_disk_pages(struct block_request *request, unsigned pages);
void ram_disk_free_pages(struct block_request *request);

#endif
