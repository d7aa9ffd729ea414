/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oom-*.json: whom a real kernel ended when memory ran out, run by run.
 *
 * In each run 50 tasks sleep on 512 touched pages each, perhaps a hog on most of the memory, and a
 * grower touches page after page until it is ended. It is repeated on an instance with the
 * record's zone, marks and free pages: the sleepers and the hog are candidates whose pages were
 * taken before, the grower takes its pages from the allocator, a page table for each 512.
 * Compared are, kill by kill,
 *
 *	who       the same task, in the same order
 *	points    the pages that it has, within 1 %: what the kernel itself took on the way (stacks,
 *	          objects) is not in the record
 *	when      as many pages free as there, within one batch
 *	whether the one who asked got his page, and that all comes back
 *
 * Where the record has the text that the kernel printed, the choice is repeated from its table as
 * well, to the page.
 *
 * The boost that a steal gave the zone is the record's, as the blocks are not: it is put in place
 * when as few pages are free as there. Whoever is ended gives back his memory when the grower naps.
 */
#include <stdlib.h>
#include <string.h>
#include <zonal/oom.h>
#include <zonal/port.h>

#include "mm/oom/oom.h"
#include "oracle_sim.h"

#define MOST_TASKS 1200u
#define SLEEPERS 50u
#define SLEEPER_PAGES 512
#define GROWS (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN)
#define TABLES (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)
#define PER_TABLE 512

struct oom_task {
	uint64_t pid;
	int64_t pages, swap, tables;
	int adj;
	bool victim, ended;
};

struct oom_play {
	struct verdict *v;
	char name[24];
	struct sim sim;
	struct zone *zone;
	int64_t mark[WMARKS], batch;
	struct oom_task task[MOST_TASKS];
	unsigned count;
	struct zonal_task grower_memory;
	struct oom_task *grower, *hog; /* NULL: there is no hog */
	struct page **mine;            /* the grower's pages and tables */
	size_t mine_count, mine_room;
	/* the kill that is expected next */
	const cJSON *kill;             /* its "oom-kill-begin" */
	int64_t enter_free, enter_boost, boost_free;
	unsigned kills;
};

static struct oom_play *oom_playing;

/* ---- the candidates ------------------------------------------------------ */

static struct oom_task *task_of(struct oom_play *p, uint64_t pid)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->task[i].pid == pid)
			return &p->task[i];
	return NULL;
}

static struct oom_task *task_add(struct oom_play *p, uint64_t pid, int64_t pages)
{
	struct oom_task *task = task_of(p, pid);

	if (!task && p->count < MOST_TASKS)
		task = &p->task[p->count++];
	if (task)
		*task = (struct oom_task){ .pid = pid, .pages = pages };
	return task;
}

static bool cand_next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	struct oom_play *p = ctx;
	const struct oom_task *task;

	while (*cursor < p->count && p->task[*cursor].ended)
		++*cursor;
	if (*cursor >= p->count)
		return false;
	task = &p->task[(*cursor)++];
	*out = (struct zonal_oom_candidate){ .id = task->pid,
					     .pages = (uint64_t)task->pages,
					     .swap = (uint64_t)task->swap,
					     .tables = (uint64_t)task->tables,
					     .adj = task->adj,
					     .mems = NODEMASK_ALL,
					     .policy = NODEMASK_ALL,
					     .flags = task->victim ? ZONAL_OOM_VICTIM : 0 };
	if (task == p->grower)
		zonal_oom_describe(&p->grower_memory, out);
	return true;
}

static bool cand_kill(void *ctx, uint64_t id)
{
	struct oom_play *p = ctx;
	struct oom_task *task = task_of(p, id);

	p->kills++;
	if (!p->kill || !task) {
		deviation(p->v, "kill %u, of task %llu, is not in the record", p->kills,
			  (unsigned long long)id);
		return false;
	}
	check_equal(p->v, "task ended",
		    (int64_t)id, cJSON_GetObjectItemCaseSensitive(p->kill, "a")->valueint);
	check_within(p->v, "its pages", task->pages,
		     cJSON_GetObjectItemCaseSensitive(p->kill, "b")->valueint,
		     ZN_MAX(task->pages / 100, 1));
	check_within(p->v, "free pages", ld_relaxed(&p->zone->free), p->enter_free, p->batch);
	task->victim = true;
	if (task == p->grower)
		zonal_task_fate(&p->grower_memory, ZONAL_FATE_VICTIM);
	return true;
}

