/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `group`: how much the tasks of a group may have.
 *
 *	group                          the groups, with what they use
 *	group make NAME PAGES [ABOVE]  a group with a limit, below another one or at the top
 *	group limit NAME PAGES         another limit; pages are reclaimed if more is in use
 *	group start NAME PROGRAM [N]   as `user start`, in the group from its first page on
 *	group add NAME ID              a task at EL0 is in it; what it starts from now on, too
 *	group leave ID                 and in none again
 *	group drop NAME                without tasks, pages and groups below it
 *
 * A limit of 0 is refused, one above the board's memory means none; numbers are without a sign.
 * The map of groups is taken with the first of them, and kept.
 *
 * Context: task. One task runs the monitor.
 */
#include "group_command.h"

#include <string.h>
#include <zonal/contig.h>
#include <zonal/group.h>
#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "user_command.h"

typedef unsigned long long ull;

static struct entry {
	char name[16]; /* empty: free */
	struct zonal_group group;
} entries[16];

static struct entry *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].name[0] && !strcmp(entries[i].name, name))
			return &entries[i];
	kprintf("group: %s: there is none of that name\n", name);
	return NULL;
}

static bool read_pages(const char *word, uint64_t *pages)
{
	if (number_read_all(word, ZONAL_GROUP_NO_LIMIT, pages) && *pages)
		return true;
	kprintf("group: %s: a limit is a number of pages, at least 1\n", word);
	return false;
}

/* Zeroed; on a board of more than 16 GiB it is larger than any block. */
static void *map_take(struct zonal *mm, size_t bytes)
{
	struct page *page;
	void *map;

	if (bytes <= PAGE_SIZE << (MAX_ORDER - 1))
		return alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	page = zonal_alloc_contig_pages(mm, bytes / PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN,
					ZONAL_NODE_NONE, NULL);
	map = page ? page_address(page) : NULL;
	if (map)
		memset(map, 0, bytes);
	return map;
}

bool group_command_begin(struct zonal *mm)
{
	size_t bytes = align_up(zonal_group_map_bytes(mm), PAGE_SIZE);
	void *map;

	if (mm->groups.map)
		return true;
	map = map_take(mm, bytes);
	if (map && !zonal_groups_begin(mm, map, bytes))
		return true;
	ASSERT(!map, "a map of %zu bytes is refused", bytes);
	kprintf("group: no memory for a map of %zu bytes in one piece\n", bytes);
	return false;
}

static int make(struct zonal *mm, const struct monitor_args *args)
{
	struct entry *above = args->count > 3 ? find(args->word[3]) : NULL, *entry = NULL;
	uint64_t pages;

	if (!read_pages(args->word[2], &pages) || (args->count > 3 && !above) ||
	    !group_command_begin(mm))
		return 1;
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (!strcmp(entries[i].name, args->word[1])) {
			kprintf("group: %s: there is one already\n", args->word[1]);
			return 1;
		}
		if (!entry && !entries[i].name[0])
			entry = &entries[i];
	}
	if (!entry || !monitor_name_fits(args->word[1], sizeof(entry->name))) {
		kprintf("group: %s: at most %u groups; names are %zu letters, digits, - and _\n",
			args->word[1], (unsigned)ARRAY_SIZE(entries), sizeof(entry->name) - 1);
		return 1;
	}
	if (zonal_group_make(mm, &entry->group, above ? &above->group : NULL, pages)) {
		kprintf("group: %s: refused (ZONAL_MAX_GROUPS %u)\n", args->word[1],
			ZONAL_MAX_GROUPS);
		return 1;
	}
	zn_snprintf(entry->name, sizeof(entry->name), "%s", args->word[1]);
	return 0;
}

static int limit(const struct monitor_args *args)
{
	struct entry *entry = find(args->word[1]);
	uint64_t pages;

	ASSERT(args->count == 3, "%u words", args->count);
	if (!entry || !read_pages(args->word[2], &pages))
		return 1;
	if (!zonal_group_limit(&entry->group, pages))
		return 0;
	kprintf("group: %s: %llu pages are in use and cannot be reclaimed\n", entry->name,
		(ull)ld_relaxed(&entry->group.usage));
	return 1;
}

