/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last resort by its parts: what a choice looks at and notes, when the reaper is due, what is
 * traced, who is told (rows O6-O12).
 *
 * Candidates are rows of kt_oom.h, or of a table of this file where a hook has to answer in a way
 * of its own. oom_test.c has whole requests.
 */
#include "kt_oom.h"

#include <string.h>

#include <zonal/trace.h>

#include "mm/oom/oom.h"

#define PAGES 4096u

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.reserved = { { 1, KT_DMA_PFN + 3000, 40 } },
};

/* A lack of memory of the task that runs the test. */
struct lack {
	struct alloc_req req;
	struct alloc_pass pass;
	struct oom_call call;
};

static struct oom_call *lack_on(struct zonal *mm, unsigned nid, struct lack *l)
{
	memset(l, 0, sizeof(*l));
	l->req = (struct alloc_req){ .mm = mm,
				     .task = port_this_cpu()->task,
				     .list = &mm->node[nid]->fallback,
				     .gfp = GFP_USER,
				     .nodemask = NODEMASK_ALL,
				     .high_zone = ZONE_NORMAL };
	l->pass = (struct alloc_pass){ .gfp = GFP_USER, .nodemask = NODEMASK_ALL };
	l->call = (struct oom_call){ .mm = mm, .req = &l->req, .pass = &l->pass };
	return &l->call;
}

static struct oom_call *lack(struct zonal *mm, struct lack *l) { return lack_on(mm, 0, l); }

static uint64_t chosen(struct oom_call *call)
{
	oom_enter(call->mm);
	oom_constrain(call);
	oom_choose(call, false);
	oom_leave(call->mm);
	return call->chosen.who.id;
}

/* ---- the choice ---- */

KTEST(rows_o, o9_a_choice_ends_at_a_victim_that_has_memory)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	struct lack l;

	if (!oom)
		return;
	oom->task[0].flags = ZONAL_OOM_VICTIM;
	KT_EQ(chosen(lack(oom->mm, &l)), 0);
	KT_TRUE(l.call.waits);
	/* Whoever comes behind it was not looked at. */
	KT_EQ(oom->mm->oom.rows, 0);
	/* One that will not give back more is nobody to wait for. */
	oom->task[0].flags |= ZONAL_OOM_REAPED;
	KT_EQ(chosen(lack(oom->mm, &l)), 2);
	KT_TRUE(!l.call.waits);
	KT_EQ(oom->mm->oom.rows, 2);
	kt_oom_finish(oom);
}

/* Hooks that say no more of a candidate than they have to. */
static bool terse_next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	(void)ctx;
	if (*cursor == 2)
		return false;
	out->id = ++*cursor;
	if (*cursor == 1) {
		out->flags = ZONAL_OOM_NEVER;
		out->mems = out->policy = node_bit(0);
		out->adj = ZONAL_OOM_ADJ_MOST;
		out->swap = 1000;
	}
	return true;
}

static unsigned told, skipped;
static uint32_t seen_flags;

static bool gone_already(void *ctx, uint64_t id)
{
	(void)ctx, (void)id;
	told++;
	seen_flags = port_this_cpu()->task->flags;
	return false;
}

static void skip(void *ctx, uint64_t id)
{
	(void)ctx, (void)id;
	skipped++;
}

static const struct zonal_oom_ops terse = { .next = terse_next, .kill = gone_already,
					    .skip = skip };

KTEST(rows_o, o8_what_is_said_of_a_candidate_is_not_taken_for_the_next_one)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct lack l;

	if (!mm || !KT_EQ(zonal_oom_register(mm, &terse, NULL), 0))
		return;
	KT_EQ(chosen(lack(mm, &l)), 2);
	KT_EQ(l.call.chosen.points, 0);
	KT_TRUE(l.call.chosen.who.mems == NODEMASK_ALL);
	KT_TRUE(l.call.chosen.who.policy == NODEMASK_ALL);
	KT_EQ(mm->oom.rows, 1);
}

