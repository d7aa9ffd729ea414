/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drift records: the kernel's watermarks saw its counters late.
 *
 * In 5.10 each CPU keeps small changes of a zone's counters to itself, up to a threshold;
 * the watermark test and "CMA first" read the shared part. Ours are exact. So a request
 * may be decided otherwise although every list is the same, and all that follows depends
 * on it. Which request is the first is worked out, not assumed:
 *
 *   exact    plays with our own counters
 *   late     plays with the kernel's: before each request its zones' counters are set to
 *            what the kernel saw, exact less what the CPUs hold back, and put right
 *            behind it. What the CPUs hold back is carried along call by call: a free
 *            counts at once, a return of a batch page by page, a refill at its end.
 *
 * Both must be equal to the record until their answers, or what the request left behind in
 * lists and counters, part. There the reason is looked for among the counters that the
 * request saw: a zone that passes its mark by one and not by the other, or CMA pages that
 * are more than half by one only. A parting without such a reason is a deviation. From
 * there on `late` alone goes on, to the end, where what each CPU holds back
 * must be the record's too.
 *
 * Within a refill the shared CMA counter can move, which `late` does not follow; so if
 * it deviates at such a request behind the parting, that is said and not counted.
 */
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "mm/alloc.h"
#include "mm/watermark.h"

struct drift {
	struct player exact, late;
	int64_t (*diff)[FIG_MAX_ZONES][FR_COUNTERS]; /* by CPU */
	char reason[240]; /* why the request at hand may be decided otherwise */
	bool parted;
};

/* ---- the counters as the kernel keeps them ---------------------------------- */

static _Atomic int64_t *counter(struct zone *zone, unsigned which)
{
	return which == FR_CMA ? &zone->free_cma : &zone->free;
}

static void count(struct drift *d, const struct fr_zone *z, unsigned zid, unsigned which,
		  int64_t change)
{
	int64_t *diff = &d->diff[d->late.cpu][zid][which];

	*diff += change;
	if (llabs(*diff) > z->threshold)
		*diff = 0;
}

/* A change of `change` pages, in steps of `step`. */
static void count_steps(struct drift *d, const struct fr_zone *z, unsigned zid, unsigned which,
			int64_t change, int64_t step)
{
	for (; change; change -= step)
		count(d, z, zid, which, step);
}

/* How the kernel counts what this call changed in one zone. */
static void count_call(struct drift *d, const struct fr_call *c, unsigned zid, unsigned which,
		       int64_t change)
{
	const struct fr_zone *z = &d->late.f->start->zone[zid];
	unsigned order = c->order;

	if (c->kind == 'r') {
		while (change && --order > 0) {
			count(d, z, zid, which, (int64_t)1 << order);
			change -= (int64_t)1 << order;
		}
	}
	/* A refill's free pages at once, its CMA pages one by one; so also a batch's. */
	if (c->kind == 'a' && change && (c->order || which == FR_FREE))
		count(d, z, zid, which, change);
	else if (c->kind == 'f' && c->order && change)
		count(d, z, zid, which, change);
	else
		count_steps(d, z, zid, which, change, change < 0 ? -1 : 1);
}

static int64_t held_back(const struct drift *d, unsigned zid, unsigned which)
{
	int64_t sum = 0;

	for (unsigned c = 0; c < d->late.f->cpu_count; c++)
		sum += d->diff[c][zid][which];
	return sum;
}

static int64_t seen(const struct drift *d, unsigned zid, unsigned which)
{
	int64_t exact = ld_relaxed(counter(player_zone(&d->late, zid), which));

	return ZN_MAX(exact - held_back(d, zid, which), 0);
}

/* One call of `late`: through the kernel's counters if it is a request. */
static bool late_call(struct drift *d, const struct fr_call *c, struct outcome *out)
{
	int64_t exact[FIG_MAX_ZONES][FR_COUNTERS], set[FIG_MAX_ZONES][FR_COUNTERS];
	const struct fr_zone *z;
	unsigned zid;
	bool done;

	for_each_fr_zone(d->late.f, zid, z) {
		for (unsigned k = 0; k < FR_COUNTERS; k++) {
			_Atomic int64_t *n = counter(player_zone(&d->late, zid), k);

			exact[zid][k] = ld_relaxed(n);
			set[zid][k] = c->kind == 'a' ? seen(d, zid, k) : exact[zid][k];
		}
		for (unsigned k = 0; k < FR_COUNTERS; k++)
			st_relaxed(counter(player_zone(&d->late, zid), k), set[zid][k]);
	}
	done = player_call(&d->late, c, out);
	for_each_fr_zone(d->late.f, zid, z) {
		for (unsigned k = 0; k < FR_COUNTERS; k++) {
			_Atomic int64_t *n = counter(player_zone(&d->late, zid), k);
			int64_t change = ld_relaxed(n) - set[zid][k];

			st_relaxed(n, exact[zid][k] + change);
			count_call(d, c, zid, k, change);
		}
	}
	return done;
}

