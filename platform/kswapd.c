/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tasks that reclaim and compact in the background, one of each for each node with memory, and
 * how they sleep.
 *
 * What a kswapd does is zonal_kswapd_turn(), what a kcompactd does zonal_kcompactd_turn(); a task
 * here calls it, sleeps as long as that says or until it is woken, and calls it again. It runs on
 * the CPUs of its node, if the node has some, and its stack lies there.
 *
 * A kswapd comes before ordinary tasks on its CPU: whoever wakes it is out of memory above the low
 * mark, and each request that is served before it has run takes the long way over all zones, or
 * must reclaim by itself. It is woken for some hundreds of pages at a time and sleeps again.
 *
 * A wake-up is a flag and a wait queue. It may come from anywhere, from an interrupt handler
 * or masked, and from the allocator's own calls inside of this task; instances other than the
 * image's, as tests build them, have no task and nobody is woken.
 *
 * Locks: the wait queue's own.
 */
#include <zonal/linux.h>
#include <zonal/port.h>
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "platform.h"
#include "sched/sched.h"

/* Of one node, for one kind of work. */
struct background {
	struct wait_queue queue;
	_Atomic bool woken; /* set by whoever wakes, taken by the task */
	_Atomic bool there; /* the task exists */
};

static struct background kswapds[ZONAL_MAX_NODES], kcompactds[ZONAL_MAX_NODES];

static bool background_woken(void *arg)
{
	return ld_acquire(&((struct background *)arg)->woken);
}

/* Sleep as long as a turn said. True: somebody woke us. */
static bool background_sleep(struct background *self, uint64_t ns)
{
	if (!ns) {
		task_yield();
		return false;
	}
	if (ns != UINT64_MAX)
		ns += port_time_ns();
	(void)wait_until(&self->queue, background_woken, self, ns);
	return atomic_exchange_explicit(&self->woken, false, memory_order_acquire);
}

static void background_wake(struct background *self, const struct zonal *mm)
{
	if (mm != &zonal_image || !ld_acquire(&self->there))
		return;
	/* Release: the task sees the wish that was written before. */
	st_release(&self->woken, true);
	(void)wait_wake(&self->queue, 1);
}

static int kswapd_work(void *arg)
{
	struct background *self = arg;
	unsigned nid = (unsigned)(self - kswapds);
	bool woken = false;

	ASSERT(nid < ZONAL_MAX_NODES, "kswapd of node %u", nid);
	do {
		woken = background_sleep(self, zonal_kswapd_turn(&zonal_image, nid, woken));
	} while (true);
	return 0;
}

static int kcompactd_work(void *arg)
{
	struct background *self = arg;
	unsigned nid = (unsigned)(self - kcompactds);

	ASSERT(nid < ZONAL_MAX_NODES, "kcompactd of node %u", nid);
	do {
		(void)background_sleep(self, zonal_kcompactd_turn(&zonal_image, nid));
	} while (true);
	return 0;
}

void port_kswapd_wake(struct zonal *mm, unsigned nid)
{
	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	background_wake(&kswapds[nid], mm);
}

void port_kcompactd_wake(struct zonal *mm, unsigned nid)
{
	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	background_wake(&kcompactds[nid], mm);
}

void port_nap(uint64_t ns)
{
	ASSERT(task_current() && !port_irqs_masked(), "a nap of %llu ns where none may be",
	       (unsigned long long)ns);
	task_sleep_ns(ns);
}

/* The CPUs of a node; false: it has none, all will do. */
static bool node_cpus(unsigned nid, struct cpumask *mask)
{
	bool some = false;

	*mask = (struct cpumask){ { 0 } };
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
		if (cpu_is_online(cpu) && boot_info.cpu[cpu].nid == (int)nid) {
			cpumask_add(mask, cpu);
			some = true;
		}
	return some;
}

bool platform_node_task(unsigned nid, const char *kind, int (*fn)(void *), void *arg,
			unsigned priority)
{
	struct cpumask mask;
	char name[SCHED_NAME_BYTES];
	struct task_spec spec = { .name = name,
				  .fn = fn,
				  .arg = arg,
				  .priority = priority,
				  .cpus = node_cpus(nid, &mask) ? &mask : NULL,
				  .nid = (int)nid,
				  .on_node = true,
				  .detached = true };

	zn_snprintf(name, sizeof(name), "%s%u", kind, nid);
	if (task_spawn(&spec, NULL) == 0)
		return true;
	kprintf("boot: node %u has no %s: no memory for its task\n", nid, kind);
	return false;
}

static void background_start(unsigned nid, const char *kind, int (*fn)(void *),
			     struct background *self, unsigned priority)
{
	if (platform_node_task(nid, kind, fn, self, priority))
		st_release(&self->there, true);
}

void kswapds_start(void)
{

	ASSERT(task_current(), "before there is a scheduler");
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		uint64_t bytes = 0;

		for (unsigned i = 0; i < boot_info.range_count; i++)
			if (boot_info.range[i].nid == (int)nid)
				bytes += boot_info.range[i].size;
		if (!bytes)
			continue;
		background_start(nid, "kswapd", kswapd_work, &kswapds[nid],
				 SCHED_PRIORITY_DEFAULT + 1);
		background_start(nid, "kcompactd", kcompactd_work, &kcompactds[nid],
				 SCHED_PRIORITY_DEFAULT);
	}
}
