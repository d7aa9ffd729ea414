/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `buddyinfo` and `pagetypeinfo`: free blocks by order, and by type, in the layouts of
 * /proc (row Y10), and the short state that the panic path prints (row Y12).
 *
 * buddyinfo has one line a populated zone with a count an order. pagetypeinfo
 * splits the counts by migratetype, a count over 100,000 is printed as ">100000"
 * (what the kernel stops counting at; we know the number, and the JSON form has it), and adds
 * how many pageblocks are of each type, looking at one page in 512 from the zone's first
 * on. Only pages of the zone are looked at, so zones whose spans overlap each count their own.
 *
 * Locks: the free lists are copied under the zone lock (report_snapshot). The block types are
 * atomic bytes and are read without it. report_panic() takes no lock at all: a lock
 * may be held by the CPU that died, and a figure that is off by one block is
 * better than silence.
 */
#include "report.h"

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"

#define SHOWN_MOST 100000u
#define BLOCK_PAGES (1u << PAGEBLOCK_ORDER)

typedef unsigned long long ull;

void report_buddyinfo(struct zonal *mm, bool json)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid, order;

	if (json)
		kprintf("{\"schema\":\"zonal.buddyinfo/1\",\"zones\":[");
	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, true, &s);
		if (json) {
			kprintf("%s{\"node\":%u,\"zone\":\"%s\",\"nr_free\":", comma, zone->node,
				zonal_zone_name(zone->type));
			report_json_blocks(&s);
			kprintf("}");
			comma = ",";
			continue;
		}
		kprintf("Node %u, zone %8s ", zone->node, zonal_zone_name(zone->type));
		for (order = 0; order < MAX_ORDER; order++)
			kprintf("%6llu ", (ull)snapshot_blocks(&s, order));
		kprintf("\n");
	}
	if (json)
		kprintf("]}\n");
}

/* Type of the pageblock at each step from the zone's first page on: as 5.10 counts them, so
 * that a zone which begins inside of a pageblock has that one too. */
static void count_blocks(const struct zonal *mm, const struct zone *zone,
			 uint64_t count[MIGRATE_TYPES])
{
	pfn_t pfn = zone->start_pfn;
	pfn_t end = zone->start_pfn + zone->spanned;
	unsigned type;

	ASSERT(zone->spanned, "zone %u has no pages", zone->id);
	for (type = 0; type < MIGRATE_TYPES; type++)
		count[type] = 0;
	for (; pfn < end; pfn += BLOCK_PAGES) {
		const struct page *page = zonal_page(mm, pfn);

		if (!page || page_state(page) == PAGE_HOLE || page_zid(page) != zone->id)
			continue;
		type = page_block_type(page);
		if (type < MIGRATE_TYPES)
			count[type]++;
	}
}

static void text_types(const struct zone *zone, const struct zone_snapshot *s)
{
	unsigned type, order;

	for (type = 0; type < MIGRATE_TYPES; type++) {
		kprintf("Node %4u, zone %8s, type %12s ", zone->node, zonal_zone_name(zone->type),
			zonal_type_name(type));
		for (order = 0; order < MAX_ORDER; order++) {
			uint32_t blocks = s->blocks[type][order];
			bool many = blocks > SHOWN_MOST;

			kprintf("%s%6u ", many ? ">" : "", many ? SHOWN_MOST : blocks);
		}
		kprintf("\n");
	}
}

static void text_pagetypeinfo(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid, i;

	kprintf("Page block order: %u\nPages per block:  %u\n\n", PAGEBLOCK_ORDER, BLOCK_PAGES);
	kprintf("%-43s ", "Free pages count per migrate type at order");
	for (i = 0; i < MAX_ORDER; i++)
		kprintf("%6u ", i);
	kprintf("\n");
	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, true, &s);
		text_types(zone, &s);
	}
	kprintf("\n%-23s", "Number of blocks type ");
	for (i = 0; i < MIGRATE_TYPES; i++)
		kprintf("%12s ", zonal_type_name(i));
	kprintf("\n");
	mm_for_each_zone(mm, zid, zone) {
		uint64_t count[MIGRATE_TYPES];

		count_blocks(mm, zone, count);
		kprintf("Node %u, zone %8s ", zone->node, zonal_zone_name(zone->type));
		for (i = 0; i < MIGRATE_TYPES; i++)
			kprintf("%12llu ", (ull)count[i]);
		kprintf("\n");
	}
}

static void json_types(const struct zonal *mm, struct zone *zone)
{
	uint64_t count[MIGRATE_TYPES];
	struct zone_snapshot s;
	unsigned type, order;

	report_snapshot(zone, true, &s);
	count_blocks(mm, zone, count);
	kprintf("{\"node\":%u,\"zone\":\"%s\",\"free\":{", zone->node,
		zonal_zone_name(zone->type));
	for (type = 0; type < MIGRATE_TYPES; type++) {
		kprintf("%s\"%s\":", type ? "," : "", zonal_type_name(type));
		for (order = 0; order < MAX_ORDER; order++)
			kprintf("%s%u", order ? "," : "[", s.blocks[type][order]);
		kprintf("]");
	}
	kprintf("},\"blocks\":{");
	for (type = 0; type < MIGRATE_TYPES; type++)
		kprintf("%s\"%s\":%llu", type ? "," : "", zonal_type_name(type),
			(ull)count[type]);
	kprintf("}}");
}

void report_pagetypeinfo(struct zonal *mm, bool json)
{
	const char *comma = "";
	struct zone *zone;
	unsigned zid;

	if (!json) {
		text_pagetypeinfo(mm);
		return;
	}
	kprintf("{\"schema\":\"zonal.pagetypeinfo/1\",\"pageblock_order\":%u,\"zones\":[",
		PAGEBLOCK_ORDER);
	mm_for_each_zone(mm, zid, zone) {
		kprintf("%s", comma);
		json_types(mm, zone);
		comma = ",";
	}
	kprintf("]}\n");
}

/* One order as the kernel's failure report has it: 5*4kB (UM). */
static void panic_order(const struct zone_snapshot *s, unsigned order)
{
	char types[MIGRATE_TYPES + 1];
	unsigned type, n = 0;

	for (type = 0; type < MIGRATE_TYPES; type++) {
		if (s->blocks[type][order])
			types[n++] = zonal_type_letter(type);
	}
	types[n] = '\0';
	kprintf(" %llu*%lukB%s%s%s", (ull)snapshot_blocks(s, order), (PAGE_SIZE >> 10) << order,
		n ? " (" : "", types, n ? ")" : "");
}

void report_panic(const struct zonal *mm)
{
	struct zone *zone;
	unsigned zid, order;

	mm_for_each_zone(mm, zid, zone) {
		struct zone_snapshot s;

		report_snapshot(zone, false, &s);
		kprintf("Node %u %s free:%lld min:%lld low:%lld high:%lld boost:%lld "
			"highatomic:%lld cma:%lld managed:%llu%s\n",
			zone->node, zonal_zone_name(zone->type), (long long)s.free,
			(long long)s.mark[WMARK_MIN], (long long)s.mark[WMARK_LOW],
			(long long)s.mark[WMARK_HIGH], (long long)s.boost, (long long)s.highatomic,
			(long long)s.free_cma, (ull)s.managed,
			lock_held(&zone->lock) ? " locked" : "");
		kprintf("Node %u %s:", zone->node, zonal_zone_name(zone->type));
		for (order = 0; order < MAX_ORDER; order++)
			panic_order(&s, order);
		kprintf("\n");
	}
}