KTEST(rows_o, o12_one_that_is_gone_is_news_and_no_kill)
{
	struct zonal *mm = kt_bare_instance(&uma);
	struct zonal_task saved, *task;
	struct oom_tries tries = { 0 };
	struct lack l;

	if (!mm || !KT_EQ(zonal_oom_register(mm, &terse, NULL), 0))
		return;
	kt_close_zone(kt_zone(mm, 0, ZONE_DMA));
	told = 0;
	lack(mm, &l);
	task = kt_task_save(&saved);
	task->flags = ZTASK_NOCMA | ZTASK_REALTIME;
	KT_TRUE(!oom_make_room(&l.req, &l.pass, &tries));
	KT_EQ(seen_flags, ZTASK_NOCMA | ZTASK_REALTIME | ZTASK_MEMALLOC);
	KT_EQ(task->flags, ZTASK_NOCMA | ZTASK_REALTIME);
	kt_task_restore(&saved);
	KT_TRUE(tries.progress);
	KT_EQ(told, 1);
	KT_EQ(kt_event(mm, EVENT_OOM_KILL), 0);
	KT_EQ(mm->oom.killed_ns, 0);
	KT_EQ(zonal_oom_reaper_turn(mm), UINT64_MAX);
	kt_no_marks(mm);
}

KTEST(rows_o, o8_rows_of_a_report_are_in_order_and_the_rest_is_counted)
{
	struct kt_oom *oom = kt_oom(kt_bare_instance(&uma));
	struct cpuset_state behind;
	struct lack l;

	if (!oom)
		return;
	memcpy(&behind, &oom->mm->cpusets, sizeof(behind));
	for (unsigned n = 0; n < OOM_ROWS + 5; n++) {
		kt_oom_task(oom, 0, 0);
		oom->task[n].swap = n & 1 ? 1000 - n : 500 + n;
	}
	for (unsigned i = 0; i < 2; i++) /* each choice counts anew */
		KT_EQ(chosen(lack(oom->mm, &l)), 2);
	KT_EQ(oom->mm->oom.rows, OOM_ROWS);
	KT_EQ(oom->mm->oom.more, 5);
	KT_EQ(oom->mm->oom.row[0].who.id, 2);
	KT_EQ(oom->mm->oom.row[0].points, 999);
	for (unsigned i = 1; i < OOM_ROWS; i++)
		KT_TRUE(oom->mm->oom.row[i - 1].points >= oom->mm->oom.row[i].points);
	/* Those with the fewest are the ones without a row. */
	KT_EQ(oom->mm->oom.row[OOM_ROWS - 1].points, (OOM_ROWS + 5) / 2 > 5 ? 510 : 500);
	/* Of equals it is those that were met last. */
	for (unsigned n = 0; n < OOM_ROWS + 5; n++)
		oom->task[n].swap = 100;
	(void)chosen(lack(oom->mm, &l));
	for (unsigned i = 0; i < OOM_ROWS; i++)
		KT_EQ(oom->mm->oom.row[i].who.id, i + 1);
	KT_EQ(memcmp(&behind, &oom->mm->cpusets, sizeof(behind)), 0); /* no row more */
	kt_oom_end_all(oom);
}

KTEST(rows_o, o7_what_is_reserved_counts_for_a_mask_and_swap_for_all)
{
	struct kt_oom *oom = kt_oom_full(&pair);
	struct lack l;

	if (!oom)
		return;
	oom_constrain(lack(oom->mm, &l));
	KT_EQ(l.call.total, PAGES - 40);
	KT_TRUE(l.call.nodemask == NODEMASK_ALL);
	lack(oom->mm, &l);
	l.pass.nodemask = node_bit(1);
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_POLICY);
	KT_TRUE(l.call.nodemask == node_bit(1));
	KT_EQ(l.call.total, 2048);
	/* A mask of all nodes that have memory is none. */
	l.pass.nodemask = node_bit(1) | node_bit(0);
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_NONE);
	st_relaxed(&oom->mm->swap_free, 77);
	oom_constrain(&l.call);
	KT_EQ(l.call.total, PAGES - 40 + 77);
	st_relaxed(&oom->mm->swap_free, 0);
	kt_oom_end_all(oom);
}

