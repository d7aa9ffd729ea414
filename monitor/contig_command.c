/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the monitor on contiguous memory and bad pages:
 *
 *	cma                             the same as cma list
 *	cma list                        areas: place, node, what is given out, calls
 *	cma alloc AREA PAGES [ALIGN]    a row of an area; ALIGN is an order
 *	cma release AREA PFN PAGES      back to it
 *	contig alloc PAGES [NID]        any pages in a row
 *	contig range PFN PAGES          these pages, from whoever has them
 *	contig free PFN PAGES           back
 *	retire PFN                      a bad page, out of use for good
 *
 * Each mistake is one line that names the word and the rule. Return: 0 good, 1 failed.
 *
 * Context: the monitor's task, which waits while pages are moved.
 */
#include "monitor_command.h"

#include <string.h>
#include <zonal/contig.h>

#include "lib/assert.h"
#include "lib/kprintf.h"

typedef unsigned long long ull;

/* Word `i` as a number up to `most`; it stands for `what`. */
static bool arg_upto(const struct monitor_args *args, unsigned i, const char *what, uint64_t most,
		     uint64_t *value)
{
	ASSERT(i < args->count, "%s has no argument %u", args->name, i);
	if (number_read_all(args->word[i], most, value))
		return true;
	kprintf("%s: %s: %s is a number up to %llu\n", args->name, args->word[i], what, (ull)most);
	return false;
}

static bool arg_pfn(const struct monitor_args *args, unsigned i, uint64_t *pfn)
{
	return arg_upto(args, i, "a page number", ((uint64_t)1 << 52) - 1, pfn);
}

static bool arg_pages(const struct monitor_args *args, unsigned i, uint64_t *pages)
{
	return arg_upto(args, i, "a number of pages", (uint64_t)1 << 32, pages);
}

static void say_range(const struct monitor_args *args, pfn_t pfn, uint64_t pages)
{
	kprintf(args->json ? "{\"schema\":\"zonal.range/1\",\"pfn\":%llu,\"pages\":%llu}\n" :
			     "pfn 0x%llx, %llu pages\n",
		(ull)pfn, (ull)pages);
}

/* ---- cma ---- */

static void area_text(unsigned area, const struct zonal_cma_info *info)
{
	if (!info->pages) {
		kprintf("%u  pfn 0x%llx could not be used\n", area, (ull)info->start);
		return;
	}
	kprintf("%u  node %u, pfn 0x%llx, %llu pages in pieces of %u; %llu given out, longest row "
		"left %llu; %llu served, %llu not, %llu places busy\n",
		area, info->node, (ull)info->start, (ull)info->pages, 1u << info->order_per_bit,
		(ull)info->used, (ull)info->largest, (ull)info->allocs, (ull)info->failures,
		(ull)info->retries);
}

static void area_json(unsigned area, const struct zonal_cma_info *info)
{
	kprintf("%s{\"area\":%u,\"node\":%u,\"pfn\":%llu,\"pages\":%llu,\"order_per_bit\":%u,"
		"\"used\":%llu,\"largest\":%llu,\"allocs\":%llu,\"failures\":%llu,"
		"\"busy\":%llu}",
		area ? "," : "", area, info->node, (ull)info->start, (ull)info->pages,
		info->order_per_bit, (ull)info->used, (ull)info->largest, (ull)info->allocs,
		(ull)info->failures, (ull)info->retries);
}

static int cma_list(struct zonal *mm, const struct monitor_args *args)
{
	struct zonal_cma_info info;

	if (args->json)
		kprintf("{\"schema\":\"zonal.cma/1\",\"areas\":[");
	for (unsigned area = 0; zonal_cma_info(mm, area, &info); area++) {
		if (args->json)
			area_json(area, &info);
		else
			area_text(area, &info);
	}
	if (args->json)
		kprintf("]}\n");
	else if (!zonal_cma_areas(mm))
		kprintf("no CMA areas: none in the device tree, and no cma=\n");
	return 0;
}

/* Word 1 is an area of this board. */
static bool arg_area(const struct zonal *mm, const struct monitor_args *args, uint64_t *area)
{
	ASSERT(args->count > 1, "cma %s without an area", args->word[0]);
	if (number_read_all(args->word[1], UINT32_MAX, area) && *area < zonal_cma_areas(mm))
		return true;
	kprintf("cma: %s: there are %u areas, numbered from 0\n", args->word[1],
		zonal_cma_areas(mm));
	return false;
}

static int cma_alloc(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t area, pages, align = 0;
	struct page *page;

	if (!arg_area(mm, args, &area) || !arg_pages(args, 2, &pages) ||
	    (args->count > 3 && !arg_upto(args, 3, "an alignment's order", 31, &align)))
		return 1;
	page = zonal_cma_alloc(mm, (unsigned)area, pages, (unsigned)align);
	if (!page) {
		kprintf("cma: no row of %llu pages could be had of area %llu\n", (ull)pages,
			(ull)area);
		return 1;
	}
	ASSERT(zonal_page(mm, zonal_pfn(page)) == page, "area %llu gives a page of another board",
	       (ull)area);
	say_range(args, zonal_pfn(page), pages);
	return 0;
}

static int cma_release(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t area, pfn, pages;

	if (args->count != 4) {
		kprintf("cma: usage: cma release AREA PFN PAGES\n");
		return 1;
	}
	if (!arg_area(mm, args, &area) || !arg_pfn(args, 2, &pfn) || !arg_pages(args, 3, &pages))
		return 1;
	if (zonal_cma_release(mm, (unsigned)area, zonal_page(mm, pfn), pages))
		return 0;
	kprintf("cma: %llu pages from 0x%llx are not all given out by area %llu\n", (ull)pages,
		(ull)pfn, (ull)area);
	return 1;
}

