/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_port_world() on the host: a machine for one test of the scheduler.
 *
 * Four threads are the CPUs 0-3 of a board with two nodes of 512 MiB at distance 20,
 * two CPUs each. An anonymous mapping without reservation stands for the RAM, so an
 * allocated page has an address and costs memory only when it is touched. Thread 0
 * is the caller: it becomes the task "main" and runs the test; the others idle.
 *
 * At the end the idle CPUs see `stop` and leave. Tasks that the test did not join would be
 * left behind with their memory; it is unmapped all the same, and the test is told:
 * sched_task_count() must be what it was.
 *
 * One world at a time. host_quiet_world() makes one with a single CPU, of the second node, and a
 * clock that moves only when the test moves it or when the CPU has nothing to do, and then to
 * what its timer is set to: whatever runs there runs the same each time, to the nanosecond.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host_sched.h"
#include "lib/assert.h"
#include "sched/sched_internal.h"

enum { WORLD_CPUS = 4, WORLD_NODES = 2 };
#define WORLD_NODE_BYTES (512ull << 20)
#define WORLD_PHYS (1ull << 30)
#define WORLD_METAS 64

/* Present only in programs linked with the address sanitizer. */
void __asan_unpoison_memory_region(void const volatile *start, size_t bytes) __attribute__((weak));

static struct {
	void *meta[WORLD_METAS]; /* what zonal_build() was given, to free */
	unsigned meta_count, cpus;
	struct zonal_task *boot_task[WORLD_CPUS]; /* what each CPU goes back to */
} world;

void host_sched_unpoison(void *start, size_t bytes)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(start, bytes);
}

bool host_sched_should_stop(void)
{
	return atomic_load(&host_sched.stop) && port_this_cpu()->id &&
	       task_current() == &run_queues[port_this_cpu()->id].idle;
}

void host_sched_stop_cpu(void)
{
	host_cpu_detach();
	pthread_exit(NULL);
}

static void *world_meta(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	void *memory;

	(void)ctx;
	ASSERT(nid < WORLD_NODES && !(align & (align - 1)), "%zu bytes for node %u, aligned to %zu",
	       bytes, nid, align);
	if (world.meta_count == WORLD_METAS) {
		port_log("host: zonal_build() asks for over %d pieces (WORLD_METAS)", WORLD_METAS);
		return NULL;
	}
	memory = aligned_alloc(ZN_MAX(align, sizeof(void *)),
			       align_up(bytes, ZN_MAX(align, sizeof(void *))));
	if (memory)
		world.meta[world.meta_count++] = memory;
	return memory;
}

static void world_clear(void *ctx, pfn_t pfn, size_t count)
{
	(void)ctx;
	ASSERT((pfn + count) << PAGE_SHIFT <= host_sched.ram_phys + host_sched.ram_bytes,
	       "pages 0x%llx+%zu are not of this board", (unsigned long long)pfn, count);
	memset(host_sched.ram + ((pfn << PAGE_SHIFT) - host_sched.ram_phys), 0,
	       count << PAGE_SHIFT);
}

static void world_board(struct boot_info *board)
{
	memset(board, 0, sizeof(*board));
	board->range_count = WORLD_NODES;
	board->cpu_count = world.cpus;
	board->dma_max = UINT64_MAX;
	for (unsigned nid = 0; nid < WORLD_NODES; nid++) {
		board->range[nid].start = WORLD_PHYS + nid * WORLD_NODE_BYTES;
		board->range[nid].size = WORLD_NODE_BYTES;
		board->range[nid].nid = (int16_t)nid;
		board->nodes |= node_bit(nid);
		for (unsigned to = 0; to < WORLD_NODES; to++)
			board->distance[nid][to] = nid == to ? 10 : 20;
	}
	for (unsigned cpu = 0; cpu < world.cpus; cpu++)
		board->cpu[cpu].nid = (int16_t)(world.cpus == 1 ? WORLD_NODES - 1
								: cpu * WORLD_NODES / world.cpus);
}

static bool world_memory(void)
{
	struct zonal_config config = { .info = &host_sched.board, .clear = world_clear };
	void *ram = mmap(NULL, WORLD_NODES * WORLD_NODE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ram == MAP_FAILED)
		return false;
	host_sched.ram = ram;
	host_sched.ram_phys = WORLD_PHYS;
	host_sched.ram_bytes = WORLD_NODES * WORLD_NODE_BYTES;
	host_sched.mm = aligned_alloc(64, align_up(zonal_sizeof(), 64));
	if (!host_sched.mm)
		return false;
	memset(host_sched.mm, 0, align_up(zonal_sizeof(), 64));
	zonal_options_default(&config.options);
	if (zonal_build(host_sched.mm, &config, world_meta))
		return false;
	for (unsigned cpu = 0; cpu < world.cpus; cpu++)
		zonal_cpu_online(host_sched.mm, cpu);
	zonal_boot_done(host_sched.mm);
	return true;
}

static void world_forget(void)
{
	while (world.meta_count)
		free(world.meta[--world.meta_count]);
	free(host_sched.mm);
	host_sched.mm = NULL;
	if (!host_sched.ram)
		return;
	host_sched_unpoison(host_sched.ram, host_sched.ram_bytes);
	munmap(host_sched.ram, host_sched.ram_bytes);
	host_sched.ram = NULL;
}

static void *world_cpu(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	host_cpu_attach(cpu);
	world.boot_task[cpu] = port_this_cpu()->task;
	sched_start_cpu(cpu);
}

/* Start the other CPUs; waits until all are there. */
static void world_threads(pthread_t *thread)
{
	for (unsigned cpu = 1; cpu < world.cpus; cpu++) {
		if (pthread_create(&thread[cpu], NULL, world_cpu, (void *)(uintptr_t)cpu))
			port_panic("host: no thread for CPU %u", cpu);
		while (!sched_cpu_online(cpu))
			port_relax();
	}
}

static void world_stop(pthread_t *thread)
{
	atomic_store(&host_sched.stop, true);
	for (unsigned cpu = 1; cpu < world.cpus; cpu++)
		pthread_join(thread[cpu], NULL);
	host_cpu_detach();
	for (unsigned cpu = 0; cpu < world.cpus; cpu++) {
		host_cpu_get(cpu)->port.task = world.boot_task[cpu];
		run_queues[cpu].current = NULL;
	}
}

static bool world_run(unsigned cpus, void (*fn)(void *), void *arg)
{
	pthread_t thread[WORLD_CPUS];

	ASSERT(cpus && cpus <= WORLD_CPUS && !host_sched.mm, "a world of %u CPUs", cpus);
	world.cpus = cpus;
	memset(&host_sched, 0, sizeof(host_sched));
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		atomic_store(&host_sched.cpu[cpu].timer_ns, SCHED_NEVER);
	world_board(&host_sched.board);
	if (!world_memory()) {
		world_forget();
		return false;
	}
	host_cpu_attach(0);
	world.boot_task[0] = port_this_cpu()->task;
	sched_init();
	world_threads(thread);
	fn(arg);
	world_stop(thread);
	world_forget();
	return true;
}

bool sched_port_world(void (*fn)(void *), void *arg)
{
	return world_run(WORLD_CPUS, fn, arg);
}

bool host_quiet_world(void (*fn)(void *), void *arg)
{
	bool done;

	atomic_store(&host_clock_ns, HOST_CLOCK_START);
	done = world_run(1, fn, arg);
	atomic_store(&host_clock_ns, 0);
	return done;
}