/* A cpuset keeps from nothing what the request could not use anyway. */
KTEST(rows_o, o7_a_cpuset_counts_for_zones_that_the_request_could_use)
{
	static const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_NORMAL_PFN, 2048 } },
	};
	struct kt_oom *oom = kt_oom_full(&spec);
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct lack l;

	if (!oom)
		return;
	KT_EQ(zonal_task_set_mems(oom->mm, task, node_bit(0)), 0);
	lack(oom->mm, &l);
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_CPUSET);
	KT_TRUE(l.call.mems == node_bit(0));
	l.req.high_zone = ZONE_DMA;
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_NONE);
	kt_task_restore(&saved);
	kt_oom_end_all(oom);
}

/* Nor does a node that there is not. */
KTEST(rows_o, o7_who_may_use_all_nodes_that_there_are_is_not_kept_from_any)
{
	static const struct kt_spec second = {
		.ram = { { 1, KT_DMA_PFN, 2048 }, { 2, KT_DMA_PFN + 2048, 2048 } },
		.cpu_node = { 1 },
	};
	struct zonal_task saved, *task = kt_task_save(&saved);
	struct kt_oom *oom = kt_oom(kt_bare_instance(&second));
	struct lack l;

	if (!oom)
		return;
	lack_on(oom->mm, 1, &l);
	KT_EQ(zonal_task_set_mems(oom->mm, task, node_bit(1) | node_bit(2)), 0);
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_NONE);
	KT_EQ(zonal_task_set_mems(oom->mm, task, node_bit(2)), 0);
	oom_constrain(&l.call);
	KT_EQ(l.call.constraint, OOM_CPUSET);
	kt_task_restore(&saved);
}

KTEST(rows_o, o8_what_the_allocator_knows_of_a_task)
{
	struct zonal *mm = kt_bare_instance(&pair);
	struct zonal_oom_candidate who = { .flags = ZONAL_OOM_STARTING };
	struct zonal_task task;

	if (!mm)
		return;
	zonal_task_init(&task);
	zonal_oom_describe(&task, &who);
	KT_TRUE(who.task == &task && !who.group && who.policy == NODEMASK_ALL);
	KT_EQ(who.flags, ZONAL_OOM_STARTING);
	KT_EQ(zonal_set_policy(mm, &task, MPOL_BIND, 0, node_bit(1)), 0);
	KT_EQ(zonal_task_set_mems(mm, &task, node_bit(0) | node_bit(1)), 0);
	zonal_task_fate(&task, ZONAL_FATE_DYING);
	zonal_oom_describe(&task, &who);
	KT_TRUE(who.policy == node_bit(1));
	KT_TRUE(who.mems == (node_bit(0) | node_bit(1)));
	KT_EQ(who.flags, ZONAL_OOM_STARTING | ZONAL_OOM_DYING);
	KT_EQ(zonal_set_policy(mm, &task, MPOL_INTERLEAVE, 0, node_bit(0)), 0);
	zonal_task_fate(&task, ZONAL_FATE_VICTIM);
	zonal_oom_describe(&task, &who);
	KT_TRUE(who.policy == node_bit(0));
	KT_EQ(who.flags, ZONAL_OOM_STARTING | ZONAL_OOM_DYING | ZONAL_OOM_VICTIM);
	/* One that only prefers a node can be served by all. */
	KT_EQ(zonal_set_policy(mm, &task, MPOL_PREFERRED, 0, node_bit(1)), 0);
	zonal_oom_describe(&task, &who);
	KT_TRUE(who.policy == NODEMASK_ALL);
}

/* A victim that cannot help this request is there all the same. */
KTEST(rows_o, o9_a_victim_that_is_met_and_cannot_help_is_not_gone)
{
	struct kt_oom *oom = kt_oom_full(&pair);
	struct lack l;

	if (!oom)
		return;
	KT_EQ(zonal_set_policy(oom->mm, oom->task[1].memory, MPOL_BIND, 0, node_bit(0)), 0);
	oom->task[1].flags = ZONAL_OOM_VICTIM;
	for (unsigned round = 0; round < 3; round++) {
		lack(oom->mm, &l);
		l.pass.nodemask = node_bit(1);
		KT_EQ(chosen(&l.call), 3);
		KT_TRUE(!l.call.gone && !l.call.waits);
	}
	kt_oom_end(oom, 1);
	lack(oom->mm, &l);
	chosen(&l.call);
	KT_TRUE(l.call.gone);
	kt_oom_end_all(oom);
}

