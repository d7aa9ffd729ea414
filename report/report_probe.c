/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `probe`: where do blocks come from when a request is repeated until NULL?
 *
 * The answer is a list of runs [node, zone, blocks] in the order of taking; it shows the
 * fallback order and each zone's watermark at once, and can be laid beside what a
 * Linux kernel answered. The form is that of the recorded cases: zones before,
 * runs, and zones after the last block was taken, before they go back.
 *
 * The blocks are kept in a chain through their owner words, appended at the end, so
 * that no array limits the probe and the runs can be read off the chain afterwards
 * without storing them. Nothing here allocates while the memory is gone.
 *
 * Waiting is taken out of the request (a probe asks what is there, not what can be
 * reclaimed), and so is the report of its certain failure.
 *
 * Locks: none held; context: task. Other tasks that allocate disturb the figures.
 */
#include "report.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "report_gfp.h"

typedef unsigned long long ull;

struct probe_request {
	gfp_t gfp;
	unsigned order;
	int nid;
	bool json;
};

struct chain {
	struct page *first, *last;
	uint64_t blocks;
};

static struct page *chain_next(struct page *page)
{
	return *(struct page **)zonal_page_owner(page);
}

static void chain_append(struct chain *chain, struct page *page)
{
	ASSERT(!chain->first == !chain->last, "%llu blocks in a chain without end",
	       (ull)chain->blocks);
	*(struct page **)zonal_page_owner(page) = NULL;
	if (chain->last)
		*(struct page **)zonal_page_owner(chain->last) = page;
	else
		chain->first = page;
	chain->last = page;
	chain->blocks++;
}

static void chain_free(struct zonal *mm, struct chain *chain, unsigned order)
{
	ASSERT(order < MAX_ORDER, "order %u", order);
	while (chain->first) {
		struct page *page = chain->first;

		chain->first = chain_next(page);
		zonal_free(mm, page, order);
	}
}

static uint64_t listed_pages(const struct zonal *mm, unsigned zid)
{
	uint64_t sum = 0;
	unsigned cpu;

	ASSERT(zid < ZONAL_MAX_NODES * ZONE_TYPES, "zone %u", zid);
	for (cpu = 0; cpu < mm->cpu_count; cpu++) {
		if (mm->cpu[cpu] && mm->cpu[cpu]->pcp)
			sum += ld_relaxed(&mm->cpu[cpu]->pcp[zid].count);
	}
	return sum;
}

static void json_before(struct zonal *mm)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid, i;

	kprintf("\"before\":[");
	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, true, &s);
		kprintf("%s{\"node\":%u,\"zone\":\"%s\",\"free\":%lld,\"min\":%lld,\"low\":%lld,",
			comma, zone->node, zonal_zone_name(zone->type), (long long)s.free,
			(long long)s.mark[WMARK_MIN], (long long)s.mark[WMARK_LOW]);
		kprintf("\"high\":%lld,\"boost\":%lld,\"managed\":%llu,\"resv\":",
			(long long)s.mark[WMARK_HIGH], (long long)s.boost, (ull)s.managed);
		for (i = 0; i < ZONE_TYPES; i++)
			kprintf("%s%lld", i ? "," : "[",
				(long long)ld_relaxed(&zone->lowmem_reserve[i]));
		kprintf("],\"ha\":%lld,\"cma\":%lld,\"nr_free\":", (long long)s.highatomic,
			(long long)s.free_cma);
		report_json_blocks(&s);
		kprintf("}");
		comma = ",";
	}
	kprintf("]");
}

static void json_after(struct zonal *mm)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid;

	kprintf("\"after\":[");
	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, true, &s);
		kprintf("%s{\"node\":%u,\"zone\":\"%s\",\"free\":%lld,\"pcp\":%llu,", comma,
			zone->node, zonal_zone_name(zone->type), (long long)s.free,
			(ull)listed_pages(mm, zid));
		kprintf("\"boost\":%lld,\"ha\":%lld,\"cma\":%lld}", (long long)s.boost,
			(long long)s.highatomic, (long long)s.free_cma);
		comma = ",";
	}
	kprintf("]");
}

