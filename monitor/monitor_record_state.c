/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of an instance as lines of a frame record (test/oracle/frames/FORMAT.md).
 *
 * Of each zone: its numbers, the types of its pageblocks, its free lists and per-CPU lists in
 * order, the pages in use that count as movable when their block is stolen; of all zones: the
 * blocks in use, any of which may be freed. Sums of who got what from where are those since the
 * counters' start, but for interleaving, which is written as 0: a record knows where a request
 * was sent, and not by which policy.
 *
 * Nothing is locked, so that a slow console masks nobody: who writes a state looks afterwards
 * whether anything happened meanwhile. Lists that change under the hand give wrong lines; they
 * are followed for as many places as they had, and not beyond the map.
 *
 * Lines are gathered up to LINE_BYTES before they go out, so that others' text on the console
 * stands between lines and not in them. A list that is longer goes on in a line of the same words.
 */
#include "monitor_record_text.h"

#include <string.h>

#include <zonal/format.h>
#include <zonal/version.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/printf.h"
#include "mm/mobility.h"
#include "mm/pcp.h"
#include "mm/watermark.h"
#include "monitor_command.h"

typedef unsigned long long ull;

#define LINE_BYTES 400u /* the line of a zone is the longest */
#define LIST_BYTES 200u /* lists are cut into lines that reach the console in one call */
#define MARK "| "

bool (*monitor_record_open)(const char *name);
bool (*monitor_record_write)(const char *text, size_t length);

static struct {
	char text[LINE_BYTES];
	size_t used;
	bool to_file, broken;
} out;

/* ---- lines ---- */

static void flush(void)
{
	ASSERT(out.used < sizeof(out.text), "%zu characters", out.used);
	if (out.to_file)
		out.broken |= out.used && !monitor_record_write(out.text, out.used);
	else if (out.used)
		kprintf(MARK "%s", out.text);
	out.used = 0;
}

void record_to_file(bool file)
{
	memset(&out, 0, sizeof(out));
	out.to_file = file;
}

bool record_end_of_text(void)
{
	flush();
	if (out.to_file)
		out.broken |= !monitor_record_write(NULL, 0);
	return !out.broken;
}

/* On the console each line is a call of its own, because others print too; a file gets them as
 * many at a time as there is room for. */
void record_text(const char *fmt, ...)
{
	char text[LINE_BYTES];
	va_list args;
	size_t length;

	va_start(args, fmt);
	length = (size_t)zonal_vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ASSERT(length < sizeof(text), "a piece of %zu characters", length);
	if (out.used + length >= sizeof(out.text))
		flush();
	memcpy(out.text + out.used, text, length + 1);
	out.used += length;
	if (!out.to_file && length && text[length - 1] == '\n')
		flush();
}

/* A list: its words, and how much of the line is full. */
struct items {
	char words[40];
	size_t used;
};

static struct items items_of(const char *kind, unsigned a, unsigned b, unsigned c)
{
	struct items items = { .used = 0 };

	ASSERT(kind[0], "a list without a kind, %u", a);
	if (!strcmp(kind, "held"))
		zn_snprintf(items.words, sizeof(items.words), "%s", kind);
	else if (!strcmp(kind, "blocks") || !strcmp(kind, "movable"))
		zn_snprintf(items.words, sizeof(items.words), "%s %u", kind, a);
	else
		zn_snprintf(items.words, sizeof(items.words), "%s %u %u %u", kind, a, b, c);
	return items;
}

static void item(struct items *items, const char *text)
{
	size_t length = strlen(text) + 1;

	if (items->used && items->used + length >= LIST_BYTES) {
		record_text("\n");
		items->used = 0;
	}
	if (!items->used)
		record_text("%s", items->words);
	record_text(" %s", text);
	items->used += length;
}

static void items_end(const struct items *items)
{
	if (items->used)
		record_text("\n");
}

/* ---- head ---- */

static unsigned next_node(const struct zonal *mm, unsigned n)
{
	while (n < ZONAL_MAX_NODES && !mm->node[n])
		n++;
	return n;
}

#define for_each_node(mm, n)                                                                       \
	for (n = next_node(mm, 0); n < ZONAL_MAX_NODES; n = next_node(mm, n + 1))

static void zonelist(unsigned n, const char *which, const struct zonelist *list)
{
	record_text("zonelist %u %s", n, which);
	for (unsigned i = 0; i < list->count; i++)
		record_text(" %u", list->ref[i].zone->id);
	record_text("\n");
}