static void cand_skip(void *ctx, uint64_t id) { (void)ctx, (void)id; }

static const struct zonal_oom_ops cand_ops = {
	.next = cand_next,
	.kill = cand_kill,
	.skip = cand_skip,
};

/* Others run while the grower sleeps: the victim ends. */
void port_nap(uint64_t ns)
{
	struct oom_play *p = oom_playing;

	(void)ns;
	for (unsigned i = 0; p && i < p->count; i++) {
		struct oom_task *task = &p->task[i];

		if (!task->victim || task->ended || task == p->grower)
			continue;
		for (int64_t k = task->pages + task->tables; k > 0; k--)
			(void)sim_give(&p->sim, p->zone->node);
		task->ended = true;
	}
}

/* ---- what is in the record ------------------------------------------------ */

/* The number behind "name=" in the lines of text among the steps; 0: none. */
static int64_t step_value(struct json_reader *r, const cJSON *run, const char *name)
{
	const cJSON *step;
	const char *at;
	char key[24];

	snprintf(key, sizeof(key), "%s=", name);
	cJSON_ArrayForEach(step, json_array(r, run, "steps")) {
		if (!cJSON_IsString(step))
			continue;
		at = strstr(step->valuestring, key);
		if (at && (at == step->valuestring || at[-1] == ' '))
			return strtoll(at + strlen(key), NULL, 10);
	}
	return 0;
}

static int64_t anon_before(struct json_reader *r, const cJSON *run)
{
	const cJSON *step;

	cJSON_ArrayForEach(step, json_array(r, run, "steps")) {
		const cJSON *when = cJSON_GetObjectItemCaseSensitive(step, "when");

		if (cJSON_IsString(when) && !strcmp(when->valuestring, "before"))
			return json_int(r, step, "inactive_anon", 0, 1 << 20);
	}
	return 0;
}

/* Of the run's kills in "summary", the one of that event: its number counts. */
static const cJSON *kill_facts(const cJSON *root, const char *run, unsigned n)
{
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(root, "summary");
	const cJSON *mine = cJSON_GetObjectItemCaseSensitive(summary, run);

	return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(mine, "kills"), (int)n);
}

static int64_t fact(const cJSON *facts, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(facts, name);

	return cJSON_IsNumber(value) ? value->valueint : 0;
}

static bool is_event(const cJSON *event, const char *what)
{
	const cJSON *ev = cJSON_GetObjectItemCaseSensitive(event, "ev");

	return cJSON_IsString(ev) && !strcmp(ev->valuestring, what);
}

/* Sleepers and hog as the description of the record says, then what its kills tell of them. */
static void make_tasks(struct json_reader *r, const cJSON *root, const cJSON *run,
		       struct oom_play *p)
{
	uint64_t grower = (uint64_t)step_value(r, run, "grower");
	uint64_t hog = (uint64_t)step_value(r, run, "hog");
	uint64_t first = (hog ? hog : grower) - SLEEPERS;
	const cJSON *event;
	unsigned kill = 0;

	if (grower <= SLEEPERS || (hog && hog <= SLEEPERS)) {
		json_fail(r, "no grower, or numbers of tasks that are too small");
		return;
	}
	for (unsigned i = 0; i < SLEEPERS; i++)
		task_add(p, first + i, SLEEPER_PAGES);
	if (hog) {
		p->hog = task_add(p, hog, anon_before(r, run) - SLEEPERS * SLEEPER_PAGES);
		/* Its third case is the one with a hog that must not be ended. */
		p->hog->adj = step_value(r, run, "case") == 3 ? ZONAL_OOM_ADJ_NEVER : 0;
	}
	cJSON_ArrayForEach(event, json_array(r, run, "events")) {
		uint64_t pid = (uint64_t)json_int(r, event, "a", 0, (int64_t)1 << 60);
		const cJSON *facts;

		if (!is_event(event, "oom-kill-begin"))
			continue;
		facts = kill_facts(root, p->name, kill++);
		if (pid == grower)
			continue;
		task_add(p, pid, fact(facts, "rss"))->adj = (int)fact(facts, "adj");
		if (pid == hog)
			p->hog->tables = (p->hog->pages + PER_TABLE - 1) / PER_TABLE;
	}
	p->grower = task_add(p, grower, 0);
}

