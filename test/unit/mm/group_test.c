/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory groups (rows Z5-Z7): what is charged, what happens at the limit, and that all comes back.
 *
 * The task that runs a case is the group's; its state is put back at the end. Usage is compared
 * after zonal_group_settle(), so that no CPU has anything in store.
 */
#include <string.h>

#include <zonal/claim.h>
#include <zonal/group.h>

#include "kt_cache.h"
#include "kt_oom.h"

#define ACCOUNT (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, 4096 } } };

struct scene {
	struct zonal *mm;
	struct zonal_group *outer, *inner; /* inner is below outer */
	struct zonal_task saved, *task;
};

static bool scene_begin(struct scene *s, uint64_t outer, uint64_t inner)
{
	size_t bytes;

	s->mm = kt_bare_instance(&uma);
	s->outer = kt_alloc(2 * sizeof(*s->outer), 16);
	if (!s->mm || !s->outer)
		return false;
	s->inner = s->outer + 1;
	bytes = zonal_group_map_bytes(s->mm);
	s->task = kt_task_save(&s->saved);
	KT_EQ(zonal_groups_begin(s->mm, kt_alloc(bytes, 16), bytes), 0);
	KT_EQ(zonal_group_make(s->mm, s->outer, NULL, outer), 0);
	KT_EQ(zonal_group_make(s->mm, s->inner, s->outer, inner), 0);
	zonal_group_join(s->inner, s->task);
	return true;
}

static uint64_t usage(struct scene *s)
{
	zonal_group_settle(s->mm);
	KT_EQ(ld_relaxed(&s->inner->usage), ld_relaxed(&s->outer->usage));
	return ld_relaxed(&s->inner->usage);
}

static void scene_end(struct scene *s)
{
	zonal_group_join(NULL, s->task);
	kt_task_restore(&s->saved);
	KT_EQ(usage(s), 0);
	KT_EQ(zonal_group_drop(s->outer), ZONAL_EINVAL);
	KT_EQ(zonal_group_drop(s->inner), 0);
	KT_EQ(zonal_group_drop(s->outer), 0);
	kt_check_all(s->mm);
	KT_EQ(zonal_bad_count(s->mm), 0);
}

/* Whoever makes a claim does it for a client. */
KTEST(rows_z, z5_a_claim_is_charged_to_nobody)
{
	struct zonal_claim_part part = { .nid = 0, .pages = 70 };
	struct zonal_claim claim = { .parts = 1, .part = &part, .gfp = ACCOUNT };
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	memcpy(claim.owner, "guest", 6);
	KT_EQ(zonal_claim_make(s.mm, &claim), 0);
	KT_EQ(usage(&s), 0);
	zonal_claim_drop(&claim);
	scene_end(&s);
}

KTEST(rows_z, z5_what_is_charged)
{
	struct page *page[4];
	port_irqflags_t irq;
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	page[0] = zonal_alloc(s.mm, ACCOUNT, 0);
	/* Z6: a store of 32 is taken */
	KT_EQ(ld_relaxed(&s.inner->usage), 32);
	KT_EQ(usage(&s), 1);
	KT_TRUE(zonal_page_group(s.mm, page[0]) == s.inner);
	page[1] = zonal_alloc(s.mm, ACCOUNT, 6);
	KT_EQ(usage(&s), 65);
	page[2] = zonal_alloc(s.mm, GFP_KERNEL, 0);
	irq = kt_irq_enter();
	page[3] = zonal_alloc(s.mm, GFP_ATOMIC | __GFP_ACCOUNT, 0);
	kt_irq_exit(irq);
	KT_EQ(usage(&s), 65);
	KT_TRUE(!zonal_page_group(s.mm, page[2]) && !zonal_page_group(s.mm, page[3]));
	zonal_group_join(NULL, s.task);
	zonal_free(s.mm, zonal_alloc(s.mm, ACCOUNT, 0), 0);
	KT_EQ(usage(&s), 65);
	for (unsigned i = 0; i < 4; i++)
		zonal_free(s.mm, page[i], i == 1 ? 6 : 0);
	KT_EQ(ld_relaxed(&s.outer->most) >= 65, 1);
	scene_end(&s);
}

