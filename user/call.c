/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: the table, and one function for each.
 *
 * A function gets the registers as the program left them and checks all that it uses: ranges by
 * range_sound(), rights and flags against the bits that exist, policies and nodes by the
 * allocator's own rules, names and texts by copies that fault as the program's own access would.
 * A wrong argument is a negative answer and changes nothing.
 *
 * The functions run as code of the task that called, open, with no lock held; they may sleep.
 * A task that is killed meanwhile comes back early and ends on its way to EL0.
 */
#include <string.h>

#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "space.h"

/* Most of a text that is copied and printed at a time, and of a program's name. */
enum { WRITE_BYTES = 128, NAME_BYTES = 16 };
/* Most of one text: what is longer is cut, as the answer says. */
#define WRITE_MOST 4096u

static int64_t call_exit(struct user_space *space, const uint64_t *arg)
{
	process_end(space, &(struct user_end){ .status = (int32_t)arg[0], .reason = USER_EXITED });
}

/* What a terminal could take for a command, or a reader for a line of ours, is not passed on. */
static void print_text(const char *text, size_t bytes)
{
	char clean[WRITE_BYTES + 1];

	ASSERT(bytes <= WRITE_BYTES, "%zu bytes", bytes);
	for (size_t i = 0; i < bytes; i++)
		clean[i] = (text[i] >= ' ' && text[i] <= '~') || text[i] == '\n' ? text[i] : '?';
	clean[bytes] = 0;
	kprintf("%s", clean);
}

static int64_t call_write(struct user_space *space, const uint64_t *arg)
{
	uint64_t bytes = ZN_MIN(arg[1], (uint64_t)WRITE_MOST);
	char text[WRITE_BYTES];

	for (uint64_t done = 0; done < bytes; done += WRITE_BYTES) {
		size_t part = (size_t)ZN_MIN(bytes - done, (uint64_t)WRITE_BYTES);

		if (space_copy_in(space, text, arg[0] + done, part))
			return done ? (int64_t)done : USER_EFAULT;
		print_text(text, part);
	}
	return (int64_t)bytes;
}

static int64_t call_yield(struct user_space *space, const uint64_t *arg)
{
	(void)space;
	(void)arg;
	task_yield();
	return 0;
}

static int64_t call_sleep(struct user_space *space, const uint64_t *arg)
{
	uint64_t now = port_time_ns();

	process_sleep(space->process, arg[0] > SCHED_NEVER - now ? SCHED_NEVER : now + arg[0]);
	return 0;
}

static int64_t call_time(struct user_space *space, const uint64_t *arg)
{
	(void)space;
	(void)arg;
	return (int64_t)port_time_ns();
}

/* ---- memory ------------------------------------------------------------- */

static bool rights_sound(uint64_t rights)
{
	return (rights & USER_READ) && !(rights & ~(uint64_t)USER_RIGHTS) &&
	       (rights & (USER_WRITE | USER_EXEC)) != (USER_WRITE | USER_EXEC);
}

static int64_t call_map(struct user_space *space, const uint64_t *arg)
{
	uint64_t start = arg[0], bytes = arg[1], align = PAGE_SIZE, end;
	int error;

	if (!rights_sound(arg[2] & ~(uint64_t)USER_HUGE) || bytes > USER_LIMIT)
		return USER_EINVAL;
	if (arg[2] & USER_HUGE)
		align <<= PAGEBLOCK_ORDER;
	if (!start && bytes)
		start = range_gap(&space->ranges, bytes, align);
	if (!start && bytes)
		return USER_ENOMEM;
	if (!range_sound(start, bytes, &end))
		return USER_EINVAL;
	error = range_add(&space->ranges, start, end, (uint32_t)arg[2]);
	return error ? error : (int64_t)start;
}