void record_head(struct zonal *mm)
{
	unsigned n, to;

	ASSERT(mm->cpu_count && mm->cpu[0], "%u CPUs", mm->cpu_count);
	record_text("frames 1\n");
	record_text("kernel Zonal " ZONAL_VERSION_TEXT "\n");
	record_text("global pageblock_order=%u boost_factor=%u grouping_off=%u\n", PAGEBLOCK_ORDER,
		    ld_relaxed(&mm->boost_factor),
		    ld_relaxed(&mm->gates) & GATE_NO_GROUPING ? 1 : 0);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		record_text("cpus %u:%u\n", c, mm->cpu[c] ? mm->cpu[c]->node : next_node(mm, 0));
	for_each_node(mm, n) {
		record_text("distance %u", n);
		for_each_node(mm, to)
			record_text(" %u", mm->distance[n][to]);
		record_text("\n");
	}
	for_each_node(mm, n) {
		zonelist(n, "all", &mm->node[n]->fallback);
		zonelist(n, "this", &mm->node[n]->nofallback);
	}
}

/* ---- a zone ---- */

static void numbers(struct zone *zone)
{
	record_text("zone %u start=%llx spanned=%llu present=%llu managed=%llu min=%lld low=%lld "
		    "high=%lld", zone->id, (ull)zone->start_pfn, (ull)zone->spanned,
		    (ull)zone->present, (ull)zone_managed(zone),
		    (long long)ld_relaxed(&zone->mark[WMARK_MIN]),
		    (long long)ld_relaxed(&zone->mark[WMARK_LOW]),
		    (long long)ld_relaxed(&zone->mark[WMARK_HIGH]));
	record_text(" boost=%lld highatomic=%lld free=%lld cma=%lld",
		    (long long)ld_relaxed(&zone->boost), (long long)ld_relaxed(&zone->highatomic),
		    (long long)ld_relaxed(&zone->free), (long long)ld_relaxed(&zone->free_cma));
	record_text(" batch=%u pcphigh=%u threshold=%u boosted=%u isolated=%u reserve=",
		    zone->pcp_batch, zone->pcp_high, zone->stat_threshold,
		    ld_relaxed(&zone->boosted), zone->isolated_blocks);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		record_text(t ? ",%lld" : "%lld", (long long)ld_relaxed(&zone->lowmem_reserve[t]));
	record_text("\n");
}

static uint64_t stat_sum(const struct zone *zone, enum pcp_stat stat)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < zone->mm->cpu_count; c++)
		if (zone->mm->cpu[c])
			sum += ld_relaxed(&zone->mm->cpu[c]->pcp[zone->id].stat[stat]);
	return sum;
}

static void numa(const struct zone *zone)
{
	uint64_t hit_local = stat_sum(zone, STAT_HIT_LOCAL);
	uint64_t hit_other = stat_sum(zone, STAT_HIT_OTHER);
	uint64_t miss_local = stat_sum(zone, STAT_MISS_LOCAL);
	uint64_t miss_other = stat_sum(zone, STAT_MISS_OTHER);

	record_text("numa %u %llu %llu %llu 0 %llu %llu\n", zone->id,
		    (ull)(hit_local + hit_other), (ull)(miss_local + miss_other),
		    (ull)stat_sum(zone, STAT_FOREIGN), (ull)(hit_local + miss_local),
		    (ull)(hit_other + miss_other));
}

static unsigned type_at(const struct zone *zone, pfn_t block)
{
	const struct page *page = zonal_page(zone->mm, block << PAGEBLOCK_ORDER);

	ASSERT(zone->mm, "block %llu of no instance", (ull)block);
	return page ? page_block_type(page) : MIGRATE_MOVABLE;
}

static void blocks(const struct zone *zone)
{
	pfn_t last = (zone->start_pfn + zone->spanned - 1) >> PAGEBLOCK_ORDER;
	struct items items = items_of("blocks", zone->id, 0, 0);
	char text[24];

	for (pfn_t block = zone->start_pfn >> PAGEBLOCK_ORDER; block <= last;) {
		unsigned type = type_at(zone, block);
		pfn_t first = block;

		while (block <= last && type_at(zone, block) == type)
			block++;
		zn_snprintf(text, sizeof(text), "%u*%llu", type, (ull)(block - first));
		item(&items, text);
	}
	items_end(&items);
}

