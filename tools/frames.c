/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One frame record, played as often as there are ways to ask.
 *
 *	ladder   every request through zonal_alloc_mask()
 *	lanes    requests of the CPU's own node through zonal_alloc(), as far as a lane takes them
 *
 * Each pass builds the first state anew, holds it against the record, plays, and compares
 * each frame, each mark and the last state. It ends at the first difference, because all
 * that follows depends on it. Records with drift go to frames_drift.c.
 *
 * Both passes count: the calls that a record is equal for are those of its worse pass.
 */
#include <limits.h>

#include "frames.h"

/* The play of one pass; true if all of it is equal. */
static bool play(struct verdict *v, struct player *p)
{
	for (size_t i = 0; i < p->f->call_count; i++) {
		const struct fr_call *c = &p->f->call[i];
		struct outcome out;

		if (c->kind == 'c') {
			p->cpu = (unsigned)c->nid;
		} else if (c->kind == 'k') {
			p->marks++;
			if (!compare_mark(v, p, c))
				return false;
		} else if (c->kind == 'x') {
			deviation(v, "line %u: the record does not tell what \"%s\" did", c->line,
				  c->word);
			return false;
		} else if (!player_call(p, c, &out)) {
			deviation(v, "call %lu (line %u), \"%s\": the block is not held", p->calls,
				  c->line, call_text(c));
			return false;
		} else if (!compare_call(v, p, c, &out)) {
			return false;
		}
	}
	return compare_state(v, p, p->f->end);
}

static bool pass(struct verdict *v, const struct frames *f, bool lanes, unsigned long *calls)
{
	struct player p;
	bool done = false;

	if (!player_build(&p, f)) {
		deviation(v, "state not reached: %s", p.in.why);
	} else {
		p.lanes = lanes;
		done = compare_zonelists(v, &p) && compare_state(v, &p, f->start) && play(v, &p);
		printf("%s: %s: %lu calls (%lu NULL, %lu by zonal_alloc), %lu marks %s\n", v->file,
		       v->name, p.calls, p.nulls, p.by_lane, p.marks,
		       done ? "and the end state equal" : "until then");
		*calls = ZN_MIN(*calls, p.calls);
	}
	player_drop(&p);
	return done;
}

bool frames_replay(const char *file, struct verdict *v, unsigned long *calls)
{
	static const char *const name[] = { "ladder", "lanes" };
	unsigned long equal = ULONG_MAX;
	struct frames f;
	bool good = true;

	if (!frames_read(&f, file)) {
		fprintf(stderr, "oracle: %s: %s\n", file, f.error);
		frames_free(&f);
		return false;
	}
	for (unsigned lanes = 0; lanes < 2; lanes++) {
		snprintf(v->name, sizeof(v->name), "%s", name[lanes]);
		good &= f.drift ? drift_play(v, &f, lanes) : pass(v, &f, lanes, &equal);
	}
	*calls += good && !f.drift ? equal : 0;
	frames_free(&f);
	return true;
}
