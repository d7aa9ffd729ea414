/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sched/ share: struct task, struct run_queue.
 *
 * Letters after a field name what guards it:
 *	(i) immutable after creation       (o) the task itself, or its creator before it runs
 *	(q) lock of the run queue that `cpu` names, masked; see queue_lock_of()
 *	(j) lock of task->ended.queue      (r) registry lock
 *	(a) atomic, any reader             (c) the queue's own CPU, masked
 *
 * Lock order: a wait queue's lock, then one run-queue lock. Never two run queues at
 * once: a task that goes from one to another is in state TASK_MOVING between, in
 * nobody's queue, and belongs to whoever moves it. The registry lock and the pool
 * lock are innermost. All are taken masked.
 *
 * A run-queue lock is held across a context switch: taken by the task that leaves, dropped
 * by the one that comes, so no other CPU can run a task whose registers are not saved.
 */
#ifndef SCHED_SCHED_INTERNAL_H
#define SCHED_SCHED_INTERNAL_H

#include "lib/lock.h"
#include "sched.h"
#include "sched_port.h"

/* A place in the heap of sleepers; see sleepers.c. */
struct sleeper {
	struct sleeper *child, *next, *prev; /* q */
	uint64_t deadline_ns;                /* q */
	uint64_t serial;                     /* q; earlier comes first among equal deadlines */
	bool queued;                         /* q */
};

struct task {
	struct zonal_task memory;      /* o */
	struct sched_context context;  /* q; written by the switch */
	struct task *next, *prev;      /* q: run queue; or the reaper's list */
	struct sleeper sleep;          /* q */
	struct cpumask cpus;           /* q */
	bool pinned;                   /* q; `cpus` holds one CPU */
	bool wake_pending;             /* q; woken while it ran: the next block returns at once */
	uint64_t slice_left_ns;        /* q */
	_Atomic uint32_t cpu;          /* a; changed under the lock of the queue it leaves */
	_Atomic uint8_t state;         /* a; enum task_state, changed under q */
	_Atomic uint8_t priority;      /* a; changed under q */
	uint32_t preempt_off;          /* o */
	_Atomic uint64_t runtime_ns;   /* a; own_add by its CPU */
	_Atomic uint64_t switches;     /* a */
	uint64_t id;                   /* i */
	char name[SCHED_NAME_BYTES];   /* i */
	int (*fn)(void *arg);          /* i */
	void *arg;                     /* i */
	struct page *stack_page;       /* i; NULL: the stack is not ours to free */
	void *stack;                   /* i; lowest address */
	int nid;                       /* i; where the stack is */
	struct event ended;            /* j; set once it has left its stack */
	bool detached;                 /* j */
	int status;                    /* o, then read after `ended` */
	struct task *all_next, *all_prev; /* r */
};

struct run_queue {
	struct ticket_lock lock;
	_Atomic uint32_t ready_count;    /* a; changed under lock */
	_Atomic int32_t running;         /* a; priority that runs, QUEUE_IDLE, QUEUE_OFFLINE */
	_Atomic bool need_resched;       /* a */
	_Atomic bool rearm;              /* a; a slice must be timed from now on */
	uint32_t bitmap;                 /* q: bit p: list p is not empty */
	uint32_t movable;                /* q: ready tasks that are not pinned */
	struct task *head[SCHED_PRIORITIES], *tail[SCHED_PRIORITIES]; /* q */
	struct sleeper *sleepers;        /* q */
	uint64_t sleep_serial;           /* q */
	struct task *current;            /* c */
	struct task *previous;           /* c; who left, until finish_switch() */
	struct task idle;
	uint64_t run_start_ns;           /* c; when `current` came */
	uint64_t slice_end_ns;           /* q; of `current` */
	uint64_t timer_ns;               /* c; what the timer is set to */
	/* a; own_add */
	_Atomic uint64_t switches, steals, ticks, preemptions, slices, idle_ns;
	unsigned cpu;                    /* i */
	int nid;                         /* i */
	unsigned victim_count;           /* i */
	uint16_t *victim;                /* i; other CPUs, nearest first */
} ZN_ALIGNED(64);

#define QUEUE_OFFLINE (-2) /* zero would be a priority; sched_init() writes this */
#define QUEUE_IDLE (-1)

_Static_assert(ZONAL_MAX_CPUS <= UINT16_MAX, "run_queue.victim holds CPU numbers in 16 bits");

/* One queue for each CPU that the board has, not for each that a build could have. Both are
 * written before a second CPU runs and never again; no queue before sched_init(). */
extern struct run_queue *run_queues;
extern unsigned run_queue_count;

/* ---- this CPU, in sched.c -------------------------------------------------- */

/*
 * port_irq_save(), port_irq_restore() and port_this_cpu(), out of line: a function
 * that switches goes on another CPU, which on the host is another thread, and a
 * compiler may keep the address of a thread-local variable over the call.
 */
port_irqflags_t sched_mask(void);
void sched_unmask(port_irqflags_t flags);
struct run_queue *sched_this_queue(void);

/* ---- run_queue.c: all with the queue's lock held -------------------------- */

void queue_push_tail(struct run_queue *queue, struct task *task) LOCK_HELD(queue->lock);
void queue_push_head(struct run_queue *queue, struct task *task) LOCK_HELD(queue->lock);
void queue_remove(struct run_queue *queue, struct task *task) LOCK_HELD(queue->lock);
/* Highest priority, oldest; NULL if empty. Stays queued. */
struct task *queue_first(const struct run_queue *queue) LOCK_HELD(queue->lock);
/* The first one that may run on `cpu`, or NULL. */
struct task *queue_first_for(const struct run_queue *queue, unsigned cpu)
	LOCK_HELD(queue->lock);
