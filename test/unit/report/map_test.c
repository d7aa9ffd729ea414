/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The picture of memory: what is counted against the zone's own counters under random work, and
 * the characters against blocks whose state is known.
 *
 * Text is caught at the console sink, so these run on the host; the counts run in the image too.
 */
#include <string.h>

#include "lib/kprintf.h"
#include "lib/printf.h"
#include "mm/buddy.h"
#include "mm/compact/isolate_block.h"
#include "monitor/monitor_command.h"
#include "monitor/monitor_line.h"
#include "report/report_map.h"
#include "test/ktest.h"
#include "test/unit/mm/kt_instance.h"
#include "test/unit/monitor/monitor_capture.h"

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define LEGEND \
	"  . free  m to half in use  M more  # no page free  R reserved at boot  ~ comes later\n"
#define LETTERS "  letters: U unmovable M movable E reclaimable H high-atomic C CMA I isolated\n"

/* Two zones of a node, the second with a hole and a node in the same pageblock behind it. */
static const struct kt_spec board = {
	.ram = { { 0, KT_NORMAL_PFN - 2 * LARGEST, 4 * LARGEST },
		 { 0, KT_NORMAL_PFN + 5 * LARGEST, 100 },
		 { 1, KT_NORMAL_PFN + 5 * LARGEST + 200, LARGEST } },
	.reserved = { { 0, KT_NORMAL_PFN - LARGEST, 16 } },
	.cpus = 2,
};

/* Sixteen pageblocks of node 0, of which the third and a part of the fourth are reserved, the
 * seventh and eighth a CMA area. */
static const struct kt_spec row = {
	.ram = { { 0, KT_DMA_PFN, 16 * BLOCK_PAGES } },
	.reserved = { { 0, KT_DMA_PFN + 2 * BLOCK_PAGES, BLOCK_PAGES + 1 },
		      { 0, KT_DMA_PFN + 6 * BLOCK_PAGES, 2 * BLOCK_PAGES } },
	.cma_index = 2,
};

/* The whole zone; `free` without what is isolated, as the zone counts it. */
static struct map_count count_zone(struct zone *zone, uint64_t *isolated)
{
	struct map_count sum = { .free = 0 };

	*isolated = 0;
	for (pfn_t at = zone->start_pfn & ~(BLOCK_PAGES - 1); at < zone->start_pfn + zone->spanned;
	     at += BLOCK_PAGES) {
		struct map_count one = { .free = 0 };

		map_add_block(zone, at, &one);
		map_add_block(zone, at, &sum);
		if (map_type(&one) == MIGRATE_ISOLATE)
			*isolated += one.free;
	}
	return sum;
}

static bool agrees(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone) {
		uint64_t isolated;
		struct map_count c = count_zone(zone, &isolated);
		uint64_t managed = (uint64_t)zone_managed(zone);

		if (!KT_EQ(c.free - isolated, kt_free(zone)) ||
		    !KT_EQ(c.pcp, kt_pcp_count(zone)) ||
		    !KT_EQ(c.free + c.pcp + c.used, managed) ||
		    !KT_EQ(c.reserved, zone->present - managed) || !KT_EQ(c.later, 0))
			return false;
	}
	return true;
}

KTEST(report_map, counts_are_those_of_the_zones_under_random_work)
{
	struct zonal *mm = kt_bare_instance(&board);
	struct page *held[64] = { NULL };
	unsigned order[64];
	uint64_t state = kt_seed() | 1;

	if (!mm || !KT_EQ(range_isolate(mm, KT_NORMAL_PFN, KT_NORMAL_PFN + BLOCK_PAGES,
					MIGRATE_MOVABLE), 0))
		return;
	for (unsigned n = 0; n < 400; n++) {
		unsigned i = (unsigned)kt_random(&state) % ARRAY_SIZE(held);

		if (held[i]) {
			zonal_free(mm, held[i], order[i]);
			held[i] = NULL;
		} else {
			order[i] = (unsigned)kt_random(&state) % MAX_ORDER;
			held[i] = zonal_alloc_node(mm, (int)(kt_random(&state) & 1),
						   GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY,
						   order[i]);
		}
		if (n % 8 == 0 && !agrees(mm))
			break;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i])
			zonal_free(mm, held[i], order[i]);
	}
	range_unisolate(mm, KT_NORMAL_PFN, KT_NORMAL_PFN + BLOCK_PAGES, MIGRATE_MOVABLE);
	KT_TRUE(agrees(mm));
	kt_check_all(mm);
}

