/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing: single numbers, and the runs of an allocation sequence.
 *
 * A run is a number of blocks that came from one place (node, or node and zone)
 * one after the other. As long as no zone can have come near its LOW mark, ours
 * must equal Linux's to the block. Where a run ended because a zone reached its watermark,
 * Linux's own end is fuzzy: its free counter lags by up to stat_threshold on each
 * CPU, and the last refill of a per-CPU list takes a batch past the mark. So:
 *
 *   order 0   one pcp batch + CPUs * stat_threshold, of the zone
 *   order n   the largest of 2 %, two blocks, and that drift in blocks
 *
 * The places and their order must be the same in any case.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "oracle.h"

void deviation(struct verdict *v, const char *fmt, ...)
{
	va_list args;

	v->deviations++;
	if (v->quiet)
		return;
	printf("%s: %s%s", v->file, v->name, v->name[0] ? ": " : "");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void check_equal(struct verdict *v, const char *what, int64_t ours, int64_t linux_value)
{
	v->checks++;
	if (ours != linux_value)
		deviation(v, "%s is %lld, Linux has %lld", what, (long long)ours,
			  (long long)linux_value);
}

void check_within(struct verdict *v, const char *what, int64_t ours, int64_t linux_value,
		  int64_t tolerance)
{
	v->checks++;
	if (llabs(ours - linux_value) > tolerance)
		deviation(v, "%s is %lld, Linux has %lld, allowed is +-%lld", what,
			  (long long)ours, (long long)linux_value, (long long)tolerance);
}

void runs_add(struct fig_runs *runs, int node, int type, int64_t count)
{
	struct fig_run *last = runs->count ? &runs->run[runs->count - 1] : NULL;

	runs->total += count;
	if (last && last->node == node && last->type == type) {
		last->count += count;
		return;
	}
	if (runs->count == runs->room) {
		runs->room = runs->room ? runs->room * 2 : 64;
		runs->run = realloc(runs->run, runs->room * sizeof(runs->run[0]));
		if (!runs->run) {
			fprintf(stderr, "oracle: no memory for %zu runs\n", runs->room);
			exit(2);
		}
	}
	runs->run[runs->count++] = (struct fig_run){ node, type, count };
}

void runs_free(struct fig_runs *runs)
{
	free(runs->run);
	*runs = (struct fig_runs){ 0 };
}

int64_t count_tolerance(const struct fig_board *board, int node, int type, unsigned order,
			int64_t linux_count)
{
	int64_t batch = 0, drift = 0, percent = linux_count * 2 / 100;

	for (unsigned i = 0; i < board->zone_count; i++) {
		const struct fig_zone *z = &board->zone[i];

		if ((int)z->node != node || (type >= 0 && (int)z->type != type))
			continue;
		batch += z->pcp_batch;
		drift += (int64_t)board->cpu_online * z->stat_threshold;
	}
	if (!order)
		return batch + drift;
	return ZN_MAX(ZN_MAX(percent, 2), drift >> order);
}

/* "[0 DMA 115383] [1 DMA 118886] ..." */
static void print_runs(const char *who, const struct fig_runs *runs)
{
	size_t shown = ZN_MIN(runs->count, 24u);

	printf("    %s:", who);
	for (size_t i = 0; i < shown; i++) {
		const struct fig_run *run = &runs->run[i];

		if (run->type < 0)
			printf(" [%d %lld]", run->node, (long long)run->count);
		else
			printf(" [%d %s %lld]", run->node, zone_type_name(run->type),
			       (long long)run->count);
	}
	printf("%s\n", shown < runs->count ? " ..." : runs->count ? "" : " none");
}

static bool same_places(const struct fig_runs *ours, const struct fig_runs *theirs, bool all)
{
	if (ours->count < theirs->count || (all && ours->count != theirs->count))
		return false;
	for (size_t i = 0; i < theirs->count; i++)
		if (ours->run[i].node != theirs->run[i].node ||
		    ours->run[i].type != theirs->run[i].type)
			return false;
	return true;
}

static void compare_counts(struct verdict *v, const struct fig_board *board,
			   const struct runs_rule *rule, const struct fig_runs *ours,
			   const struct fig_runs *theirs)
{
	int64_t blocks = 0;

	for (size_t i = 0; i < theirs->count; i++) {
		const struct fig_run *o = &ours->run[i], *t = &theirs->run[i];
		bool cut = rule->open_end && i + 1 == theirs->count;
		int64_t tolerance = 0, count = cut ? ZN_MIN(o->count, t->count) : o->count;
		char what[64];

		blocks += t->count;
		if (blocks > rule->exact_blocks)
			tolerance = count_tolerance(board, t->node, t->type, rule->order, t->count);
		snprintf(what, sizeof(what), "run %zu (node %d zone %s)", i + 1, t->node,
			 zone_type_name(t->type));
		check_within(v, what, count, t->count, tolerance);
	}
}

/* How many runs there are beyond the listed ones: where two nodes take turns, each
 * block by which a border moves makes or takes one run on either side of it. */
static void compare_more(struct verdict *v, const struct fig_board *board,
			 const struct runs_rule *rule, const struct fig_runs *ours,
			 const struct fig_runs *theirs)
{
	int64_t tolerance = 0;

	for (int n = 0; n < ZONAL_MAX_NODES; n++)
		if (nodemask_has(board->nodes, (unsigned)n))
			tolerance += 2 * count_tolerance(board, n, -1, rule->order, 0);
	check_within(v, "number of runs", (int64_t)ours->count,
		     (int64_t)theirs->count + rule->more, tolerance);
}

void runs_compare(struct verdict *v, const struct fig_board *board, const struct runs_rule *rule,
		  const struct fig_runs *ours, const struct fig_runs *theirs)
{
	unsigned long before = v->deviations;

	v->checks++;
	if (same_places(ours, theirs, rule->more < 0 && !rule->open_end))
		compare_counts(v, board, rule, ours, theirs);
	else
		deviation(v, "the blocks come from other places than Linux's");
	if (rule->more >= 0)
		compare_more(v, board, rule, ours, theirs);
	if (v->deviations == before || v->quiet)
		return;
	print_runs("ours ", ours);
	print_runs("Linux", theirs);
}
