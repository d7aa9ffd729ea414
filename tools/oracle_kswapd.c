/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kswapd-*.json: what the kswapd of a real kernel did, run by run.
 *
 * A record is a list of events of two nodes: a wake-up, the start of a run, each round with its
 * priority and the pages that it reclaimed, the end. It is repeated on an instance whose cache
 * is as long as the record's at the beginning and shrinks as ours is reclaimed:
 *
 *	wake     where the caller worked alone, pages are taken one by one as he did until our
 *	         kswapd is woken: with as many pages free as there, within one batch
 *	start    the free pages and the boost of the record are put in place
 *	round    the same priority, and pages reclaimed within 5 %
 *	end      as many rounds, free pages within a batch where the caller slept meanwhile, no
 *	         boost left
 *
 * What waits in per-CPU lists is not in a record. So at the end of its first run, and wherever
 * free pages had to be put in place, a list more or less is no deviation.
 *
 * Where the caller of the record went on taking pages while kswapd worked, its takings are the
 * record's: after a round the free pages are set to what was seen there, and cached pages that the
 * caller's own direct reclaim took are taken away. Such rounds are counted apart and printed.
 *
 * Marks, managed pages and the length of the lists are the record's own. Pages of the
 * anonymous lists do not matter, as no run had a place to write them to.
 */
#include <stdlib.h>
#include <string.h>

#include "mm/reclaim/kswapd.h"
#include "mm/wake.h"
#include "mm/watermark.h"
#include "oracle_sim.h"

#define EVENT_COLUMNS 9

/* One line of "events". */
struct event_line {
	char what[24];
	int64_t node, a, b, c, free, boost;
};

/* What is carried from one run to the next of a case. */
struct play {
	struct verdict *v;
	char name[24];          /* of the case */
	struct sim sim;
	bool alone;             /* the caller sleeps while kswapd works */
	unsigned order;
	gfp_t gfp;
	int64_t batch;
	bool list_unknown;      /* what waits in the per-CPU list is not the record's */
	/* one run */
	const struct event_line *round;
	unsigned rounds, met;
	unsigned node;
	unsigned long adjusted; /* rounds with the caller at work */
};

static struct play *playing;

static void read_event(struct json_reader *r, const cJSON *item, struct event_line *line)
{
	static const char *const name[EVENT_COLUMNS] = { "insn", "ev", "node", "a",    "b",
							 "c",	 "free", "exact", "boost" };
	int64_t value[EVENT_COLUMNS] = { 0 };
	const cJSON *column;
	unsigned i = 0;

	cJSON_ArrayForEach(column, item) {
		if (i == 1 && cJSON_IsString(column))
			snprintf(line->what, sizeof(line->what), "%s", column->valuestring);
		else if (i < EVENT_COLUMNS && i != 1)
			value[i] = json_value(r, column, name[i], -1, (int64_t)1 << 60);
		i++;
	}
	if (i != EVENT_COLUMNS)
		json_fail(r, "an event has %u columns, not %d", i, EVENT_COLUMNS);
	line->node = value[2];
	line->a = value[3];
	line->b = value[4];
	line->c = value[5];
	line->free = value[6];
	line->boost = value[8];
}

/* ---- the board ---- */

/* Pages in use, cache, and as many free as the record had. */
static bool make_state(struct play *p, const struct fig_board *board,
		       const struct fig_before *before, const int64_t *cached)
{
	static const int64_t none[WMARKS];
	uint64_t managed[FIG_MAX_ZONES];

	for (unsigned i = 0; i < board->zone_count; i++)
		managed[i] = board->zone[i].managed;
	if (!sim_begin(&p->sim, board, managed))
		return false;
	for (unsigned i = 0; i < board->zone_count; i++) {
		unsigned nid = board->zone[i].node;
		struct zone *zone = &p->sim.in.mm->node[nid]->zone[ZONE_DMA];

		sim_set_marks(zone, none, 0);
		if (!sim_cma(&p->sim, nid, before[i].cma) ||
		    !sim_cache(&p->sim, nid, cached[i]) ||
		    !sim_set_free(&p->sim, nid, before[i].free))
			return false;
		sim_set_marks(zone, before[i].mark, 0);
		p->batch = zone->pcp_batch;
		/* Both go to sleep. */
		while (zonal_kswapd_turn(p->sim.in.mm, nid, false) != UINT64_MAX)
			;
	}
	return true;
}

