/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board of a figure file: zones, tunables, CPUs and distances, and the state
 * in which a case found its zones.
 *
 * What each key means:
 *   zones      one entry a populated zone; marks as zoneinfo prints them, so with the boost
 *              in them (row W1), while a case gives marks and boost apart
 *   distance   "node": [to each online node in ascending order], as sysfs prints it
 *   cpus       "node": a CPU list like "0-1,4"; "" or no entry for a node without CPUs
 *   before     zones at the start of a case; nr_free counts free blocks by order over all
 *              migratetypes, ha the pages of reserved highatomic blocks, cma free CMA pages,
 *              resv the lowmem reserve in force
 * Keys that only describe (kernel, qemu, total_pages, ...) are accepted and not used.
 * Every other unknown key is an error: see oracle_json.c.
 */
#include <stdlib.h>
#include <string.h>
#include <zonal/names.h>

#include "oracle.h"

#define PFN_LIMIT ((int64_t)UINT32_MAX)
#define COUNT_LIMIT ((int64_t)1 << 40)

int zone_type_of_name(const char *name)
{
	unsigned type = zonal_zone_find(name);

	return type < ZONE_TYPES ? (int)type : -1;
}

const char *zone_type_name(int type) { return type < 0 ? "any" : zonal_zone_name((unsigned)type); }

const struct fig_zone *board_zone(const struct fig_board *board, unsigned node, unsigned type)
{
	for (unsigned i = 0; i < board->zone_count; i++)
		if (board->zone[i].node == node && board->zone[i].type == type)
			return &board->zone[i];
	return NULL;
}

static void read_marks(struct json_reader *r, const cJSON *object, int64_t mark[WMARKS])
{
	mark[WMARK_MIN] = json_int(r, object, "min", 0, COUNT_LIMIT);
	mark[WMARK_LOW] = json_int(r, object, "low", 0, COUNT_LIMIT);
	mark[WMARK_HIGH] = json_int(r, object, "high", 0, COUNT_LIMIT);
}

static void read_reserve(struct json_reader *r, const cJSON *object, const char *key,
			 int64_t reserve[ZONE_TYPES])
{
	if (json_ints(r, object, key, ZONE_TYPES, COUNT_LIMIT, reserve) != ZONE_TYPES)
		json_fail(r, "\"%s\" needs one entry for each of %d zones", key, ZONE_TYPES);
}

static void read_place(struct json_reader *r, const cJSON *object, unsigned *node, unsigned *type)
{
	const char *name = json_text(r, object, "zone");
	int t = zone_type_of_name(name);

	*node = (unsigned)json_int(r, object, "node", 0, ZONAL_MAX_NODES - 1);
	*type = t < 0 ? 0 : (unsigned)t;
	if (t < 0)
		json_fail(r, "zone \"%.20s\" is none of DMA, DMA32, Normal, Movable", name);
}

static void read_zone(struct json_reader *r, const cJSON *object, struct fig_board *board)
{
	struct fig_zone z = { 0 };

	json_keys(r, object,
		  "node zone min low high spanned present managed lowmem_reserve pcp_high "
		  "pcp_batch stat_threshold start_pfn boost free free_cma reserved_highatomic "
		  "nr_free");
	read_place(r, object, &z.node, &z.type);
	read_marks(r, object, z.mark);
	z.start_pfn = (uint64_t)json_int(r, object, "start_pfn", 0, PFN_LIMIT);
	z.spanned = (uint64_t)json_int(r, object, "spanned", 1, PFN_LIMIT);
	z.present = (uint64_t)json_int(r, object, "present", 1, (int64_t)z.spanned);
	z.managed = (uint64_t)json_int(r, object, "managed", 0, (int64_t)z.present);
	z.pcp_high = json_int(r, object, "pcp_high", 0, COUNT_LIMIT);
	z.pcp_batch = json_int(r, object, "pcp_batch", 1, COUNT_LIMIT);
	z.stat_threshold = json_int(r, object, "stat_threshold", 0, 125);
	if (json_has(object, "boost"))
		z.boost = json_int(r, object, "boost", 0, COUNT_LIMIT);
	read_reserve(r, object, "lowmem_reserve", z.reserve);
	if (board_zone(board, z.node, z.type))
		json_fail(r, "node %u zone %s stands twice", z.node, zonal_zone_name(z.type));
	if (json_ok(r))
		board->zone[board->zone_count++] = z;
}