/* Pages until NULL with a limit of 40; they are given back. */
static uint64_t most_of(struct scene *s, gfp_t gfp)
{
	struct page *chain = NULL;
	uint64_t got = 0;

	while (got < 60) {
		struct page *page = zonal_alloc(s->mm, gfp, 0);

		if (!page)
			break;
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
		got++;
	}
	kt_give_all(s->mm, chain, 0);
	return got;
}

KTEST(rows_z, z6_who_fails_at_the_limit_and_who_is_charged_over_it)
{
	static const struct {
		gfp_t gfp;
		uint32_t task;
		bool over;
	} table[] = {
		{ ACCOUNT, 0, false },
		{ ACCOUNT | __GFP_NORETRY, 0, false },
		{ ACCOUNT | __GFP_RETRY_MAYFAIL, 0, false },
		{ GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT, 0, false },
		{ GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT, 0, true },
		{ ACCOUNT | __GFP_NOFAIL, 0, true },
		{ ACCOUNT, ZTASK_MEMALLOC, true },
	};
	struct zonal_failure failure;
	struct scene s;

	if (!scene_begin(&s, 1000, 40))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		s.task->flags = table[i].task;
		KT_OK(most_of(&s, table[i].gfp) == (table[i].over ? 60 : 40),
		      "gfp 0x%x, task 0x%x", table[i].gfp, table[i].task);
		KT_EQ(usage(&s), 0);
		if (table[i].over)
			continue;
		zonal_last_failure(s.mm, &failure);
		KT_EQ(failure.steps, ZSTEP_GROUP);
	}
	s.task->flags = 0;
	KT_EQ(ld_relaxed(&s.inner->refused), 4);
	KT_TRUE(ld_relaxed(&s.inner->forced) >= 3 * 20);
	KT_TRUE(ld_relaxed(&s.inner->hits) > 0);
	/* who is on its way out */
	st_relaxed(&s.task->fate, 1);
	KT_EQ(most_of(&s, ACCOUNT), 60);
	st_relaxed(&s.task->fate, 0);
	scene_end(&s);
}

KTEST(rows_z, z6_a_group_above_has_its_limit_too)
{
	struct scene s;

	if (!scene_begin(&s, 20, 40))
		return;
	KT_EQ(most_of(&s, ACCOUNT), 20);
	KT_EQ(zonal_group_limit(s.outer, ZONAL_GROUP_NO_LIMIT), 0);
	KT_EQ(most_of(&s, ACCOUNT), 40);
	scene_end(&s);
}

KTEST(rows_z, z6_reclaim_takes_the_groups_own_pages_alone)
{
	struct kt_cache *mine, *other;
	struct page *page;
	struct scene s;

	if (!scene_begin(&s, 1000, 100))
		return;
	other = kt_cache(s.mm, ZONAL_CACHE, 200);
	mine = kt_cache(s.mm, ZONAL_CACHE, 200);
	if (!other || !mine)
		return;
	zonal_group_join(s.outer, s.task);
	KT_EQ(kt_cache_fill(other, 0, ACCOUNT, 100), 100);
	zonal_group_join(s.inner, s.task);
	KT_EQ(kt_cache_fill(mine, 0, ACCOUNT, 150), 150);
	/* 150 were served, so at least 50 have gone, and none of the others' */
	KT_TRUE(kt_cache_left(mine) <= 100 && kt_cache_left(mine) > 0);
	KT_EQ(kt_cache_left(other), 100);
	KT_EQ(ld_relaxed(&s.inner->reclaimed), 150 - kt_cache_left(mine));
	/* As 5.10: what a group does among its own pages is not the board's lack. */
	KT_EQ(kt_event(s.mm, EVENT_PGSCAN_DIRECT) + kt_event(s.mm, EVENT_PGSTEAL_DIRECT), 0);
	KT_EQ(kt_event(s.mm, EVENT_PGSTEAL_FILE), 150 - kt_cache_left(mine));
	zonal_group_settle(s.mm);
	KT_EQ(ld_relaxed(&s.inner->usage), kt_cache_left(mine));
	KT_EQ(ld_relaxed(&s.outer->usage), kt_cache_left(mine) + 100);
	/* a smaller limit takes more of them, or is refused when they are in use */
	KT_EQ(zonal_group_limit(s.inner, 10), 0);
	KT_TRUE(kt_cache_left(mine) <= 10);
	for (unsigned i = 0; i < mine->count; i++)
		mine->place[i].give = ZONAL_GIVE_BUSY;
	page = zonal_alloc(s.mm, ACCOUNT, 0);
	KT_TRUE(page);
	KT_EQ(zonal_group_limit(s.inner, 0), ZONAL_EINVAL);
	if (kt_cache_left(mine))
		KT_EQ(zonal_group_limit(s.inner, 1), ZONAL_ENOMEM);
	KT_EQ(ld_relaxed(&s.inner->limit), 10);
	zonal_free(s.mm, page, 0);
	kt_cache_drop_all(mine);
	kt_cache_drop_all(other);
	scene_end(&s);
}

