/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the monitor that act on memory: alloc, free, probe, inject, drain, check.
 *
 * What `alloc` takes is kept in a chain through the owner words of the blocks, newest
 * first, and `free` gives back only blocks of this chain: a mistyped number must not
 * free the stack of a task. A wrong order is passed on on purpose, because the
 * allocator's own check reports it and changes nothing.
 *
 * Each command checks its words and prints one line that names the word, its value and
 * the rule. Return: 0 good, 1 failed.
 *
 * Context: task. One task runs the monitor, so the chain needs no lock.
 */
#include "monitor_command.h"

#include <string.h>
#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/json.h"
#include "lib/kprintf.h"
#include "report/report.h"
#include "report/report_gfp.h"

typedef unsigned long long ull;

/* Newest block taken by `alloc`; links are in the owner words. */
static struct page *held;

static struct page **held_link(struct page *page)
{
	return zonal_page_owner(page);
}

static bool arg_gfp(const struct monitor_args *args, unsigned i, gfp_t *gfp)
{
	ASSERT(i < args->count, "%s has no argument %u", args->name, i);
	if (gfp_parse(args->word[i], gfp))
		return true;
	kprintf("%s: %s: flags are names like GFP_KERNEL or NOWAIT|MOVABLE, or a number "
		"like 0xcc0\n",
		args->name, args->word[i]);
	return false;
}

static bool arg_order(const struct monitor_args *args, unsigned i, unsigned *order)
{
	uint64_t value;

	ASSERT(i < args->count, "%s has no argument %u", args->name, i);
	if (!number_read_all(args->word[i], MAX_ORDER - 1, &value)) {
		kprintf("%s: %s: an order is 0..%d\n", args->name, args->word[i], MAX_ORDER - 1);
		return false;
	}
	*order = (unsigned)value;
	return true;
}

static bool arg_node(const struct zonal *mm, const struct monitor_args *args, unsigned i, int *nid)
{
	uint64_t value;

	ASSERT(i < args->count, "%s has no argument %u", args->name, i);
	if (!number_read_all(args->word[i], ZONAL_MAX_NODES - 1, &value) ||
	    !nodemask_has(mm->online, (unsigned)value)) {
		kprintf("%s: %s: no such node on this board\n", args->name, args->word[i]);
		return false;
	}
	*nid = (int)value;
	return true;
}

int monitor_alloc(struct zonal *mm, const struct monitor_args *args)
{
	struct page *page;
	unsigned order;
	int nid = NODE_NONE;
	gfp_t gfp;

	if (!arg_gfp(args, 0, &gfp) || !arg_order(args, 1, &order) ||
	    (args->count > 2 && !arg_node(mm, args, 2, &nid)))
		return 1;
	/* Without a node the policy of this task decides. */
	page = nid == NODE_NONE ? zonal_alloc(mm, gfp, order)
				: zonal_alloc_node(mm, nid, gfp, order);
	if (!page) {
		struct zonal_failure failure;
		char text[512];

		zonal_last_failure(mm, &failure);
		zonal_failure_text(mm, &failure, text, sizeof(text));
		kprintf("alloc: NULL: %s\n", text);
		return 1;
	}
	ASSERT(page_order(page) == order, "pfn 0x%llx has order %u, not %u", (ull)zonal_pfn(page),
	       page_order(page), order);
	*held_link(page) = held;
	held = page;
	kprintf("pfn 0x%llx order %u node %u zone %s\n", (ull)zonal_pfn(page), order,
		zonal_page_node(page), zonal_zone_name(zonal_page_zone(page)));
	return 0;
}

static int free_all(struct zonal *mm)
{
	unsigned count = 0;

	while (held) {
		struct page *page = held;

		ASSERT(page_order(page) < MAX_ORDER, "order %u in the chain", page_order(page));
		held = *held_link(page);
		zonal_free(mm, page, page_order(page));
		count++;
	}
	kprintf("%u blocks given back\n", count);
	return 0;
}