/* ---- the kernel's own table ------------------------------------------------ */

/* "[70] 0 70 total rss tables_bytes swap adj name" */
static bool log_row(const char *line, struct oom_task *task)
{
	unsigned long long pid, uid, tgid, total, rss, bytes, swap;
	int adj;
	const char *open = strchr(line, '[');

	if (!open || sscanf(open, "[%llu] %llu %llu %llu %llu %llu %llu %d", &pid, &uid, &tgid,
			    &total, &rss, &bytes, &swap, &adj) != 8)
		return false;
	*task = (struct oom_task){ .pid = pid, .pages = (int64_t)rss, .swap = (int64_t)swap,
				   .tables = (int64_t)(bytes >> PAGE_SHIFT), .adj = adj };
	return true;
}

/* Each table of the text, with the line behind it that says who was ended. */
static void play_log(struct oom_play *p, const cJSON *log)
{
	struct alloc_pass pass = { .gfp = GROWS, .nodemask = NODEMASK_ALL,
				   .cpuset = NODEMASK_ALL };
	struct alloc_req req = { .mm = p->sim.in.mm, .task = &p->grower_memory, .gfp = GROWS,
				 .list = &p->sim.in.mm->node[0]->fallback,
				 .high_zone = ZONE_MOVABLE };
	struct oom_call call = { .mm = req.mm, .req = &req, .pass = &pass };
	const cJSON *line;

	p->count = 0;
	p->grower = NULL; /* the tasks of the table are nobody's here */
	cJSON_ArrayForEach(line, log) {
		const char *text = cJSON_IsString(line) ? line->valuestring : "";
		const char *killed = strstr(text, "Killed process ");
		struct oom_task task;

		if (log_row(text, &task) && p->count < MOST_TASKS)
			p->task[p->count++] = task;
		if (!killed || !p->count)
			continue;
		oom_enter(call.mm);
		oom_constrain(&call);
		oom_choose(&call, false);
		oom_leave(call.mm);
		check_equal(p->v, "choice from the kernel's table", (int64_t)call.chosen.who.id,
			    strtoll(killed + strlen("Killed process "), NULL, 10));
		p->count = 0;
	}
}

/* ---- playing ---------------------------------------------------------------- */

static bool oom_state(struct oom_play *p, const struct fig_board *board,
		      const struct fig_before *before)
{
	static const int64_t none[WMARKS];
	unsigned nid = board->zone[0].node;

	if (!sim_begin(&p->sim, board, &board->zone[0].managed))
		return false;
	p->zone = &p->sim.in.mm->node[nid]->zone[ZONE_DMA];
	memcpy(p->mark, before->mark, sizeof(p->mark));
	sim_set_marks(p->zone, none, 0);
	if (!sim_cma(&p->sim, nid, before->cma) || !sim_set_free(&p->sim, nid, before->free))
		return false;
	/* With less of its own than MIN the kernel would find nothing for a page table as soon as
	 * the rest of what is free is CMA. It never was so in a record. */
	if (!sim_unmovable(&p->sim, nid, before->mark[WMARK_MIN] + p->zone->pcp_batch))
		return false;
	if (zonal_set_watermark_boost(p->sim.in.mm, 0))
		return false;
	sim_set_marks(p->zone, p->mark, 0);
	p->batch = p->zone->pcp_batch;
	p->mine_room = (size_t)board->zone[0].managed;
	p->mine = calloc(p->mine_room, sizeof(struct page *));
	/* Reports are not what is asked here. */
	p->sim.in.mm->oom.report_ns = port_time_ns() | 1;
	p->sim.in.mm->oom.reports = UINT32_MAX / 2;
	/* There is a kswapd, and it sleeps. */
	while (zonal_kswapd_turn(p->sim.in.mm, nid, false) != UINT64_MAX)
		;
	return p->mine && !zonal_oom_register(p->sim.in.mm, &cand_ops, p);
}

