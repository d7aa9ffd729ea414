/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: tasks, sleeping, waiting. The one header that others include.
 *
 * Every CPU has a run queue with 32 fixed priorities; the highest ready task
 * runs, equal ones take turns of SCHED_SLICE_NS. Priorities from SCHED_RT_FIRST up
 * are the real-time class: their page requests may dig deeper (ZTASK_REALTIME). A
 * CPU with nothing to do steals from the nearest CPU that has work which may run
 * here. A priority is kept on each CPU and when a task is placed, not over
 * all CPUs at all times: a task that is ready on a busy CPU waits there until a
 * CPU falls idle.
 *
 * Contexts, as in port.h: "boot" before sched_init(); "task", which may sleep when
 * it has interrupts unmasked and preemption on; "interrupt". A task that sleeps where it
 * must not is a panic that names it.
 *
 * Deadlines are absolute, in nanoseconds of port_time_ns(); SCHED_NEVER is none.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "lib/lock.h"
#include "cpumask.h"

#define SCHED_PRIORITIES 32u
#define SCHED_PRIORITY_DEFAULT 8u
#define SCHED_RT_FIRST 24u /* 24..31: the real-time class */
#define SCHED_SLICE_NS 4000000u
#define SCHED_NEVER UINT64_MAX
#define SCHED_NAME_BYTES 24u

struct task;
struct sched_context;

/* ---- start -------------------------------------------------------------- */

/*
 * Start scheduling on the boot CPU. The caller becomes the task "main", default
 * priority, bound to this CPU, on the stack it has; an idle task and the reaper are
 * created. Context: boot, interrupts masked or not; the allocator serves. Panics when
 * there is no memory for the two stacks.
 */
void sched_init(void);

/*
 * Join in from CPU `cpu` (port_this_cpu()->id) after sched_init(). The caller
 * becomes this CPU's idle task on the stack it has. Never returns.
 */
void sched_start_cpu(unsigned cpu) ZN_NORETURN;

/* True once sched_init() ran on this CPU or sched_start_cpu() did. Any context. */
bool sched_running(void);
/* True if `cpu` schedules. Any context. */
bool sched_cpu_online(unsigned cpu);

/* ---- tasks -------------------------------------------------------------- */

struct task_spec {
	const char *name;        /* copied, cut to SCHED_NAME_BYTES - 1; NULL: "task" */
	int (*fn)(void *arg);    /* its return value is the exit status */
	void *arg;
	unsigned priority;       /* 0..31; 0 is the lowest. Use SCHED_PRIORITY_DEFAULT. */
	const struct cpumask *cpus; /* where it may run; NULL: everywhere */
	int nid;                 /* stack and struct from this node; see on_node */
	bool on_node;            /* false: nid is ignored, the node of the CPU it will run on */
	bool detached;           /* nobody joins it */
};

/*
 * Create a task and make it ready; *out (may be NULL if detached) names it. It
 * inherits the creator's memory policy and allowed nodes, as fork does; no scopes.
 * Returns 0, ZONAL_EINVAL (no fn, priority out of range, no online CPU in the mask,
 * node not online, joinable without out) or ZONAL_ENOMEM; on an error nothing is kept. A
 * detached task may be gone when this returns: then do not use *out.
 * Context: task.
 */
int task_spawn(const struct task_spec *spec, struct task **out) ZN_MUST_USE;

/* As task_spawn(), NULL on any error. */
struct task *task_create(const struct task_spec *spec) ZN_MUST_USE;

/* End the calling task. Context: task. */
void task_exit(int status) ZN_NORETURN;

/*
 * Wait until `task` has ended and left its stack, free all of it, return its
 * exit status. Once for each task, not for a detached one. Context: task, sleeps.
 */
int task_join(struct task *task);

/* Give up the right to join: it is freed as soon as it ends. Context: task. */
void task_detach(struct task *task);

/* The task that runs, or that was interrupted; NULL in boot context. */
struct task *task_current(void);
uint64_t task_id(const struct task *task);
const char *task_name(const struct task *task);
unsigned task_priority(const struct task *task);
/* Its policy, scopes and allowed nodes. Write only your own (see zonal.h). */
struct zonal_task *task_memory(struct task *task);
/* The caller's own, for a port that keeps something of a task at EL0 in it. Context: task. */
struct sched_context *task_context(void);
/* The CPU that runs `task`, which is not the caller's and cannot end meanwhile, takes an interrupt
 * soon, if it runs. What the caller wrote before is seen by the task before it goes on where it was
 * interrupted, wherever it has moved to. Any context; no lock of sched/ held. */
void task_kick(struct task *task);
/* `task`, which cannot end meanwhile, has at least this priority from now on. As task_kick(). */
void task_hurry(struct task *task, unsigned priority);
/* The CPU that runs the caller; stable only while masked or preemption is off. */
unsigned task_cpu(void);

/* Let others of the same or a higher priority run. Context: task. */
void task_yield(void);

