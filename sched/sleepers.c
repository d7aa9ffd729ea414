/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sleeps until when on one CPU: a pairing heap by deadline.
 *
 * The nodes lie inside the tasks, so going to sleep never needs memory and cannot
 * fail. Adding is O(1), taking the earliest or any other out O(log n) on
 * average over a run of operations; ten thousand sleepers cost little.
 *
 * A node points to its first child, to its next sibling, and with `prev` to the
 * sibling before it or, as first child, to its parent. The root has neither. Each
 * node comes no later than its children. Equal deadlines keep the order in which
 * they were added, by `serial`.
 *
 * Taking a node out leaves its children as a list of heaps. They are merged in
 * pairs from left to right and the results from right to left, in a loop: no recursion,
 * the depth of a heap has no bound that a kernel stack could rely on.
 *
 * All under the lock of the run queue.
 */
#include "sched_internal.h"

static bool sleeper_before(const struct sleeper *a, const struct sleeper *b)
{
	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns;
	return a->serial < b->serial;
}

/* Two roots without siblings become one; either may be NULL. */
static struct sleeper *heap_merge(struct sleeper *a, struct sleeper *b)
{
	if (!a || !b)
		return a ? a : b;
	DASSERT(!a->next && !a->prev && !b->next && !b->prev, "a heap is part of another");
	if (sleeper_before(b, a)) {
		struct sleeper *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

/* Cut the first node off a sibling list and return it; *list is the rest. */
static struct sleeper *heap_cut_first(struct sleeper **list)
{
	struct sleeper *first = *list;

	if (!first)
		return NULL;
	*list = first->next;
	first->next = first->prev = NULL;
	return first;
}

/* A list of siblings becomes one heap. */
static struct sleeper *heap_merge_all(struct sleeper *list)
{
	struct sleeper *pairs = NULL, *root = NULL;

	while (list) {
		struct sleeper *a = heap_cut_first(&list);
		struct sleeper *merged = heap_merge(a, heap_cut_first(&list));

		merged->next = pairs;
		pairs = merged;
	}
	while (pairs)
		root = heap_merge(root, heap_cut_first(&pairs));
	return root;
}

void sleepers_add(struct run_queue *queue, struct sleeper *sleeper, uint64_t deadline_ns)
{
	DASSERT_HELD(&queue->lock);
	ASSERT(!sleeper->queued, "it sleeps until %llu already",
	       (unsigned long long)sleeper->deadline_ns);
	ASSERT(deadline_ns != SCHED_NEVER, "no deadline to wake it at");
	sleeper->child = sleeper->next = sleeper->prev = NULL;
	sleeper->deadline_ns = deadline_ns;
	sleeper->serial = queue->sleep_serial++;
	sleeper->queued = true;
	queue->sleepers = heap_merge(queue->sleepers, sleeper);
}

void sleepers_remove(struct run_queue *queue, struct sleeper *sleeper)
{
	struct sleeper *below;

	DASSERT_HELD(&queue->lock);
	if (!sleeper->queued)
		return;
	ASSERT(sleeper->prev || sleeper == queue->sleepers, "it sleeps on a CPU other than %u",
	       queue->cpu);
	below = heap_merge_all(sleeper->child);
	if (sleeper == queue->sleepers) {
		queue->sleepers = below;
	} else {
		if (sleeper->prev->child == sleeper)
			sleeper->prev->child = sleeper->next;
		else
			sleeper->prev->next = sleeper->next;
		if (sleeper->next)
			sleeper->next->prev = sleeper->prev;
		queue->sleepers = heap_merge(queue->sleepers, below);
	}
	sleeper->child = sleeper->next = sleeper->prev = NULL;
	sleeper->queued = false;
}

uint64_t sleepers_deadline(const struct run_queue *queue)
{
	DASSERT_HELD(&queue->lock);
	return queue->sleepers ? queue->sleepers->deadline_ns : SCHED_NEVER;
}