static void read_zones(struct json_reader *r, const cJSON *state, struct fig_board *board)
{
	const cJSON *zones = json_array(r, state, "zones"), *item;
	unsigned i = 0;

	cJSON_ArrayForEach(item, zones) {
		json_at(r, "zones[%u]", i);
		if (i++ == FIG_MAX_ZONES) {
			json_fail(r, "more than %d zones", FIG_MAX_ZONES);
			return;
		}
		read_zone(r, item, board);
	}
	json_at(r, "%s", "");
	if (!i)
		json_fail(r, "\"zones\" is empty");
}

/* Keys of "distance" and "cpus" are node numbers. */
static unsigned read_node_key(struct json_reader *r, const char *key)
{
	char *end;
	unsigned long n = strtoul(key, &end, 10);

	if (!*key || *end || n >= ZONAL_MAX_NODES)
		json_fail(r, "node \"%.20s\" is not a number below %d", key, ZONAL_MAX_NODES);
	return json_ok(r) ? (unsigned)n : 0;
}

/* The columns of a row stand for the online nodes in ascending order, as sysfs prints them. */
static void read_distances(struct json_reader *r, const cJSON *state, struct fig_board *board)
{
	const cJSON *rows = json_object(r, state, "distance"), *row;

	cJSON_ArrayForEach(row, rows) board->nodes |= node_bit(read_node_key(r, row->string));
	cJSON_ArrayForEach(row, rows) {
		int64_t value[ZONAL_MAX_NODES];
		unsigned from = read_node_key(r, row->string), k = 0;
		unsigned count = json_ints(r, rows, row->string, ZONAL_MAX_NODES, 255, value);

		if (count != nodemask_count(board->nodes))
			json_fail(r, "distance \"%u\" has %u entries for %u nodes", from, count,
				  nodemask_count(board->nodes));
		for (unsigned to = 0; json_ok(r) && to < ZONAL_MAX_NODES; to++)
			if (nodemask_has(board->nodes, to))
				board->distance[from][to] = (uint8_t)value[k++];
	}
}

static void add_cpus(struct json_reader *r, struct fig_board *board, unsigned node,
		     unsigned long first, unsigned long last)
{
	if (last < first || last >= ZONAL_MAX_CPUS) {
		json_fail(r, "CPUs %lu-%lu of node %u: not ascending, or not below %d", first, last,
			  node, ZONAL_MAX_CPUS);
		return;
	}
	for (unsigned long c = first; c <= last; c++) {
		if (board->cpu_node[c] != NODE_NONE)
			json_fail(r, "CPU %lu stands twice", c);
		board->cpu_node[c] = (int16_t)node;
		board->cpu_online++;
		board->cpu_limit = ZN_MAX(board->cpu_limit, (unsigned)c + 1);
	}
}

/* "0-1,4": as in /sys/devices/system/node/nodeN/cpulist; "" for a node without CPUs. */
static void read_cpulist(struct json_reader *r, struct fig_board *board, unsigned node,
			 const char *text)
{
	const char *at = text;

	while (json_ok(r) && *at) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;
		bool good = end != at && *at >= '0' && *at <= '9';

		if (good && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
			good = end != at && *at >= '0' && *at <= '9';
		}
		if (!good || (*end && (*end != ',' || !end[1]))) {
			json_fail(r, "CPU list \"%.40s\" of node %u is not like \"0-1,4\"", text,
				  node);
			return;
		}
		add_cpus(r, board, node, first, last);
		at = *end ? end + 1 : end;
	}
}