/* Lock the queue that task->cpu names, which may change until it is locked. Masked.
 * No attribute can name what it returns: callers go on with lock_assert_held(). */
struct run_queue *queue_lock_of(struct task *task);

/* ---- sleepers.c: with the queue's lock held -------------------------------- */

void sleepers_add(struct run_queue *queue, struct sleeper *sleeper, uint64_t deadline_ns)
	LOCK_HELD(queue->lock);
void sleepers_remove(struct run_queue *queue, struct sleeper *sleeper) LOCK_HELD(queue->lock);
/* The earliest deadline, SCHED_NEVER if there is none. */
uint64_t sleepers_deadline(const struct run_queue *queue) LOCK_HELD(queue->lock);

/* ---- place.c --------------------------------------------------------------- */

/* The best online CPU of `cpus` for that priority; `last` counts as nearest. Some CPU
 * of `cpus` must be online. Any context. */
unsigned place_choose(const struct cpumask *cpus, unsigned last, unsigned priority);
/* Put a TASK_MOVING task on the best CPU and make it ready. Masked; `queue` is the one of
 * task->cpu, its lock is held on entry and dropped. May set need_resched here. */
void place_task(struct run_queue *queue, struct task *task) LOCK_DROPS(queue->lock);
/* `task` waits in a queue: an idle CPU that may run it shall come and steal it. Lock held. */
void place_kick_idle(const struct run_queue *queue, const struct task *task)
	LOCK_HELD(queue->lock);
/* This CPU, idle until now, has found work: if more of it waits anywhere, an idle CPU shall come,
 * for this one may have been told of that. Masked, no lock held. */
void place_pass_on(const struct run_queue *queue);
/* Bring a task from a busy CPU into the queue of this idle one. Masked, no lock held. */
bool place_steal(struct run_queue *thief);
/* Fill queue->victim. */
void place_order_victims(struct run_queue *queue);
bool place_any_online(const struct cpumask *cpus);
/* This CPU has nothing to do / has something. Masked. */
void place_set_idle(unsigned cpu, bool idle);
void place_reset(void);

/* ---- sched.c ----------------------------------------------------------------- */

/* Sleep until woken or the deadline; may return early. Masked, no lock held. */
void sched_block(uint64_t deadline_ns);
/* End a sched_block() of `task`, or make its next one return at once. Masked, no
 * run-queue lock held; `task` cannot go away meanwhile. */
void sched_wake(struct task *task);
/* The caller takes `cpus` as its mask and is placed again. Masked. */
void sched_move(const struct cpumask *cpus);
/* The caller's last switch. Masked. */
void sched_leave(void) ZN_NORETURN;
/* Switch now if something better waits and this context may be switched. Not under a lock. */
void sched_preempt_point(void);
/* Run by every new task. */
void sched_task_entry(void);
/* Panic unless the caller may sleep; `what` it wants to do. Returns the caller. */
struct task *sched_sleeper(const char *what);
/* Arm this CPU's timer for what comes next. Lock held. */
void sched_arm_timer(struct run_queue *queue) LOCK_HELD(queue->lock);

/* ---- wait.c ------------------------------------------------------------------- */

/* Take the lock of a wait queue. Masked, no run queue's lock held. */
void wait_lock(struct wait_queue *queue) LOCK_TAKES(queue->lock);
/* wait_wake() with the queue's lock held, masked. */
unsigned wait_wake_locked(struct wait_queue *queue, unsigned count) LOCK_HELD(queue->lock);

/* ---- cpu.c ---------------------------------------------------------------------- */

/* All CPUs offline and all queues empty. No CPU schedules. The first call takes the memory. */
void cpu_reset_all(void);
/* Fill the queue of `cpu`, which is offline. The idle task has no stack yet. */
void cpu_prepare(struct run_queue *queue, unsigned cpu);
/* This CPU is online: `task`, which runs on this stack, is what it runs. Masked. */
void cpu_go(struct run_queue *queue, struct task *task);
/* The node of a CPU, 0 if the board does not know it. Any context. */
int cpu_node(unsigned cpu);

/* ---- task.c, task_memory.c, registry.c ------------------------------------------- */

void task_ended(struct task *task);   /* `task` has left its stack. Masked, no lock held. */
void task_reaper_start(void);
/* What every task starts with; `spec` is sound, `cpu` where it is first. */
void task_fill(struct task *task, const struct task_spec *spec, unsigned cpu);

/* A zeroed struct task near `nid`, or NULL. Task or boot context. */
struct task *task_memory_take(int nid);
void task_memory_put(struct task *task);
/* Give `task` a stack on `nid`; 0 or ZONAL_ENOMEM. */
int task_stack_take(struct task *task, int nid);
void task_stack_put(struct task *task);
/* Forget all pages (sched_init). */
void task_memory_reset(void);

void registry_add(struct task *task); /* also gives it its id */
void registry_remove(struct task *task);
void registry_reset(void);

/* Where it is or was; see the field. */
static inline unsigned task_cpu_of(const struct task *task)
{
	return ld_relaxed(&((struct task *)(uintptr_t)task)->cpu);
}

static inline enum task_state task_state(const struct task *task)
{
	return (enum task_state)ld_relaxed(&task->state);
}

static inline void task_set_state(struct task *task, enum task_state state)
{
	st_relaxed(&task->state, (uint8_t)state);
}

static inline unsigned priority_of(const struct task *task)
{
	return ld_relaxed(&task->priority);
}

#endif
