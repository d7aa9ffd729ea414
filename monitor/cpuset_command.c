/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `cpuset`: which nodes the tasks of a set may use.
 *
 *	cpuset                                  the sets, with their nodes and tasks
 *	cpuset make NAME NODES [FLAG...] [ABOVE]  a set below another one, or at the top
 *	cpuset change NAME NODES [FLAG...]      other nodes and flags, for its tasks as well
 *	cpuset start NAME PROGRAM [N]           as `user start`, in the set from its first page on
 *	cpuset add NAME ID                      a task at EL0 is in it, and in no other
 *	cpuset leave ID                         and in none again
 *	cpuset drop NAME                        without tasks and sets below it
 *
 * A FLAG is exclusive or wall, and no name of a set. What breaks a rule of the tree is refused with
 * that rule (<zonal/cpuset.h>); the core judges, here the reason is looked for when it has refused.
 *
 * Context: task. One task runs the monitor.
 */
#include "cpuset_command.h"

#include <string.h>
#include <zonal/cpuset.h>
#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "members.h"
#include "mm/mm.h"

static struct zonal_cpuset sets[MEMBERS_MOST];

static void enter(struct zonal_task *memory, int n)
{
	ASSERT(n < 0 || sets[n].used, "set number %d is none", n);
	if (n < 0)
		zonal_cpuset_leave(memory);
	else
		zonal_cpuset_join(&sets[n], memory);
}

static bool drop(unsigned n) { return !zonal_cpuset_drop(&sets[n]); }

static const char *const flag_name[] = { "exclusive", "wall" };

_Static_assert(ZONAL_CPUSET_EXCLUSIVE == 1u << 0 && ZONAL_CPUSET_HARDWALL == 1u << 1,
	       "flag_name[] by bit");

static unsigned flag_of(const char *word)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_name); i++)
		if (!strcmp(word, flag_name[i]))
			return 1u << i;
	return 0;
}

static bool is_flag(const char *name) { return flag_of(name) != 0; }

static struct members members = { .command = "cpuset",
				  .things = "sets",
				  .reserved = is_flag,
				  .names = ", and no flags",
				  .enter = enter,
				  .drop = drop,
				  .kept = "tasks, or sets below it" };

/* What a set is to be: the words from the nodes on. */
struct wish {
	nodemask_t nodes;
	unsigned flags;
	int above; /* -1: none */
};

static bool read_wish(const struct monitor_args *args, bool new, struct wish *wish)
{
	*wish = (struct wish){ .above = -1 };
	if (!monitor_nodes(args->word[2], &wish->nodes)) {
		kprintf("cpuset: %s: nodes are a list like 0,2-3, below %u (ZONAL_MAX_NODES)\n",
			args->word[2], ZONAL_MAX_NODES);
		return false;
	}
	for (unsigned i = 3; i < args->count; i++) {
		unsigned flag = flag_of(args->word[i]);

		wish->flags |= flag;
		if (flag)
			continue;
		if (!new || wish->above >= 0) {
			kprintf("cpuset: %s: a flag is exclusive or wall\n", args->word[i]);
			return false;
		}
		wish->above = members_find(&members, args->word[i]);
		if (wish->above < 0)
			return false;
	}
	return true;
}

/* Which rule of the tree the core has refused it by. */
static const char *broken_rule(const struct zonal *mm, const struct zonal_cpuset *self,
			       const struct zonal_cpuset *parent, const struct wish *wish)
{
	if (!(wish->nodes & mm->has_memory))
		return "none of the nodes has memory";
	if (parent && (wish->nodes & ~parent->nodes))
		return "the set above has not all of these nodes";
	if (parent && (wish->flags & ~parent->flags & ZONAL_CPUSET_EXCLUSIVE))
		return "the set above is not exclusive";
	for (const struct zonal_cpuset *at = self->child; at; at = at->next) {
		if (at->nodes & ~wish->nodes)
			return "a set below has another node";
		if (at->flags & ~wish->flags & ZONAL_CPUSET_EXCLUSIVE)
			return "a set below is exclusive";
	}
	return "a set beside it has one of these nodes, and one of the two is exclusive";
}