/* ---- who is told ---- */

struct counted {
	struct zonal_oom_notifier self;
	unsigned asked;
};

static uint64_t count_only(struct zonal_oom_notifier *self)
{
	((struct counted *)self)->asked++;
	return 0;
}

KTEST(rows_o, o6_every_notifier_is_asked_until_it_is_taken_off)
{
	static struct counted one[3];
	struct kt_oom *oom = kt_oom_full(&uma);

	if (!oom)
		return;
	memset(one, 0, sizeof(one));
	for (unsigned i = 0; i < 3; i++)
		one[i].self.freed = count_only;
	zonal_oom_notify(oom->mm, &one[0].self);
	zonal_oom_notify(oom->mm, &one[1].self);
	zonal_oom_ignore(oom->mm, &one[2].self); /* not there: nothing happens */
	zonal_oom_notify(oom->mm, &one[2].self);
	for (unsigned i = 0; i < 4; i++) {
		static const unsigned then_off[] = { 1, 0, 2 };
		struct oom_tries tries = { 0 };
		struct lack l;

		lack(oom->mm, &l);
		kt_close_zone(kt_zone(oom->mm, 0, ZONE_DMA));
		KT_TRUE(!oom_make_room(&l.req, &l.pass, &tries));
		for (unsigned k = 0; k < 3; k++)
			KT_EQ(one[k].asked, ZN_MIN(i + 1, k == 1 ? 1u : k == 0 ? 2u : 3u));
		if (i < 3)
			zonal_oom_ignore(oom->mm, &one[then_off[i]].self);
	}
	KT_TRUE(!oom->mm->oom.notifiers);
	kt_oom_finish(oom);
}

KTEST(oom, each_hook_that_has_to_be_there_is_missed)
{
	static const struct zonal_oom_ops lacks[] = {
		{ .kill = gone_already, .skip = skip },
		{ .next = terse_next, .skip = skip },
		{ .next = terse_next, .kill = gone_already },
	};
	struct zonal *mm = kt_bare_instance(&uma);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(lacks); i++)
		KT_EQ(zonal_oom_register(mm, &lacks[i], NULL), ZONAL_EINVAL);
	if (mm)
		KT_EQ(zonal_oom_register(mm, &terse, NULL), 0);
}

/* ---- the reaper ---- */

static struct zonal_trace_record ring[64];

static void expect_records(struct zonal *mm, unsigned count, const unsigned *point, uint32_t id)
{
	struct zonal_trace_record record;

	for (unsigned i = 0; i < count; i++) {
		if (!KT_EQ(zonal_trace_read(mm, kt_cpu_id(0), &record, 1), 1))
			return;
		KT_EQ(record.point, point[i]);
		KT_EQ(record.field[0], id);
	}
	KT_TRUE(!zonal_trace_peek(mm, kt_cpu_id(0), &record));
}

KTEST(trace, a_victim_is_seen_from_the_kill_to_the_reaper)
{
	static const unsigned ended[] = { ZONAL_TRACE_OOM_VICTIM, ZONAL_TRACE_OOM_REAPER };
	static const unsigned in_vain[] = { ZONAL_TRACE_OOM_REAP_BEGIN,
					    ZONAL_TRACE_OOM_REAP_SKIP };
	static const unsigned done[] = { ZONAL_TRACE_OOM_REAP_BEGIN, ZONAL_TRACE_OOM_REAP_END };
	struct kt_oom *oom = kt_oom_full(&uma);
	struct oom_tries tries = { 0 };
	uint64_t before;
	struct lack l;

	if (!oom || !KT_EQ(zonal_trace_attach(oom->mm, kt_cpu_id(0), ring, sizeof(ring)), 0))
		return;
	zonal_trace_on(oom->mm, ZONAL_TRACE_BIT(OOM_VICTIM) | ZONAL_TRACE_BIT(OOM_REAPER) |
					ZONAL_TRACE_BIT(OOM_REAP_BEGIN) |
					ZONAL_TRACE_BIT(OOM_REAP_END) |
					ZONAL_TRACE_BIT(OOM_REAP_SKIP));
	oom->slow = oom->stuck = true;
	lack(oom->mm, &l);
	KT_TRUE(!oom_make_room(&l.req, &l.pass, &tries) && tries.progress);
	expect_records(oom->mm, 2, ended, 2);
	KT_TRUE(oom->mm->oom.killed_ns > 0);
	oom->mm->oom.victim[OOM_VICTIMS - 1].due_ns = 0;
	before = port_time_ns();
	KT_TRUE(zonal_oom_reaper_turn(oom->mm) <= 100000000);
	KT_TRUE(oom->mm->oom.victim[OOM_VICTIMS - 1].due_ns >= before + 100000000);
	expect_records(oom->mm, 2, in_vain, 2);
	KT_EQ(oom->skipped, 0);
	oom->stuck = false;
	oom->mm->oom.victim[OOM_VICTIMS - 1].due_ns = 0;
	KT_EQ(zonal_oom_reaper_turn(oom->mm), UINT64_MAX);
	expect_records(oom->mm, 2, done, 2);
	KT_EQ(oom->skipped, 1);
	zonal_trace_on(oom->mm, 0);
	kt_oom_finish(oom);
}

