/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things that the monitor gives names to and that tasks are members of: groups and cpusets.
 *
 * The things themselves are in a table of their command, by the same numbers as the names here.
 * What it means to be in one the command knows; when a task comes and goes is the same for all:
 *
 *	start  the monitor's own task is in it while it makes the other one, which inherits that
 *	add    a task at EL0 is in it, and what that starts from now on
 *	leave  and in none again
 *	drop   without members; the name is free then
 */
#include "members.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "sched/sched.h"
#include "user_command.h"

static int look_for(const struct members *members, const char *name)
{
	for (int n = 0; n < MEMBERS_MOST; n++)
		if (members->name[n][0] && !strcmp(members->name[n], name))
			return n;
	return -1;
}

int members_find(const struct members *members, const char *name)
{
	int n = look_for(members, name);

	if (n < 0)
		kprintf("%s: %s: there is none of that name\n", members->command, name);
	return n;
}

int members_place(const struct members *members, const char *name)
{
	int n = 0;

	if (look_for(members, name) >= 0) {
		kprintf("%s: %s: there is one already\n", members->command, name);
		return -1;
	}
	while (n < MEMBERS_MOST && members->name[n][0])
		n++;
	if (n < MEMBERS_MOST && monitor_name_fits(name, MEMBERS_NAME_BYTES) &&
	    !(members->reserved && members->reserved(name)))
		return n;
	kprintf("%s: %s: at most %u %s; names are %u letters, digits, - and _%s\n",
		members->command, name, (unsigned)MEMBERS_MOST, members->things,
		MEMBERS_NAME_BYTES - 1u, members->names);
	return -1;
}

void members_add(struct members *members, int n, const char *name)
{
	ASSERT(n >= 0 && n < MEMBERS_MOST && !members->name[n][0], "%s: %s as number %d",
	       members->command, name, n);
	zn_snprintf(members->name[n], MEMBERS_NAME_BYTES, "%s", name);
}

static int start(const struct members *members, const struct monitor_args *args)
{
	struct zonal_task *self = task_memory(task_current());
	int n = members_find(members, args->word[1]), status;

	if (n < 0)
		return 1;
	members->enter(self, n);
	status = monitor_user_start(args, 2);
	members->enter(self, -1);
	return status;
}

struct entry {
	const struct members *members;
	int n;
};

static void enter(struct zonal_task *memory, void *arg)
{
	const struct entry *entry = arg;

	entry->members->enter(memory, entry->n);
}

static int add(const struct members *members, const struct monitor_args *args)
{
	struct entry entry = { members, members_find(members, args->word[1]) };

	return entry.n >= 0 && monitor_user_memory(args, 2, enter, &entry) ? 0 : 1;
}

static int leave(const struct members *members, const struct monitor_args *args)
{
	struct entry entry = { members, -1 };

	return monitor_user_memory(args, 1, enter, &entry) ? 0 : 1;
}

static int drop(struct members *members, const char *name)
{
	int n = members_find(members, name);

	if (n < 0)
		return 1;
	if (!members->drop((unsigned)n)) {
		kprintf("%s: %s: it has %s\n", members->command, name, members->kept);
		return 1;
	}
	members->name[n][0] = '\0';
	return 0;
}

int members_run(struct members *members, const struct monitor_args *args)
{
	const char *what = args->word[0];

	ASSERT(args->count, "%s without a word", members->command);
	if (args->count >= 3 && !strcmp(what, "start"))
		return start(members, args);
	if (args->count == 3 && !strcmp(what, "add"))
		return add(members, args);
	if (args->count == 2 && !strcmp(what, "leave"))
		return leave(members, args);
	if (args->count == 2 && !strcmp(what, "drop"))
		return drop(members, args->word[1]);
	return -1;
}

const char *members_name(const struct members *members, unsigned n)
{
	for (unsigned i = 0; i < MEMBERS_MOST; i++)
		if (members->name[i][0] && !n--)
			return members->name[i];
	return NULL;
}