static int make(struct zonal *mm, const struct monitor_args *args)
{
	const char *name = args->word[1];
	struct zonal_cpuset *parent;
	struct wish wish;
	int n = members_place(&members, name);

	if (n < 0 || !read_wish(args, true, &wish))
		return 1;
	parent = wish.above < 0 ? NULL : &sets[wish.above];
	if (zonal_cpuset_make(mm, &sets[n], parent, wish.nodes, wish.flags)) {
		kprintf("cpuset: %s: %s\n", name, broken_rule(mm, &sets[n], parent, &wish));
		return 1;
	}
	members_add(&members, n, name);
	return 0;
}

static int change(const struct zonal *mm, const struct monitor_args *args)
{
	int n = members_find(&members, args->word[1]);
	struct wish wish;

	if (n < 0 || !read_wish(args, false, &wish))
		return 1;
	ASSERT(sets[n].used, "the set %s is none", members.name[n]);
	if (!zonal_cpuset_change(&sets[n], wish.nodes, wish.flags))
		return 0;
	kprintf("cpuset: %s: %s\n", members.name[n],
		broken_rule(mm, &sets[n], sets[n].parent, &wish));
	return 1;
}

/* ---- what is there ----------------------------------------------------------- */

static const char *name_above(const struct zonal_cpuset *set)
{
	return set->parent ? members.name[set->parent - sets] : "-";
}

static void print_json(unsigned n, bool first)
{
	const struct zonal_cpuset *set = &sets[n];

	kprintf("%s{\"name\":\"%s\",\"above\":\"%s\",\"tasks\":%u,\"nodes\":\"",
		first ? "" : ",", members.name[n], name_above(set), set->tasks);
	monitor_print_nodes(set->nodes);
	kprintf("\",\"exclusive\":%s,\"wall\":%s}",
		set->flags & ZONAL_CPUSET_EXCLUSIVE ? "true" : "false",
		set->flags & ZONAL_CPUSET_HARDWALL ? "true" : "false");
}

static void print_text(unsigned n)
{
	const struct zonal_cpuset *set = &sets[n];

	kprintf("%-15s %-15s %5u  ", members.name[n], name_above(set), set->tasks);
	monitor_print_nodes(set->nodes);
	for (unsigned i = 0; i < ARRAY_SIZE(flag_name); i++)
		if (set->flags & 1u << i)
			kprintf(" %s", flag_name[i]);
	kprintf("\n");
}

static int list(bool json)
{
	bool first = true;

	kprintf(json ? "{\"schema\":\"zonal.cpuset/1\",\"sets\":[" :
		       "name            above           tasks  nodes and flags\n");
	for (unsigned i = 0; i < MEMBERS_MOST; i++) {
		if (!members.name[i][0])
			continue;
		if (json)
			print_json(i, first);
		else
			print_text(i);
		first = false;
	}
	if (json)
		kprintf("]}\n");
	return 0;
}

int monitor_cpuset(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : "";
	int status;

	ASSERT(mm == &zonal_image, "sets of another instance");
	if (!args->count)
		return list(args->json);
	if (args->count >= 3 && !strcmp(what, "make"))
		return make(mm, args);
	if (args->count >= 3 && !strcmp(what, "change"))
		return change(mm, args);
	status = members_run(&members, args);
	if (status < 0)
		kprintf("cpuset: make, change, start, add, leave or drop; see help\n");
	return status ? 1 : 0;
}

const char *monitor_cpuset_word(unsigned n)
{
	static const char *const words[] = { "make", "change", "start", "add", "leave", "drop",
					     "exclusive", "wall" };

	if (n < ARRAY_SIZE(words))
		return words[n];
	return members_name(&members, n - (unsigned)ARRAY_SIZE(words));
}