/*
 * Take what is pending: on a port without asynchronous interrupts (host) they are
 * served here and the slice ends here; long loops of tests call it. On arm64 it costs a
 * load or two. Context: task.
 */
void task_poll(void);

/* Sleep at least `ns`; at once back for 0. Context: task. */
void task_sleep_ns(uint64_t ns);
void task_sleep_until(uint64_t deadline_ns);

/*
 * Bind the caller to `cpus` and move there. ZONAL_EINVAL if none of them is
 * online. Context: task, sleeps until moved.
 */
int task_set_cpus(const struct cpumask *cpus) ZN_MUST_USE;

/* Change the caller's priority, and with it its class. ZONAL_EINVAL above 31. Context: task. */
int task_set_priority(unsigned priority) ZN_MUST_USE;

/* Keep this task on its CPU and running, interrupts still served. Nests. Context: task. */
void preempt_disable(void);
void preempt_enable(void);

/*
 * Scopes (PF_MEMALLOC, NOFS, NOIO, NOCMA): set ZTASK_* bits of the caller, return
 * what leave needs. Scopes nest: leave gives back exactly the former bits. Only the
 * four scope bits may be given. Context: task.
 */
uint32_t task_scope_enter(uint32_t flags) ZN_MUST_USE;
void task_scope_leave(uint32_t previous);

/* ---- waiting ------------------------------------------------------------ */

struct waiter;

/* Zeroed is empty. The lock is taken before any run-queue lock. */
struct wait_queue {
	struct ticket_lock lock;
	struct waiter *first; /* by priority, then by arrival */
};

/*
 * Sleep until ready(arg) says true (returns true) or the deadline passes (false).
 * `ready` is called under the queue's lock, masked: it must be short, not sleep,
 * allocate or wake. It is asked before the deadline is, so a deadline of 0 is a try. A wake-up
 * cannot be lost: whoever makes the condition true calls wait_wake() after.
 * Context: task.
 */
bool wait_until(struct wait_queue *queue, bool (*ready)(void *arg), void *arg,
		uint64_t deadline_ns);

/*
 * Let up to `count` waiters look again, highest priority first, then oldest.
 * Returns how many. Any context; no lock of sched/ held.
 */
unsigned wait_wake(struct wait_queue *queue, unsigned count);
#define WAKE_ALL UINT32_MAX

/* A flag to wait for; zeroed is clear. Stays set until event_clear(). */
struct event {
	struct wait_queue queue;
	_Atomic bool set;
};

void event_set(struct event *event);   /* any context; wakes all */
void event_clear(struct event *event); /* any context */
bool event_wait(struct event *event, uint64_t deadline_ns); /* true: it was set. Context: task */

/* A lock that sleeps; zeroed is free. Context of all three: task. */
struct mutex {
	struct wait_queue queue;
	struct task *owner; /* queue.lock */
};

void mutex_lock(struct mutex *mutex);
bool mutex_lock_until(struct mutex *mutex, uint64_t deadline_ns) ZN_MUST_USE;
void mutex_unlock(struct mutex *mutex); /* by its owner; another is a panic */

/* ---- for the platform --------------------------------------------------- */

/* The deadline timer of this CPU fired. Context: interrupt. */
void sched_timer_tick(void);

/*
 * Asked when an interrupt handler ends, irq_depth already back: must the
 * interrupted task be switched? Masked. False if a handler was interrupted, preemption is
 * off or boot context.
 */
bool sched_irq_exit(void);

/* Switch away from the interrupted task; returns when it runs again, perhaps on
 * another CPU. On that task's stack, masked. */
void sched_preempt(void);

/* ---- looking ------------------------------------------------------------ */

enum task_state { TASK_NEW, TASK_READY, TASK_RUNNING, TASK_BLOCKED, TASK_MOVING, TASK_DEAD };

/* A copy of what `tasks` prints of one task. */
struct task_info {
	uint64_t id;
	char name[SCHED_NAME_BYTES];
	unsigned cpu, priority;
	enum task_state state;
	int nid;              /* of its stack */
	unsigned policy;      /* enum mpol_mode */
	uint32_t flags;       /* ZTASK_* */
	uint64_t runtime_ns;
	uint64_t switches;
	struct cpumask cpus;
};

/*
 * Copy up to `count` tasks with an id above `after`, ascending; returns how many.
 * Values of running tasks are a moment old. Context: task or boot.
 */
unsigned sched_list(uint64_t after, struct task_info *out, unsigned count);
unsigned sched_task_count(void);
const char *task_state_name(enum task_state state);

/* The `tasks` command: a table, or one JSON object on one line. Context: task. */
void sched_report(bool json);

/* Per-CPU counts for tests and the report. Any context. */
struct sched_counts {
	uint64_t switches, steals, ticks, preemptions;
	uint64_t slices; /* that ended: their tasks went to the end of the list unasked */
	uint64_t idle_ns;
};
void sched_read_counts(unsigned cpu, struct sched_counts *out);

#endif
