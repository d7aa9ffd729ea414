/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recorded run of Zonal, played again on this machine.
 *
 *	replay FILE...      FILE is what `record` of the monitor wrote, or the log of a console
 *	                    on which it stands; gzipped or not
 *
 * The first state is built, and each call carried out as it was on the board: on its CPU, for its
 * node and nodemask, with its task's standing. Each frame, and at the end every list, count and
 * pageblock type must be the board's. The first difference ends it, because all that follows
 * depends on it. So does what a record does not hold: records that a ring lost, and changes that
 * it names and does not tell (compaction, isolated pageblocks, new watermarks, ...). Then what was
 * equal up to there is said, and what came; that is no success.
 *
 * Built with the address and the undefined-behaviour sanitizer and all costly assertions, so that
 * what was an odd frame on the board is a report here (tools/view.mk).
 *
 * Status: 0 all equal, 1 a difference, 2 a file that is no record, 3 the play ended early.
 */
#include <string.h>

#include "frames.h"

#define NEAR 3 /* lines */

enum { EQUAL, DIFFERENT, UNREADABLE, EARLY };

/* Why no board can be built from what stands behind an `x`. */
static const struct {
	const char *word, *meaning;
} early[] = {
	{ "highatomic", "a reserved pageblock was given back" },
	{ "boost", "a zone's boost was taken off" },
	{ "marks", "watermarks were computed anew" },
	{ "isolated", "a pageblock was isolated" },
	{ "carved", "a block was taken out of the lists by name (compaction, CMA, a range)" },
	{ "lost", "the ring was full and records are lost" },
	{ "busy", "the board was not quiet enough for the state at the end" },
};

static int ended_early(const struct player *p, const struct fr_call *c)
{
	const char *meaning = "something this program does not know";

	for (unsigned i = 0; i < ARRAY_SIZE(early); i++)
		if (!strcmp(early[i].word, c->word))
			meaning = early[i].meaning;
	if (c->kind == 'a')
		meaning = "a request by a task of a cpuset, whose nodes a record does not hold";
	printf("%s: %lu calls equal, then (line %u): %s", p->f->file, p->calls, c->line, meaning);
	if (c->kind == 'a')
		printf("\n");
	else
		printf(", %s %d\n", strcmp(c->word, "lost") ? "zone" : "CPU", c->nid);
	return EARLY;
}

/* One line of the play; EQUAL: go on. */
static int step(struct verdict *v, struct player *p, const struct fr_call *c)
{
	struct outcome out;

	if (c->kind == 'c') {
		p->cpu = (unsigned)c->nid;
		return EQUAL;
	}
	if (c->kind == 'k')
		return compare_mark(v, p, c) ? EQUAL : DIFFERENT;
	if (c->kind == 'x' || (c->kind == 'a' && c->task & FR_TASK_CPUSET))
		return ended_early(p, c);
	if (!player_call(p, c, &out)) {
		deviation(v, "call %lu (line %u), \"%s\": the block is not held", p->calls, c->line,
			  call_text(c));
		return DIFFERENT;
	}
	return compare_call(v, p, c, &out) ? EQUAL : DIFFERENT;
}

/* Calls of several CPUs stand in the order in which they ended, which need not be the order in
 * which they met in a zone. */
static void say_neighbours(const struct frames *f, size_t at)
{
	size_t first = at > NEAR ? at - NEAR : 0;

	for (size_t i = first; i < f->call_count && i <= at + NEAR; i++) {
		if (f->call[i].kind != 'c')
			continue;
		printf("    line %u goes on with CPU %d: if two CPUs were at work at once, which "
		       "of them was first is not known\n", f->call[i].line, f->call[i].nid);
		return;
	}
}

static int play(struct verdict *v, struct player *p)
{
	int status = EQUAL;
	size_t i = 0;

	while (status == EQUAL && i < p->f->call_count)
		status = step(v, p, &p->f->call[i++]);
	if (status == DIFFERENT) {
		say_neighbours(p->f, i - 1);
		printf("%s: %lu calls equal, then this difference\n", p->f->file, p->calls - 1);
	}
	if (status != EQUAL)
		return status;
	if (compare_state(v, p, p->f->end)) {
		printf("%s: %lu calls, equal\n", p->f->file, p->calls);
		return EQUAL;
	}
	printf("%s: %lu calls equal, then the state at the end is not\n", p->f->file, p->calls);
	return DIFFERENT;
}

static int play_from_start(struct verdict *v, const struct frames *f)
{
	struct player p;
	int status = DIFFERENT;

	if (!player_build(&p, f))
		deviation(v, "the state at the start cannot be built: %s", p.in.why);
	else if (!compare_zonelists(v, &p) || !compare_state(v, &p, f->start))
		deviation(v, "the state at the start is not reached");
	else
		status = play(v, &p);
	player_drop(&p);
	return status;
}

static int replay(const char *file)
{
	struct verdict v = { .file = file, .theirs = "the board" };
	int status = UNREADABLE;
	struct frames f;

	if (!frames_read(&f, file))
		fprintf(stderr, "replay: %s: %s\n", file, f.error);
	else if (f.drift)
		fprintf(stderr, "replay: %s: a record with drift; build/host/oracle plays it\n",
			file);
	else
		status = play_from_start(&v, &f);
	frames_free(&f);
	return status;
}

int main(int argc, char **argv)
{
	int worst = EQUAL;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\nplays what the monitor's `record` wrote; "
				"0 equal, 1 a difference, 2 no record, 3 ended early\n", argv[0]);
		return UNREADABLE;
	}
	for (int i = 1; i < argc; i++) {
		int status = replay(argv[i]);

		worst = ZN_MAX(worst, status);
	}
	return worst;
}