/* ---- why a request may be decided otherwise ----------------------------------- */

/* L1, as far as the counters are concerned. */
static unsigned min_flags(const struct alloc_req *req, unsigned task)
{
	unsigned flags = WMARK_MIN | (req->gfp & ALLOC_HIGH);
	bool harder = req->gfp & __GFP_ATOMIC ?
			      !(req->gfp & __GFP_NOMEMALLOC) :
			      (task & FR_TASK_REALTIME) && !(task & FR_TASK_IRQ);

	return harder ? flags | ALLOC_HARDER : flags;
}

static bool passes(struct zone *zone, const struct alloc_req *req, unsigned flags,
		   const int64_t view[FR_COUNTERS])
{
	int64_t free = ld_relaxed(&zone->free), cma = ld_relaxed(&zone->free_cma);
	struct alloc_pass pass = { .gfp = req->gfp, .flags = flags };
	bool yes;

	st_relaxed(&zone->free, view[FR_FREE]);
	st_relaxed(&zone->free_cma, view[FR_CMA]);
	yes = zone_request_ok(zone, req, &pass);
	st_relaxed(&zone->free, free);
	st_relaxed(&zone->free_cma, cma);
	return yes;
}

static bool zone_decides(struct drift *d, const struct alloc_req *req, unsigned flags,
			 struct zone *zone)
{
	const int64_t exact[] = { ld_relaxed(&zone->free), ld_relaxed(&zone->free_cma) };
	const int64_t late[] = { seen(d, zone->id, FR_FREE), seen(d, zone->id, FR_CMA) };
	bool ours = passes(zone, req, flags, exact), theirs = passes(zone, req, flags, late);
	unsigned mark = flags & ALLOC_WMARK_MASK;

	if (ours != theirs) {
		snprintf(d->reason, sizeof(d->reason),
			 "zone %u %s %s (%lld, reserve %lld, highatomic %lld) by its %lld free and "
			 "%lld CMA pages, but not by the %lld and %lld that Linux saw: its CPUs "
			 "held back %lld and %lld",
			 zone->id, ours ? "passes" : "fails", mark == WMARK_LOW ? "LOW" : "MIN",
			 (long long)zone_mark(zone, mark),
			 (long long)ld_relaxed(&zone->lowmem_reserve[req->high_zone]),
			 (long long)ld_relaxed(&zone->highatomic), (long long)exact[FR_FREE],
			 (long long)exact[FR_CMA], (long long)late[FR_FREE],
			 (long long)late[FR_CMA], (long long)held_back(d, zone->id, FR_FREE),
			 (long long)held_back(d, zone->id, FR_CMA));
		return true;
	}
	ours = exact[FR_CMA] > exact[FR_FREE] / 2;
	theirs = late[FR_CMA] > late[FR_FREE] / 2;
	if (!(flags & ALLOC_CMA) || ours == theirs)
		return false;
	snprintf(d->reason, sizeof(d->reason),
		 "zone %u %s CMA pages first, %lld of %lld free, but not by the %lld of %lld that "
		 "Linux saw",
		 zone->id, ours ? "takes" : "does not take", (long long)exact[FR_CMA],
		 (long long)exact[FR_FREE], (long long)late[FR_CMA], (long long)late[FR_FREE]);
	return true;
}

/* The first zone and pass of a request where the two views part; sets d->reason. */
static void find_reason(struct drift *d, const struct fr_call *c)
{
	struct alloc_req req;
	unsigned cma, pass[2];

	d->reason[0] = '\0';
	if (c->kind != 'a' || c->order >= MAX_ORDER)
		return;
	player_request(&d->late, c, &req);
	cma = req.type == MIGRATE_MOVABLE && !(c->task & FR_TASK_NOCMA) ? ALLOC_CMA : 0;
	pass[0] = WMARK_LOW | cma;
	pass[1] = min_flags(&req, c->task) | cma;
	for (unsigned i = 0; i < ARRAY_SIZE(pass); i++)
		for (unsigned k = first_zone(&req, req.nodemask); k < req.list->count; k++)
			if (req.list->ref[k].type <= req.high_zone &&
			    nodemask_has(req.nodemask, req.list->ref[k].node) &&
			    zone_decides(d, &req, pass[i], req.list->ref[k].zone))
				return;
}

/* ---- the play -------------------------------------------------------------------- */

/* Do the zones of both hold the same, as far as lengths, ends and numbers tell? */
static bool alike(const struct drift *d)
{
	const struct fr_zone *z;
	unsigned zid;

	for_each_fr_zone(d->late.f, zid, z) {
		struct zone *a = player_zone(&d->exact, zid), *b = player_zone(&d->late, zid);

		if (ld_relaxed(&a->free) != ld_relaxed(&b->free) ||
		    ld_relaxed(&a->free_cma) != ld_relaxed(&b->free_cma) ||
		    ld_relaxed(&a->boost) != ld_relaxed(&b->boost) ||
		    ld_relaxed(&a->highatomic) != ld_relaxed(&b->highatomic) ||
		    memcmp(a->list, b->list, sizeof(a->list)))
			return false;
	}
	return true;
}

