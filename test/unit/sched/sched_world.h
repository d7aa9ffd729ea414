/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of the scheduler, on the host and in the image.
 *
 * SCHED_TEST(name) { ... } is a case whose body runs in a task: in the image in that of
 * the harness, on the host in a machine of four threads made for it. The body runs
 * bound to one CPU, at a priority above the tasks that it creates unless it says
 * otherwise, and everything is checked to be as before when it ends: number of tasks,
 * free pages, priority.
 */
#ifndef TEST_SCHED_WORLD_H
#define TEST_SCHED_WORLD_H

#include "sched/sched.h"
#include "test/ktest.h"

#define SCHED_TEST(name_)                                                                          \
	static void sched_body_##name_(void);                                                      \
	KTEST(sched, name_) { sched_world_run(sched_body_##name_); }                               \
	static void sched_body_##name_(void)

#define MS 1000000ull
/* Nothing in these tests may take this long, even on a machine that is busy otherwise. */
#define PATIENCE (20000 * MS)
/* The body's own priority. */
#define TESTER 20u

void sched_world_run(void (*body)(void));

/* A joinable task on `cpu` (negative: anywhere) at that priority; a failed check and NULL
 * if there is none. */
struct task *sched_world_task(int (*fn)(void *), void *arg, int cpu, unsigned priority);

/* An online CPU other than `not`, or -1. */
int sched_world_other(unsigned not);
unsigned sched_world_cpus(void);

/* The first node with memory; 0 is not always one. */
unsigned sched_world_node(void);

/* Pages that nobody holds, on all nodes, per-CPU lists given back. */
uint64_t sched_world_free_pages(void);

/* Free pages that kernel requests get before they must wait for anything. */
uint64_t sched_world_kernel_pages(void);

/* Spin, taking interrupts, until *flag is at least `value`; false after PATIENCE. */
bool sched_world_spin(_Atomic unsigned *flag, unsigned value);

/* Of this task: it may not be moved meanwhile, so it should be bound. */
static inline uint64_t sched_world_deadline(void)
{
	return port_time_ns() + PATIENCE;
}

#endif