int monitor_free(struct zonal *mm, const struct monitor_args *args)
{
	struct page **link = &held, *page, *next;
	uint64_t pfn, bad = zonal_bad_count(mm);
	unsigned order;

	if (strcmp(args->word[0], "all") == 0 && args->count == 1)
		return free_all(mm);
	if (args->count != 2) {
		kprintf("free: usage: free PFN ORDER, or free all\n");
		return 1;
	}
	if (!number_read_all(args->word[0], PFN_NONE, &pfn)) {
		kprintf("free: %s: not a page frame number\n", args->word[0]);
		return 1;
	}
	if (!arg_order(args, 1, &order))
		return 1;
	while (*link && zonal_pfn(*link) != pfn)
		link = held_link(*link);
	if (!*link) {
		kprintf("free: pfn 0x%llx: not the first page of a block that alloc took\n",
			(ull)pfn);
		return 1;
	}
	page = *link;
	next = *held_link(page);
	zonal_free(mm, page, order);
	if (zonal_bad_count(mm) != bad)
		return 1; /* reported by the allocator, which kept the block allocated */
	*link = next;
	kprintf("pfn 0x%llx order %u given back\n", (ull)pfn, order);
	return 0;
}

int monitor_probe(struct zonal *mm, const struct monitor_args *args)
{
	unsigned order;
	gfp_t gfp;
	int nid;

	if (!arg_gfp(args, 0, &gfp) || !arg_order(args, 1, &order) || !arg_node(mm, args, 2, &nid))
		return 1;
	return report_probe(mm, gfp, order, nid, args->json) ? 0 : 1;
}

/* The word of `free`. */
const char *monitor_all_name(unsigned n) { return n ? NULL : "all"; }

int monitor_inject(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t skip, times;

	if (!number_read_all(args->word[0], INT64_MAX, &skip) ||
	    !number_read_all(args->word[1], INT64_MAX, &times)) {
		kprintf("inject: %s %s: two numbers, requests to skip and requests to fail\n",
			args->word[0], args->word[1]);
		return 1;
	}
	zonal_inject(mm, skip, times);
	return 0;
}

int monitor_drain(struct zonal *mm, const struct monitor_args *args)
{
	(void)args;
	zonal_drain_all(mm, NULL);
	return 0;
}

/* A count that 5.10 lets stand is no fault, but should not be a riddle. */
static void explain_lost(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		if (zone->highatomic_lost)
			kprintf("check: node %u zone %s counts %lld pages of highatomic reserve, "
				"its blocks have %lld: a reserved block was stolen with the "
				"first half of an order-10 block, or a zone that shares it gave "
				"it back\n",
				zone->node, zonal_zone_name(zone->type),
				(long long)ld_relaxed(&zone->highatomic),
				(long long)(ld_relaxed(&zone->highatomic) -
					    zone->highatomic_lost));
}

int monitor_check(struct zonal *mm, const struct monitor_args *args)
{
	struct zonal_finding finding;
	bool good = zonal_check_busy(mm, &finding);

	if (args->json) {
		kprintf("{\"schema\":\"zonal.check/1\",\"ok\":%s,\"bad\":%llu,\"finding\":",
			good ? "true" : "false", (ull)zonal_bad_count(mm));
		zn_print_json(good ? "" : finding.text);
		kprintf("}\n");
	} else if (good) {
		kprintf("check: every invariant holds\n");
		explain_lost(mm);
	} else {
		kprintf("check: %s\n", finding.text);
	}
	return good ? 0 : 1;
}

int monitor_echo(struct zonal *mm, const struct monitor_args *args)
{
	unsigned i;

	(void)mm;
	for (i = 0; i < args->count; i++)
		kprintf("%s%s", i ? " " : "", args->word[i]);
	kprintf("\n");
	return 0;
}