/* Anonymous pages go too, if there is somewhere to write them to. */
KTEST(rows_z, z6_reclaim_of_a_group_swaps)
{
	for (unsigned room = 0; room < 2; room++) {
		struct kt_cache *mine;
		struct scene s;

		if (!scene_begin(&s, 1000, 100))
			return;
		mine = kt_cache(s.mm, ZONAL_ANON, 200);
		if (!mine)
			return;
		zonal_swap_room(s.mm, (int64_t)room * 1000);
		KT_EQ(kt_cache_fill(mine, 0, ACCOUNT | __GFP_NORETRY, 150), room ? 150 : 100);
		KT_EQ(mine->committed > 0, room);
		KT_EQ(ld_relaxed(&s.inner->reclaimed), mine->committed);
		zonal_swap_room(s.mm, -(int64_t)room * 1000);
		kt_cache_drop_all(mine);
		scene_end(&s);
	}
}

/* A task of the group is ended, though another one has more. */
KTEST(rows_z, z6_oom_inside_the_group)
{
	struct kt_oom *oom;
	struct scene s;

	if (!scene_begin(&s, 1000, 40))
		return;
	oom = kt_oom(s.mm);
	if (!oom)
		return;
	zonal_group_join(NULL, s.task);
	kt_oom_task(oom, 500, 0);
	kt_oom_task(oom, 0, 0);
	kt_oom_task(oom, 0, 0);
	zonal_group_join(s.inner, s.task);
	for (unsigned n = 1; n < 3; n++) {
		for (unsigned i = 0; i < 15 * n - 10 + 5; i++) {
			struct page *page = zonal_alloc(s.mm, ACCOUNT, 0);

			if (!KT_TRUE(page))
				break;
			*(struct page **)zonal_page_owner(page) = oom->task[n].pages;
			oom->task[n].pages = page;
			oom->task[n].count++;
		}
		zonal_group_join(s.inner, oom->task[n].memory);
	}
	KT_EQ(oom->task[1].count + oom->task[2].count, 35);
	s.task->flags |= ZTASK_NOCMA;
	KT_EQ(most_of(&s, ACCOUNT), 40);
	/* Who ends others works for reclaim, and is else who he was; so he is afterwards. */
	KT_EQ(oom->flags & (ZTASK_MEMALLOC | ZTASK_NOCMA), ZTASK_MEMALLOC | ZTASK_NOCMA);
	KT_EQ(s.task->flags & (ZTASK_MEMALLOC | ZTASK_NOCMA), ZTASK_NOCMA);
	s.task->flags &= ~ZTASK_NOCMA;
	/* the larger one, then the other; the largest of all is not in the group */
	KT_EQ(oom->kills, 2);
	KT_EQ(oom->killed[0], 2);
	KT_EQ(oom->killed[1], 1);
	KT_EQ(oom->task[0].count, 500);
	KT_TRUE(ld_relaxed(&s.inner->ooms) > 0);
	for (unsigned n = 1; n < 3; n++)
		zonal_group_join(NULL, oom->task[n].memory);
	kt_oom_end_all(oom);
	scene_end(&s);
}

KTEST(rows_z, z7_split_shared_and_exact_blocks_give_back_what_was_charged)
{
	struct page *page;
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	page = zonal_alloc(s.mm, ACCOUNT, 4);
	zonal_split(s.mm, page, 4);
	KT_EQ(usage(&s), 16);
	for (unsigned i = 0; i < 16; i++) {
		zonal_free(s.mm, page + i, 0);
		KT_EQ(usage(&s), 15 - i);
	}
	/* B17: all but the head goes, then the head */
	page = zonal_alloc(s.mm, ACCOUNT, 3);
	zonal_get(page);
	zonal_free(s.mm, page, 3);
	KT_EQ(usage(&s), 1);
	zonal_put(s.mm, page);
	KT_EQ(usage(&s), 0);
	page = zonal_alloc_exact(s.mm, ACCOUNT, 5 * PAGE_SIZE);
	KT_EQ(usage(&s), 5);
	zonal_free_exact(s.mm, page, 5 * PAGE_SIZE);
	page = zonal_alloc(s.mm, ACCOUNT | __GFP_COMP, 5);
	KT_EQ(usage(&s), 32);
	zonal_put(s.mm, page + 3);
	scene_end(&s);
}

