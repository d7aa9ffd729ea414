/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0: the table of them, and the life of one.
 *
 * A task at EL0 is a task of the scheduler with a slot in a table (process_table.c) and a space.
 *
 *	FREE     nobody's
 *	STARTS   process_spawn() has it: space and program are made there, by the parent, so that
 *	         what is wrong with a program is the parent's answer
 *	RUNS     its task runs, or has not yet begun
 *	ENDED    its task is gone, and so is everything it held; the slot keeps how it ended until
 *	         the parent has waited. A task that nobody waits for goes from RUNS to FREE.
 *
 * The end. Whoever wants a task gone sets `killed` and port->work, lets it run before others, who
 * may wait for what it has, interrupts the CPU that runs it and wakes it if it sleeps. On its way
 * to EL0 the task finds the flag and ends itself: in its own context, where its space can be
 * dropped, and with no lock held by it. So a task ends at a moment when it holds nothing.
 *
 * A slot is used again with another id: its generation is in the id's upper bits.
 *
 * The table's lock guards the states, and that task_kick() finds a task that has not ended. It
 * comes before all others. Memory is taken outside of it.
 */
#include <string.h>

#include <zonal/oom.h>
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "space.h"
#include "user.h"

static struct ticket_lock table_lock = LOCK_INIT(LOCK_USER_TABLE);
static uint32_t generation LOCK_GUARDS(table_lock);
/* Woken when any task has ended or is killed: those who wait look for theirs. */
static struct wait_queue ends;

extern const struct user_program __start_programs[], __stop_programs[];

static port_irqflags_t table_take(void) LOCK_TAKES(table_lock);
static port_irqflags_t table_take(void)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&table_lock);
	return flags;
}

static void table_drop(port_irqflags_t flags) LOCK_DROPS(table_lock);
static void table_drop(port_irqflags_t flags)
{
	lock_drop(&table_lock);
	port_irq_restore(flags);
}

static enum process_state state_of(struct user_process *process)
{
	return (enum process_state)ld_acquire(&process->state);
}

static void set_state(struct user_process *process, enum process_state state)
{
	DASSERT_HELD(&table_lock);
	/* Release: who sees ENDED sees how it ended. */
	st_release(&process->state, (uint32_t)state);
}

struct user_process *process_current(void)
{
	struct user_port *port = user_port_current();

	return port ? space_of(port)->process : NULL;
}

/* The slot of an id, NULL if that is nobody's. */
static struct user_process *slot_of(uint32_t id)
{
	struct user_process *process = process_place(id);

	return id && ld_relaxed(&process->id) == id ? process : NULL;
}

/* The task that has this id and that parent. */
static struct user_process *child_of(uint32_t id, uint32_t parent) LOCK_HELD(table_lock);
static struct user_process *child_of(uint32_t id, uint32_t parent)
{
	struct user_process *process = slot_of(id);

	DASSERT_HELD(&table_lock);
	return process && (parent == PARENT_ANY || process->parent == parent) ? process : NULL;
}

/* ---- the beginning ------------------------------------------------------ */

const struct user_program *process_program(unsigned n)
{
	return n < (unsigned)(__stop_programs - __start_programs) ? &__start_programs[n] : NULL;
}

static const struct user_program *program_find(const char *name)
{
	const struct user_program *program;

	for (unsigned n = 0; (program = process_program(n)); n++)
		if (!strcmp(program->name, name))
			return program;
	return NULL;
}

static void slot_fill(struct user_process *process, const struct user_program *program)
{
	uint32_t id = ld_relaxed(&process->id);

	ASSERT(!process->space && !process->task, "%s is in use", process->label);
	process->program = program;
	process->end = (struct user_end){ 0 };
	st_relaxed(&process->killed, false);
	zn_snprintf(process->name, sizeof(process->name), "%s", program->name);
	zn_snprintf(process->label, sizeof(process->label), "%s (user task %u)", process->name, id);
}

/* A free slot, now in state STARTS, or NULL. */
static struct user_process *slot_take(uint32_t parent)
{
	port_irqflags_t flags = table_take();
	unsigned slot = 0, slots = process_slots();
	struct user_process *process;

	while ((process = process_slot(slot)) && state_of(process) != PROCESS_FREE)
		slot++;
	if (process) {
		/* Ids are positive in 31 bits, and none is 0. */
		generation = generation % (0x7fffffff / slots - 1) + 1;
		st_relaxed(&process->id, generation * slots + slot);
		process->parent = parent;
		st_relaxed(&process->adj, slot_of(parent) ? ld_relaxed(&slot_of(parent)->adj) : 0);
		st_relaxed(&process->doom, 0);
		process->waited = true;
		set_state(process, PROCESS_STARTS);
	}
	table_drop(flags);
	return process;
}

static void slot_free(struct user_process *process) LOCK_HELD(table_lock);
static void slot_free(struct user_process *process)
{
	DASSERT_HELD(&table_lock);
	st_relaxed(&process->id, 0);
	set_state(process, PROCESS_FREE);
}