static void part(struct verdict *v, struct drift *d, const struct fr_call *c)
{
	d->parted = true;
	v->checks++;
	if (d->reason[0])
		printf("%s: %s: equal up to call %lu (line %u), \"%s\" on CPU %u, which drift "
		       "decides: %s\n",
		       v->file, v->name, d->late.calls, c->line, call_text(c), d->late.cpu,
		       d->reason);
	else
		deviation(v, "call %lu (line %u), \"%s\" on CPU %u: decided otherwise with the "
			     "kernel's counters, and none of them says why",
			  d->late.calls, c->line, call_text(c), d->late.cpu);
}

/* One line of the play; false at the end of what can be compared. */
static bool step(struct verdict *v, struct drift *d, const struct fr_call *c)
{
	struct outcome ours = { 0 }, theirs;

	if (c->kind == 'c') {
		d->exact.cpu = d->late.cpu = (unsigned)c->nid;
		return true;
	}
	if (c->kind == 'k') {
		d->late.marks++;
		return (d->parted || compare_mark(v, &d->exact, c)) &&
		       compare_mark(v, &d->late, c);
	}
	find_reason(d, c);
	if (!late_call(d, c, &theirs) || (!d->parted && !player_call(&d->exact, c, &ours))) {
		deviation(v, "call %lu (line %u), \"%s\": the block is not held", d->late.calls,
			  c->line, call_text(c));
		return false;
	}
	if (!d->parted && (ours.pfn != theirs.pfn || ours.moved != theirs.moved || !alike(d)))
		part(v, d, c);
	return compare_call(v, &d->late, c, &theirs);
}

/* Behind the parting, at a refill that may have taken CMA pages: see the essay. */
static bool beyond_late(const struct drift *d, const struct fr_call *c)
{
	struct alloc_req req;

	if (!d->parted || c->kind != 'a' || c->order)
		return false;
	player_request(&d->late, c, &req);
	for (unsigned k = first_zone(&req, req.nodemask); k < req.list->count; k++)
		if (req.type == MIGRATE_MOVABLE && ld_relaxed(&req.list->ref[k].zone->free_cma))
			return true;
	return false;
}

static bool compare_diffs(struct verdict *v, const struct drift *d)
{
	const struct fr_zone *z;
	bool same = true;
	unsigned zid;

	for_each_fr_zone(d->late.f, zid, z) {
		const struct fr_zone *end = &d->late.f->end->zone[zid];

		for (unsigned i = 0; i < d->late.f->cpu_count * FR_COUNTERS; i++) {
			unsigned cpu = i / FR_COUNTERS, k = i % FR_COUNTERS;

			v->checks++;
			if (d->diff[cpu][zid][k] == end->diff[cpu][k])
				continue;
			same = false;
			deviation(v, "zone %u: CPU %u holds back %lld pages of %s, Linux's %lld",
				  zid, cpu, (long long)d->diff[cpu][zid][k], k ? "cma" : "free",
				  (long long)end->diff[cpu][k]);
		}
	}
	return same;
}

static bool play(struct verdict *v, struct drift *d)
{
	const struct frames *f = d->late.f;
	unsigned long before = v->deviations;

	for (size_t i = 0; i < f->call_count; i++) {
		if (step(v, d, &f->call[i]))
			continue;
		if (!beyond_late(d, &f->call[i]))
			return false;
		v->deviations = before;
		printf("%s: %s: not followed beyond call %lu, a refill within which the shared "
		       "CMA counter may move\n",
		       v->file, v->name, d->late.calls);
		return true;
	}
	if (!compare_state(v, &d->late, f->end))
		return false;
	return compare_diffs(v, d);
}

bool drift_play(struct verdict *v, const struct frames *f, bool lanes)
{
	struct drift d = { .diff = calloc(f->cpu_count, sizeof(d.diff[0])) };
	const struct fr_zone *z;
	bool done = false;
	unsigned zid;

	for_each_fr_zone(f, zid, z)
		for (unsigned c = 0; d.diff && c < f->cpu_count; c++)
			memcpy(d.diff[c][zid], z->diff[c], sizeof(z->diff[c]));
	if (!d.diff || !player_build(&d.exact, f) || !player_build(&d.late, f)) {
		deviation(v, "state not reached: %s%s", d.exact.in.why, d.late.in.why);
	} else {
		d.exact.lanes = lanes;
		done = compare_zonelists(v, &d.late) && compare_state(v, &d.late, f->start) &&
		       play(v, &d);
		printf("%s: %s: %lu calls, %lu marks %s\n", v->file, v->name, d.late.calls,
		       d.late.marks, done ? "equal with the kernel's counters" : "until then");
		if (done && !d.parted)
			printf("%s: %s: drift decides no request\n", v->file, v->name);
	}
	player_drop(&d.exact);
	player_drop(&d.late);
	free(d.diff);
	return done;
}
