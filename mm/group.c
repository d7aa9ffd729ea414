/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Charges: what a request costs its group, and what happens when that cannot pay (Z5, Z6).
 *
 * A request is charged when it has its page. If its group, or one above, has no room (Z6):
 *
 *	1  ask for as much as is needed, not for a store of 32
 *	2  who may not be kept waiting is charged whatever the limit: ATOMIC, who works for
 *	   reclaim, who is on its way out. Who may not wait at all fails
 *	3  reclaim pages of the group that is full, and ask again; the first time and the last,
 *	   with the stores of all CPUs given back. NORETRY fails here; 16 rounds in vain end it.
 *	   RETRY_MAYFAIL and a large block fail then, NOFAIL is charged whatever the limit
 *	4  a task of the group is ended, and from 3 again
 *	5  who has become a victim meanwhile is charged; all others fail: the page is freed again
 *
 * Who charges pins his group from the moment when he reads which it is: he may be taken out of
 * it meanwhile, and the group must not go before the charge is counted (group_tree.c). A page that
 * is charged keeps its group from going by itself (group_page.c).
 *
 * No lock is held. Context: task.
 */
#include "group.h"

#include "alloc.h"
#include "lib/assert.h"
#include "oom/oom.h"
#include "reclaim/reclaim.h"

#define BATCH 32u /* MEMCG_CHARGE_BATCH */
#define TRIES 16u /* MAX_RECLAIM_RETRIES */
/* Rounds of reclaim that helped others alone; 5.10 has no bound for these. */
#define MOST_ROUNDS 1000u

/* One request on its way through the steps. */
struct charge {
	const struct alloc_req *req;
	struct zonal_group *group, *full;
	uint64_t pages, batch, reclaimed;
	unsigned vain, rounds;
	struct oom_tries oom;
};

/* Step 1. */
static bool charge_fits(struct charge *c)
{
	if (group_store_take(c->req->mm, c->group, c->pages))
		return true;
	c->full = group_add(c->group, c->batch);
	if (c->full && c->batch > c->pages) {
		c->batch = c->pages;
		c->full = group_add(c->group, c->pages);
	}
	if (c->full)
		return false;
	if (c->batch > c->pages)
		group_store_put(c->req->mm, c->group, c->batch - c->pages);
	return true;
}

/* Step 2: who is charged in any case. */
static bool charge_is_forced(const struct alloc_req *req)
{
	return (req->gfp & __GFP_ATOMIC) || (req->task->flags & ZTASK_MEMALLOC) ||
	       task_is_dying(req->task) || task_is_victim(req->task);
}

/* Step 3, after a round that freed `got` pages and did not do. */
static bool charge_tries_again(struct charge *c, uint64_t got)
{
	if (c->req->gfp & __GFP_NORETRY)
		return false;
	if (got && c->req->order <= COSTLY_ORDER && c->rounds < MOST_ROUNDS)
		return true;
	return c->vain++ < TRIES;
}

static bool charge_reclaims(struct charge *c)
{
	uint64_t got;

	c->vain = 0;
	do {
		ASSERT(c->full, "group %u has room", c->group->id);
		got = reclaim_group(c->req, c->full, c->pages);
		c->reclaimed += got;
		if (charge_fits(c))
			return true;
		if (c->rounds++)
			continue;
		zonal_group_settle(c->req->mm);
		if (charge_fits(c))
			return true;
	} while (charge_tries_again(c, got));
	/* What the rounds gave back may be in store, for the groups that it was taken from. */
	zonal_group_settle(c->req->mm);
	return charge_fits(c);
}

/* Step 4. */
static bool charge_ends_a_task(struct charge *c)
{
	if (c->req->order > COSTLY_ORDER || charge_is_forced(c->req) ||
	    (c->req->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NORETRY | __GFP_NOFAIL)))
		return false;
	fetch_add_relaxed(&c->full->ooms, 1);
	oom_in_group(c->req, c->full, &c->oom);
	return c->oom.progress && !charge_is_forced(c->req);
}

static bool charge_waits(struct charge *c)
{
	do {
		if (charge_reclaims(c))
			return true;
	} while (charge_ends_a_task(c));
	return false;
}

/* For who asks why. */
static void charge_failed(const struct charge *c)
{
	const struct oom_tries *oom = &c->oom;
	struct zonal_outcomes outcome = {
		.oom = oom->end,
		.kills = oom->kills,
		.naps = oom->naps,
		.victim = oom->victim,
		.group_full = c->full->id,
		.group_rounds = (uint16_t)ZN_MIN(c->rounds, UINT16_MAX + 0u),
		.group_reclaimed = c->reclaimed,
	};

	failure_group(c->req, &outcome);
}

static bool charge(const struct alloc_req *req, struct zonal_group *group, uint64_t pages)
{
	struct charge c = { .req = req, .group = group, .pages = pages,
			    .batch = ZN_MAX(pages, (uint64_t)BATCH) };

	if (likely(charge_fits(&c)))
		return true;
	if (!charge_is_forced(req) && (req->gfp & __GFP_DIRECT_RECLAIM) && charge_waits(&c))
		return true;
	/* Who has become the victim meanwhile is charged, so that he can end. */
	if (!(req->gfp & __GFP_NOFAIL) && !charge_is_forced(req)) {
		charge_failed(&c);
		return false;
	}
	group_force(group, pages);
	return true;
}

/* The group of who asks, which stays one until group_unpin(); NULL: he is in none any more. Masked,
 * so that zonal_group_drop() finds the pin of everybody who has read that he is in it. */
static struct zonal_group *group_pin(const struct zonal_task *task)
{
	port_irqflags_t irq = port_irq_save();
	struct zonal_group *group =
		ld_acquire(&((struct zonal_task *)(uintptr_t)task)->group);

	if (group)
		fetch_add_relaxed(&group->pins, 1);
	port_irq_restore(irq);
	return group;
}

static void group_unpin(struct zonal_group *group)
{
	uint32_t before = fetch_sub_acq_rel(&group->pins, 1);

	ASSERT(before, "group %u was not pinned", group->id);
}

struct page *group_charge_page(const struct alloc_req *req, struct page *page)
{
	struct zonal *mm = req->mm;
	struct zonal_group *group = page ? group_pin(req->task) : NULL;

	if (!group)
		return page;
	ASSERT(group->mm == mm && mm->groups.map, "group %u of another instance", group->id);
	if (charge(req, group, (uint64_t)1 << req->order)) {
		group_mark(mm, page, group);
	} else {
		fetch_add_relaxed(&group->refused, 1);
		zonal_free(mm, page, req->order);
		page = NULL;
	}
	group_unpin(group);
	return page;
}