static void read_cpus(struct json_reader *r, const cJSON *state, struct fig_board *board)
{
	const cJSON *cpus = json_object(r, state, "cpus"), *item;

	for (unsigned c = 0; c < ZONAL_MAX_CPUS; c++)
		board->cpu_node[c] = NODE_NONE;
	cJSON_ArrayForEach(item, cpus) {
		unsigned node = read_node_key(r, item->string);

		if (!nodemask_has(board->nodes, node))
			json_fail(r, "\"cpus\" names node %u, \"distance\" does not", node);
		read_cpulist(r, board, node, json_text(r, cpus, item->string));
	}
	if (!board->cpu_online)
		json_fail(r, "\"cpus\" names no CPU");
}

static void read_tunables(struct json_reader *r, const cJSON *state, struct fig_board *board)
{
	int64_t ratio[ZONE_TYPES] = { 0 };

	board->min_free_kbytes = (uint64_t)json_int(r, state, "min_free_kbytes", 0, COUNT_LIMIT);
	board->scale_factor = (unsigned)json_int(r, state, "watermark_scale_factor", 1, 3000);
	board->boost_factor = (unsigned)json_int(r, state, "watermark_boost_factor", 0, INT32_MAX);
	if (json_ints(r, state, "lowmem_reserve_ratio", ZONE_TYPES, INT32_MAX, ratio) != ZONE_TYPES)
		json_fail(r, "\"lowmem_reserve_ratio\" needs %d entries", ZONE_TYPES);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		board->ratio[t] = (unsigned)ratio[t];
}

void board_read(struct json_reader *r, const cJSON *state, struct fig_board *board)
{
	uint64_t pages = 0;

	memset(board, 0, sizeof(*board));
	read_zones(r, state, board);
	read_tunables(r, state, board);
	read_distances(r, state, board);
	read_cpus(r, state, board);
	for (unsigned i = 0; i < board->zone_count; i++) {
		if (!nodemask_has(board->nodes, board->zone[i].node))
			json_fail(r, "\"zones\" names node %u, \"distance\" does not",
				  board->zone[i].node);
		pages += board->zone[i].present;
	}
	if (pages > FIG_MAX_PAGES)
		json_fail(r, "the zones have %llu pages of RAM, FIG_MAX_PAGES is %llu",
			  (unsigned long long)pages, (unsigned long long)FIG_MAX_PAGES);
}

void before_read(struct json_reader *r, const cJSON *object, const struct fig_board *board,
		 struct fig_before *before)
{
	unsigned node, type;
	const struct fig_zone *zone;
	struct fig_before b = { .given = true };
	int64_t shape[MAX_ORDER] = { 0 };

	json_keys(r, object,
		  "node zone free min low high boost managed resv ha cma nr_free pcp");
	read_place(r, object, &node, &type);
	zone = board_zone(board, node, type);
	if (!zone) {
		json_fail(r, "node %u zone %s is not in \"state\"", node, zonal_zone_name(type));
		return;
	}
	b.managed = json_int(r, object, "managed", 0, (int64_t)zone->present);
	/* The free counter may be ahead of the lists by its drift. */
	b.free = json_int(r, object, "free", 0,
			  b.managed + (int64_t)board->cpu_online * zone->stat_threshold);
	b.free = ZN_MIN(b.free, b.managed);
	read_marks(r, object, b.mark);
	if (json_has(object, "boost"))
		b.boost = json_int(r, object, "boost", 0, COUNT_LIMIT);
	if (json_has(object, "cma"))
		b.cma = json_int(r, object, "cma", 0, b.free);
	if (json_has(object, "ha"))
		b.highatomic = json_int(r, object, "ha", 0, b.managed);
	b.has_reserve = json_has(object, "resv");
	if (b.has_reserve)
		read_reserve(r, object, "resv", b.reserve);
	b.has_shape = json_has(object, "nr_free");
	if (b.has_shape &&
	    json_ints(r, object, "nr_free", MAX_ORDER, COUNT_LIMIT, shape) != MAX_ORDER)
		json_fail(r, "\"nr_free\" needs %d entries", MAX_ORDER);
	for (unsigned o = 0; o < MAX_ORDER; o++)
		b.nr_free[o] = (uint64_t)shape[o];
	if (before[zone - board->zone].given)
		json_fail(r, "node %u zone %s stands twice", node, zonal_zone_name(type));
	if (json_ok(r))
		before[zone - board->zone] = b;
}
