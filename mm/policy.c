/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policy: from the task that asks to a node's list and a set of nodes.
 *
 *	DEFAULT, LOCAL  the list of the CPU's node, no restriction          (Q1, Q9)
 *	PREFERRED       the list of the chosen node, no restriction         (Q3)
 *	BIND            the list of the CPU's node, restricted to the set: so the
 *	                *nearest* allowed node serves, not the first bit    (Q4)
 *	INTERLEAVE      the next node of the set in turn, one step a block of
 *	                any order, from its list                            (Q6)
 *
 * Interrupts and __GFP_THISNODE ignore the task's policy (Q2). A bind set applies only to
 * requests whose zone is at least policy_zone: on a board whose NORMAL zone is
 * on one node only, a DMA request must not be bound away from the others (Q4).
 *
 * The nodes of a policy are those given, within the task's allowed nodes that
 * have memory (Q11); `user` keeps what was given, so that a later change of the
 * allowed nodes can be followed: STATIC keeps to the given nodes, RELATIVE takes them as
 * positions in the allowed set, folded round its size, and without a flag the
 * old nodes are mapped by position from the old set to the new one (Q12, Q13).
 *
 * The task sets its policy, and whoever changes its allowed nodes rebinds it, perhaps on
 * another CPU at the same moment: both are writers under the task's sequence count
 * (cpuset.c), and a request works with a copy that was whole at one moment. The interleave
 * cursor is the task's alone.
 */
#include "policy.h"

#include "lib/assert.h"
#include "alloc.h"
#include "cpuset.h"

/* n-th set bit of a mask that has more than n. */
static unsigned nth_node(nodemask_t nodes, unsigned n)
{
	ASSERT(nodemask_count(nodes) > n, "node %u of 0x%llx", n, (unsigned long long)nodes);
	while (n--)
		nodes &= nodes - 1;
	return nodemask_first(nodes);
}

/* How many set bits are below `nid`. */
static unsigned node_position(nodemask_t nodes, unsigned nid)
{
	return nodemask_count(nodes & (node_bit(nid) - 1));
}

unsigned policy_interleave_peek(const struct zonal_task *task, nodemask_t nodes)
{
	nodemask_t above = nodes & ~(node_bit(task->il_prev) | (node_bit(task->il_prev) - 1));

	ASSERT(nodes, "interleave over no node, cursor %u", task->il_prev);
	return nodemask_first(above ? above : nodes);
}

unsigned policy_interleave_next(struct zonal_task *task, nodemask_t nodes)
{
	task->il_prev = (uint8_t)policy_interleave_peek(task, nodes);
	return task->il_prev;
}

unsigned policy_offset_node(nodemask_t nodes, uint64_t offset, unsigned shift)
{
	ASSERT(nodes, "offset %llu into no node", (unsigned long long)offset);
	return nth_node(nodes, (unsigned)((offset >> shift) % nodemask_count(nodes)));
}

/* Q12: positions given by `user`, folded round the size of `onto`. */
static nodemask_t relative_nodes(nodemask_t user, nodemask_t onto)
{
	unsigned size = nodemask_count(onto);
	nodemask_t out = 0;

	ASSERT(size, "nodes 0x%llx relative to no node", (unsigned long long)user);
	for (; user; user &= user - 1)
		out |= node_bit(nth_node(onto, nodemask_first(user) % size));
	return out;
}

/* Q13 without a flag: each node moves to the same position, modulo the new size. */
static nodemask_t remap_nodes(nodemask_t nodes, nodemask_t from, nodemask_t to)
{
	unsigned size = nodemask_count(to);
	nodemask_t out = 0;

	ASSERT(size, "nodes 0x%llx mapped to no node", (unsigned long long)nodes);
	for (; nodes; nodes &= nodes - 1) {
		unsigned nid = nodemask_first(nodes);

		if (nodemask_has(from, nid))
			out |= node_bit(nth_node(to, node_position(from, nid) % size));
		else
			out |= node_bit(nid);
	}
	return out;
}

