/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doors of user/: for those above who start programs, and for the port.
 *
 * Nothing is decided here. The first group is what the monitor and tests call, in a task; the
 * second is what arch/ reaches through arm64_board.h's table when a task at EL0 needs the
 * kernel, in that task, on its kernel stack, open.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "space.h"
#include "user.h"

unsigned user_most(void) { return process_slots(); }

const char *user_program_name(unsigned n)
{
	const struct user_program *program = process_program(n);

	return program ? program->name : NULL;
}

int user_start(const char *name, uint64_t arg, const char **why)
{
	const char *ignored;

	return process_spawn(name, arg, PARENT_KERNEL, why ? why : &ignored);
}

bool user_join(int id, struct user_end *end)
{
	ASSERT(!process_current(), "a task at EL0 joins as the kernel");
	return !process_wait((uint32_t)id, PARENT_KERNEL, end);
}

bool user_kill(int id)
{
	return !process_kill((uint32_t)id, PARENT_ANY);
}

bool user_memory(int id, void (*fn)(struct zonal_task *memory, void *arg), void *arg)
{
	return id > 0 && process_memory((uint32_t)id, fn, arg);
}

bool user_adjust(int id, int64_t adj)
{
	return id > 0 && !process_adjust((uint32_t)id, PARENT_ANY, adj);
}

unsigned user_list(unsigned *next, struct user_info *out, unsigned count)
{
	struct user_process *process;
	unsigned found = 0;

	for (; found < count && (process = process_slot(*next)); ++*next)
		found += process_look(process, &out[found]);
	return found;
}

bool user_look(int id, struct user_info *out)
{
	/* The slot is a part of the id; by now somebody else may be in it. */
	struct user_process *process = process_place((unsigned)id);

	return id > 0 && process_look(process, out) && out->id == (uint32_t)id && !out->ended;
}

int64_t user_port_call(struct user_port *port, const uint64_t *arg, uint64_t number)
{
	return space_call(space_of(port), arg, number);
}

int user_port_fault(struct user_port *port, uint64_t address, uint32_t access, bool present)
{
	return space_fault(space_of(port), address, access, present);
}

void user_port_work(struct user_port *port)
{
	if (ld_relaxed(&space_of(port)->process->killed))
		process_end(space_of(port), &(struct user_end){ .status = -1,
								 .reason = USER_KILLED });
}

void user_port_die(struct user_port *port, uint64_t detail, uint64_t address)
{
	process_end(space_of(port), &(struct user_end){ .status = -1, .reason = USER_FAULTED,
							 .detail = detail, .address = address });
}

const char *user_port_name(const struct user_port *port)
{
	return ((const struct user_space *)(const void *)port)->process->label;
}

void user_port_describe(struct user_port *port, uint64_t address, char *text, size_t size)
{
	const struct user_range *range = range_find(&space_of(port)->ranges, address);

	if (address >= USER_LIMIT)
		zn_snprintf(text, size, "not an address of programs");
	else if (space_of(port)->lost && align_down(address, PAGE_SIZE) == space_of(port)->lost)
		zn_snprintf(text, size, "its page cannot be read from swap");
	else if (!range)
		zn_snprintf(text, size, "nothing is mapped there");
	else
		zn_snprintf(text, size, "mapped r%c%c from 0x%llx",
			    range->rights & USER_WRITE ? 'w' : '-',
			    range->rights & USER_EXEC ? 'x' : '-',
			    (unsigned long long)range->start);
}
