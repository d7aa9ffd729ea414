/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What came of the steps of a failed request, in words (<zonal/why.h>).
 *
 *	low      refused by 2 zones: 1 below watermark, 1 not in node mask
 *	kswapd   nodes 0-1 in need; node 1 hopeless
 *	reclaim  3 runs: looked at 640 pages, freed 64
 *	compact  deferred at priority 1: no zone was compacted
 *	group    group 2 is full; 17 rounds of reclaim in it freed 0 pages; nobody can be ended
 *
 * Each step has a function that says what the record holds of it; which steps there are is the
 * table's in names.c. Nothing is looked up anywhere but in the record, so that an old one reads as
 * it did when it was new. Any context; the text is cut at the buffer's end.
 */
#include "failure_text.h"

#include <zonal/names.h>

#include "compact/rung.h"
#include "lib/name_in.h"
#include "lib/runs.h"

static const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

/* "2 below watermark, 1 no free block" of one walk. */
static void text_walk(struct text *t, const struct zonal_failure *f, bool low)
{
	unsigned count[ZONAL_REFUSED_RACE + 1] = { 0 }, zones = 0;
	const char *before = ": ";

	for (unsigned i = 0; i < f->zone_count; i++) {
		unsigned refusal = low ? f->zone[i].low : f->zone[i].min;

		if (refusal > ZONAL_REFUSED_RACE || refusal == REFUSED_NOT_ASKED)
			continue;
		count[refusal]++;
		zones++;
	}
	TEXT_ADD(t, "refused by %u zone%s", zones, plural(zones));
	for (unsigned r = 0; r < ARRAY_SIZE(count); r++) {
		if (!count[r])
			continue;
		TEXT_ADD(t, "%s%u %s", before, count[r], zonal_refusal_name(r));
		before = ", ";
	}
	if (f->zones_more)
		TEXT_ADD(t, "; %u farther away", f->zones_more);
}

/* "node 3", "nodes 0-1, 4". */
static void text_nodes(struct text *t, nodemask_t nodes)
{
	const char *before = " ";
	unsigned first, last;

	TEXT_ADD(t, "node%s", nodes & (nodes - 1) ? "s" : "");
	while (runs_next(&nodes, &first, &last)) {
		TEXT_ADD(t, first == last ? "%s%u" : "%s%u-%u", before, first, last);
		before = ", ";
	}
}

static void add_kswapd(struct text *t, const struct zonal_failure *f)
{
	const struct zonal_outcomes *out = &f->outcome;

	if (!out->kswapd_in_need) {
		TEXT_ADD(t, "no node was in need");
		return;
	}
	text_nodes(t, out->kswapd_in_need);
	TEXT_ADD(t, " in need");
	if (!out->kswapd_hopeless)
		return;
	TEXT_ADD(t, "; ");
	text_nodes(t, out->kswapd_hopeless);
	TEXT_ADD(t, " hopeless");
}

static void add_reserves(struct text *t, const struct zonal_failure *f)
{
	static const char *const names[] = {
		[ZONAL_RESERVES_NONE] = "none",
		[ZONAL_RESERVES_NODES] = "every node, no reserves",
		[ZONAL_RESERVES_HALF] = "every node, down to half of MIN",
		[ZONAL_RESERVES_ALL] = "every node, to the last page",
	};
	unsigned what = f->outcome.reserves;

	TEXT_ADD(t, "%s: not enough", NAME_IN(names, what));
}

static void add_reclaim(struct text *t, const struct zonal_failure *f)
{
	unsigned runs = f->outcome.reclaim_runs;

	if (!runs) {
		TEXT_ADD(t, "not possible here");
		return;
	}
	TEXT_ADD(t, "%u run%s: looked at %llu pages, freed %llu", runs, plural(runs),
		 (unsigned long long)f->scanned, (unsigned long long)f->reclaimed);
}

static void add_compact(struct text *t, const struct zonal_failure *f)
{
	const struct zonal_outcomes *out = &f->outcome;

	if (!f->order) {
		TEXT_ADD(t, "not for a single page");
		return;
	}
	TEXT_ADD(t, "%s at priority %u: ", zonal_compact_name(f->compacted), f->compact_priority);
	if (!out->compact_runs)
		TEXT_ADD(t, "no zone was compacted");
	else
		TEXT_ADD(t, "%u run%s, %u page%s moved, %u stayed", out->compact_runs,
			 plural(out->compact_runs), out->compact_moved, plural(out->compact_moved),
			 out->compact_failed);
}

static void add_oom(struct text *t, const struct zonal_failure *f)
{
	static const char *const names[ZONAL_OOM_ENDS_COUNT] = {
		[ZONAL_OOM_NOT_ASKED] = "not possible here",
		[ZONAL_OOM_NOT_WORTH] = "nobody is ended for such a request",
		[ZONAL_OOM_TURNED_OFF] = "turned off",
		[ZONAL_OOM_NOBODY] = "nobody can be ended",
		[ZONAL_OOM_NOTIFIED] = "notifiers freed something",
		[ZONAL_OOM_SELF] = "who asks is the victim",
		[ZONAL_OOM_ENDED] = "a task was ended",
		[ZONAL_OOM_GONE] = "a victim had gone already",
		[ZONAL_OOM_WAITED_OTHERS] = "left to others, who did not help",
		[ZONAL_OOM_WAITED_VICTIM] = "waited in vain for a victim",
	};
	const struct zonal_outcomes *out = &f->outcome;

	TEXT_ADD(t, "%s", NAME_IN(names, out->oom));
	if (out->kills)
		TEXT_ADD(t, "; %u ended for it, the last %llu", out->kills,
			 (unsigned long long)out->victim);
}

