/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs when, on one CPU: priorities, first come first served, slices,
 * preemption, the real-time mark.
 *
 * The body of each case has a higher priority than its tasks and shares their CPU, so
 * that none of them runs before it waits for them: the order is decided by the
 * scheduler alone. Tasks note their number in a log; one CPU, so no lock.
 *
 * On a busy host a CPU can stand still for longer than a slice, at any instruction. Then the
 * slice ends and the order is another one, rightly. So an order says something only if no
 * slice ended in that run, which the CPU counts; another run is made until one is such.
 * test/host/turns_test.c has the same on a clock that stands still.
 */
#include "sched_world.h"

#include <string.h>

enum { LOG_MAX = 64 };

static struct {
	unsigned entry[LOG_MAX];
	_Atomic unsigned count; /* the body may look while a task writes */
} order_log;

static void log_add(unsigned number)
{
	unsigned place = atomic_fetch_add(&order_log.count, 1);

	if (place < LOG_MAX)
		order_log.entry[place] = number;
}

static int log_once(void *arg)
{
	log_add((unsigned)(uintptr_t)arg);
	return 0;
}

static int log_thrice(void *arg)
{
	for (unsigned i = 0; i < 3; i++) {
		log_add((unsigned)(uintptr_t)arg);
		task_yield();
	}
	return 0;
}

/* What the tasks of a run are hurried to before it begins, 0: not. */
static unsigned hurry_to[8];

static uint64_t slices_ended(void)
{
	struct sched_counts counts;

	sched_read_counts(task_cpu(), &counts);
	return counts.slices;
}

/* True: no slice ended once all were there. Before that the body alone runs; making tasks may take
 * it more than a slice (under a sanitizer, on a busy host: each time). */
static bool run_once(int (*fn)(void *), const unsigned *priority, unsigned count)
{
	struct task *task[8];
	uint64_t ended;

	order_log.count = 0;
	for (unsigned i = 0; i < count; i++)
		task[i] = sched_world_task(fn, (void *)(uintptr_t)i, (int)task_cpu(), priority[i]);
	for (unsigned i = 0; i < count; i++)
		if (task[i] && hurry_to[i])
			task_hurry(task[i], hurry_to[i]);
	ended = slices_ended();
	for (unsigned i = 0; i < count; i++)
		if (task[i])
			task_join(task[i]);
	return slices_ended() == ended;
}

/* Until a run in which no slice ended; false, and a failed case, if there is none. */
static bool run_all(int (*fn)(void *), const unsigned *priority, unsigned count)
{
	uint64_t deadline = sched_world_deadline();

	do {
		if (run_once(fn, priority, count))
			return true;
	} while (port_time_ns() < deadline);
	return KT_OK(false, "a slice ended in each run");
}

static void log_expect(const unsigned *expected, unsigned count)
{
	KT_EQ(order_log.count, count);
	for (unsigned i = 0; i < count && i < order_log.count; i++)
		KT_OK(order_log.entry[i] == expected[i], "place %u: task %u ran, not %u", i,
		      order_log.entry[i], expected[i]);
}

SCHED_TEST(higher_priority_runs_first)
{
	static const unsigned priority[] = { 3, 7, 5, 7, 0, 19 };
	static const unsigned expected[] = { 5, 1, 3, 2, 0, 4 };

	if (run_all(log_once, priority, ARRAY_SIZE(priority)))
		log_expect(expected, ARRAY_SIZE(expected));
}