static void free_list(const struct zone *zone, unsigned order, unsigned type)
{
	const struct free_list *list = &zone->list[type][order];
	struct items items = items_of("free", zone->id, order, type);
	uint32_t pfn = list->first;
	char text[24];

	for (uint32_t left = list->count; left; left--) {
		const struct page *page = zonal_page(zone->mm, pfn);

		if (!page)
			break;
		zn_snprintf(text, sizeof(text), "%x", pfn);
		item(&items, text);
		pfn = page->next;
	}
	items_end(&items);
}

static void pcp_list(const struct zone *zone, unsigned c, unsigned type)
{
	const struct pcp *pcp = &zone->mm->cpu[c]->pcp[zone->id];
	const struct pcp_ring *ring = &pcp->ring[type];
	struct items items = items_of("pcp", zone->id, c, type);
	uint32_t head = ring->head, count = ring->tail - head;
	char text[24];

	ASSERT(ring->slot, "CPU %u has no list %u of zone %u", c, type, zone->id);
	for (uint32_t i = 0; i < ZN_MIN(count, pcp->mask + 1); i++) {
		const struct page *page = ring->slot[(head + i) & pcp->mask];
		unsigned home = word_home(page_word(page));

		zn_snprintf(text, sizeof(text), home == type ? "%x" : "%x.%u", page->pfn, home);
		item(&items, text);
	}
	items_end(&items);
}

/* Does it count as movable when its block is stolen (M8)? */
static bool counts_as_movable(const struct zonal *mm, const struct page *page)
{
	uint32_t word = page_word(page), pair;

	if (word_in_use(word))
		return word & PG_LRU;
	if (word_state(word) != PAGE_TAIL || !(page->pfn & 1))
		return false;
	pair = page_word(zonal_page(mm, page->pfn - 1));
	return word_in_use(pair) && (pair & PG_COMP) && word_block_order(pair) == 1;
}

static bool movable_at(const struct zone *zone, pfn_t pfn)
{
	const struct page *page = zonal_page(zone->mm, pfn);

	return page && page_zid(page) == zone->id && counts_as_movable(zone->mm, page);
}

static void movable(const struct zone *zone)
{
	pfn_t end = zone->start_pfn + zone->spanned;
	struct items items = items_of("movable", zone->id, 0, 0);
	char text[24];

	for (pfn_t pfn = zone->start_pfn; pfn < end; pfn++) {
		pfn_t first = pfn;

		if (!movable_at(zone, pfn))
			continue;
		while (pfn + 1 < end && movable_at(zone, pfn + 1))
			pfn++;
		zn_snprintf(text, sizeof(text), first == pfn ? "%llx" : "%llx-%llx", (ull)first,
			 (ull)pfn);
		item(&items, text);
	}
	items_end(&items);
}

/* Blocks in use, but for those on an owner's list, which `movable` names. */
static void held(const struct zone *zone, struct items *items)
{
	pfn_t end = zone->start_pfn + zone->spanned;
	char text[24];

	for (pfn_t pfn = zone->start_pfn; pfn < end; pfn++) {
		const struct page *page = zonal_page(zone->mm, pfn);
		uint32_t word = page ? page_word(page) : 0;

		if (!page || !word_in_use(word) || word_zid(word) != zone->id ||
		    (word & PG_LRU))
			continue;
		zn_snprintf(text, sizeof(text), word_block_order(word) ? "%llx:%u" : "%llx",
			    (ull)pfn, word_block_order(word));
		item(items, text);
		pfn += (1u << word_block_order(word)) - 1;
	}
}

static void zone_lists(const struct zone *zone)
{
	ASSERT(zone->spanned, "zone %u has no pages", zone->id);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		for (unsigned type = 0; type < MIGRATE_TYPES; type++)
			free_list(zone, order, type);
	for (unsigned c = 0; c < zone->mm->cpu_count; c++)
		for (unsigned type = 0; zone->mm->cpu[c] && type < MIGRATE_PCPTYPES; type++)
			pcp_list(zone, c, type);
}

void record_state(struct zonal *mm, const char *which)
{
	struct items items = items_of("held", 0, 0, 0);
	struct zone *zone;
	unsigned zid;

	ASSERT(mm->zone_end, "an instance without zones, state %s", which);
	record_text("state %s\n", which);
	mm_for_each_zone(mm, zid, zone) {
		numbers(zone);
		numa(zone);
		blocks(zone);
		zone_lists(zone);
		movable(zone);
	}
	mm_for_each_zone(mm, zid, zone)
		held(zone, &items);
	items_end(&items);
	record_text("end %s\n", which);
}