/* Q13: where the nodes of a policy go when the allowed ones change from `from` to `to`. */
static nodemask_t rebound_nodes(struct mempolicy *policy, nodemask_t from, nodemask_t to)
{
	nodemask_t user = ld_relaxed(&policy->user);

	if (ld_relaxed(&policy->flags) & MPOL_F_RELATIVE)
		return relative_nodes(user, to);
	if (!(ld_relaxed(&policy->flags) & MPOL_F_STATIC))
		return remap_nodes(ld_relaxed(&policy->nodes), from, to);
	if (ld_relaxed(&policy->mode) == MPOL_PREFERRED)
		return node_bit(nodemask_first(user)) & to;
	return user & to;
}

void policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to)
{
	unsigned mode = ld_relaxed(&policy->mode);
	nodemask_t nodes;

	ASSERT(to, "a policy of mode %u rebound to no node", mode);
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL || !ld_relaxed(&policy->user))
		return;
	nodes = rebound_nodes(policy, from, to);
	if (mode != MPOL_PREFERRED) {
		st_release(&policy->nodes, nodes ? nodes : to);
		return;
	}
	/* A preferred node outside of the new set: the CPU's own, until it comes back. */
	st_release(&policy->local, nodes == 0);
	if (nodes)
		st_release(&policy->nodes, node_bit(nodemask_first(nodes)));
}

uint32_t policy_unusual(struct mempolicy *policy)
{
	unsigned mode = ld_relaxed(&policy->mode);

	ASSERT(mode < MPOL_MODES, "policy mode %u", mode);
	return mode == MPOL_DEFAULT || mode == MPOL_LOCAL ? 0 : ZTASK_POLICY;
}

void policy_copy(struct mempolicy *to, struct mempolicy *from)
{
	st_release(&to->mode, ld_acquire(&from->mode));
	st_release(&to->local, ld_acquire(&from->local));
	st_release(&to->flags, ld_acquire(&from->flags));
	st_release(&to->nodes, ld_acquire(&from->nodes));
	st_release(&to->user, ld_acquire(&from->user));
}

void zonal_task_policy(const struct zonal_task *task, struct mempolicy *out)
{
	struct zonal_task *from = (struct zonal_task *)(uintptr_t)task;
	uint32_t seq;

	do {
		seq = task_read_begin(from);
		policy_copy(out, &from->policy);
	} while (task_read_again(from, seq));
}

/* Q9, Q10: which combinations make no sense. */
static bool policy_args_bad(unsigned mode, unsigned flags, nodemask_t nodes)
{
	if (mode >= MPOL_MODES || (flags & ~(MPOL_F_STATIC | MPOL_F_RELATIVE)))
		return true;
	if (flags == (MPOL_F_STATIC | MPOL_F_RELATIVE))
		return true;
	if (mode == MPOL_DEFAULT)
		return nodes != 0;
	if (mode == MPOL_LOCAL || (mode == MPOL_PREFERRED && !nodes))
		return nodes != 0 || flags;
	return nodes == 0;
}

/* The nodes that a policy would have within `allowed`; none: it cannot be. */
static nodemask_t applied_nodes(unsigned mode, unsigned flags, nodemask_t nodes,
				nodemask_t allowed)
{
	if (!nodes || !allowed)
		return 0;
	nodes = flags & MPOL_F_RELATIVE ? relative_nodes(nodes, allowed) : nodes & allowed;
	if (mode == MPOL_PREFERRED && nodes)
		return node_bit(nodemask_first(nodes));
	return nodes;
}

