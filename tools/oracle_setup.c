/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state-*.json: what a kernel computed at boot from its memory and tunables.
 *
 * The board is booted with the file's zones, CPUs and tunables; what mm/ then
 * says is compared, zone by zone:
 *   lowmem_reserve, pcp batch and high, stat_threshold    equal
 *   min     within 5 pages: 5.10 spreads min_free_kbytes over the managed pages
 *           before it gives its own initial memory back, so that its shares are
 *           of slightly other sizes than the file's managed pages
 *   low, high    from Linux's own min by our gap (row S4), equal: that takes
 *           the first difference out again
 * Marks are printed with the boost in them (row W1); a file whose zones have a boost
 * says so with that key.
 */
#include "mm/watermark.h"
#include "oracle.h"

#define MIN_TOLERANCE_PAGES 5

static void compare_zone(struct verdict *v, const struct zone *zone, const struct fig_zone *z,
			 unsigned scale_factor)
{
	const struct zone *o = zone;
	int64_t min = z->mark[WMARK_MIN] - z->boost;
	int64_t gap = mark_gap(min, z->managed, scale_factor);

	snprintf(v->name, sizeof(v->name), "node %u zone %s", z->node,
		 zone_type_name((int)z->type));
	for (unsigned t = 0; t < ZONE_TYPES; t++) {
		char what[32];

		snprintf(what, sizeof(what), "lowmem_reserve[%u]", t);
		check_equal(v, what, o->lowmem_reserve[t], z->reserve[t]);
	}
	check_equal(v, "pcp_batch", o->pcp_batch, z->pcp_batch);
	check_equal(v, "pcp_high", o->pcp_high, z->pcp_high);
	check_equal(v, "stat_threshold", o->stat_threshold, z->stat_threshold);
	check_within(v, "min", o->mark[WMARK_MIN], min, MIN_TOLERANCE_PAGES);
	check_equal(v, "low, from Linux's min,", z->boost + min + gap, z->mark[WMARK_LOW]);
	check_equal(v, "high, from Linux's min,", z->boost + min + 2 * gap, z->mark[WMARK_HIGH]);
}

void setup_replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	struct fig_board board;
	uint64_t managed[FIG_MAX_ZONES];
	struct instance in;

	board_read(r, root, &board);
	if (!json_ok(r))
		return;
	for (unsigned i = 0; i < board.zone_count; i++)
		managed[i] = board.zone[i].managed;
	if (!instance_boot(&in, &board, managed)) {
		deviation(v, "state not reached: %s", in.why);
		instance_drop(&in);
		return;
	}
	for (unsigned i = 0; i < board.zone_count; i++) {
		const struct fig_zone *z = &board.zone[i];
		const struct zone *zone = in.mm->zone[z->node * ZONE_TYPES + z->type];

		if (zone)
			compare_zone(v, zone, z, board.scale_factor);
	}
	instance_drop(&in);
}