/* ---- playing ---- */

/* Take pages as the caller did until our kswapd of `node` is woken. */
static void play_wake(struct play *p, const struct event_line *wake)
{
	unsigned node = (unsigned)wake->node;
	int64_t limit = 0x40000;
	struct zone *zone = &p->sim.in.mm->node[node]->zone[ZONE_DMA];

	sim_woken = -1;
	while (sim_woken != (int)node && limit-- > 0) {
		struct page *page = zonal_alloc_node(p->sim.in.mm, 0, p->gfp, p->order);

		if (!page)
			break;
		/* The record's caller keeps them; single pages can be given back here. */
		if (p->order)
			zonal_split(p->sim.in.mm, page, p->order);
		for (unsigned i = 0; i < 1u << p->order; i++)
			if (p->sim.held_count < p->sim.held_room)
				p->sim.held[p->sim.held_count++] = page + i;
	}
	if (sim_woken != (int)node)
		deviation(p->v, "kswapd%u is not woken; Linux's was at %lld free", node,
			  (long long)wake->free);
	else
		check_within(p->v, "free at the wake-up", ld_relaxed(&zone->free), wake->free,
			     p->batch << p->order);
}

static bool is_near(int64_t ours, int64_t theirs, int64_t by)
{
	return ours <= theirs + by && ours >= theirs - by;
}

/* A round that looks at c pages at priority p had fewer than (c + 1) << p before it: what ours has
 * more, the caller of the record reclaimed himself. */
static void play_losses(struct play *p, const struct event_line *round)
{
	struct node *node = p->sim.in.mm->node[p->node];
	int64_t ours = (int64_t)lru_size(node, LRU_INACTIVE_CACHE, ZONE_MOVABLE);
	int64_t most = ((round->c + 1) << round->a) - 1;
	int64_t high = ld_relaxed(&node->zone[ZONE_DMA].mark[WMARK_HIGH]);

	/* One that reached its target ended before the end of its share. */
	if (p->alone || ours <= most || round->c >= high)
		return;
	p->adjusted++;
	sim_lose(&p->sim, p->node, ours - most);
}

static void watch_round(const struct scan *s, struct node *node, uint64_t got)
{
	struct play *p = playing;
	const struct event_line *theirs = p->met < p->rounds ? &p->round[p->met] : NULL;
	int64_t free;

	p->met++;
	if (!theirs || node->id != p->node)
		return;
	check_equal(p->v, "priority", s->priority, theirs->a);
	check_within(p->v, "reclaimed", (int64_t)got, theirs->b, ZN_MAX(theirs->b / 20, 1));
	free = ld_relaxed(&node->zone[ZONE_DMA].free);
	if (!p->alone && !is_near(free, theirs->free, p->batch)) {
		p->adjusted++;
		(void)sim_set_free(&p->sim, p->node, theirs->free);
	}
	if (p->met < p->rounds)
		play_losses(p, theirs + 1);
}

static void play_run(struct play *p, const struct event_line *start,
		     const struct event_line *end)
{
	struct zone *zone = &p->sim.in.mm->node[p->node]->zone[ZONE_DMA];
	int64_t mark[WMARKS];

	for (unsigned m = 0; m < WMARKS; m++)
		mark[m] = ld_relaxed(&zone->mark[m]);
	snprintf(p->v->name, sizeof(p->v->name), "%s node %u run at %lld free", p->name, p->node,
		 (long long)start->free);
	sim_set_marks(zone, mark, start->boost);
	p->list_unknown |= !is_near(ld_relaxed(&zone->free), start->free, p->batch);
	/* Near enough, they stay as they are: what waits in the per-CPU list counts too. */
	if (p->list_unknown && !sim_set_free(&p->sim, p->node, start->free))
		deviation(p->v, "%lld free pages cannot be had", (long long)start->free);
	if (p->rounds)
		play_losses(p, p->round);
	kswapd_ask(p->sim.in.mm, p->sim.in.mm->node[p->node], (unsigned)start->a,
			 ZONE_NORMAL, 0);
	p->met = 0;
	playing = p;
	kswapd_watch = watch_round;
	(void)zonal_kswapd_turn(p->sim.in.mm, p->node, true);
	kswapd_watch = NULL;
	check_equal(p->v, "rounds", p->met, p->rounds);
	check_equal(p->v, "boost left", ld_relaxed(&zone->boost), 0);
	if (end && p->alone)
		check_within(p->v, "free at the end", ld_relaxed(&zone->free), end->free,
			     p->batch + (p->list_unknown ? zone->pcp_high : 0));
	p->list_unknown = false;
}