static void add_group(struct text *t, const struct zonal_failure *f)
{
	const struct zonal_outcomes *out = &f->outcome;
	unsigned rounds = out->group_rounds;

	TEXT_ADD(t, "group %u is full; ", out->group_full);
	if (!rounds) {
		TEXT_ADD(t, "not reclaimed from: it may not wait");
		return;
	}
	TEXT_ADD(t, "%u round%s of reclaim in it freed %llu pages", rounds, plural(rounds),
		 (unsigned long long)out->group_reclaimed);
	if (out->oom != ZONAL_OOM_NOT_ASKED) {
		TEXT_ADD(t, "; ");
		add_oom(t, f);
	}
}

static void add_outcome(struct text *t, const struct zonal_failure *f, uint32_t step)
{
	switch (step) {
	case ZSTEP_FAST:
		text_walk(t, f, true);
		break;
	case ZSTEP_MIN:
		text_walk(t, f, false);
		break;
	case ZSTEP_KSWAPD:
		add_kswapd(t, f);
		break;
	case ZSTEP_RESERVES:
		add_reserves(t, f);
		break;
	case ZSTEP_RECLAIM:
		add_reclaim(t, f);
		break;
	case ZSTEP_DRAIN:
		TEXT_ADD(t, "all lists and the highatomic reserve given back: not enough");
		break;
	case ZSTEP_COMPACT:
		add_compact(t, f);
		break;
	case ZSTEP_OOM:
		add_oom(t, f);
		break;
	case ZSTEP_GROUP:
		add_group(t, f);
		break;
	default:
		break;
	}
}

size_t zonal_step_outcome(const struct zonal_failure *f, uint32_t step, char *buf, size_t size)
{
	struct text t = { buf, size, 0 };

	if (!size)
		return 0;
	buf[0] = '\0';
	if (f->steps & step)
		add_outcome(&t, f, step);
	return t.length;
}

static const char *const end_texts[ZONAL_ENDS] = {
	[ZONAL_END_DOOR] = "refused before any zone was asked",
	[ZONAL_END_NO_ZONE] = "no zone of its list may serve it",
	[ZONAL_END_EARLY] = "costly and NORETRY, and compaction could not help",
	[ZONAL_END_CANNOT_WAIT] = "it may not wait",
	[ZONAL_END_RECLAIMER] = "it works for reclaim itself",
	[ZONAL_END_NORETRY] = "NORETRY: one round is all",
	[ZONAL_END_COSTLY] = "a costly block without RETRY_MAYFAIL: one round is all",
	[ZONAL_END_GAVE_UP] = "no further round was worth it",
	[ZONAL_END_GROUP] = "its memory group cannot pay",
};

static const char *const retry_texts[ZONAL_RETRY_ENDS] = {
	[ZONAL_RETRY_NOBODY] = "nothing was freed, and no kswapd works",
	[ZONAL_RETRY_TRIES] = "16 rounds without progress",
	[ZONAL_RETRY_SHORT] = "all that can be reclaimed is not enough",
};

size_t zonal_end_text(const struct zonal_failure *f, char *buf, size_t size)
{
	const struct zonal_outcomes *out = &f->outcome;
	struct text t = { buf, size, 0 };

	TEXT_ADD(&t, "%s", NAME_IN(end_texts, out->end));
	if (out->retry && out->retry < ZONAL_RETRY_ENDS)
		TEXT_ADD(&t, ": %s", retry_texts[out->retry]);
	if (f->rounds)
		TEXT_ADD(&t, "; %u round%s behind the first", f->rounds, plural(f->rounds));
	if (out->naps)
		TEXT_ADD(&t, "; napped %u time%s", out->naps, plural(out->naps));
	if (out->nofail_alone)
		TEXT_ADD(&t, "; NOFAIL, and no kswapd to wait for");
	return t.length;
}

const char *zonal_end_name(unsigned end)
{
	static const char *const names[ZONAL_ENDS] = { "door",      "no-zone", "early-compaction",
						       "cannot-wait", "reclaimer", "noretry",
						       "costly",    "gave-up", "group" };

	return NAME_IN(names, end);
}

const char *zonal_retry_name(unsigned retry)
{
	static const char *const names[ZONAL_RETRY_ENDS] = { "not-asked", "nobody", "tries",
							     "short" };

	return NAME_IN(names, retry);
}

const char *zonal_oom_end_name(unsigned oom)
{
	static const char *const names[ZONAL_OOM_ENDS_COUNT] = {
		"not-asked", "not-worth", "off",  "nobody",	  "notified",
		"self",	     "ended",	  "gone", "waited-others", "waited-victim"
	};

	return NAME_IN(names, oom);
}