/* D1: a flag that nobody's charge has set is damage, whatever the page was charged to before. */
KTEST(rows_z, z7_a_flag_without_a_charge_is_a_damaged_page_and_costs_no_group)
{
	struct page *page[2];
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	page[0] = zonal_alloc(s.mm, ACCOUNT, 0);
	page[1] = zonal_alloc(s.mm, ACCOUNT, 0);
	zonal_group_join(s.outer, s.task); /* of the smallest number */
	zonal_free(s.mm, page[0], 0);
	zonal_group_join(NULL, s.task);
	KT_TRUE(zonal_alloc(s.mm, GFP_KERNEL, 0) == page[0]);
	page_set_word(page[0], page_word(page[0]) | PG_CHARGED);
	KT_TRUE(!zonal_page_group(s.mm, page[0]));
	zonal_free(s.mm, page[0], 0);
	KT_EQ(zonal_bad_count(s.mm), 1);
	KT_EQ(usage(&s), 1);
	zonal_free(s.mm, page[1], 0);
	KT_EQ(usage(&s), 0);
	kt_task_restore(&s.saved);
}

static void works_for_reclaim(struct kt_cache *cache, unsigned place)
{
	(void)cache, (void)place;
	KT_EQ(port_this_cpu()->task->flags, ZTASK_MEMALLOC | ZTASK_REALTIME | ZTASK_NOFS);
}

/* What does not go in one round is not asked again and again: the caller is told. */
KTEST(rows_z, z6_a_limit_that_cannot_be_met_is_told_after_one_round)
{
	struct kt_cache *mine;
	uint64_t asked;
	struct scene s;

	if (!scene_begin(&s, 1000, 100))
		return;
	mine = kt_cache(s.mm, ZONAL_CACHE, 64);
	if (!mine || !KT_EQ(kt_cache_fill(mine, 0, ACCOUNT, 64), 64))
		return;
	for (unsigned i = 0; i < mine->count; i++)
		mine->place[i].give = ZONAL_GIVE_BUSY;
	mine->on_give = works_for_reclaim;
	s.task->flags = ZTASK_REALTIME | ZTASK_NOFS;
	KT_EQ(zonal_group_limit(s.inner, 10), ZONAL_ENOMEM);
	KT_EQ(s.task->flags, ZTASK_REALTIME | ZTASK_NOFS);
	KT_EQ(mine->last_may, ZONAL_MAY_UNMAP | ZONAL_MAY_WAIT | ZONAL_MAY_WRITE);
	s.task->flags = 0;
	asked = mine->asked_give;
	KT_OK(asked > 0 && asked <= 13 * 64, "asked %llu times", (unsigned long long)asked);
	KT_EQ(ld_relaxed(&s.inner->limit), 100);
	kt_cache_drop_all(mine);
	scene_end(&s);
}

KTEST(rows_z, z5_wrong_calls_and_members)
{
	struct zonal_task child;
	struct zonal_group more;
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	more = (struct zonal_group){ .id = 0 };
	KT_EQ(zonal_group_make(s.mm, &more, NULL, 0), ZONAL_EINVAL);
	KT_EQ(zonal_group_make(s.mm, &more, NULL, ~(uint64_t)0), ZONAL_EINVAL);
	KT_EQ(zonal_group_make(s.mm, s.inner, NULL, 5), ZONAL_EINVAL);
	KT_EQ(zonal_groups_begin(s.mm, &more, 1), ZONAL_EINVAL);
	KT_EQ(ld_relaxed(&s.inner->tasks), 1);
	zonal_task_inherit(&child, s.task);
	KT_EQ(ld_relaxed(&s.inner->tasks), 2);
	KT_TRUE(ld_relaxed(&child.group) == s.inner);
	KT_TRUE(ld_relaxed(&child.unusual) & ZTASK_GROUP);
	/* the group's bit outlives a change of policy or of nodes */
	KT_EQ(zonal_set_policy(s.mm, &child, MPOL_LOCAL, 0, 0), 0);
	KT_EQ(zonal_task_set_mems(s.mm, &child, 1), 0);
	KT_TRUE(ld_relaxed(&child.unusual) & ZTASK_GROUP);
	zonal_group_join(s.outer, &child);
	KT_EQ(ld_relaxed(&s.inner->tasks), 1);
	KT_EQ(zonal_group_drop(s.inner), ZONAL_EINVAL);
	zonal_group_join(NULL, &child);
	KT_EQ(ld_relaxed(&child.unusual), 0);
	scene_end(&s);
}

