/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark inside the image: memory by alloc_pages_exact(), workers as tasks.
 *
 * The single-CPU cases run in the calling task, which is bound to CPU 0 of the board for
 * the time of the benchmark, as the recorded figures were. For several CPUs at once one
 * task is bound to each of the first cores that are online. The workers begin
 * together by spinning, so each must have a core to itself; their priority is above
 * that of ordinary tasks.
 *
 * Context: task. One benchmark runs at a time.
 */
#include "bench_image.h"

#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/bench/bench.h"
#include "user/user.h"

#define MOST_WORKERS 16u
#define BEGIN_NS 1000000000ull

struct worker {
	void (*fn)(void *arg, unsigned index);
	void *arg;
	unsigned index;
	struct task *task;
};

static struct event go;
static bool cancelled; /* written before `go` is set */

static void *memory_take(size_t bytes)
{
	return alloc_pages_exact(bytes, GFP_KERNEL | __GFP_NOWARN);
}

static void memory_give(void *memory, size_t bytes)
{
	free_pages_exact(memory, bytes);
}

static int worker_main(void *arg)
{
	struct worker *w = arg;

	ASSERT(w->fn && w->index < MOST_WORKERS, "worker %u", w->index);
	event_wait(&go, SCHED_NEVER);
	if (!cancelled)
		w->fn(w->arg, w->index);
	return 0;
}

/* The n-th core that is online. */
static unsigned nth_online(unsigned n)
{
	unsigned cpu;

	for (cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		if (cpu_is_online(cpu) && n-- == 0)
			return cpu;
	}
	return 0;
}

static bool together(unsigned count, void (*fn)(void *arg, unsigned index), void *arg)
{
	static struct worker worker[MOST_WORKERS];
	unsigned i, created;

	ASSERT(!port_irqs_masked(), "tasks are joined here");
	if (count > MOST_WORKERS)
		return false;
	event_clear(&go);
	for (created = 0; created < count; created++) {
		struct cpumask mask = cpumask_of(nth_online(created));
		const struct task_spec spec = { .name = "bench", .fn = worker_main,
						.arg = &worker[created], .cpus = &mask,
						.priority = SCHED_PRIORITY_DEFAULT };

		worker[created] = (struct worker){ .fn = fn, .arg = arg, .index = created };
		worker[created].task = task_create(&spec);
		if (!worker[created].task)
			break;
	}
	cancelled = created < count;
	event_set(&go);
	for (i = 0; i < created; i++)
		task_join(worker[i].task);
	return !cancelled;
}

/* It inherits the CPUs of nobody: its own are the caller's. */
static int end(int id)
{
	struct user_end how;

	if (id < 0 || !user_join(id, &how) || how.reason != USER_EXITED)
		return -1;
	return how.status;
}

static int program(const char *name, uint64_t arg) { return end(user_start(name, arg, NULL)); }

/* Such a program sleeps for seconds when it has done its part; that is much shorter. */
static int begin(const char *name, uint64_t arg)
{
	int id = user_start(name, arg, NULL);

	task_sleep_ns(BEGIN_NS);
	return id;
}

enum { SLEEPERS = 50, SLEEPER_PAGES = 512, LARGEST_PAGES = 2048 };

/* All of them have what they wanted and sleep, or the time is over. */
static bool crowd_sleeps(void)
{
	const uint64_t want = SLEEPERS * SLEEPER_PAGES + LARGEST_PAGES;
	uint64_t pages = 0;

	for (unsigned i = 0; i < 1000 && pages < want; i++) {
		struct user_info info;
		unsigned next = 0;

		task_sleep_ns(10000000);
		for (pages = 0; user_list(&next, &info, 1);)
			pages += info.pages;
	}
	return pages >= want;
}

static bool crowd(bool come)
{
	static int id[SLEEPERS + 1];
	bool good = true;

	for (unsigned i = 0; come && i <= SLEEPERS; i++) {
		id[i] = user_start("hungry", i < SLEEPERS ? SLEEPER_PAGES : LARGEST_PAGES, NULL);
		good &= id[i] > 0;
	}
	if (come)
		return good && crowd_sleeps();
	for (unsigned i = 0; i <= SLEEPERS; i++) {
		struct user_end end;

		if (id[i] > 0)
			good &= user_kill(id[i]) && user_join(id[i], &end);
		id[i] = 0;
	}
	return good;
}

/* Its pages come one by one; none of these programs takes longer than seconds for all. */
static bool faulted(int id, uint64_t faults, uint64_t *blocks)
{
	struct user_info info;

	for (unsigned i = 0; i < 1000; i++) {
		if (!user_look(id, &info))
			return false;
		*blocks = info.blocks;
		if (info.faults >= faults)
			return true;
		task_sleep_ns(10000000);
	}
	return false;
}

struct request {
	const struct bench_port *port;
	const char *glob;
	bool json;
};

static int bench_main(void *arg)
{
	const struct request *r = arg;

	return bench_run(r->port, r->glob, r->json);
}

int bench_image(const char *glob, bool json)
{
	const struct bench_port port = { cpu_online_count(), memory_take, memory_give, together,
					 program, begin, end, page_address, crowd, faulted,
					 bench_mask_begin, bench_mask_end };
	const struct cpumask first = cpumask_of(nth_online(0));
	struct request request = { &port, glob, json };
	const struct task_spec spec = { .name = "bench", .fn = bench_main, .arg = &request,
					.cpus = &first, .priority = SCHED_PRIORITY_DEFAULT };
	struct task *task = task_create(&spec);

	if (!task) {
		kprintf("bench: its task cannot be created\n");
		return 1;
	}
	return task_join(task);
}
