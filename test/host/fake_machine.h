/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for the scheduler in which nothing happens by itself: no threads, and a clock
 * that stands until the test moves it.
 *
 * The run queues are the real ones. The test is whichever CPU it says, masked, says
 * which task each CPU runs, calls one function of sched/ and looks at what became of the
 * queues, the timers and the other CPUs. So everything that is decided can be tested to the
 * nanosecond, on any board, however busy the host is. What cannot be done here is to
 * switch: the tasks have no stacks.
 */
#ifndef TEST_FAKE_MACHINE_H
#define TEST_FAKE_MACHINE_H

#include "host_sched.h"
#include "sched/sched_internal.h"
#include "test/ktest.h"

/* A case that has the machine to itself. */
#define FAKE_TEST(name_)                                                                           \
	static void fake_body_##name_(void);                                                       \
	KTEST(sched, name_)                                                                        \
	{                                                                                          \
		fake_begin();                                                                      \
		fake_body_##name_();                                                               \
		fake_end();                                                                        \
	}                                                                                          \
	static void fake_body_##name_(void)

#define FAKE_EPOCH HOST_CLOCK_START /* what the clock shows at first */

void fake_begin(void);
void fake_end(void);

/* A board of equal nodes in a row, distance 20 to the next and 10 more for each step on;
 * the test may change it before it starts the CPUs. */
struct boot_info *fake_board(unsigned cpus, unsigned nodes);
/* Every CPU of the board comes online, idle; the caller is CPU 0. */
void fake_start(void);
/* Be another CPU from now on. */
void fake_be(unsigned cpu);
void fake_clock(uint64_t ns);

/* A task that belongs to nobody yet (TASK_MOVING), may run everywhere, was last on `cpu`. */
struct task *fake_task(unsigned cpu, unsigned priority);
void fake_bind(struct task *task, const struct cpumask *cpus);
/* An idle CPU looks for work elsewhere; the caller is that CPU afterwards. */
bool fake_steal(unsigned cpu);
/* `cpu` runs it now, with a fresh slice. */
void fake_run(unsigned cpu, struct task *task);
/* It waits in the queue of `cpu`; nobody is told. */
void fake_queue(unsigned cpu, struct task *task);
/* What queue_first() says of the queue of `cpu`. */
struct task *fake_first(unsigned cpu);
/* place_task() as who owns the task calls it. */
void fake_place(struct task *task);

/* The CPU was interrupted since the last question. */
bool fake_kicked(unsigned cpu);
/* How many CPUs were; forgets it. */
unsigned fake_kicks(void);
/* What the timer of a CPU is set to. */
uint64_t fake_timer(unsigned cpu);
/* The queue is as its invariants say, whatever it holds. */
bool fake_queue_is_sound(unsigned cpu);

#endif
