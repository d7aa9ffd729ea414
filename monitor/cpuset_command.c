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
#include "lib/printf.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "user_command.h"

static struct entry {
	char name[16]; /* empty: free */
	struct zonal_cpuset set;
} entries[16];

static const char *const flag_name[] = { "exclusive", "wall" };

_Static_assert(ZONAL_CPUSET_EXCLUSIVE == 1u << 0 && ZONAL_CPUSET_HARDWALL == 1u << 1,
	       "flag_name[] by bit");

static struct entry *look_for(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].name[0] && !strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

static struct entry *find(const char *name)
{
	struct entry *entry = look_for(name);

	if (!entry)
		kprintf("cpuset: %s: there is none of that name\n", name);
	return entry;
}

static unsigned flag_of(const char *word)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_name); i++)
		if (!strcmp(word, flag_name[i]))
			return 1u << i;
	return 0;
}

/* What a set is to be: the words from the nodes on. */
struct wish {
	nodemask_t nodes;
	unsigned flags;
	struct entry *above;
};

static bool read_wish(const struct monitor_args *args, bool new, struct wish *wish)
{
	*wish = (struct wish){ .nodes = 0 };
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
		if (!new || wish->above) {
			kprintf("cpuset: %s: a flag is exclusive or wall\n", args->word[i]);
			return false;
		}
		wish->above = find(args->word[i]);
		if (!wish->above)
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
	struct entry *entry = NULL;
	struct zonal_cpuset *parent;
	struct wish wish;

	for (unsigned i = 0; i < ARRAY_SIZE(entries) && !entry; i++)
		if (!entries[i].name[0])
			entry = &entries[i];
	if (!entry || !monitor_name_fits(name, sizeof(entry->name)) || flag_of(name)) {
		kprintf("cpuset: %s: at most %u sets; names are %zu letters, digits, - and _, and "
			"no flags\n", name, (unsigned)ARRAY_SIZE(entries), sizeof(entry->name) - 1);
		return 1;
	}
	if (look_for(name)) {
		kprintf("cpuset: %s: there is one already\n", name);
		return 1;
	}
	if (!read_wish(args, true, &wish))
		return 1;
	parent = wish.above ? &wish.above->set : NULL;
	if (zonal_cpuset_make(mm, &entry->set, parent, wish.nodes, wish.flags)) {
		kprintf("cpuset: %s: %s\n", name, broken_rule(mm, &entry->set, parent, &wish));
		return 1;
	}
	zn_snprintf(entry->name, sizeof(entry->name), "%s", name);
	return 0;
}

static int change(const struct zonal *mm, const struct monitor_args *args)
{
	struct entry *entry = find(args->word[1]);
	struct wish wish;

	if (!entry || !read_wish(args, false, &wish))
		return 1;
	ASSERT(entry->set.used, "the set %s is none", entry->name);
	if (!zonal_cpuset_change(&entry->set, wish.nodes, wish.flags))
		return 0;
	kprintf("cpuset: %s: %s\n", entry->name,
		broken_rule(mm, &entry->set, entry->set.parent, &wish));
	return 1;
}

static void enter(struct zonal_task *memory, void *arg)
{
	struct entry *entry = arg;

	ASSERT(!entry || entry->set.used, "the set %s is none", entry->name);
	if (entry)
		zonal_cpuset_join(&entry->set, memory);
	else
		zonal_cpuset_leave(memory);
}

/* The monitor's own task is in the set while it makes the other one, which inherits that. */
static int start(const struct monitor_args *args)
{
	struct zonal_task *self = task_memory(task_current());
	struct entry *entry = find(args->word[1]);
	int status;

	if (!entry)
		return 1;
	enter(self, entry);
	status = monitor_user_start(args, 2);
	enter(self, NULL);
	return status;
}

static int drop(struct entry *entry)
{
	if (!entry)
		return 1;
	if (zonal_cpuset_drop(&entry->set)) {
		kprintf("cpuset: %s: it has tasks, or sets below it\n", entry->name);
		return 1;
	}
	entry->name[0] = '\0';
	return 0;
}

/* ---- what is there ----------------------------------------------------------- */

static const char *name_above(const struct zonal_cpuset *set)
{
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (&entries[i].set == set->parent)
			return entries[i].name;
	return "-";
}

static void print_json(const struct entry *entry, bool first)
{
	const struct zonal_cpuset *set = &entry->set;

	kprintf("%s{\"name\":\"%s\",\"above\":\"%s\",\"tasks\":%u,\"nodes\":\"",
		first ? "" : ",", entry->name, name_above(set), set->tasks);
	monitor_print_nodes(set->nodes);
	kprintf("\",\"exclusive\":%s,\"wall\":%s}",
		set->flags & ZONAL_CPUSET_EXCLUSIVE ? "true" : "false",
		set->flags & ZONAL_CPUSET_HARDWALL ? "true" : "false");
}

static void print_text(const struct entry *entry)
{
	const struct zonal_cpuset *set = &entry->set;

	kprintf("%-15s %-15s %5u  ", entry->name, name_above(set), set->tasks);
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
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (!entries[i].name[0])
			continue;
		if (json)
			print_json(&entries[i], first);
		else
			print_text(&entries[i]);
		first = false;
	}
	if (json)
		kprintf("]}\n");
	return 0;
}

int monitor_cpuset(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : "";
	struct entry *entry;

	ASSERT(mm == &zonal_image, "sets of another instance");
	if (!args->count)
		return list(args->json);
	if (args->count >= 3 && !strcmp(what, "make"))
		return make(mm, args);
	if (args->count >= 3 && !strcmp(what, "change"))
		return change(mm, args);
	if (args->count >= 3 && !strcmp(what, "start"))
		return start(args);
	if (args->count == 3 && !strcmp(what, "add")) {
		entry = find(args->word[1]);
		return entry && monitor_user_memory(args, 2, enter, entry) ? 0 : 1;
	}
	if (args->count == 2 && !strcmp(what, "leave"))
		return monitor_user_memory(args, 1, enter, NULL) ? 0 : 1;
	if (args->count == 2 && !strcmp(what, "drop"))
		return drop(find(args->word[1]));
	kprintf("cpuset: make, change, start, add, leave or drop; see help\n");
	return 1;
}

const char *monitor_cpuset_word(unsigned n)
{
	static const char *const words[] = { "make", "change", "start", "add", "leave", "drop",
					     "exclusive", "wall" };

	if (n < ARRAY_SIZE(words))
		return words[n];
	n -= (unsigned)ARRAY_SIZE(words);
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].name[0] && !n--)
			return entries[i].name;
	return NULL;
}
