/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping: the heap of sleepers against a plain model, wake-up order, no early
 * wake-up.
 *
 * The heap is tested by itself, on a run queue of its own that no CPU uses: random adds
 * and removals from anywhere, the earliest deadline compared with a scan of an
 * array after each step, and then taken out one by one, which must be in order with
 * equal deadlines in order of arrival.
 */
#include "sched/sched_internal.h"
#include "sched_world.h"

enum { HEAP_NODES = 200, HEAP_STEPS = 4000, SLEEPERS = 16 };

static uint64_t scan_earliest(const struct sleeper *node)
{
	uint64_t earliest = SCHED_NEVER;

	for (unsigned i = 0; i < HEAP_NODES; i++)
		if (node[i].queued)
			earliest = ZN_MIN(earliest, node[i].deadline_ns);
	return earliest;
}

/* When each was added, by the test's own count. */
static unsigned arrival[HEAP_NODES], arrivals;

static bool heap_step(struct run_queue *queue, struct sleeper *node, uint64_t *seed)
	LOCK_HELD(queue->lock);
static bool heap_step(struct run_queue *queue, struct sleeper *node, uint64_t *seed)
{
	struct sleeper *one = &node[kt_random(seed) % HEAP_NODES];

	if (one->queued) {
		sleepers_remove(queue, one);
	} else {
		sleepers_add(queue, one, kt_random(seed) % 64); /* few values: many ties */
		arrival[one - node] = ++arrivals;
	}
	return sleepers_deadline(queue) == scan_earliest(node);
}

static void heap_drain(struct run_queue *queue, const struct sleeper *node)
	LOCK_HELD(queue->lock);
static void heap_drain(struct run_queue *queue, const struct sleeper *node)
{
	uint64_t deadline = 0;
	unsigned last = 0;

	while (queue->sleepers) {
		struct sleeper *first = queue->sleepers;
		unsigned came = arrival[first - node];

		if (!KT_OK(first->deadline_ns > deadline ||
			   (first->deadline_ns == deadline && came > last),
			   "deadline %llu, arrival %u came after %llu, %u",
			   (unsigned long long)first->deadline_ns, came,
			   (unsigned long long)deadline, last))
			return;
		deadline = first->deadline_ns;
		last = came;
		sleepers_remove(queue, first);
	}
}

KTEST(sched, sleepers_come_out_by_deadline_then_arrival)
{
	struct run_queue *queue = kt_alloc(sizeof(*queue), 64);
	struct sleeper *node = kt_alloc(sizeof(*node) * HEAP_NODES, 64);
	uint64_t seed = kt_seed();
	port_irqflags_t flags;
	bool right = true;

	if (!queue || !node)
		return;
	flags = port_irq_save();
	lock_set_rank(&queue->lock, LOCK_RUN_QUEUE);
	lock_take(&queue->lock);
	for (unsigned i = 0; right && i < HEAP_STEPS; i++)
		right = KT_OK(heap_step(queue, node, &seed), "wrong earliest at step %u", i);
	if (right)
		heap_drain(queue, node);
	lock_drop(&queue->lock);
	port_irq_restore(flags);
	KT_EQ(scan_earliest(node), SCHED_NEVER);
}

static struct {
	uint64_t deadline[SLEEPERS];
	unsigned order[SLEEPERS];
	unsigned woken, early;
} naps;

static int nap(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;

	task_sleep_until(naps.deadline[number]);
	if (port_time_ns() < naps.deadline[number])
		naps.early++;
	naps.order[naps.woken++] = number;
	return 0;
}

/* All sleep towards deadlines that begin `lead_ns` from now; how many woke out of order. */
static unsigned naps_out_of_order(uint64_t lead_ns)
{
	uint64_t start = port_time_ns() + lead_ns;
	struct task *task[SLEEPERS];
	unsigned swapped = 0;

	naps.woken = naps.early = 0;
	for (unsigned i = 0; i < SLEEPERS; i++) {
		/* 7 and SLEEPERS have no common factor: every place once, well mixed. */
		naps.deadline[i] = start + (i * 7 % SLEEPERS) * MS;
		task[i] = sched_world_task(nap, (void *)(uintptr_t)i, (int)task_cpu(), 6);
	}
	for (unsigned i = 0; i < SLEEPERS; i++)
		if (task[i])
			task_join(task[i]);
	for (unsigned i = 1; i < naps.woken; i++)
		swapped += naps.deadline[naps.order[i - 1]] > naps.deadline[naps.order[i]];
	return swapped;
}

/*
 * On a busy machine a deadline can pass before its task has begun to sleep, and then
 * there is no order to keep. So a wrong order counts only if it comes with every lead time.
 */
SCHED_TEST(sleepers_wake_in_order_and_never_early)
{
	unsigned swapped = 1;

	for (uint64_t lead = 20 * MS; swapped && lead < PATIENCE; lead *= 3) {
		swapped = naps_out_of_order(lead);
		KT_EQ(naps.early, 0);
		KT_EQ(naps.woken, SLEEPERS);
		if (swapped)
			kt_diag("%u out of order with %llu ms of lead", swapped,
				(unsigned long long)(lead / MS));
	}
	KT_EQ(swapped, 0);
}

SCHED_TEST(sleep_of_nothing_returns)
{
	uint64_t before = port_time_ns();

	task_sleep_ns(0);
	task_sleep_until(0);
	task_sleep_until(before);
	KT_TRUE(port_time_ns() - before < PATIENCE / 4);
}

/* ---- a slice ---- */

static struct event rested;

static int end_rest(void *arg)
{
	(void)arg;
	event_set(&rested);
	return 0;
}

/* What was left of the last one, here more than there can be, is of no account then. */
SCHED_TEST(who_comes_back_from_a_wait_or_from_another_cpu_has_a_slice_of_its_own)
{
	struct task *self = task_current(), *other;
	int there = sched_world_other(task_cpu());
	struct cpumask home = cpumask_of(task_cpu()), away;

	event_clear(&rested);
	other = sched_world_task(end_rest, NULL, (int)task_cpu(), 1);
	if (!other)
		return;
	self->slice_left_ns = 1000ull * SCHED_SLICE_NS;
	KT_TRUE(event_wait(&rested, SCHED_NEVER));
	KT_TRUE(self->slice_left_ns <= SCHED_SLICE_NS);
	KT_EQ(task_join(other), 0);
	if (there < 0)
		return;
	self->slice_left_ns = 1000ull * SCHED_SLICE_NS;
	away = cpumask_of((unsigned)there);
	KT_EQ(task_set_cpus(&away), 0);
	KT_TRUE(self->slice_left_ns <= SCHED_SLICE_NS);
	KT_EQ(task_set_cpus(&home), 0);
}

SCHED_TEST(idle_cpu_sleeps_and_comes_back)
{
	struct sched_counts before, after;
	unsigned cpu = task_cpu();
	uint64_t deadline = sched_world_deadline();

	sched_read_counts(cpu, &before);
	/* On a busy machine a deadline may have passed before the task is off its CPU. */
	do {
		task_sleep_ns(MS);
		sched_read_counts(cpu, &after);
	} while ((after.ticks == before.ticks || after.idle_ns == before.idle_ns) &&
		 port_time_ns() < deadline);
	KT_OK(after.ticks > before.ticks, "no timer tick in any sleep on CPU %u", cpu);
	KT_OK(after.idle_ns > before.idle_ns, "CPU %u was not idle in any sleep", cpu);
}
