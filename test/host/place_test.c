/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a task is placed and what is stolen, on a machine that stands still.
 *
 * place_choose() is compared with its rule, written down once more as one comparison of
 * four numbers, over random machines: what runs where, how many wait, which CPUs are
 * offline or not allowed. The single cases name what each part of placing and stealing
 * must do: whom it interrupts, whom not, and what it leaves in the queues.
 */
#include "fake_machine.h"

enum { CASES = 3000 };

static struct cpumask mask_of(unsigned first, unsigned last)
{
	struct cpumask mask = { { 0 } };

	for (unsigned cpu = first; cpu <= last; cpu++)
		cpumask_add(&mask, cpu);
	return mask;
}

/* ---- the order of the others ---- */

FAKE_TEST(other_cpus_are_looked_at_by_distance_then_number)
{
	static const uint8_t of_1[] = { 0, 2, 3, 4, 5, 6, 7 };
	static const uint8_t of_4[] = { 5, 6, 7, 2, 3, 0, 1 };
	static const uint8_t of_7[] = { 6, 4, 5, 2, 3, 0, 1 };

	fake_board(8, 4);
	fake_start();
	KT_EQ(run_queues[1].victim_count, 7);
	for (unsigned i = 0; i < 7; i++) {
		KT_EQ(run_queues[1].victim[i], of_1[i]);
		KT_EQ(run_queues[4].victim[i], of_4[i]);
		KT_EQ(run_queues[7].victim[i], of_7[i]);
	}
}

FAKE_TEST(a_cpu_of_no_node_comes_after_the_farthest)
{
	struct boot_info *board = fake_board(4, 4);

	board->distance[0][2] = 254;
	board->cpu[1].nid = NODE_NONE;
	fake_start();
	KT_EQ(run_queues[0].victim[0], 3);
	KT_EQ(run_queues[0].victim[1], 2);
	KT_EQ(run_queues[0].victim[2], 1);
}

/* ---- the choice ---- */

/* Smaller is better, the first number that differs decides. */
struct choice {
	unsigned rank, waiting, distance, turn;
};

static bool choice_less(const struct choice *a, const struct choice *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->waiting != b->waiting)
		return a->waiting < b->waiting;
	return a->distance != b->distance ? a->distance < b->distance : a->turn < b->turn;
}

static struct choice choice_of(unsigned cpu, unsigned last, unsigned priority)
{
	const struct boot_info *board = &host_sched.board;
	int running = ld_relaxed(&run_queues[cpu].running);
	struct choice choice = { .waiting = ld_relaxed(&run_queues[cpu].ready_count) };

	/* Idle before the lowest that would be preempted before all that would not. */
	choice.rank = running == QUEUE_IDLE ? 0 : running < (int)priority ? 1 + (unsigned)running :
									      100;
	choice.distance = board->cpu[cpu].nid == board->cpu[last].nid ?
				  0 :
				  board->distance[board->cpu[last].nid][board->cpu[cpu].nid];
	choice.turn = (cpu + board->cpu_count - last) % board->cpu_count;
	if (cpu == last)
		choice.distance = choice.turn = 0;
	return choice;
}

static unsigned choose_plainly(const struct cpumask *cpus, unsigned last, unsigned priority)
{
	struct choice best = { UINT32_MAX, 0, 0, 0 };
	unsigned chosen = last;

	for (unsigned cpu = 0; cpu < host_sched.board.cpu_count; cpu++) {
		struct choice choice = choice_of(cpu, last, priority);

		if (!cpumask_has(cpus, cpu) || !sched_cpu_online(cpu) ||
		    !choice_less(&choice, &best))
			continue;
		best = choice;
		chosen = cpu;
	}
	return chosen;
}

/* A machine in any state; few values, so that there are ties. */
static void machine_random(uint64_t *seed)
{
	for (unsigned cpu = 0; cpu < host_sched.board.cpu_count; cpu++) {
		uint64_t dice = kt_random(seed);
		int running = dice % 4 ? (int)(dice / 4 % 5) : QUEUE_IDLE;

		if (dice / 64 % 8 == 0)
			running = QUEUE_OFFLINE;
		st_relaxed(&run_queues[cpu].running, running);
		atomic_store(&run_queues[cpu].ready_count, (uint32_t)(dice / 1024 % 3));
	}
}

