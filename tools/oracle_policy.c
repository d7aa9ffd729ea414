/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy-*.json: a task under a memory policy asks for pages.
 *
 * Each case names the CPU that the task runs on, its policy and node set, the nodes
 * that its cpuset allows if it has one, the request, and how often it is made
 * (`count`, or until NULL if `got` is less). Compared are the runs [node, blocks],
 * how many blocks were got, and per node the blocks and the NUMA counters (rows
 * Y2-Y4, Q7).
 *
 * Exactness. A case that got all of a few blocks is compared exactly. One that ran to
 * a watermark is compared within the tolerance of its borders: blocks of a node end at that
 * node's own border; hit, miss, foreign and the rest count on which side of any border
 * a block fell, so they may differ by the sum of all of them.
 *
 * An interleaving task's cursor is wherever its earlier requests left it, which
 * a file does not tell: each node of the set is tried as the first, beginning
 * with the one that Linux's runs begin with, and the case passes if one of them fits.
 */
#include <string.h>
#include <zonal/names.h>
#include <zonal/port.h>

#include "oracle.h"

/* A case of at most this many blocks that were all served is exact. */
#define SHORT_CASE 63

enum counter { C_BLOCKS, C_HIT, C_MISS, C_FOREIGN, C_INTERLEAVE, C_LOCAL, C_OTHER, COUNTERS };

static const char *const counter_names[COUNTERS] = { "blocks",	   "hit",   "miss", "foreign",
						     "interleave", "local", "other" };

struct policy_case {
	struct fig_case c;
	unsigned mode;
	nodemask_t nodes, mems; /* mems 0: no cpuset */
	unsigned cpu;
	int64_t count, got;
	int64_t stat[ZONAL_MAX_NODES][COUNTERS];
};

static nodemask_t read_nodes(struct json_reader *r, const cJSON *object, const char *key)
{
	int64_t node[ZONAL_MAX_NODES];
	unsigned count = json_ints(r, object, key, ZONAL_MAX_NODES, ZONAL_MAX_NODES - 1, node);
	nodemask_t mask = 0;

	for (unsigned i = 0; i < count; i++)
		mask |= node_bit((unsigned)node[i]);
	return mask;
}

static void read_stats(struct json_reader *r, const cJSON *object, const struct fig_board *board,
		       struct policy_case *p)
{
	nodemask_t seen = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, json_array(r, object, "stats")) {
		unsigned node = (unsigned)json_int(r, item, "node", 0, ZONAL_MAX_NODES - 1);

		json_keys(r, item, "node blocks hit miss foreign interleave local other");
		for (unsigned k = 0; k < COUNTERS; k++)
			p->stat[node][k] =
				json_int(r, item, counter_names[k], 0, (int64_t)UINT32_MAX);
		if (!nodemask_has(board->nodes, node) || nodemask_has(seen, node))
			json_fail(r, "stats of node %u: not of the board, or twice", node);
		seen |= node_bit(node);
	}
}

static void read_case(struct json_reader *r, const cJSON *object, const struct fig_board *board,
		      struct policy_case *p)
{
	const char *name = json_text(r, object, "policy");
	unsigned mode = zonal_policy_find(name);

	memset(p, 0, sizeof(*p));
	json_keys(r, object,
		  "policy nodes gfp order count cpu node gfp_bits before runs stats got more_runs "
		  "truncated cpuset_mems after note");
	case_read(r, object, board, false, &p->c);
	if (mode == MPOL_MODES)
		json_fail(r, "policy \"%.20s\" is unknown", name);
	p->mode = mode;
	p->nodes = read_nodes(r, object, "nodes");
	if (json_has(object, "cpuset_mems"))
		p->mems = read_nodes(r, object, "cpuset_mems");
	if (json_has(object, "cpuset_mems") && !p->mems)
		json_fail(r, "\"cpuset_mems\" is empty");
	p->cpu = (unsigned)json_int(r, object, "cpu", 0, board->cpu_limit - 1);
	p->count = json_int(r, object, "count", 1, (int64_t)UINT32_MAX);
	p->got = json_int(r, object, "got", 0, p->count);
	read_stats(r, object, board, p);
	if (json_ok(r) &&
	    board->cpu_node[p->cpu] != json_int(r, object, "node", 0, ZONAL_MAX_NODES - 1))
		json_fail(r, "CPU %u is on node %d by \"state\"", p->cpu, board->cpu_node[p->cpu]);
	if (p->got == p->count && p->count <= SHORT_CASE)
		p->c.rule.exact_blocks = INT64_MAX;
}

/* Sums over the CPUs of what the allocator counted for the zones of `node`. */
static void read_counters(const struct zonal *mm, unsigned node, int64_t out[COUNTERS])
{
	memset(out, 0, COUNTERS * sizeof(out[0]));
	for (unsigned i = 0; i < ZONAL_MAX_CPUS * ZONE_TYPES; i++) {
		const struct mm_cpu *cpu = mm->cpu[i / ZONE_TYPES];
		unsigned zid = node * ZONE_TYPES + i % ZONE_TYPES;
		int64_t s[PCP_STATS];

		if (!cpu || !mm->zone[zid])
			continue;
		for (unsigned k = 0; k < PCP_STATS; k++)
			s[k] = (int64_t)ld_relaxed(&cpu->pcp[zid].stat[k]);
		out[C_HIT] += s[STAT_HIT_LOCAL] + s[STAT_HIT_OTHER];
		out[C_MISS] += s[STAT_MISS_LOCAL] + s[STAT_MISS_OTHER];
		out[C_LOCAL] += s[STAT_HIT_LOCAL] + s[STAT_MISS_LOCAL];
		out[C_OTHER] += s[STAT_HIT_OTHER] + s[STAT_MISS_OTHER];
		out[C_FOREIGN] += s[STAT_FOREIGN];
		out[C_INTERLEAVE] += s[STAT_INTERLEAVE];
	}
}