/* ---- contig ---- */

static int contig_alloc(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t pages, nid = 0;
	struct page *page;

	if (!arg_pages(args, 1, &pages) ||
	    (args->count > 2 && !arg_upto(args, 2, "a node", ZONAL_MAX_NODES - 1, &nid)))
		return 1;
	page = zonal_alloc_contig_pages(mm, pages, GFP_KERNEL,
					args->count > 2 ? (int)nid : NODE_NONE, NULL);
	if (!page) {
		kprintf("contig: no %llu pages in a row could be had\n", (ull)pages);
		return 1;
	}
	say_range(args, zonal_pfn(page), pages);
	return 0;
}

static int contig_range(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t pfn, pages;
	int error;

	if (!arg_pfn(args, 1, &pfn) || !arg_pages(args, 2, &pages))
		return 1;
	error = zonal_alloc_contig_range(mm, pfn, pages, GFP_KERNEL);
	if (!error) {
		say_range(args, pfn, pages);
		return 0;
	}
	ASSERT(error == ZONAL_EBUSY || error == ZONAL_EINVAL, "a range's error %d", error);
	kprintf("contig: %llu pages from 0x%llx: %s\n", (ull)pages, (ull)pfn,
		error == ZONAL_EBUSY ? "something there cannot be moved away" :
				       "they must be RAM of one zone, one page at least");
	return 1;
}

/* Only what is in use as single pages: the rest would be so many reports of misuse. */
static int contig_free(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t pfn, pages;

	if (!arg_pfn(args, 1, &pfn) || !arg_pages(args, 2, &pages))
		return 1;
	for (uint64_t i = 0; i < pages; i++) {
		if (zonal_page(mm, pfn + i) && !zonal_is_free(mm, pfn + i))
			continue;
		kprintf("contig: page 0x%llx is not in use\n", (ull)(pfn + i));
		return 1;
	}
	return zonal_free_contig_range(mm, pfn, pages) != 0;
}

/* ---- tables of words ---- */

struct verb {
	const char *name;
	unsigned words, most; /* behind the name of the command */
	int (*run)(struct zonal *mm, const struct monitor_args *args);
};

static const struct verb cma_verbs[] = {
	{ "list", 1, 1, cma_list },
	{ "alloc", 3, 4, cma_alloc },
	{ "release", 4, 4, cma_release },
};
static const struct verb contig_verbs[] = {
	{ "alloc", 2, 3, contig_alloc },
	{ "range", 3, 3, contig_range },
	{ "free", 3, 3, contig_free },
};

const char *monitor_cma_word(unsigned n)
{
	return n < ARRAY_SIZE(cma_verbs) ? cma_verbs[n].name : NULL;
}

const char *monitor_contig_word(unsigned n)
{
	return n < ARRAY_SIZE(contig_verbs) ? contig_verbs[n].name : NULL;
}

static int run_verb(struct zonal *mm, const struct monitor_args *args, const struct verb *verb,
		    unsigned count)
{
	ASSERT(args->count && count, "%s without a word", args->name);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(args->word[0], verb[i].name) != 0)
			continue;
		if (args->count >= verb[i].words && args->count <= verb[i].most)
			return verb[i].run(mm, args);
		kprintf("%s: %s: %u arguments; help %s has its form\n", args->name, verb[i].name,
			args->count - 1, args->name);
		return 1;
	}
	kprintf("%s: %s: one of", args->name, args->word[0]);
	for (unsigned i = 0; i < count; i++)
		kprintf(" %s", verb[i].name);
	kprintf("\n");
	return 1;
}

int monitor_cma(struct zonal *mm, const struct monitor_args *args)
{
	if (!args->count)
		return cma_list(mm, args);
	return run_verb(mm, args, cma_verbs, ARRAY_SIZE(cma_verbs));
}

int monitor_contig(struct zonal *mm, const struct monitor_args *args)
{
	return run_verb(mm, args, contig_verbs, ARRAY_SIZE(contig_verbs));
}

/* ---- retire ---- */

int monitor_retire(struct zonal *mm, const struct monitor_args *args)
{
	struct zonal_retire out;
	enum zonal_retired answer;
	uint64_t pfn;

	if (!arg_pfn(args, 0, &pfn))
		return 1;
	answer = zonal_page_retire(mm, pfn, &out);
	ASSERT(answer < ZONAL_RETIRED_ANSWERS, "answer %u", (unsigned)answer);
	if (args->json) {
		kprintf("{\"schema\":\"zonal.retire/1\",\"pfn\":%llu,\"answer\":%u,\"text\":\"%s\","
			"\"owner\":\"%s\",\"why\":\"%s\",\"order\":%u}\n",
			(ull)pfn, (unsigned)answer, zonal_retired_text(answer), out.owner,
			out.why ? out.why : "", out.order);
	} else {
		kprintf("pfn 0x%llx: %s%s%s%s%s", (ull)pfn, zonal_retired_text(answer),
			out.owner[0] ? "; owner " : "", out.owner, out.why ? ": " : "",
			out.why ? out.why : "");
		if (out.order)
			kprintf(", with its block of order %u", out.order);
		kprintf("\n");
	}
	return answer == ZONAL_RETIRED_NO_PAGE || answer == ZONAL_RETIRED_BUSY;
}
