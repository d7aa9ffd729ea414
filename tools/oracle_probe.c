/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe-*.json: one request repeated until NULL, on an idle board.
 *
 * Each case names the request (gfp, order, node), the zones as they were, and the
 * runs of blocks [node, zone, blocks]. The case is replayed on an instance in the
 * same state; places must be the same, counts within oracle_compare.c's
 * tolerances. A probe never waits: it was made with the direct reclaim bit cleared, so
 * that "until NULL" ends (design.md, monitor command `probe`).
 *
 * "after" is the consequence of the runs and is not compared again.
 */
#include <string.h>
#include <zonal/port.h>

#include "oracle.h"

static void replay(struct instance *in, const struct fig_case *c, int nid, struct fig_runs *runs)
{
	gfp_t gfp = (c->gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN;
	struct page *page;

	while ((page = zonal_alloc_node(in->mm, nid, gfp, c->order)))
		runs_add(runs, (int)zonal_page_node(page), (int)zonal_page_zone(page), 1);
}

static void probe_case(struct json_reader *r, const cJSON *object, const struct fig_board *board,
		       struct verdict *v)
{
	struct fig_case c;
	struct fig_runs ours = { 0 };
	struct instance in;
	int nid, cpu = -1;

	json_keys(r, object,
		  "gfp order nid before runs after truncated more_runs cpu node count got "
		  "gfp_bits note");
	case_read(r, object, board, true, &c);
	nid = (int)json_int(r, object, "nid", NODE_NONE, ZONAL_MAX_NODES - 1);
	if (json_has(object, "cpu"))
		cpu = (int)json_int(r, object, "cpu", 0, board->cpu_limit - 1);
	if (nid >= 0 && !nodemask_has(board->nodes, (unsigned)nid))
		json_fail(r, "nid %d is not a node of the board", nid);
	if (cpu >= 0 && board->cpu_node[cpu] == NODE_NONE)
		json_fail(r, "CPU %d is not a CPU of the board", cpu);
	if (json_ok(r)) {
		snprintf(v->name, sizeof(v->name), "%.40s (%.50s order %u node %d)", r->where,
			 json_text(r, object, "gfp"), c.order, nid);
		if (instance_build(&in, board, c.before, c.type)) {
			if (cpu >= 0)
				host_set_cpu((unsigned)cpu);
			replay(&in, &c, nid, &ours);
			runs_compare(v, board, &c.rule, &ours, &c.runs);
		} else {
			deviation(v, "state not reached: %s", in.why);
		}
		instance_drop(&in);
	}
	runs_free(&ours);
	runs_free(&c.runs);
}

void probe_replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	struct fig_board board;
	const cJSON *item;
	unsigned i = 0;

	board_read(r, json_object(r, root, "state"), &board);
	cJSON_ArrayForEach(item, json_array(r, root, "cases")) {
		json_at(r, "cases[%u]", i++);
		probe_case(r, item, &board, v);
		if (!json_ok(r))
			return;
	}
}
