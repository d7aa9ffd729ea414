/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tasks that reclaim in the background, one for each node with memory, and how they sleep.
 *
 * What a kswapd does is zonal_kswapd_turn(); a task here calls it, sleeps as long as that says or
 * until it is woken, and calls it again. It runs on the CPUs of its node, if the node has some,
 * and its stack lies there.
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
#include "lib/printf.h"
#include "platform.h"
#include "sched/sched.h"

static struct kswapd {
	struct wait_queue queue;
	_Atomic bool woken; /* set by whoever wakes, taken by the task */
	_Atomic bool there; /* the task exists */
} kswapds[ZONAL_MAX_NODES];

static bool kswapd_woken(void *arg)
{
	return ld_acquire(&((struct kswapd *)arg)->woken);
}

static int kswapd_work(void *arg)
{
	struct kswapd *self = arg;
	unsigned nid = (unsigned)(self - kswapds);
	bool woken = false;

	ASSERT(nid < ZONAL_MAX_NODES, "kswapd of node %u", nid);
	do {
		uint64_t ns = zonal_kswapd_turn(&zonal_image, nid, woken);

		woken = false;
		if (!ns) {
			task_yield();
			continue;
		}
		if (ns != UINT64_MAX)
			ns += port_time_ns();
		(void)wait_until(&self->queue, kswapd_woken, self, ns);
		woken = atomic_exchange_explicit(&self->woken, false, memory_order_acquire);
	} while (true);
	return 0;
}

void port_kswapd_wake(struct zonal *mm, unsigned nid)
{
	struct kswapd *self = &kswapds[nid];

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	if (mm != &zonal_image || !ld_acquire(&self->there))
		return;
	/* Release: the task sees the wish that was written before. */
	st_release(&self->woken, true);
	(void)wait_wake(&self->queue, 1);
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

static void kswapd_start(unsigned nid)
{
	struct cpumask mask;
	char name[SCHED_NAME_BYTES];
	struct task_spec spec = { .name = name,
				  .fn = kswapd_work,
				  .arg = &kswapds[nid],
				  .priority = SCHED_PRIORITY_DEFAULT,
				  .cpus = node_cpus(nid, &mask) ? &mask : NULL,
				  .nid = (int)nid,
				  .on_node = true,
				  .detached = true };

	zn_snprintf(name, sizeof(name), "kswapd%u", nid);
	if (task_spawn(&spec, NULL))
		kprintf("boot: node %u has no kswapd: no memory for its task\n", nid);
	else
		st_release(&kswapds[nid].there, true);
}

void kswapds_start(void)
{

	ASSERT(task_current(), "before there is a scheduler");
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		uint64_t bytes = 0;

		for (unsigned i = 0; i < boot_info.range_count; i++)
			if (boot_info.range[i].nid == (int)nid)
				bytes += boot_info.range[i].size;
		if (bytes)
			kswapd_start(nid);
	}
}