SCHED_TEST(equal_priorities_run_in_order_of_arrival)
{
	static const unsigned priority[] = { 4, 4, 4, 4, 4, 4, 4, 4 };
	static const unsigned expected[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	if (run_all(log_once, priority, ARRAY_SIZE(priority)))
		log_expect(expected, ARRAY_SIZE(expected));
}

SCHED_TEST(yield_goes_to_the_end_of_its_own_priority)
{
	static const unsigned priority[] = { 4, 4, 4, 5 };
	static const unsigned expected[] = { 3, 3, 3, 0, 1, 2, 0, 1, 2, 0, 1, 2 };

	if (run_all(log_thrice, priority, ARRAY_SIZE(priority)))
		log_expect(expected, ARRAY_SIZE(expected));
}

/* To a lower priority or its own: nothing. */
SCHED_TEST(who_is_hurried_runs_before_those_who_came_first)
{
	static const unsigned priority[] = { 4, 4, 4, 4, 6, 4 };
	static const unsigned to[] = { 0, 2, 4, 5, 0, 7 }, expected[] = { 5, 4, 3, 0, 1, 2 };

	memcpy(hurry_to, to, sizeof(to));
	if (run_all(log_once, priority, ARRAY_SIZE(priority)))
		log_expect(expected, ARRAY_SIZE(expected));
	memset(hurry_to, 0, sizeof(hurry_to));
}

static _Atomic uint64_t burn_until;
static _Atomic unsigned burn_started;

static int burn(void *arg)
{
	_Atomic uint64_t *rounds = arg;

	atomic_fetch_add(&burn_started, 1);
	while (port_time_ns() < atomic_load(&burn_until)) {
		atomic_fetch_add(rounds, 1);
		task_poll();
	}
	return 0;
}

static uint64_t runtime_of(uint64_t id)
{
	struct task_info info;

	return sched_list(id - 1, &info, 1) == 1 && info.id == id ? info.runtime_ns : 0;
}

/* Three equal tasks burn a CPU for `window_ns`; true if each had half of a fair share. */
static bool slices_are_fair(uint64_t window_ns)
{
	static _Atomic uint64_t rounds[3];
	struct task *task[3];
	uint64_t runtime[3], total = 0;
	bool fair = true;

	atomic_store(&burn_until, port_time_ns() + window_ns);
	for (unsigned i = 0; i < 3; i++)
		task[i] = sched_world_task(burn, &rounds[i], (int)task_cpu(), 4);
	/* Sleep past the end: they have finished then but are not yet freed. */
	task_sleep_until(atomic_load(&burn_until) + 30 * MS);
	for (unsigned i = 0; i < 3; i++) {
		runtime[i] = task[i] ? runtime_of(task_id(task[i])) : 0;
		total += runtime[i];
	}
	for (unsigned i = 0; i < 3; i++) {
		if (runtime[i] < total / 6) {
			kt_diag("task %u ran %llu ns of %llu", i, (unsigned long long)runtime[i],
				(unsigned long long)total);
			fair = false;
		}
		if (task[i])
			task_join(task[i]);
	}
	return fair;
}

/* The time that a busy host takes the CPU away counts for the task that had it, so an
 * unfair short window says nothing; one that stays unfair when it grows does. */
SCHED_TEST(slices_share_the_cpu_among_equals)
{
	uint64_t window = 150 * MS;

	while (!slices_are_fair(window) && window < PATIENCE)
		window *= 3;
	KT_TRUE(window < PATIENCE);
}

SCHED_TEST(timer_takes_the_cpu_from_a_lower_priority)
{
	static _Atomic uint64_t rounds;
	uint64_t deadline = sched_world_deadline();
	struct task *task;

	atomic_store(&burn_until, SCHED_NEVER);
	atomic_store(&burn_started, 0);
	task = sched_world_task(burn, &rounds, (int)task_cpu(), 4);
	/* It never gives up the CPU by itself, so coming back after it has begun is the proof. */
	while (!atomic_load(&burn_started) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	task_sleep_ns(MS);
	KT_EQ(atomic_load(&burn_started), 1);
	atomic_store(&burn_until, 0);
	if (task)
		task_join(task);
}

/* How long it is looked decides how surely a wrong one is caught. */
SCHED_TEST(who_is_hurried_while_it_runs_is_not_preempted_by_what_it_now_beats)
{
	static _Atomic uint64_t rounds;
	int other = sched_world_other(task_cpu());
	struct task *runs, *waits;

	if (other < 0) {
		kt_skip("one CPU: nothing runs there while it is hurried");
		return;
	}
	atomic_store(&burn_until, SCHED_NEVER);
	atomic_store(&burn_started, 0);
	order_log.count = 0;
	runs = sched_world_task(burn, &rounds, other, 4);
	KT_TRUE(sched_world_spin(&burn_started, 1));
	if (runs)
		task_hurry(runs, 9);
	waits = sched_world_task(log_once, NULL, other, 6);
	task_sleep_ns(20 * MS);
	KT_EQ(order_log.count, 0);
	KT_TRUE(runs && task_priority(runs) == 9);
	atomic_store(&burn_until, 0);
	if (runs)
		task_join(runs);
	if (waits)
		task_join(waits);
	KT_EQ(order_log.count, 1);
}

SCHED_TEST(creating_a_higher_priority_switches_at_once)
{
	struct task *task;

	order_log.count = 0;
	task = sched_world_task(log_once, (void *)7, (int)task_cpu(), TESTER + 1);
	KT_EQ(order_log.count, 1);
	if (task)
		task_join(task);
}

static struct event better;

static int log_when_set(void *arg)
{
	event_wait(&better, sched_world_deadline());
	return log_once(arg);
}

static void set_better(void *arg)
{
	(void)arg;
	event_set(&better);
}

SCHED_TEST(call_to_the_own_cpu_lets_the_woken_task_in)
{
	struct task *task;
	uint64_t deadline = sched_world_deadline();

	order_log.count = 0;
	event_clear(&better);
	task = sched_world_task(log_when_set, (void *)7, (int)task_cpu(), TESTER + 1);
	KT_EQ(order_log.count, 0);
	port_call_cpu(task_cpu(), set_better, NULL);
	/* On the target we do not call the scheduler: an interrupt must take the CPU from us. */
	while (!order_log.count && port_time_ns() < deadline) {
		if (!kt_port_is_target())
			task_poll();
		port_relax();
	}
	KT_EQ(order_log.count, 1);
	if (task)
		task_join(task);
}

SCHED_TEST(preemption_off_keeps_the_cpu)
{
	struct task *task;

	order_log.count = 0;
	preempt_disable();
	task = sched_world_task(log_once, (void *)7, (int)task_cpu(), TESTER + 1);
	KT_EQ(order_log.count, 0);
	preempt_enable();
	KT_EQ(order_log.count, 1);
	if (task)
		task_join(task);
}

static int flags_of_self(void *arg)
{
	(void)arg;
	return (int)task_memory(task_current())->flags;
}

SCHED_TEST(realtime_class_is_marked_for_the_allocator)
{
	static const unsigned priority[] = { 0, SCHED_RT_FIRST - 1, SCHED_RT_FIRST, 31 };

	for (unsigned i = 0; i < ARRAY_SIZE(priority); i++) {
		struct task *task =
			sched_world_task(flags_of_self, NULL, (int)task_cpu(), priority[i]);
		bool realtime = priority[i] >= SCHED_RT_FIRST;

		if (task)
			KT_EQ(task_join(task), realtime ? ZTASK_REALTIME : 0);
	}
	KT_EQ(task_set_priority(SCHED_RT_FIRST), 0);
	KT_EQ(task_memory(task_current())->flags, ZTASK_REALTIME);
	KT_EQ(task_set_priority(TESTER), 0);
	KT_EQ(task_memory(task_current())->flags, 0);
	KT_EQ(task_set_priority(SCHED_PRIORITIES), ZONAL_EINVAL);
}

SCHED_TEST(lowering_the_own_priority_gives_way)
{
	struct task *task;

	order_log.count = 0;
	task = sched_world_task(log_once, (void *)1, (int)task_cpu(), 6);
	KT_EQ(order_log.count, 0);
	KT_EQ(task_set_priority(5), 0);
	KT_EQ(order_log.count, 1);
	KT_EQ(task_set_priority(TESTER), 0);
	if (task)
		task_join(task);
}
