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
 * A task's policy and cursor are its own: no lock. Its allowed nodes may be
 * changed by others, under a sequence count: readers retry, and the mask is never
 * empty, since the new nodes are added before the old ones go (Z3).
 */
#include "policy.h"

#include "alloc.h"

void zonal_task_init(struct zonal_task *task)
{
	*task = (struct zonal_task){ .il_prev = ZONAL_MAX_NODES - 1 };
	st_relaxed(&task->mems_allowed, NODEMASK_ALL);
}

/* n-th set bit of a mask that has more than n. */
static unsigned nth_node(nodemask_t nodes, unsigned n)
{
	while (n--)
		nodes &= nodes - 1;
	return nodemask_first(nodes);
}

/* How many set bits are below `nid`. */
static unsigned node_position(nodemask_t nodes, unsigned nid)
{
	return nodemask_count(nodes & (node_bit(nid) - 1));
}

unsigned policy_interleave_next(struct zonal_task *task)
{
	nodemask_t nodes = task->policy.nodes;
	nodemask_t above = nodes & ~(node_bit(task->il_prev) | (node_bit(task->il_prev) - 1));

	task->il_prev = (uint8_t)nodemask_first(above ? above : nodes);
	return task->il_prev;
}

unsigned policy_offset_node(nodemask_t nodes, uint64_t offset, unsigned shift)
{
	return nth_node(nodes, (unsigned)((offset >> shift) % nodemask_count(nodes)));
}

/* Q12: positions given by `user`, folded round the size of `onto`. */
static nodemask_t relative_nodes(nodemask_t user, nodemask_t onto)
{
	unsigned size = nodemask_count(onto);
	nodemask_t out = 0;

	for (; user; user &= user - 1)
		out |= node_bit(nth_node(onto, nodemask_first(user) % size));
	return out;
}

/* Q13 without a flag: each node moves to the same position, modulo the new size. */
static nodemask_t remap_nodes(nodemask_t nodes, nodemask_t from, nodemask_t to)
{
	unsigned size = nodemask_count(to);
	nodemask_t out = 0;

	for (; nodes; nodes &= nodes - 1) {
		unsigned nid = nodemask_first(nodes);

		if (nodemask_has(from, nid))
			out |= node_bit(nth_node(to, node_position(from, nid) % size));
		else
			out |= node_bit(nid);
	}
	return out;
}

void policy_rebind(struct mempolicy *policy, nodemask_t from, nodemask_t to)
{
	nodemask_t nodes;

	if (policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL || !policy->user)
		return;
	if (policy->flags & MPOL_F_STATIC)
		nodes = policy->mode == MPOL_PREFERRED
				? node_bit(nodemask_first(policy->user)) & to
				: policy->user & to;
	else if (policy->flags & MPOL_F_RELATIVE)
		nodes = relative_nodes(policy->user, to);
	else
		nodes = remap_nodes(policy->nodes, from, to);
	if (policy->mode == MPOL_PREFERRED) {
		/* A preferred node outside of the new set: the CPU's own, until it
		 * comes back. */
		policy->local = nodes == 0;
		if (nodes)
			policy->nodes = node_bit(nodemask_first(nodes));
		return;
	}
	policy->nodes = nodes ? nodes : to;
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

int zonal_set_policy(struct zonal *mm, struct zonal_task *task, unsigned mode, unsigned flags,
		     nodemask_t nodes)
{
	nodemask_t allowed = ld_relaxed(&task->mems_allowed) & mm->has_memory;
	struct mempolicy policy = { .mode = (uint8_t)mode, .flags = (uint16_t)flags };

	if (policy_args_bad(mode, flags, nodes) || (nodes && !allowed))
		return ZONAL_EINVAL;
	policy.user = nodes;
	if (nodes) {
		policy.nodes = flags & MPOL_F_RELATIVE ? relative_nodes(nodes, allowed)
						       : nodes & allowed;
		if (!policy.nodes)
			return ZONAL_EINVAL;
	}
	if (mode == MPOL_PREFERRED) {
		policy.local = !nodes;
		if (nodes)
			policy.nodes = node_bit(nodemask_first(policy.nodes));
	}
	task->policy = policy;
	task->il_prev = ZONAL_MAX_NODES - 1;
	return 0;
}

int zonal_task_set_mems(struct zonal *mm, struct zonal_task *task, nodemask_t nodes)
{
	nodemask_t old = ld_relaxed(&task->mems_allowed);
	port_irqflags_t irq;

	if (!(nodes & mm->has_memory))
		return ZONAL_EINVAL;
	irq = port_irq_save();
	/* Odd: a change is on. Readers that come now wait for the end (T4, Z3). */
	fetch_add_acquire(&task->mems_seq, 1);
	/* Releases: who sees a new mask sees the odd count too, and tries again. */
	st_release(&task->mems_allowed, old | nodes);
	policy_rebind(&task->policy, old & mm->has_memory, nodes & mm->has_memory);
	st_release(&task->mems_allowed, nodes);
	/* Release: who sees the even count sees the new mask. */
	atomic_fetch_add_explicit(&task->mems_seq, 1, memory_order_release);
	port_irq_restore(irq);
	if (mm->has_memory & ~nodes)
		fetch_or_acq_rel(&mm->gates, GATE_CPUSETS);
	return 0;
}

/* Q4: when a bind set restricts a request at all. */
static nodemask_t bind_mask(const struct zonal *mm, const struct zonal_task *task, gfp_t gfp)
{
	struct zonal_task *t = (struct zonal_task *)(uintptr_t)task;
	nodemask_t nodes = task->policy.nodes;
	unsigned from_zone = nodes & mm->has_kernel_memory ? mm->policy_zone : ZONE_MOVABLE;

	if (gfp_zone(gfp) < from_zone || !(nodes & ld_relaxed(&t->mems_allowed)))
		return NODEMASK_ALL;
	return nodes;
}

static void count_interleave(struct zonal *mm, const struct page *page)
{
	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm->cpu[port_this_cpu()->id];

	own_add(&cpu->pcp[page_zid(page)].stat[STAT_INTERLEAVE], 1);
	port_irq_restore(irq);
}

static struct page *alloc_interleave(struct zonal *mm, struct zonal_task *task, gfp_t gfp,
				     unsigned order)
{
	int nid = (int)policy_interleave_next(task);
	struct page *page = alloc_request(mm, nid, gfp, order, NODEMASK_ALL);

	if (page && (int)zonal_page_node(page) == nid)
		count_interleave(mm, page);
	return page;
}

struct page *alloc_by_policy(struct zonal *mm, gfp_t gfp, unsigned order)
{
	port_irqflags_t irq = port_irq_save();
	struct port_cpu *cpu = port_this_cpu();
	struct zonal_task *task = cpu->task;
	bool plain = cpu->irq_depth || (gfp & __GFP_THISNODE);
	int nid = mm->cpu[cpu->id]->node;
	nodemask_t mask = NODEMASK_ALL;

	port_irq_restore(irq);
	if (!plain && task->policy.mode == MPOL_INTERLEAVE && order < MAX_ORDER)
		return alloc_interleave(mm, task, gfp, order);
	if (!plain && task->policy.mode == MPOL_PREFERRED && !task->policy.local)
		nid = (int)nodemask_first(task->policy.nodes);
	if (!plain && task->policy.mode == MPOL_BIND)
		mask = bind_mask(mm, task, gfp);
	return alloc_request(mm, nid, gfp, order, mask);
}
