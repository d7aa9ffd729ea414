/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks for tests of the last resort: see kt_oom.h.
 *
 * Their pages are taken by requests that may use every reserve, so that a case fills its board
 * exactly. Ids are the number in the table plus one. A task without pages that was ended is no
 * candidate any more: that is how the core learns that a victim's memory is back. Nothing here
 * waits, and there are no locks: one task runs a case.
 */
#include "kt_oom.h"

#include <string.h>

static struct zonal_task saved; /* of the task that runs the test */
static struct kt_oom_task *being;

static void free_pages(struct kt_oom *oom, struct kt_oom_task *task)
{
	kt_give_all(oom->mm, task->pages, 0);
	task->pages = NULL;
	task->count = task->swap = task->tables = 0;
}

/* The victim ends, if it has waited long enough. */
static void victims_turn(struct kt_oom *oom)
{
	if (!oom->walks_left || --oom->walks_left)
		return;
	for (unsigned n = 0; n < oom->count; n++)
		if (oom->task[n].flags & ZONAL_OOM_VICTIM)
			kt_oom_end(oom, n);
}

static bool oom_next(void *ctx, uint64_t *cursor, struct zonal_oom_candidate *out)
{
	struct kt_oom *oom = ctx;
	const struct kt_oom_task *task;

	if (!*cursor) {
		oom->walks++;
		victims_turn(oom);
	}
	while (*cursor < oom->count && (oom->task[*cursor].flags & ZONAL_OOM_VICTIM) &&
	       !oom->task[*cursor].count)
		++*cursor;
	if (*cursor >= oom->count)
		return false;
	task = &oom->task[(*cursor)++];
	*out = (struct zonal_oom_candidate){ .id = *cursor, .name = "kt", .pages = task->count,
					     .swap = task->swap, .tables = task->tables,
					     .adj = task->adj, .flags = task->flags };
	zonal_oom_describe(task->memory, out);
	return true;
}

static bool oom_kill(void *ctx, uint64_t id)
{
	struct kt_oom *oom = ctx;
	struct kt_oom_task *task = &oom->task[id - 1];

	oom->flags = port_this_cpu()->task->flags;
	KT_TRUE(ld_relaxed(&oom->hurried) > ld_relaxed(&oom->calmed));
	if (oom->vanishes) {
		zonal_task_fate(port_this_cpu()->task, ZONAL_FATE_VICTIM);
		return false;
	}
	if (oom->asks_inside)
		KT_TRUE(!zonal_alloc(oom->mm, GFP_KERNEL | __GFP_NOMEMALLOC | __GFP_NOWARN, 0));
	if (oom->kills < ARRAY_SIZE(oom->killed))
		oom->killed[oom->kills] = (unsigned)id - 1;
	oom->kills++;
	task->flags |= ZONAL_OOM_VICTIM;
	zonal_task_fate(task->memory, ZONAL_FATE_VICTIM);
	if (!oom->slow)
		free_pages(oom, task);
	return true;
}

static enum zonal_oom_reap oom_reap(void *ctx, uint64_t id)
{
	struct kt_oom *oom = ctx;

	oom->reaped++;
	if (oom->stuck)
		return ZONAL_OOM_REAP_AGAIN;
	free_pages(oom, &oom->task[id - 1]);
	return ZONAL_OOM_REAP_DONE;
}

static void oom_skip(void *ctx, uint64_t id)
{
	struct kt_oom *oom = ctx;

	oom->skipped++;
	oom->task[id - 1].flags |= ZONAL_OOM_REAPED;
}

static void oom_wake(void *ctx) { ((struct kt_oom *)ctx)->woken++; }

static unsigned oom_hurry(void *ctx)
{
	return fetch_add_relaxed(&((struct kt_oom *)ctx)->hurried, 1) + 1;
}

static void oom_calm(void *ctx, unsigned before)
{
	struct kt_oom *oom = ctx;

	fetch_add_relaxed(&oom->calmed, 1);
	KT_TRUE(before && before <= ld_relaxed(&oom->hurried));
}

static void oom_nobody(void *ctx) { ((struct kt_oom *)ctx)->no_victim++; }