struct replay {
	struct fig_runs runs;
	int64_t stat[ZONAL_MAX_NODES][COUNTERS];
};

/* The requests themselves; the task is set up and counters start at `base`. */
static void ask(struct instance *in, const struct policy_case *p, struct replay *out)
{
	int64_t base[ZONAL_MAX_NODES][COUNTERS];

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		read_counters(in->mm, n, base[n]);
	while (out->runs.total < p->count) {
		struct page *page = zonal_alloc(in->mm, p->c.gfp | __GFP_NOWARN, p->c.order);

		if (!page)
			break;
		runs_add(&out->runs, (int)zonal_page_node(page), -1, 1);
		out->stat[zonal_page_node(page)][C_BLOCKS]++;
	}
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		int64_t now[COUNTERS];

		read_counters(in->mm, n, now);
		for (unsigned k = C_HIT; k < COUNTERS; k++)
			out->stat[n][k] = now[k] - base[n][k];
	}
}

/* first: the node that an interleaving task shall begin with. */
static bool replay(struct verdict *v, const struct fig_board *board, const struct policy_case *p,
		   unsigned first, struct replay *out)
{
	struct instance in;
	struct zonal_task *task;
	int error = 0;
	bool built = instance_build(&in, board, p->c.before, p->c.type);

	memset(out, 0, sizeof(*out));
	if (built) {
		host_set_cpu(p->cpu);
		task = port_this_cpu()->task;
		zonal_task_init(task);
		if (p->mems)
			error = zonal_task_set_mems(in.mm, task, p->mems);
		if (!error)
			error = zonal_set_policy(in.mm, task, p->mode, 0, p->nodes);
		if (p->mode == MPOL_INTERLEAVE)
			task->il_prev = (uint8_t)((first ? first : ZONAL_MAX_NODES) - 1);
		if (!error)
			ask(&in, p, out);
		zonal_task_init(task);
	}
	if (!built)
		deviation(v, "state not reached: %s", in.why);
	else if (error)
		deviation(v, "the policy or the allowed nodes were refused with %d", error);
	instance_drop(&in);
	return built && !error;
}

static void compare_stats(struct verdict *v, const struct fig_board *board,
			  const struct policy_case *p, const struct replay *ours)
{
	int64_t all = 0, own[ZONAL_MAX_NODES];
	bool exact = p->got <= p->c.rule.exact_blocks;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		own[n] = exact ? 0 : count_tolerance(board, (int)n, -1, p->c.order,
						     p->stat[n][C_BLOCKS]);
		all += nodemask_has(board->nodes, n) ? own[n] : 0;
	}
	check_within(v, "blocks got", ours->runs.total, p->got, all);
	for (unsigned i = 0; i < ZONAL_MAX_NODES * COUNTERS; i++) {
		unsigned n = i / COUNTERS, k = i % COUNTERS;
		char what[48];

		if (!nodemask_has(board->nodes, n))
			continue;
		snprintf(what, sizeof(what), "node %u's %s", n, counter_names[k]);
		check_within(v, what, ours->stat[n][k], p->stat[n][k],
			     k == C_BLOCKS ? own[n] : all);
	}
}

/* One start of the case; true if nothing deviates. Quiet trials leave only their counts. */
static bool try_start(struct verdict *v, const struct fig_board *board, const struct policy_case *p,
		      unsigned first, bool quiet)
{
	struct verdict trial = *v;
	struct replay ours;

	trial.quiet = quiet;
	if (replay(&trial, board, p, first, &ours)) {
		runs_compare(&trial, board, &p->c.rule, &ours.runs, &p->c.runs);
		compare_stats(&trial, board, p, &ours);
	}
	runs_free(&ours.runs);
	if (quiet && trial.deviations != v->deviations)
		return false;
	trial.quiet = false;
	*v = trial;
	return true;
}

static void policy_case(struct verdict *v, const struct fig_board *board,
			const struct policy_case *p)
{
	unsigned shown = p->c.runs.count ? (unsigned)p->c.runs.run[0].node : 0;
	bool choice = p->mode == MPOL_INTERLEAVE && nodemask_count(p->nodes) > 1;

	if (choice) {
		if (nodemask_has(p->nodes, shown) && try_start(v, board, p, shown, true))
			return;
		for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
			if (nodemask_has(p->nodes, n) && n != shown &&
			    try_start(v, board, p, n, true))
				return;
	}
	try_start(v, board, p, shown, false);
}

void policy_replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	struct fig_board board;
	const cJSON *item;
	unsigned i = 0;

	board_read(r, json_object(r, root, "state"), &board);
	cJSON_ArrayForEach(item, json_array(r, root, "cases")) {
		struct policy_case p;

		json_at(r, "cases[%u]", i++);
		read_case(r, item, &board, &p);
		if (json_ok(r)) {
			snprintf(v->name, sizeof(v->name), "%.40s (%.20s, %.40s, CPU %u)", r->where,
				 json_text(r, item, "policy"), json_text(r, item, "gfp"), p.cpu);
			policy_case(v, &board, &p);
		}
		runs_free(&p.c.runs);
		if (!json_ok(r))
			return;
	}
}
