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
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/number.h"
#include "lib/kprintf.h"
#include "members.h"
#include "mm/mm.h"

typedef unsigned long long ull;

static struct zonal_group groups[MEMBERS_MOST];

static void enter(struct zonal_task *memory, int n)
{
	ASSERT(n < 0 || groups[n].used, "group number %d is none", n);
	zonal_group_join(n < 0 ? NULL : &groups[n], memory);
}

static bool drop(unsigned n) { return !zonal_group_drop(&groups[n]); }

static struct members members = { .command = "group",
				  .things = "groups",
				  .names = "",
				  .enter = enter,
				  .drop = drop,
				  .kept = "tasks, pages, or groups below it" };

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
	const char *name = args->word[1];
	int above = args->count > 3 ? members_find(&members, args->word[3]) : -1, n;
	uint64_t pages;

	if (!read_pages(args->word[2], &pages) || (args->count > 3 && above < 0) ||
	    !group_command_begin(mm))
		return 1;
	n = members_place(&members, name);
	if (n < 0)
		return 1;
	if (zonal_group_make(mm, &groups[n], above < 0 ? NULL : &groups[above], pages)) {
		kprintf("group: %s: refused (ZONAL_MAX_GROUPS %u)\n", name, ZONAL_MAX_GROUPS);
		return 1;
	}
	members_add(&members, n, name);
	return 0;
}

static int limit(const struct monitor_args *args)
{
	int n = members_find(&members, args->word[1]);
	uint64_t pages;

	ASSERT(args->count == 3, "%u words", args->count);
	if (n < 0 || !read_pages(args->word[2], &pages))
		return 1;
	if (!zonal_group_limit(&groups[n], pages))
		return 0;
	kprintf("group: %s: %llu pages are in use and cannot be reclaimed\n", members.name[n],
		(ull)ld_relaxed(&groups[n].usage));
	return 1;
}

/* Pages on its lists and on those below, of all nodes: what could be reclaimed. */
static void count_pages(const struct zonal_group *group, ull pages[ZONAL_KINDS])
{
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		struct zonal_lru_counts counts;

		zonal_group_lru_counts(group, nid, &counts);
		for (unsigned kind = 0; kind < ZONAL_KINDS; kind++)
			pages[kind] += counts.active[kind] + counts.inactive[kind];
	}
}

static void print_one(unsigned n, bool json, bool first)
{
	struct zonal_group *g = &groups[n];
	ull pages[ZONAL_KINDS] = { 0 };
	const char *above = g->parent ? members.name[g->parent - groups] : "-";

	count_pages(g, pages);
	kprintf(json ? "%s{\"name\":\"%s\",\"above\":\"%s\",\"tasks\":%u,\"limit\":%llu,"
		       "\"usage\":%llu,\"most\":%llu,\"hits\":%llu,\"refused\":%llu,"
		       "\"forced\":%llu,\"reclaimed\":%llu,\"ooms\":%llu,\"anon\":%llu,"
		       "\"cache\":%llu}" :
		       "%s%-15s %-15s %5u %20llu %8llu %8llu %8llu %7llu %6llu %9llu %4llu %8llu "
		       "%8llu\n",
		json && !first ? "," : "", members.name[n], above, ld_relaxed(&g->tasks),
		(ull)ld_relaxed(&g->limit), (ull)ld_relaxed(&g->usage), (ull)ld_relaxed(&g->most),
		(ull)ld_relaxed(&g->hits), (ull)ld_relaxed(&g->refused),
		(ull)ld_relaxed(&g->forced), (ull)ld_relaxed(&g->reclaimed),
		(ull)ld_relaxed(&g->ooms), pages[ZONAL_ANON], pages[ZONAL_CACHE]);
}

static int list(struct zonal *mm, bool json)
{
	bool first = true;

	if (mm->groups.map)
		zonal_group_settle(mm);
	kprintf(json ? "{\"schema\":\"zonal.group/1\",\"groups\":[" :
		       "name            above           tasks                limit    usage"
		       "     most     hits refused forced reclaimed ooms     anon    cache\n");
	for (unsigned i = 0; i < MEMBERS_MOST; i++) {
		if (!members.name[i][0])
			continue;
		print_one(i, json, first);
		first = false;
	}
	if (json)
		kprintf("]}\n");
	return 0;
}

int monitor_group(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : "";
	int status;

	ASSERT(mm == &zonal_image, "groups of another instance");
	if (!args->count)
		return list(mm, args->json);
	if (args->count >= 3 && !strcmp(what, "make"))
		return make(mm, args);
	if (args->count == 3 && !strcmp(what, "limit"))
		return limit(args);
	status = members_run(&members, args);
	if (status < 0)
		kprintf("group: make, limit, start, add, leave or drop; see help\n");
	return status ? 1 : 0;
}

const char *monitor_group_word(unsigned n)
{
	static const char *const words[] = { "make", "limit", "start", "add", "leave", "drop" };

	if (n < ARRAY_SIZE(words))
		return words[n];
	return members_name(&members, n - (unsigned)ARRAY_SIZE(words));
}