static const struct zonal_oom_ops kt_oom_ops = {
	.next = oom_next,
	.kill = oom_kill,
	.reap = oom_reap,
	.skip = oom_skip,
	.wake_reaper = oom_wake,
	.no_victim = oom_nobody,
	.hurry = oom_hurry,
	.calm = oom_calm,
};

struct kt_oom *kt_oom(struct zonal *mm)
{
	struct kt_oom *oom = mm ? kt_alloc(sizeof(*oom), 64) : NULL;

	if (!oom)
		return NULL;
	oom->mm = mm;
	oom->task = kt_alloc(KT_OOM_TASKS * sizeof(*oom->task), 64);
	if (!oom->task || !KT_EQ(zonal_oom_register(mm, &kt_oom_ops, oom), 0))
		return NULL;
	being = NULL;
	return oom;
}

unsigned kt_oom_task(struct kt_oom *oom, uint64_t pages, int adj)
{
	struct kt_oom_task *task = &oom->task[oom->count];

	zonal_task_init(&task->own);
	task->memory = &task->own;
	task->adj = adj;
	while (task->count < pages) {
		struct page *page = zonal_alloc(oom->mm, __GFP_MEMALLOC | __GFP_NOWARN, 0);

		if (!KT_TRUE(page))
			break;
		*(struct page **)zonal_page_owner(page) = task->pages;
		task->pages = page;
		task->count++;
	}
	return oom->count++;
}

void kt_oom_end(struct kt_oom *oom, unsigned n)
{
	oom->task[n].flags |= ZONAL_OOM_VICTIM;
	free_pages(oom, &oom->task[n]);
}

void kt_oom_end_all(struct kt_oom *oom)
{
	kt_oom_be_self();
	for (unsigned n = 0; n < oom->count; n++)
		kt_oom_end(oom, n);
}

void kt_oom_be(struct kt_oom *oom, unsigned n)
{
	kt_oom_be_self();
	being = &oom->task[n];
	being->memory = kt_task_save(&saved);
}

void kt_oom_be_self(void)
{
	if (!being)
		return;
	kt_task_restore(&saved);
	being->memory = &being->own;
	being = NULL;
}

/* All that is free goes to a task that is never chosen. */
void kt_oom_fill(struct kt_oom *oom)
{
	unsigned n = kt_oom_task(oom, 0, ZONAL_OOM_ADJ_NEVER);

	oom->task[n].count = kt_take_all(oom->mm, 0, __GFP_MEMALLOC | __GFP_NOWARN, 0,
					 &oom->task[n].pages);
}

/* A full board with three tasks of 100, 300 and 200 pages. */
struct kt_oom *kt_oom_full(const struct kt_spec *spec)
{
	struct kt_oom *oom = kt_oom(kt_bare_instance(spec));

	if (!oom)
		return NULL;
	kt_oom_task(oom, 100, 0);
	kt_oom_task(oom, 300, 0);
	kt_oom_task(oom, 200, 0);
	kt_oom_fill(oom);
	return oom;
}

/* The request is served, or not, after so many kills in all; the last of them was `who`. */
void kt_oom_expect(struct kt_oom *oom, gfp_t gfp, bool served, unsigned kills, unsigned who)
{
	struct page *page = zonal_alloc(oom->mm, gfp | __GFP_NOWARN, 0);

	KT_OK(!!page == served, "gfp 0x%x: %s", gfp, page ? "a page" : "none");
	KT_EQ(oom->kills, kills);
	if (oom->kills == kills && kills)
		KT_EQ(oom->killed[kills - 1], who);
	KT_EQ(kt_event(oom->mm, EVENT_OOM_KILL), kills);
	zonal_free(oom->mm, page, 0);
}

/* All is back, and every count right. */
void kt_oom_finish(struct kt_oom *oom)
{
	struct zone *zone = kt_zone(oom->mm, 0, ZONE_DMA);

	kt_oom_end_all(oom);
	zonal_drain_all(oom->mm, NULL);
	KT_EQ(kt_free(zone), zone_managed(zone));
	kt_check_all(oom->mm);
}