static void watch(struct zonal *mm, uint64_t id)
{
	oom_enter(mm);
	oom_watch(mm, id);
	oom_leave(mm);
}

/* Two seconds each; who is due first says how long the reaper sleeps. */
KTEST(rows_o, o11_the_reaper_sleeps_until_the_first_one_is_due)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	uint64_t before, sleep;

	if (!oom)
		return;
	before = port_time_ns();
	watch(oom->mm, 1);
	watch(oom->mm, 2);
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		if (oom->mm->oom.victim[i].id) {
			KT_TRUE(oom->mm->oom.victim[i].due_ns >= before + 2000000000);
			KT_TRUE(oom->mm->oom.victim[i].due_ns <= port_time_ns() + 2000000000);
			oom->mm->oom.victim[i].due_ns = UINT64_MAX / 2 +
							oom->mm->oom.victim[i].id * 1000000000;
		}
	sleep = zonal_oom_reaper_turn(oom->mm);
	KT_TRUE(sleep <= UINT64_MAX / 2 + 1000000000 - before);
	KT_TRUE(sleep >= UINT64_MAX / 2 + 1000000000 - port_time_ns());
	/* Somebody chooses just now: he comes again soon. */
	oom_enter(oom->mm);
	KT_EQ(zonal_oom_reaper_turn(oom->mm), 10000000);
	oom_leave(oom->mm);
	KT_EQ(oom->reaped, 0);
	memset(oom->mm->oom.victim, 0, sizeof(oom->mm->oom.victim));
	kt_oom_finish(oom);
}

KTEST(rows_o, o11_without_a_place_the_reaper_is_woken_and_the_first_stay)
{
	struct kt_oom *oom = kt_oom_full(&uma);
	unsigned seen = 0;

	if (!oom)
		return;
	for (uint64_t id = 1; id <= OOM_VICTIMS + 1; id++)
		watch(oom->mm, 10 + id);
	KT_EQ(oom->woken, OOM_VICTIMS + 1);
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		seen |= 1u << (oom->mm->oom.victim[i].id - 11);
	KT_EQ(seen, (1u << OOM_VICTIMS) - 1);
	memset(oom->mm->oom.victim, 0, sizeof(oom->mm->oom.victim));
	kt_oom_finish(oom);
}

KTEST(rows_o, o11_who_cannot_be_reaped_is_skipped_when_he_is_due)
{
	struct zonal *mm = kt_bare_instance(&uma);

	if (!mm || !KT_EQ(zonal_oom_register(mm, &terse, NULL), 0))
		return;
	skipped = 0;
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		watch(mm, 5 + i); /* nobody wakes a reaper either */
	KT_TRUE(zonal_oom_reaper_turn(mm) <= 2000000000);
	KT_EQ(skipped, 0);
	for (unsigned i = 0; i < OOM_VICTIMS; i++)
		mm->oom.victim[i].due_ns = 0;
	KT_EQ(zonal_oom_reaper_turn(mm), UINT64_MAX);
	KT_EQ(skipped, OOM_VICTIMS);
}