/* What can fail comes first. */
static int64_t call_unmap(struct user_space *space, const uint64_t *arg)
{
	uint64_t end;
	int error;

	if (!range_sound(arg[0], arg[1], &end))
		return USER_EINVAL;
	error = space_cut(space, arg[0], end);
	error = error ? error : range_remove(&space->ranges, arg[0], end);
	if (!error)
		space_clear(space, arg[0], end);
	return error;
}

static int64_t call_advise(struct user_space *space, const uint64_t *arg)
{
	uint64_t end;
	int error;

	if (!range_sound(arg[0], arg[1], &end) || arg[2] != USER_DROP ||
	    !range_covers(&space->ranges, arg[0], end))
		return USER_EINVAL;
	error = space_cut(space, arg[0], end);
	if (!error)
		space_clear(space, arg[0], end);
	return error;
}

/* The ranges first: what faults from now on gets the new rights, and what is mapped follows. */
static int64_t call_protect(struct user_space *space, const uint64_t *arg)
{
	uint64_t end;
	int error;

	if (!range_sound(arg[0], arg[1], &end) || !rights_sound(arg[2]))
		return USER_EINVAL;
	error = range_protect(&space->ranges, arg[0], end, (uint32_t)arg[2]);
	return error ? error : space_protect(space, arg[0], end, (uint32_t)arg[2]);
}

/* ---- nodes -------------------------------------------------------------- */

static bool fits_32(uint64_t value) { return value <= UINT32_MAX; }

static struct zonal_task *memory_here(void) { return task_memory(task_current()); }

static int64_t call_set_policy(struct user_space *space, const uint64_t *arg)
{
	(void)space;
	if (!fits_32(arg[0]) || !fits_32(arg[1]))
		return USER_EINVAL;
	return zonal_set_policy(user_port_memory(), memory_here(), (unsigned)arg[0],
				(unsigned)arg[1], arg[2]);
}

static int64_t call_get_policy(struct user_space *space, const uint64_t *arg)
{
	struct mempolicy policy = { .mode = MPOL_DEFAULT };
	struct user_policy answer;

	zonal_task_policy(memory_here(), &policy);
	answer = (struct user_policy){ .mode = policy.mode, .flags = policy.flags,
				       .nodes = policy.user };
	return space_copy_out(space, arg[0], &answer, sizeof(answer));
}

static int64_t call_bind(struct user_space *space, const uint64_t *arg)
{
	struct mempolicy policy = { .mode = MPOL_DEFAULT };
	uint64_t end;
	int error;

	if (!range_sound(arg[0], arg[1], &end) || !fits_32(arg[2]) || !fits_32(arg[3]))
		return USER_EINVAL;
	error = zonal_policy_make(user_port_memory(), memory_here(), (unsigned)arg[2],
				  (unsigned)arg[3], arg[4], &policy);
	return error ? error : range_bind(&space->ranges, arg[0], end, &policy);
}

static int64_t call_move(struct user_space *space, const uint64_t *arg)
{
	const struct boot_info *board = user_port_board();
	struct cpumask cpus = { { 0 } };

	(void)space;
	for (unsigned cpu = 0; cpu < board->cpu_count; cpu++)
		if ((uint64_t)board->cpu[cpu].nid == arg[0])
			cpumask_add(&cpus, cpu);
	return task_set_cpus(&cpus);
}

static int64_t call_to_node(struct user_space *space, const uint64_t *arg)
{
	nodemask_t nodes = ld_relaxed(&memory_here()->mems_allowed) & user_port_board()->nodes;
	uint64_t end;

	if (!range_sound(arg[0], arg[1], &end) || arg[2] >= ZONAL_MAX_NODES ||
	    !(nodes & node_bit((unsigned)arg[2])))
		return USER_EINVAL;
	return (int64_t)space_to_node(space, arg[0], end, (unsigned)arg[2]);
}