/* Z6: a CPU keeps as much as it takes at once, and no page more. */
KTEST(rows_z, z6_a_cpu_keeps_32_pages_in_store_at_most)
{
	struct page *page[33], *block;
	struct scene s;

	if (!scene_begin(&s, 1000, 500))
		return;
	for (unsigned i = 0; i < 33; i++)
		page[i] = zonal_alloc(s.mm, ACCOUNT, 0);
	/* Two batches: the 33rd page and 31 in store. */
	KT_EQ(ld_relaxed(&s.inner->usage), 64);
	zonal_free(s.mm, page[0], 0);
	KT_EQ(ld_relaxed(&s.inner->usage), 64);
	zonal_free(s.mm, page[1], 0);
	KT_EQ(ld_relaxed(&s.inner->usage), 63);
	KT_EQ(ld_relaxed(&s.outer->usage), 63);
	block = zonal_alloc(s.mm, ACCOUNT, 6);
	KT_EQ(usage(&s), 31 + 64);
	zonal_free(s.mm, block, 6);
	KT_EQ(ld_relaxed(&s.outer->usage), 31 + 32);
	for (unsigned i = 2; i < 33; i++)
		zonal_free(s.mm, page[i], 0);
	KT_EQ(ld_relaxed(&s.outer->usage), 32);
	scene_end(&s);
}

KTEST(rows_z, z5_a_group_that_is_made_again_has_no_past)
{
	struct zonal_group *g;
	struct scene s;

	if (!scene_begin(&s, 1000, 32))
		return;
	g = s.inner;
	zonal_free(s.mm, zonal_alloc(s.mm, ACCOUNT, 0), 0);
	KT_TRUE(!zonal_alloc(s.mm, ACCOUNT, 6));
	KT_EQ(ld_relaxed(&g->refused), 1);
	KT_TRUE(ld_relaxed(&g->most) && ld_relaxed(&g->hits));
	st_relaxed(&g->forced, 7);
	st_relaxed(&g->reclaimed, 7);
	st_relaxed(&g->ooms, 7);
	zonal_group_join(NULL, s.task);
	zonal_group_settle(s.mm);
	KT_EQ(zonal_group_drop(g), 0);
	KT_EQ(s.outer->children, 0);
	KT_EQ(zonal_group_make(s.mm, g, s.outer, 64), 0);
	KT_EQ(s.outer->children, 1);
	KT_EQ(ld_relaxed(&g->limit), 64);
	KT_EQ(ld_relaxed(&g->usage) + ld_relaxed(&g->tasks) + g->children, 0);
	KT_EQ(ld_relaxed(&g->most), 0);
	KT_EQ(ld_relaxed(&g->hits), 0);
	KT_EQ(ld_relaxed(&g->forced), 0);
	KT_EQ(ld_relaxed(&g->refused), 0);
	KT_EQ(ld_relaxed(&g->reclaimed), 0);
	KT_EQ(ld_relaxed(&g->ooms), 0);
	scene_end(&s);
}

/* Z6: a smaller limit costs what is over it, and no more than a batch besides. */
KTEST(rows_z, z6_a_smaller_limit_takes_what_is_over_it)
{
	struct kt_cache *mine;
	struct scene s;

	if (!scene_begin(&s, 1000, 1000))
		return;
	mine = kt_cache(s.mm, ZONAL_CACHE, 600);
	if (!mine)
		return;
	KT_EQ(kt_cache_fill(mine, 0, ACCOUNT, 600), 600);
	KT_EQ(zonal_group_limit(s.inner, 500), 0);
	KT_OK(kt_cache_left(mine) <= 500 && kt_cache_left(mine) > 400, "%u of 600 are left",
	      kt_cache_left(mine));
	kt_cache_drop_all(mine);
	scene_end(&s);
}
