/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the cases of probe and policy files have in common: a request, the state it
 * found, and the runs of blocks that Linux gave.
 *
 * gfp is a sum of names; a policy file adds what the case is about after a dash
 * ("USER-order2", "NOWAIT-until-NULL"), and gives the word itself in hexadecimal
 * as gfp_bits, which then counts. The names are read by the same rules as in the
 * monitor (report/report_gfp.h).
 *
 * Which runs are exact. A run's end is fuzzy only if a zone's free pages met
 * a watermark. Before the first blocks that would bring some zone of the board
 * down to LOW, counted as if they all came from it, no zone can have: so runs that end
 * within that room are compared to the block.
 */
#include <stdlib.h>
#include <string.h>

#include "report/report_gfp.h"
#include "oracle.h"

static void read_gfp(struct json_reader *r, const cJSON *object, struct fig_case *c)
{
	char name[128];
	const char *text = json_text(r, object, "gfp");
	size_t len = strcspn(text, "-");

	snprintf(name, sizeof(name), "%.*s", (int)ZN_MIN(len, sizeof(name) - 1), text);
	if (json_has(object, "gfp_bits")) {
		const char *bits = json_text(r, object, "gfp_bits");
		char *end;
		unsigned long value = strtoul(bits, &end, 16);

		c->gfp = (gfp_t)value;
		if (!*bits || *end || value & ~(unsigned long)__GFP_BITS)
			json_fail(r, "gfp_bits \"%.20s\" is not a gfp word in hexadecimal", bits);
	} else if (!gfp_parse(name, &c->gfp)) {
		json_fail(r, "gfp \"%.60s\" has an unknown part", text);
	}
	if ((c->gfp & __GFP_MOVABLE) && (c->gfp & __GFP_RECLAIMABLE))
		json_fail(r, "gfp \"%.60s\" is movable and reclaimable", text);
	c->type = (enum migratetype)((c->gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) >> 3);
}

static void read_before(struct json_reader *r, const cJSON *object, const struct fig_board *board,
			struct fig_case *c)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_array(r, object, "before"))
		before_read(r, item, board, c->before);
	for (unsigned i = 0; i < board->zone_count; i++)
		if (!c->before[i].given)
			json_fail(r, "\"before\" lacks node %u zone %s", board->zone[i].node,
				  zone_type_name((int)board->zone[i].type));
}

static void read_run(struct json_reader *r, const cJSON *item, bool with_zone,
		     struct fig_runs *runs)
{
	int want = with_zone ? 3 : 2, type = -1;
	const cJSON *zone = cJSON_GetArrayItem(item, 1);
	int64_t node, count;

	if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != want) {
		json_fail(r, "a run is not [node, %sblocks]", with_zone ? "zone, " : "");
		return;
	}
	node = json_value(r, cJSON_GetArrayItem(item, 0), "run's node", 0, ZONAL_MAX_NODES - 1);
	if (with_zone && cJSON_IsString(zone))
		type = zone_type_of_name(zone->valuestring);
	else if (with_zone)
		type = (int)json_value(r, zone, "run's zone", 0, ZONE_TYPES - 1);
	if (with_zone && type < 0)
		json_fail(r, "a run has no known zone");
	count = json_value(r, cJSON_GetArrayItem(item, want - 1), "run's blocks", 1,
			   (int64_t)UINT32_MAX);
	if (json_ok(r))
		runs_add(runs, (int)node, type, count);
}

static bool is_set(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsTrue(item) || (cJSON_IsNumber(item) && item->valuedouble != 0);
}

/* Blocks that leave every zone above LOW, wherever they come from. */
static int64_t room_blocks(const struct fig_board *board, const struct fig_case *c)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < board->zone_count; i++) {
		const struct fig_before *b = &c->before[i];
		const struct fig_zone *z = &board->zone[i];
		const int64_t *reserve = b->has_reserve ? b->reserve : z->reserve;
		int64_t room = b->free - b->cma - b->highatomic - b->mark[WMARK_LOW] - b->boost;

		room -= reserve[ZONE_TYPES - 1] + ((int64_t)1 << c->order);
		room -= count_tolerance(board, (int)z->node, (int)z->type, 0, 0);
		least = ZN_MIN(least, room);
	}
	return ZN_MAX(least, 0) >> c->order;
}

void case_read(struct json_reader *r, const cJSON *object, const struct fig_board *board,
	       bool with_zone, struct fig_case *c)
{
	const cJSON *item;

	memset(c, 0, sizeof(*c));
	read_gfp(r, object, c);
	c->order = (unsigned)json_int(r, object, "order", 0, MAX_ORDER - 1);
	read_before(r, object, board, c);
	cJSON_ArrayForEach(item, json_array(r, object, "runs"))
		read_run(r, item, with_zone, &c->runs);
	c->rule = (struct runs_rule){ .order = c->order, .more = -1 };
	if (json_has(object, "more_runs"))
		c->rule.more = json_int(r, object, "more_runs", 0, (int64_t)UINT32_MAX);
	c->rule.open_end = is_set(object, "truncated");
	if (json_ok(r))
		c->rule.exact_blocks = room_blocks(board, c);
}