int zonal_policy_make(const struct zonal *mm, const struct zonal_task *task, unsigned mode,
		      unsigned flags, nodemask_t nodes, struct mempolicy *out)
{
	struct zonal_task *of = (struct zonal_task *)(uintptr_t)task;
	nodemask_t applied;

	if (policy_args_bad(mode, flags, nodes) || (!ZONAL_POLICY && mode != MPOL_DEFAULT))
		return ZONAL_EINVAL;
	applied = applied_nodes(mode, flags, nodes, ld_relaxed(&of->mems_allowed) & mm->has_memory);
	if (nodes && !applied)
		return ZONAL_EINVAL;
	st_relaxed(&out->mode, (uint8_t)mode);
	st_relaxed(&out->flags, (uint16_t)flags);
	st_relaxed(&out->local, mode == MPOL_PREFERRED && !nodes);
	st_relaxed(&out->nodes, applied);
	st_relaxed(&out->user, nodes);
	return 0;
}

int zonal_set_policy(struct zonal *mm, struct zonal_task *task, unsigned mode, unsigned flags,
		     nodemask_t nodes)
{
	struct mempolicy policy = { .mode = MPOL_DEFAULT };
	port_irqflags_t irq = task_write_begin(task);
	int error = zonal_policy_make(mm, task, mode, flags, nodes, &policy);

	if (error) {
		task_write_end(task, irq);
		return error;
	}
	policy_copy(&task->policy, &policy);
	st_release(&task->unusual,
		   (ld_relaxed(&task->unusual) & ~ZTASK_POLICY) | policy_unusual(&policy));
	task->il_prev = ZONAL_MAX_NODES - 1;
	task_write_end(task, irq);
	return 0;
}

struct policy_view policy_read(struct zonal_task *task)
{
	struct policy_view view;
	uint32_t seq;

	do {
		seq = task_read_begin(task);
		view.mode = ld_acquire(&task->policy.mode);
		view.local = ld_acquire(&task->policy.local);
		view.nodes = ld_acquire(&task->policy.nodes);
		view.mems = ld_acquire(&task->mems_allowed);
	} while (task_read_again(task, seq));
	return view;
}

nodemask_t policy_bind_mask(const struct zonal *mm, const struct policy_view *view, gfp_t gfp)
{
	unsigned from_zone = view->nodes & mm->has_kernel_memory ? mm->policy_zone : ZONE_MOVABLE;

	if (gfp_zone(gfp) < from_zone || !(view->nodes & view->mems))
		return NODEMASK_ALL;
	return view->nodes;
}

static void count_interleave(struct zonal *mm, const struct page *page)
{
	port_irqflags_t irq = port_irq_save();

	own_add(&mm_this_cpu(mm)->pcp[page_zid(page)].stat[STAT_INTERLEAVE], 1);
	port_irq_restore(irq);
}

struct page *policy_alloc_interleave(struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
				     unsigned order)
{
	struct page *page = alloc_request(mm, ask, gfp, order);

	ASSERT(ask->nid >= 0 && ask->nid < ZONAL_MAX_NODES, "node %d", ask->nid);
	if (page && (int)(page_zid(page) / ZONE_TYPES) == ask->nid)
		count_interleave(mm, page);
	return page;
}

struct page *alloc_by_policy(struct zonal *mm, gfp_t gfp, unsigned order)
{
	struct alloc_ask ask = ask_here(mm);
	struct policy_view view;

	if (!ZONAL_POLICY || ask.in_irq || (gfp & __GFP_THISNODE) ||
	    !(ld_relaxed(&ask.task->unusual) & ZTASK_POLICY))
		return alloc_request(mm, &ask, gfp, order);
	view = policy_read(ask.task);
	ASSERT(view.nodes || view.local, "mode %u over no node", view.mode);
	if (view.mode == MPOL_INTERLEAVE && order < MAX_ORDER) {
		ask.nid = (int)policy_interleave_next(ask.task, view.nodes);
		return policy_alloc_interleave(mm, &ask, gfp, order);
	}
	if (view.mode == MPOL_PREFERRED && !view.local)
		ask.nid = (int)nodemask_first(view.nodes);
	if (view.mode == MPOL_BIND)
		ask.nodemask = policy_bind_mask(mm, &view, gfp);
	return alloc_request(mm, &ask, gfp, order);
}