static bool choice_is_right(uint64_t *seed)
{
	unsigned count = host_sched.board.cpu_count;
	unsigned last = (unsigned)(kt_random(seed) % count);
	unsigned priority = (unsigned)(kt_random(seed) % 6);
	struct cpumask cpus = { { 0 } };
	unsigned got, expected;

	machine_random(seed);
	for (unsigned cpu = 0; cpu < count; cpu++)
		if (kt_random(seed) % 4)
			cpumask_add(&cpus, cpu);
	if (!place_any_online(&cpus))
		return true;
	got = place_choose(&cpus, last, priority);
	expected = choose_plainly(&cpus, last, priority);
	return KT_OK(got == expected, "%u CPUs, last %u, priority %u: CPU %u, not %u", count, last,
		     priority, got, expected);
}

FAKE_TEST(the_cpu_is_chosen_as_the_rule_says)
{
	uint64_t seed = kt_seed();

	for (unsigned i = 0; i < CASES; i++) {
		if (i % 100 == 0) {
			unsigned cpus = i % 300 ? 1 + (unsigned)(kt_random(&seed) % 9) :
						  ZONAL_MAX_CPUS;

			cpu_reset_all();
			fake_board(cpus, 1 + (unsigned)(kt_random(&seed) % ZN_MIN(cpus, 4u)));
			fake_start();
		}
		if (!choice_is_right(&seed))
			return;
	}
}

FAKE_TEST(a_long_queue_counts_as_waiting_and_not_as_priority)
{
	struct cpumask all = cpumask_full();

	fake_board(2, 1);
	fake_start();
	fake_run(0, fake_task(0, 3));
	fake_run(1, fake_task(1, 4));
	atomic_store(&run_queues[0].ready_count, 0x12345);
	/* CPU 0 runs the lower one, so the task goes on there at once, however many wait. */
	KT_EQ(place_choose(&all, 1, 5), 0);
	atomic_store(&run_queues[1].ready_count, 0x20000);
	KT_EQ(place_choose(&all, 1, 2), 1);
	atomic_store(&run_queues[0].ready_count, 0xfffe);
	KT_EQ(place_choose(&all, 1, 2), 0);
}

/* ---- placing ---- */

FAKE_TEST(a_task_goes_back_to_its_idle_cpu)
{
	struct task *task;

	fake_board(4, 2);
	fake_start();
	task = fake_task(2, 5);
	fake_place(task);
	KT_EQ(ld_relaxed(&task->cpu), 2);
	KT_EQ(task_state(task), TASK_READY);
	KT_TRUE(fake_first(2) == task);
	KT_TRUE(ld_relaxed(&run_queues[2].need_resched));
	KT_TRUE(fake_kicked(2));
	KT_EQ(fake_kicks(), 0);
	KT_TRUE(!lock_held(&run_queues[2].lock));
	KT_TRUE(fake_queue_is_sound(2));
}

FAKE_TEST(a_task_of_a_busy_cpu_goes_to_the_nearest_idle_one)
{
	struct task *task;

	fake_board(4, 2);
	fake_start();
	fake_run(2, fake_task(2, 5));
	task = fake_task(2, 5);
	fake_place(task);
	KT_EQ(ld_relaxed(&task->cpu), 3);
	KT_TRUE(fake_kicked(3));
	KT_EQ(fake_kicks(), 0);
	KT_TRUE(!lock_held(&run_queues[2].lock) && !lock_held(&run_queues[3].lock));
	KT_TRUE(!ld_relaxed(&run_queues[2].need_resched));
	KT_TRUE(fake_queue_is_sound(2) && fake_queue_is_sound(3));
}