static void slot_put(struct user_process *process)
{
	port_irqflags_t flags = table_take();

	slot_free(process);
	table_drop(flags);
}

/* What the scheduler's task runs: the way to EL0. */
static int process_main(void *arg)
{
	struct user_process *process = arg;
	struct user_space *space = process->space;
	const uint64_t start[3] = { process->entry, USER_STACK_TOP, process->arg };
	port_irqflags_t flags = table_take();

	task_memory(task_current())->flags |= ZTASK_USER;
	process->task = task_current();
	if (ld_relaxed(&process->killed))
		st_relaxed(&space->port.work, 1);
	table_drop(flags);
	user_port_enter(task_context(), &space->port, start);
}

/* Space and program for a slot; on an error nothing is left of either. */
static int process_fill(struct user_process *process, const char **why)
{
	struct user_space *space = space_make(process);
	port_irqflags_t flags;

	*why = "no memory for its address space";
	if (!space)
		return USER_ENOMEM;
	*why = space_load(space, process->program, &process->entry);
	if (*why) {
		space_drop(space);
		return USER_EINVAL;
	}
	flags = space_lock(space);
	process->space = space;
	space_unlock(space, flags);
	return 0;
}

/* Its task begins; it may have ended before this returns. */
static int process_go(struct user_process *process)
{
	const struct task_spec spec = { .name = process->name, .fn = process_main, .arg = process,
					.priority = SCHED_PRIORITY_DEFAULT, .detached = true };
	port_irqflags_t flags = table_take();

	set_state(process, PROCESS_RUNS);
	table_drop(flags);
	return task_spawn(&spec, NULL);
}

int process_spawn(const char *name, uint64_t arg, uint32_t parent, const char **why)
{
	const struct user_program *program = program_find(name);
	struct user_process *process;
	int error, id;

	*why = "no program has that name";
	if (!program)
		return USER_ENOENT;
	*why = "all slots are in use (user_tasks=)";
	process = slot_take(parent);
	if (!process)
		return USER_EAGAIN;
	id = (int)ld_relaxed(&process->id);
	slot_fill(process, program);
	process->arg = arg;
	error = process_fill(process, why);
	if (!error && process_go(process)) {
		*why = "no memory for its kernel stack";
		error = USER_ENOMEM;
		space_drop(process->space);
	}
	if (error)
		slot_put(process);
	return error ? error : id;
}

/* ---- the end ------------------------------------------------------------ */

/* Nobody will wait for the children of a task that is gone. */
static void children_orphan(uint32_t id) LOCK_HELD(table_lock);
static void children_orphan(uint32_t id)
{
	struct user_process *child;

	DASSERT_HELD(&table_lock);
	for (unsigned i = 0; (child = process_slot(i)); i++) {
		if (state_of(child) == PROCESS_FREE || child->parent != id)
			continue;
		child->waited = false;
		if (state_of(child) == PROCESS_ENDED)
			slot_free(child);
	}
}

void process_end(struct user_space *space, const struct user_end *end)
{
	struct user_process *process = space->process;
	port_irqflags_t flags = table_take();

	ASSERT(state_of(process) == PROCESS_RUNS && process->task == task_current(),
	       "%s ends in state %u", process->label, (unsigned)state_of(process));
	/* Dying, it may have become a victim by itself: it is one until its memory is back. */
	if (ld_acquire(&task_memory(task_current())->fate) & ZONAL_FATE_VICTIM)
		fetch_or_acq_rel(&process->doom, ZONAL_OOM_VICTIM);
	process->task = NULL; /* nobody looks for it or its space from now on */
	process->ending = task_memory(task_current());
	table_drop(flags);
	user_port_leave(task_context());
	space_drop(space);
	process->end = *end;
	flags = table_take();
	process->ending = NULL;
	children_orphan(ld_relaxed(&process->id));
	if (process->waited)
		set_state(process, PROCESS_ENDED);
	else
		slot_free(process);
	table_drop(flags);
	wait_wake(&ends, WAKE_ALL);
	task_exit(end->status);
}

struct waiting {
	struct user_process *child;
	struct user_process *self; /* NULL: the kernel waits */
};

static bool wait_over(void *arg)
{
	const struct waiting *waiting = arg;

	return state_of(waiting->child) == PROCESS_ENDED ||
	       (waiting->self && ld_relaxed(&waiting->self->killed));
}

int process_wait(uint32_t id, uint32_t parent, struct user_end *end)
{
	struct waiting waiting = { .self = process_current() };
	port_irqflags_t flags = table_take();

	waiting.child = child_of(id, parent);
	table_drop(flags);
	/* Only its parent, and that is the caller, makes its slot free. */
	if (!waiting.child)
		return USER_ESRCH;
	(void)wait_until(&ends, wait_over, &waiting, SCHED_NEVER);
	if (state_of(waiting.child) != PROCESS_ENDED)
		return USER_ESRCH; /* killed: nobody reads this */
	*end = waiting.child->end;
	slot_put(waiting.child);
	return 0;
}