static const char *map_of(struct zonal *mm, int nid, unsigned columns, bool colours)
{
	capture_begin();
	report_map(mm, nid, columns, colours);
	return capture_end();
}

/* Exactly this block is in use from now on; its pages are lost with the instance. */
static void hold(struct zonal *mm, pfn_t pfn, unsigned order)
{
	struct zone *zone = kt_zone(mm, 0, ZONE_DMA);
	port_irqflags_t irq = lock_take_masked(&zone->lock);
	bool worked = buddy_carve(zone, zonal_page(mm, pfn), order);

	lock_drop_masked(&zone->lock, irq);
	KT_OK(worked, "pfn 0x%llx order %u", (unsigned long long)pfn, order);
}

static void set_type(struct zonal *mm, pfn_t pfn, unsigned type)
{
	block_set_type(zonal_page(mm, pfn), type);
}

KTEST_F(report_map, a_character_says_type_and_how_full, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&row);
	const pfn_t first = KT_DMA_PFN;

	if (!mm)
		return;
	hold(mm, first, 8);                           /* half of it */
	hold(mm, first + 4 * BLOCK_PAGES, 8);
	hold(mm, first + 4 * BLOCK_PAGES + 256, 0);   /* a page more than half */
	hold(mm, first + 5 * BLOCK_PAGES, 9);
	set_type(mm, first + 8 * BLOCK_PAGES, MIGRATE_UNMOVABLE);
	hold(mm, first + 8 * BLOCK_PAGES, 0);
	set_type(mm, first + 9 * BLOCK_PAGES, MIGRATE_RECLAIMABLE);
	hold(mm, first + 9 * BLOCK_PAGES, 8);
	hold(mm, first + 9 * BLOCK_PAGES + 256, 7);
	KT_EQ(range_isolate(mm, first + 12 * BLOCK_PAGES, first + 13 * BLOCK_PAGES,
			    MIGRATE_MOVABLE), 0);
	KT_STR_EQ(map_of(mm, 0, 40, false),
		  "Node 0, zone DMA: 8192 pages, a character is a pageblock, 2 MiB\n"
		  "  0x00040000 m.RmM#ccuE..i...\n" LEGEND LETTERS);
	range_unisolate(mm, first + 12 * BLOCK_PAGES, first + 13 * BLOCK_PAGES, MIGRATE_MOVABLE);
}

/* The text without its escape sequences, which are those of colours alone. */
static void strip_colours(const char *from, char *to, size_t size)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++) {
		if (*from != '\033') {
			to[n++] = *from;
			continue;
		}
		while (*from && *from != 'm')
			from++;
	}
	to[n] = '\0';
}

KTEST_F(report_map, colours_are_the_type_and_change_no_character, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&row);
	static char plain[4096], bare[4096];

	if (!mm)
		return;
	set_type(mm, KT_DMA_PFN + BLOCK_PAGES, MIGRATE_UNMOVABLE);
	zn_snprintf(plain, sizeof(plain), "%s", map_of(mm, 0, 40, false));
	KT_TRUE(!strchr(plain, '\033'));
	strip_colours(map_of(mm, 0, 40, true), bare, sizeof(bare));
	KT_STR_EQ(bare, plain);
	KT_TRUE(capture_has_line(map_of(mm, 0, 40, true),
				 "  0x00040000 \033[32m.\033[31m.\033[0mR\033[32mm..\033[36mcc"
				 "\033[32m........\033[0m"));
}

/* Memory that does not begin where a row does, for every width: no row is wider than the terminal,
 * and all of them together have each pageblock once. */
KTEST_F(report_map, every_width_shows_every_pageblock_once, KT_HOST_ONLY)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN + 3 * BLOCK_PAGES, 200 * BLOCK_PAGES } },
	};
	struct zonal *mm = kt_bare_instance(&spec);

	for (unsigned columns = 1; mm && columns < 300; columns++) {
		const char *line = strchr(map_of(mm, NODE_NONE, columns, false), '\n') + 1, *end;
		unsigned dots = 0, rows = 0, step = 1;

		for (; strncmp(line, "  0x", 4) == 0; line = end + 1, rows++) {
			end = strchr(line, '\n');
			if (!KT_OK(end - line < (int)ZN_MAX(columns, 30u), "%u columns: %.*s",
				   columns, (int)(end - line), line))
				return;
			for (const char *c = line + 13; c < end; c++)
				dots += *c == '.';
		}
		while (200 > step * 16 * 16 && columns < 46)
			step *= 2;
		if (!KT_OK(dots == 200 / step && rows <= 17, "%u columns: %u pageblocks, %u rows",
			   columns, dots, rows))
			return;
	}
}

