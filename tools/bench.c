/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build/host/bench [-j] [GLOB]: Zonal beside other allocators of this machine (bench_beside.c), and
 * the benchmark on the host port.
 *
 * The board is the one of the Linux figures, two nodes of 512 MiB with two CPUs each; its
 * memory does not exist, only its page map does, since the allocator touches nothing else.
 * Clearing (pair-zero) clears one page of ours over and over. Each CPU is a thread
 * pinned to a core of this machine, of which several share one where it has fewer than four; so
 * the lock is the one that lets those who wait sleep (arch/host/include/host_lock.h). The
 * single-CPU cases run on the main thread.
 *
 * Figures are nanoseconds of this machine: good for ratios in one run, never for a test.
 */
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench_beside.h"
#include "mm/mm.h"
#include "test/bench/bench.h"

enum { NODE_PAGES = 131072, FIRST_PFN = 0x40000, BOARD_CPUS = 4 };

struct thread {
	pthread_t id;
	unsigned index;
	void (*fn)(void *arg, unsigned index);
	void *arg;
};

/* The instance that <zonal/linux.h> speaks of; the image has its own. */
struct zonal zonal_image;

static struct boot_info board;
static cpu_set_t allowed; /* cores of this machine that we may use */

static void board_fill(void)
{
	board.range_count = 2;
	board.cpu_count = BOARD_CPUS;
	board.nodes = 3;
	board.dma_max = UINT64_MAX;
	for (unsigned n = 0; n < 2; n++) {
		board.range[n].start = ((uint64_t)FIRST_PFN + n * (uint64_t)NODE_PAGES)
				       << PAGE_SHIFT;
		board.range[n].size = (uint64_t)NODE_PAGES << PAGE_SHIFT;
		board.range[n].nid = (int16_t)n;
		board.distance[n][n] = 10;
		board.distance[n][1 - n] = 20;
	}
	for (unsigned c = 0; c < BOARD_CPUS; c++)
		board.cpu[c].nid = (int16_t)(c / 2);
}

static void *meta_take(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	size_t size = (size_t)align_up(bytes, align < sizeof(void *) ? sizeof(void *) : align);

	(void)ctx;
	(void)nid;
	return aligned_alloc(align < sizeof(void *) ? sizeof(void *) : align, size);
}

static void clear_pages(void *ctx, pfn_t pfn, size_t count)
{
	static _Thread_local char page[PAGE_SIZE];

	(void)ctx;
	(void)pfn;
	while (count--) {
		memset(page, 0, sizeof(page));
		/* The compiler must not see that nobody reads it. */
		__asm__ volatile("" : : "r"(page) : "memory");
	}
}

static int instance_build(void)
{
	struct zonal_config config = {
		.info = &board, .clear = clear_pages
	};
	int error;

	board_fill();
	zonal_options_default(&config.options);
	error = zonal_build(&zonal_image, &config, meta_take);
	if (error)
		return error;
	for (unsigned c = 0; c < BOARD_CPUS; c++)
		zonal_cpu_online(&zonal_image, c);
	zonal_boot_done(&zonal_image);
	return 0;
}

/* Be CPU `index` of the board on a core of this machine that is ours alone, if it has as many. */
static void pin(unsigned index)
{
	unsigned cores = (unsigned)CPU_COUNT(&allowed), seen = 0;
	cpu_set_t one;

	host_cpu_attach(index);
	CPU_ZERO(&one);
	for (unsigned c = 0; c < CPU_SETSIZE; c++) {
		if (CPU_ISSET(c, &allowed) && seen++ == index % cores)
			CPU_SET(c, &one);
	}
	if (CPU_COUNT(&one) == 0 || pthread_setaffinity_np(pthread_self(), sizeof(one), &one) != 0)
		fprintf(stderr, "bench: thread %u is not pinned\n", index);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	pin(t->index);
	t->fn(t->arg, t->index);
	host_cpu_detach();
	return NULL;
}

static bool together(unsigned count, void (*fn)(void *arg, unsigned index), void *arg)
{
	struct thread thread[BOARD_CPUS];
	unsigned i;

	if (count == 1) {
		fn(arg, 0);
		return true;
	}
	/* The main thread gives its CPU to one of them. */
	host_cpu_detach();
	for (i = 0; i < count; i++) {
		thread[i] = (struct thread){ .index = i, .fn = fn, .arg = arg };
		if (pthread_create(&thread[i].id, NULL, thread_main, &thread[i]) != 0) {
			perror("bench: pthread_create");
			exit(1); /* those that run wait for this one */
		}
	}
	for (i = 0; i < count; i++)
		pthread_join(thread[i].id, NULL);
	host_cpu_attach(0);
	return true;
}

static void *memory_take(size_t bytes)
{
	return malloc(bytes);
}

static void memory_give(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

/* Does a glob (NULL: any) name work of the benchmark that the image has too? */
static bool work_matches(const char *glob)
{
	const char *name;

	for (unsigned n = 0; glob && (name = bench_case_name(n)); n++)
		if (fnmatch(glob, name, 0) == 0)
			return true;
	return !glob;
}

int main(int argc, char **argv)
{
	static const struct bench_port port = { .cpus = BOARD_CPUS, .take = memory_take,
						.give = memory_give, .together = together };
	const char *glob = NULL;
	unsigned beside = 0;
	bool json = false;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-j") == 0) {
			json = true;
		} else if (argv[i][0] == '-' || glob) {
			fprintf(stderr, "usage: bench [-j] [GLOB]\n");
			return 1;
		} else {
			glob = argv[i];
		}
	}
	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		perror("bench: sched_getaffinity");
		return 1;
	}
	pin(0);
	if (instance_build() != 0)
		return 1;
	status = bench_beside(glob, json, &beside);
	return beside && !work_matches(glob) ? status : bench_run(&port, glob, json) | status;
}