/* From one balance-start to the balance-end of that node; other nodes' lines lie between. */
static void play_from(struct play *p, const struct event_line *line, unsigned count, unsigned at)
{
	struct event_line *round = calloc(count, sizeof(*round));
	const struct event_line *end = NULL;

	p->round = round;
	p->rounds = 0;
	p->node = (unsigned)line[at].node;
	for (unsigned i = at + 1; round && !end && i < count; i++) {
		if (line[i].node != line[at].node)
			continue;
		if (!strcmp(line[i].what, "round"))
			round[p->rounds++] = line[i];
		else if (!strcmp(line[i].what, "balance-end"))
			end = &line[i];
	}
	/* A record that was cut says nothing of its last run. */
	if (end)
		play_run(p, &line[at], end);
	free(round);
}

static void play_events(struct play *p, const struct event_line *line, unsigned count)
{
	bool boosted = false;

	for (unsigned i = 0; i < count; i++) {
		boosted |= !strcmp(line[i].what, "boost");
		/* What a steal woke is not repeated: the blocks are not the record's. */
		if (!strcmp(line[i].what, "wake") && p->alone && !boosted)
			play_wake(p, &line[i]);
		else if (!strcmp(line[i].what, "balance-start"))
			play_from(p, line, count, i);
	}
}

/* What the record's caller asked for, by the letter of its run. */
static bool set_caller(struct json_reader *r, struct play *p, const char *run)
{
	char letter = run[strlen(run) - 1];

	p->gfp = (letter == 'f' ? GFP_NOWAIT : GFP_KERNEL) | __GFP_NOWARN |
		 (letter == 'c' ? 0 : __GFP_THISNODE);
	p->order = letter == 'd' ? 3 : 0;
	/* c: two nodes' kswapds at once, and the caller beside them */
	p->alone = strchr("abBdx", letter) != NULL;
	if (!strchr("abBcdefhx", letter))
		json_fail(r, "run \"%s\" is none of those that are known", run);
	return json_ok(r);
}

static void play_case(struct json_reader *r, const cJSON *run, struct verdict *v)
{
	static struct fig_board board;
	static struct fig_before before[FIG_MAX_ZONES];
	const cJSON *events = json_array(r, run, "events"), *item;
	int64_t cached[FIG_MAX_ZONES] = { 0 };
	struct event_line *line = calloc((size_t)cJSON_GetArraySize(events) + 1, sizeof(*line));
	struct play p = { .v = v, .list_unknown = true };
	unsigned count = 0;

	memset(before, 0, sizeof(before));
	sim_read_board(r, run, &board, before, cached);
	cJSON_ArrayForEach(item, events)
		if (line && json_ok(r))
			read_event(r, item, &line[count++]);
	snprintf(v->name, sizeof(v->name), "%.20s", json_text(r, run, "run"));
	snprintf(p.name, sizeof(p.name), "%.20s", v->name);
	if (json_ok(r) && line && set_caller(r, &p, p.name)) {
		if (make_state(&p, &board, before, cached))
			play_events(&p, line, count);
		else
			deviation(v, "state not reached: %s", p.sim.in.why);
		if (p.adjusted)
			printf("# %s: %lu rounds with the caller at work\n", p.name, p.adjusted);
		sim_end(&p.sim);
	}
	free(line);
}

void kswapd_replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	const cJSON *run;
	unsigned i = 0;

	cJSON_ArrayForEach(run, json_array(r, root, "runs")) {
		json_at(r, "runs[%u]", i++);
		play_case(r, run, v);
		if (!json_ok(r))
			return;
	}
}