KTEST_F(report_map, a_large_zone_gets_several_pageblocks_to_a_character, KT_HOST_ONLY)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 16 * 16 * BLOCK_PAGES + LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&spec);
	const char *text;

	if (!mm)
		return;
	hold(mm, KT_DMA_PFN, 9);
	hold(mm, KT_DMA_PFN + 2 * BLOCK_PAGES, 10);
	set_type(mm, KT_DMA_PFN + 4 * BLOCK_PAGES, MIGRATE_UNMOVABLE);
	hold(mm, KT_DMA_PFN + 4 * BLOCK_PAGES, 0);
	text = map_of(mm, 0, 40, false);
	KT_TRUE(capture_has_line(text, "Node 0, zone DMA: 132096 pages, a character is 2 "
				       "pageblocks, 4 MiB"));
	/* Half of the first, all of the second; the third has a block of two types each. */
	KT_TRUE(capture_has_line(text, "  0x00040000 m#u............."));
	KT_TRUE(capture_has_line(text, "  0x00060000 ."));
}

KTEST_F(report_map, memory_far_apart_has_no_rows_between, KT_HOST_ONLY)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_NORMAL_PFN, LARGEST },
			 { 0, KT_NORMAL_PFN + 0x1000000, LARGEST } },
	};
	struct zonal *mm = kt_bare_instance(&spec);

	if (mm)
		KT_STR_EQ(map_of(mm, 0, 40, false),
			  "Node 0, zone DMA: 2048 pages, a character is a pageblock, 2 MiB\n"
			  "  0x00100000 ..\n  0x01100000 ..\n" LEGEND LETTERS);
}

KTEST_F(report_map, json_has_runs_of_pageblocks_that_are_alike, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&row);

	if (!mm)
		return;
	hold(mm, KT_DMA_PFN, 8);
	capture_begin();
	report_map_json(mm, NODE_NONE);
	KT_STR_EQ(capture_end(),
		  "{\"schema\":\"zonal.map/1\",\"block_pages\":512,\"fields\":["
		  "\"pfn\",\"blocks\",\"type\",\"free\",\"pcp\",\"used\",\"reserved\",\"later\"],"
		  "\"zones\":["
		  "{\"node\":0,\"zone\":\"DMA\",\"start_pfn\":262144,\"runs\":["
		  "[262144,1,\"Movable\",256,0,256,0,0],[262656,1,\"Movable\",512,0,0,0,0],"
		  "[263168,1,\"Movable\",0,0,0,512,0],[263680,1,\"Movable\",511,0,0,1,0],"
		  "[264192,2,\"Movable\",512,0,0,0,0],[265216,2,\"CMA\",512,0,0,0,0],"
		  "[266240,8,\"Movable\",512,0,0,0,0]]}]}\n");
}

/* What the terminal is known for decides on width and colours. */
KTEST_F(report_map, the_command_knows_nodes_and_the_terminal, KT_HOST_ONLY)
{
	static const struct monitor_command commands[] = {
		{ "map", "[NODE]", "picture", 0, 1, true, .run = monitor_map },
	};
	struct zonal *mm = kt_bare_instance(&row);
	const struct monitor_table table = { mm, commands, ARRAY_SIZE(commands) };
	static struct monitor_line line;
	int status;

	if (!mm)
		return;
	capture_begin();
	status = monitor_execute(&table, "map 1", false);
	KT_STR_EQ(capture_end(), "map: 1 is no node with memory\n");
	KT_EQ(status, 1);
	capture_begin();
	monitor_line_begin(&line, "> ");
	for (const char *key = "\033[1;60R"; *key; key++)
		monitor_line_feed(&line, *key);
	status = monitor_execute(&table, "map 0", false);
	KT_TRUE(strstr(capture_end(), "\033[32m.") != NULL);
	KT_EQ(status, 0);
	KT_EQ(monitor_terminal_columns(), 60);
}