static void text_zones(struct zonal *mm, const char *title)
{
	struct zone *zone;
	unsigned zid;

	kprintf("%-8s %12s %9s %9s %9s %9s %9s %6s\n", title, "zone", "free", "low", "min", "boost",
		"cma", "listed");
	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, true, &s);
		kprintf("  node %-4u %9s %9lld %9lld %9lld %9lld %9lld %6llu\n", zone->node,
			zonal_zone_name(zone->type), (long long)s.free,
			(long long)s.mark[WMARK_LOW], (long long)s.mark[WMARK_MIN],
			(long long)s.boost, (long long)s.free_cma, (ull)listed_pages(mm, zid));
	}
}

static void print_run(unsigned zid, uint64_t blocks, bool json, bool first)
{
	if (json)
		kprintf("%s[%u,%u,%llu]", first ? "" : ",", zid / ZONE_TYPES, zid % ZONE_TYPES,
			(ull)blocks);
	else
		kprintf("  node %-4u %9s %9llu blocks\n", zid / ZONE_TYPES,
			zonal_zone_name(zid % ZONE_TYPES), (ull)blocks);
}

static void print_runs(const struct chain *chain, bool json)
{
	struct page *page = chain->first;
	bool first = true;

	kprintf(json ? "\"runs\":[" : "runs\n");
	while (page) {
		unsigned zid = page_zid(page);
		uint64_t blocks = 0;

		for (; page && page_zid(page) == zid; page = chain_next(page))
			blocks++;
		print_run(zid, blocks, json, first);
		first = false;
	}
	if (json)
		kprintf("]");
}

static void take_all(struct zonal *mm, const struct probe_request *r, struct chain *chain)
{
	struct page *page;

	ASSERT(!(r->gfp & __GFP_NOFAIL) && !chain->first, "gfp 0x%x", r->gfp);
	/* As the recorded probes: to the end, unless somebody asks to stop. */
	while (!zn_stop_asked() &&
	       (page = zonal_alloc_node(mm, r->nid, r->gfp | __GFP_NOWARN, r->order)))
		chain_append(chain, page);
}

static bool request_ok(const struct zonal *mm, const struct probe_request *r)
{
	if (r->order >= MAX_ORDER) {
		kprintf("order %u: an order is 0..%d\n", r->order, MAX_ORDER - 1);
		return false;
	}
	if (r->nid < 0 || r->nid >= ZONAL_MAX_NODES ||
	    !nodemask_has(mm->online, (unsigned)r->nid)) {
		kprintf("node %d: no such node on this board\n", r->nid);
		return false;
	}
	if (r->gfp & __GFP_NOFAIL) {
		kprintf("gfp 0x%x: a probe ends with NULL, so __GFP_NOFAIL is not allowed\n",
			r->gfp);
		return false;
	}
	return true;
}

static void probe_json(struct zonal *mm, const struct probe_request *r, struct chain *chain)
{
	char gfp[GFP_TEXT_BYTES];

	gfp_text(r->gfp, gfp, sizeof(gfp));
	kprintf("{\"schema\":\"zonal.probe/1\",\"gfp\":\"%s\",\"order\":%u,\"nid\":%d,", gfp,
		r->order, r->nid);
	json_before(mm);
	take_all(mm, r, chain);
	kprintf(",");
	print_runs(chain, true);
	kprintf(",");
	json_after(mm);
	kprintf("}\n");
}

static void probe_text(struct zonal *mm, const struct probe_request *r, struct chain *chain)
{
	char gfp[GFP_TEXT_BYTES];

	gfp_text(r->gfp, gfp, sizeof(gfp));
	kprintf("probe %s, order %u, node %d\n", gfp, r->order, r->nid);
	text_zones(mm, "before");
	take_all(mm, r, chain);
	print_runs(chain, false);
	text_zones(mm, "after");
	if (zn_stop_asked())
		kprintf("stopped before the end\n");
	kprintf("%llu blocks taken and given back\n", (ull)chain->blocks);
}

bool report_probe(struct zonal *mm, gfp_t gfp, unsigned order, int nid, bool json)
{
	const struct probe_request request = { gfp & ~__GFP_DIRECT_RECLAIM, order, nid, json };
	struct chain chain = { NULL, NULL, 0 };

	if (!request_ok(mm, &request))
		return false;
	if (json)
		probe_json(mm, &request, &chain);
	else
		probe_text(mm, &request, &chain);
	chain_free(mm, &chain, order);
	return true;
}