/* One page of the grower's, or the table that it needs first. False: none. */
static bool grower_step(struct oom_play *p)
{
	bool table = p->grower->pages / PER_TABLE >= p->grower->tables;
	struct page *page;

	if (ld_relaxed(&p->zone->free) <= p->boost_free)
		sim_set_marks(p->zone, p->mark, p->enter_boost);
	page = zonal_alloc(p->sim.in.mm, table ? TABLES : GROWS, 0);
	if (!page || p->mine_count == p->mine_room)
		return false;
	p->mine[p->mine_count++] = page;
	if (table)
		p->grower->tables++;
	else
		p->grower->pages++;
	return true;
}

/* Until the next task is ended. */
static void play_kill(struct oom_play *p, const cJSON *facts)
{
	unsigned before = p->kills;
	bool served = true;

	snprintf(p->v->name, sizeof(p->v->name), "%s kill %u", p->name, before + 1);
	while (served && p->kills == before)
		served = grower_step(p);
	check_equal(p->v, "tasks ended", p->kills, before + 1);
	check_equal(p->v, "the page that was asked for", served, fact(facts, "caller_got_page"));
}

/* The boost of the zone when the kernel came there, and since how many free pages. */
static void note_enter(struct json_reader *r, struct oom_play *p, const cJSON *event,
		       int64_t boosted_at)
{
	p->enter_free = json_int(r, event, "free", 0, 1 << 20);
	p->enter_boost = json_int(r, event, "boost", 0, 1 << 20);
	p->boost_free = p->enter_boost ? boosted_at : -1;
}

static void play_kills(struct json_reader *r, const cJSON *root, const cJSON *run,
		       struct oom_play *p)
{
	int64_t boosted_at = -1;
	const cJSON *event;

	cJSON_ArrayForEach(event, json_array(r, run, "events")) {
		if (is_event(event, "boost"))
			boosted_at = json_int(r, event, "free", 0, 1 << 20);
		if (is_event(event, "oom-enter"))
			note_enter(r, p, event, boosted_at);
		if (!is_event(event, "oom-kill-begin"))
			continue;
		p->kill = event;
		play_kill(p, kill_facts(root, p->name, p->kills));
		p->kill = NULL;
	}
}

static void play_run(struct json_reader *r, const cJSON *root, const cJSON *run,
		     struct oom_play *p)
{
	static struct fig_board board;
	static struct fig_before before[FIG_MAX_ZONES];
	int64_t cached[FIG_MAX_ZONES], ended = 0;
	port_irqflags_t irq;

	sim_read_board(r, run, &board, before, cached);
	make_tasks(r, root, run, p);
	if (!json_ok(r))
		return;
	if (!oom_state(p, &board, before)) {
		deviation(p->v, "state not reached: %s", p->sim.in.why);
		return;
	}
	irq = port_irq_save();
	zonal_task_init(&p->grower_memory);
	port_this_cpu()->task = &p->grower_memory;
	port_irq_restore(irq);
	play_kills(r, root, run, p);
	for (unsigned i = 0; i < p->count; i++)
		if (&p->task[i] != p->grower && p->task[i].ended)
			ended += p->task[i].pages + p->task[i].tables;
	while (p->mine_count)
		zonal_free(p->sim.in.mm, p->mine[--p->mine_count], 0);
	check_equal(p->v, "free pages in the end", sim_free(&p->sim, board.zone[0].node),
		    before->free + ended);
	play_log(p, cJSON_GetObjectItemCaseSensitive(run, "oom_log"));
}

void oom_replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	struct oom_play *p = calloc(1, sizeof(*p));
	struct zonal_task *self = port_this_cpu()->task;
	const cJSON *run;
	unsigned i = 0;

	cJSON_ArrayForEach(run, json_array(r, root, "runs")) {
		if (!p)
			break;
		memset(p, 0, sizeof(*p));
		p->v = v;
		json_at(r, "runs[%u]", i++);
		snprintf(p->name, sizeof(p->name), "%.20s", json_text(r, run, "run"));
		snprintf(v->name, sizeof(v->name), "%s", p->name);
		oom_playing = p;
		if (json_ok(r))
			play_run(r, root, run, p);
		oom_playing = NULL;
		port_this_cpu()->task = self;
		free(p->mine);
		sim_end(&p->sim);
	}
	free(p);
}