/* The task's policy follows by itself, those of ranges are the space's. */
static int64_t call_set_mems(struct user_space *space, const uint64_t *arg)
{
	struct zonal_task *memory = memory_here();
	nodemask_t before = ld_relaxed(&memory->mems_allowed);
	int error = zonal_task_set_mems(user_port_memory(), memory, arg[0]);

	for (unsigned i = 0; !error && i < space->ranges.count; i++)
		zonal_policy_rebind(&space->ranges.range[i].policy, before,
				    ld_relaxed(&memory->mems_allowed));
	return error;
}

static int64_t call_where(struct user_space *space, const uint64_t *arg)
{
	unsigned cpu = task_cpu();

	(void)space;
	(void)arg;
	return (int64_t)((uint64_t)user_port_board()->cpu[cpu].nid << 32 | cpu);
}

/* ---- other tasks -------------------------------------------------------- */

static int64_t call_spawn(struct user_space *space, const uint64_t *arg)
{
	char name[NAME_BYTES];
	const char *why;

	if (!arg[1] || arg[1] >= NAME_BYTES)
		return USER_ENOENT;
	if (space_copy_in(space, name, arg[0], (size_t)arg[1]))
		return USER_EFAULT;
	name[arg[1]] = 0;
	return process_spawn(name, arg[2], ld_relaxed(&space->process->id), &why);
}

static int64_t call_wait(struct user_space *space, const uint64_t *arg)
{
	struct user_end end;
	int error;

	if (!fits_32(arg[0]))
		return USER_ESRCH;
	/* A place for the answer first: a task can be waited for only once. */
	error = space_copy_out(space, arg[1], &(struct user_end){ 0 }, sizeof(end));
	if (!error)
		error = process_wait((uint32_t)arg[0], ld_relaxed(&space->process->id), &end);
	return error ? error : space_copy_out(space, arg[1], &end, sizeof(end));
}

static int64_t call_kill(struct user_space *space, const uint64_t *arg)
{
	if (!fits_32(arg[0]))
		return USER_ESRCH;
	return process_kill((uint32_t)arg[0], ld_relaxed(&space->process->id));
}

static int64_t call_oom_adj(struct user_space *space, const uint64_t *arg)
{
	uint32_t self = ld_relaxed(&space->process->id);

	if (!fits_32(arg[0]))
		return USER_ESRCH;
	if (!arg[0])
		return process_adjust(self, PARENT_ANY, (int64_t)arg[1]);
	return process_adjust((uint32_t)arg[0], self, (int64_t)arg[1]);
}

typedef int64_t call_fn(struct user_space *space, const uint64_t *arg);

static call_fn *const calls[USER_CALLS] = {
	[USER_CALL_EXIT] = call_exit,
	[USER_CALL_WRITE] = call_write,
	[USER_CALL_YIELD] = call_yield,
	[USER_CALL_SLEEP] = call_sleep,
	[USER_CALL_TIME] = call_time,
	[USER_CALL_MAP] = call_map,
	[USER_CALL_UNMAP] = call_unmap,
	[USER_CALL_ADVISE] = call_advise,
	[USER_CALL_PROTECT] = call_protect,
	[USER_CALL_SET_POLICY] = call_set_policy,
	[USER_CALL_GET_POLICY] = call_get_policy,
	[USER_CALL_BIND] = call_bind,
	[USER_CALL_MOVE] = call_move,
	[USER_CALL_SET_MEMS] = call_set_mems,
	[USER_CALL_WHERE] = call_where,
	[USER_CALL_SPAWN] = call_spawn,
	[USER_CALL_WAIT] = call_wait,
	[USER_CALL_KILL] = call_kill,
	[USER_CALL_OOM_ADJ] = call_oom_adj,
	[USER_CALL_TO_NODE] = call_to_node,
};

int64_t space_call(struct user_space *space, const uint64_t *arg, uint64_t number)
{
	/* The index is bounded also where the branch is mispredicted. */
	if (number >= USER_CALLS)
		return USER_ENOSYS;
	__asm__ volatile("" : "+r"(number));
	return calls[number](space, arg);
}