FAKE_TEST(a_better_task_here_is_switched_to_without_an_interrupt)
{
	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 4));
	fake_place(fake_task(0, 5));
	KT_TRUE(ld_relaxed(&run_queues[0].need_resched));
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(a_worse_task_waits_and_nobody_is_disturbed)
{
	fake_board(2, 1);
	fake_start();
	fake_run(0, fake_task(0, 6));
	fake_run(1, fake_task(1, 6));
	fake_place(fake_task(0, 5));
	KT_TRUE(!ld_relaxed(&run_queues[0].need_resched));
	KT_TRUE(!ld_relaxed(&run_queues[0].rearm));
	KT_EQ(fake_timer(0), SCHED_NEVER);
	KT_EQ(fake_kicks(), 0);
	KT_EQ(ld_relaxed(&run_queues[0].ready_count), 1);
}

/* The choice saw CPU 1 busy, and it falls idle meanwhile: it has said so, so it is told. */
FAKE_TEST(a_worse_task_that_waits_calls_a_cpu_that_fell_idle)
{
	fake_board(2, 1);
	fake_start();
	fake_run(0, fake_task(0, 6));
	st_relaxed(&run_queues[1].running, 6);
	fake_place(fake_task(0, 5));
	KT_EQ(ld_relaxed(&run_queues[0].ready_count), 1);
	KT_TRUE(!ld_relaxed(&run_queues[0].need_resched));
	KT_TRUE(fake_kicked(1));
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(an_equal_task_here_starts_the_clock_of_the_slice)
{
	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	fake_clock(FAKE_EPOCH + 1000);
	fake_place(fake_task(0, 5));
	KT_TRUE(!ld_relaxed(&run_queues[0].need_resched));
	KT_EQ(fake_timer(0), FAKE_EPOCH + SCHED_SLICE_NS);
	KT_EQ(fake_kicks(), 0);
}

FAKE_TEST(an_equal_task_elsewhere_has_that_cpu_start_it)
{
	struct cpumask one = cpumask_of(1);
	struct task *task = NULL;

	fake_board(2, 1);
	fake_start();
	fake_run(0, fake_task(0, 5));
	fake_run(1, fake_task(1, 5));
	task = fake_task(0, 5);
	fake_bind(task, &one);
	fake_place(task);
	KT_EQ(ld_relaxed(&task->cpu), 1);
	KT_TRUE(!ld_relaxed(&run_queues[1].need_resched));
	KT_TRUE(ld_relaxed(&run_queues[1].rearm));
	KT_EQ(fake_timer(1), SCHED_NEVER);
	KT_TRUE(fake_kicked(1));
	KT_EQ(fake_kicks(), 0);
	fake_be(1);
	KT_TRUE(!sched_irq_exit());
	KT_EQ(fake_timer(1), FAKE_EPOCH + SCHED_SLICE_NS);
	KT_TRUE(!ld_relaxed(&run_queues[1].rearm));
}

FAKE_TEST(a_task_behind_others_on_an_idle_cpu_calls_a_second_one)
{
	struct task *task;

	fake_board(3, 1);
	fake_start();
	/* All idle as they say, but work waits for CPU 0 already. */
	fake_queue(0, fake_task(0, 3));
	fake_queue(1, fake_task(1, 3));
	fake_queue(2, fake_task(2, 3));
	task = fake_task(0, 3);
	fake_be(2);
	fake_place(task);
	KT_EQ(ld_relaxed(&task->cpu), 0);
	KT_TRUE(fake_kicked(0));
	KT_TRUE(fake_kicked(1));
	KT_EQ(fake_kicks(), 0);
}

/* ---- telling an idle CPU ---- */

FAKE_TEST(the_nearest_idle_cpu_of_the_mask_is_told_and_no_other)
{
	struct task *task;
	struct cpumask some = mask_of(1, 3);

	fake_board(8, 4);
	fake_start();
	task = fake_task(4, 1);
	fake_run(4, fake_task(4, 9));
	lock_take(&run_queues[4].lock);
	place_kick_idle(&run_queues[4], task);
	KT_TRUE(fake_kicked(5));
	KT_EQ(fake_kicks(), 0);
	fake_run(5, fake_task(5, 9));
	place_kick_idle(&run_queues[4], task);
	KT_TRUE(fake_kicked(6));
	KT_EQ(fake_kicks(), 0);
	fake_bind(task, &some);
	place_kick_idle(&run_queues[4], task);
	KT_TRUE(fake_kicked(2));
	KT_EQ(fake_kicks(), 0);
	lock_drop(&run_queues[4].lock);
}

FAKE_TEST(a_pinned_task_and_one_without_idle_cpus_tell_nobody)
{
	struct cpumask one = cpumask_of(1), none = cpumask_of(3);
	struct task *task;

	fake_board(3, 1);
	fake_start();
	task = fake_task(0, 1);
	lock_take(&run_queues[0].lock);
	fake_bind(task, &one);
	place_kick_idle(&run_queues[0], task);
	KT_EQ(fake_kicks(), 0);
	cpumask_add(&none, 4);
	fake_bind(task, &none);
	place_kick_idle(&run_queues[0], task);
	KT_EQ(fake_kicks(), 0);
	lock_drop(&run_queues[0].lock);
}

FAKE_TEST(cpus_of_every_word_of_a_mask_are_told)
{
	struct task *task;

	fake_board(ZONAL_MAX_CPUS, 1);
	fake_start();
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		fake_run(cpu, fake_task(cpu, 9));
	task = fake_task(0, 1);
	for (unsigned cpu = 1; cpu < ZONAL_MAX_CPUS; cpu += 21) {
		fake_run(cpu, &run_queues[cpu].idle);
		lock_take(&run_queues[0].lock);
		place_kick_idle(&run_queues[0], task);
		lock_drop(&run_queues[0].lock);
		KT_TRUE(fake_kicked(cpu));
		KT_EQ(fake_kicks(), 0);
		fake_run(cpu, fake_task(cpu, 9));
	}
}

/* Those who place tasks see how good it is now; one that waits says nothing of its CPU. */
FAKE_TEST(who_is_hurried_while_it_runs_is_seen_with_its_new_priority)
{
	struct task *runs, *waits;

	fake_board(2, 1);
	fake_start();
	runs = fake_task(1, 5);
	fake_run(1, runs);
	task_hurry(runs, 9);
	KT_EQ(task_priority(runs), 9);
	KT_EQ(ld_relaxed(&run_queues[1].running), 9);
	task_hurry(runs, 8);
	KT_EQ(task_priority(runs), 9);
	waits = fake_task(1, 3);
	task_set_state(waits, TASK_BLOCKED);
	task_hurry(waits, 7);
	KT_EQ(task_priority(waits), 7);
	KT_EQ(ld_relaxed(&run_queues[1].running), 9);
	KT_EQ(fake_kicks(), 0);
}

/* Here, where a switch may not be while all is masked: an interrupt of its own is to make it. */
FAKE_TEST(who_is_hurried_above_the_caller_is_switched_to)
{
	struct task *first, *second;

	fake_board(1, 1);
	fake_start();
	fake_run(0, fake_task(0, 6));
	first = fake_task(0, 5);
	fake_queue(0, first);
	second = fake_task(0, 5);
	fake_queue(0, second);
	/* As good as it is already: it keeps its place before its equals. */
	task_hurry(first, 5);
	KT_TRUE(fake_first(0) == first);
	KT_EQ(fake_kicks(), 0);
	task_hurry(second, 7);
	KT_TRUE(fake_first(0) == second && ld_relaxed(&run_queues[0].need_resched));
	KT_TRUE(fake_kicked(0));
}

/* Who runs a task is told of something that was written for it, who has it queued is not: it will
 * look when it begins. */
FAKE_TEST(only_the_cpu_that_runs_a_task_is_kicked_for_it)
{
	struct task *task;

	fake_board(2, 1);
	fake_start();
	task = fake_task(1, 5);
	fake_run(1, task);
	task_kick(task);
	KT_TRUE(fake_kicked(1));
	KT_EQ(fake_kicks(), 0);
	task = fake_task(1, 4);
	fake_queue(1, task);
	task_kick(task);
	KT_EQ(fake_kicks(), 0);
}