int process_kill(uint32_t id, uint32_t parent)
{
	port_irqflags_t flags = table_take();
	struct user_process *process = child_of(id, parent);
	int error = USER_ESRCH;

	if (process && state_of(process) != PROCESS_FREE) {
		error = 0;
		st_relaxed(&process->killed, true);
		if (process->task) {
			st_relaxed(&process->space->port.work, 1);
			zonal_task_fate(task_memory(process->task), ZONAL_FATE_DYING);
			task_hurry(process->task, USER_PRIORITY_ENDS);
			task_kick(process->task);
		}
	}
	table_drop(flags);
	if (!error) {
		wait_wake(&process->sleep, WAKE_ALL);
		wait_wake(&ends, WAKE_ALL);
	}
	return error;
}

/* ---- when memory runs out ------------------------------------------------ */

bool process_candidate(struct user_process *process, struct zonal_oom_candidate *out)
{
	port_irqflags_t flags = table_take();
	enum process_state state = state_of(process);
	bool there = state == PROCESS_STARTS || state == PROCESS_RUNS;

	if (!there) {
		table_drop(flags);
		return false;
	}
	out->id = ld_relaxed(&process->id);
	zn_snprintf(out->name, sizeof(out->name), "%s", process->name);
	out->adj = ld_relaxed(&process->adj);
	out->flags = ld_acquire(&process->doom);
	out->flags |= state == PROCESS_STARTS ? ZONAL_OOM_STARTING : 0;
	out->flags |= ld_relaxed(&process->killed) ? ZONAL_OOM_DYING : 0;
	lock_take(&process->lock);
	if (process->space) {
		out->pages = ld_relaxed(&process->space->pages);
		out->tables = ld_relaxed(&process->space->tables);
		out->swap = ld_relaxed(&process->space->parked);
	}
	lock_drop(&process->lock);
	/* On its way out it still counts where it was: its group's, and on its nodes. */
	if (process->task || process->ending)
		zonal_oom_describe(process->task ? task_memory(process->task) : process->ending,
				   out);
	table_drop(flags);
	return true;
}

bool process_doom(uint32_t id)
{
	port_irqflags_t flags = table_take();
	struct user_process *process = slot_of(id);
	bool there = process && state_of(process) == PROCESS_RUNS;

	if (there)
		fetch_or_acq_rel(&process->doom, ZONAL_OOM_VICTIM);
	if (there && process->task)
		zonal_task_fate(task_memory(process->task), ZONAL_FATE_VICTIM);
	table_drop(flags);
	return there && !process_kill(id, PARENT_ANY);
}

bool process_memory(uint32_t id, void (*fn)(struct zonal_task *memory, void *arg), void *arg)
{
	port_irqflags_t flags = table_take();
	struct user_process *process = slot_of(id);
	bool there = process && process->task;

	if (there)
		fn(task_memory(process->task), arg);
	table_drop(flags);
	return there;
}

int process_adjust(uint32_t id, uint32_t parent, int64_t adj)
{
	port_irqflags_t flags = table_take();
	struct user_process *process = child_of(id, parent);
	int error = USER_ESRCH;

	if (process && (adj < ZONAL_OOM_ADJ_NEVER || adj > ZONAL_OOM_ADJ_MOST))
		error = USER_EINVAL;
	else if (process)
		error = 0;
	if (!error) {
		st_relaxed(&process->adj, (int32_t)adj);
		zonal_oom_adjusted(user_port_memory(), id, process->name, (int)adj);
	}
	table_drop(flags);
	return error;
}

bool process_look(struct user_process *process, struct user_info *out)
{
	port_irqflags_t flags = table_take();
	enum process_state state = state_of(process);
	struct user_space *space = process->task ? process->space : NULL;

	if (state == PROCESS_FREE) {
		table_drop(flags);
		return false;
	}
	*out = (struct user_info){ .id = ld_relaxed(&process->id), .parent = process->parent,
				   .ended = state == PROCESS_ENDED,
				   .adj = ld_relaxed(&process->adj) };
	zn_snprintf(out->name, sizeof(out->name), "%s", process->name);
	/* A space goes only after its task is out of the table. */
	if (space) {
		out->pages = ld_relaxed(&space->pages);
		out->blocks = ld_relaxed(&space->blocks);
		out->tables = ld_relaxed(&space->tables);
		out->faults = ld_relaxed(&space->faults);
	}
	table_drop(flags);
	return true;
}

static bool is_killed(void *arg)
{
	struct user_process *process = arg;

	return ld_relaxed(&process->killed);
}

void process_sleep(struct user_process *process, uint64_t deadline_ns)
{
	(void)wait_until(&process->sleep, is_killed, process, deadline_ns);
}