static void enter(struct zonal_task *memory, void *arg)
{
	struct entry *entry = arg;

	ASSERT(!entry || entry->group.used, "the group %s is none", entry->name);
	zonal_group_join(entry ? &entry->group : NULL, memory);
}

/* The monitor's own task is in the group while it makes the other one, which inherits that. */
static int start(const struct monitor_args *args)
{
	struct entry *entry = find(args->word[1]);
	int status;

	if (!entry)
		return 1;
	zonal_group_join(&entry->group, task_memory(task_current()));
	status = monitor_user_start(args, 2);
	zonal_group_join(NULL, task_memory(task_current()));
	return status;
}

static int drop(struct entry *entry)
{
	if (!entry)
		return 1;
	if (zonal_group_drop(&entry->group)) {
		kprintf("group: %s: it has tasks, pages, or groups below it\n", entry->name);
		return 1;
	}
	entry->name[0] = '\0';
	return 0;
}

static void print_one(const struct entry *entry, bool json, bool first)
{
	struct zonal_group *g = (struct zonal_group *)(uintptr_t)&entry->group;
	const char *above = "-";

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (&entries[i].group == g->parent)
			above = entries[i].name;
	kprintf(json ? "%s{\"name\":\"%s\",\"above\":\"%s\",\"tasks\":%u,\"limit\":%llu,"
		       "\"usage\":%llu,\"most\":%llu,\"hits\":%llu,\"refused\":%llu,"
		       "\"forced\":%llu,\"reclaimed\":%llu,\"ooms\":%llu}" :
		       "%s%-15s %-15s %5u %20llu %8llu %8llu %8llu %7llu %6llu %9llu %4llu\n",
		json && !first ? "," : "", entry->name, above, ld_relaxed(&g->tasks),
		(ull)ld_relaxed(&g->limit), (ull)ld_relaxed(&g->usage), (ull)ld_relaxed(&g->most),
		(ull)ld_relaxed(&g->hits), (ull)ld_relaxed(&g->refused),
		(ull)ld_relaxed(&g->forced), (ull)ld_relaxed(&g->reclaimed),
		(ull)ld_relaxed(&g->ooms));
}

static int list(struct zonal *mm, bool json)
{
	bool first = true;

	if (mm->groups.map)
		zonal_group_settle(mm);
	kprintf(json ? "{\"schema\":\"zonal.group/1\",\"groups\":[" :
		       "name            above           tasks                limit    usage"
		       "     most     hits refused forced reclaimed ooms\n");
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		if (!entries[i].name[0])
			continue;
		print_one(&entries[i], json, first);
		first = false;
	}
	if (json)
		kprintf("]}\n");
	return 0;
}

int monitor_group(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : "";

	ASSERT(mm == &zonal_image, "groups of another instance");
	if (!args->count)
		return list(mm, args->json);
	if (args->count >= 3 && !strcmp(what, "make"))
		return make(mm, args);
	if (args->count == 3 && !strcmp(what, "limit"))
		return limit(args);
	if (args->count >= 3 && !strcmp(what, "start"))
		return start(args);
	if (args->count == 3 && !strcmp(what, "add")) {
		struct entry *entry = find(args->word[1]);

		return entry && monitor_user_memory(args, 2, enter, entry) ? 0 : 1;
	}
	if (args->count == 2 && !strcmp(what, "leave"))
		return monitor_user_memory(args, 1, enter, NULL) ? 0 : 1;
	if (args->count == 2 && !strcmp(what, "drop"))
		return drop(find(args->word[1]));
	kprintf("group: make, limit, start, add, leave or drop; see help\n");
	return 1;
}

const char *monitor_group_word(unsigned n)
{
	static const char *const words[] = { "make", "limit", "start", "add", "leave", "drop" };

	if (n < ARRAY_SIZE(words))
		return words[n];
	n -= (unsigned)ARRAY_SIZE(words);
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].name[0] && !n--)
			return entries[i].name;
	return NULL;
}
