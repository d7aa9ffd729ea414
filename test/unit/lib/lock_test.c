/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks: what the table of ranks says, that a debug build watches over it, and that a lock
 * that is free, held or wanted by many shows it.
 *
 * The table is tested in every build. What a debug build refuses is a panic that names both
 * locks, seen from outside (kt_panics); other builds have nothing to refuse with, so
 * these cases say that they skip. The order itself is exercised by every other test: the
 * sanitizer variants and one boot of `make test` are debug builds.
 */
#include "lib/lock.h"
#include "test/ktest.h"

static struct ticket_lock first = LOCK_INIT(LOCK_STACK_MAP);
static struct ticket_lock zones[2] = { LOCK_INIT(LOCK_ZONE), LOCK_INIT(LOCK_ZONE) };
static struct ticket_lock queues[2] = { LOCK_INIT(LOCK_RUN_QUEUE), LOCK_INIT(LOCK_RUN_QUEUE) };
static struct ticket_lock last = LOCK_INIT(LOCK_CONSOLE);
static struct ticket_lock unranked;

static bool watched(void)
{
	if (!ZONAL_DEBUG)
		kt_skip("needs ZONAL_DEBUG=1");
	return ZONAL_DEBUG;
}

KTEST(lock, ranks_nest_by_ascending_rank_only)
{
	for (unsigned a = LOCK_NO_RANK + 1; a < LOCK_RANKS; a++)
		for (unsigned b = LOCK_NO_RANK + 1; b < LOCK_RANKS; b++) {
			bool several = a == b && a == LOCK_RUN_QUEUE;

			KT_EQ(lock_rank_allows((enum lock_rank)a, (enum lock_rank)b, true),
			      a < b || several);
			KT_EQ(lock_rank_allows((enum lock_rank)a, (enum lock_rank)b, false), a < b);
		}
}

KTEST(lock, a_shipped_lock_is_two_tickets)
{
	KT_EQ(sizeof(struct ticket_lock), ZONAL_DEBUG ? 6 : 4);
}

/* What these do is wrong or too clever on purpose: clang is not asked. */
static void drop_second_first(struct ticket_lock *const *two) LOCK_UNSAID;
static void take_two(void *arg) LOCK_UNSAID;
static void drop_free(void *arg) LOCK_UNSAID;
static void take_open(void *arg) LOCK_UNSAID;

KTEST(lock, is_held_from_take_to_drop)
{
	port_irqflags_t flags = port_irq_save();

	KT_TRUE(!lock_held(&first));
	lock_take(&first);
	KT_TRUE(lock_held(&first));
	KT_TRUE(!lock_try(&first));
	lock_drop(&first);
	KT_TRUE(!lock_held(&first));
	if (lock_try(&first))
		lock_drop(&first);
	else
		KT_OK(false, "a free lock is not to be had");
	KT_TRUE(!lock_held(&first));
	port_irq_restore(flags);
}

KTEST(lock, is_taken_as_often_as_tickets_wrap)
{
	port_irqflags_t flags = port_irq_save();

	for (unsigned i = 0; i < 3 * 65536; i++) {
		lock_take(&first);
		lock_drop(&first);
	}
	KT_TRUE(!lock_held(&first));
	port_irq_restore(flags);
}

KTEST(lock, the_watch_knows_who_holds_what)
{
	port_irqflags_t flags;

	if (!watched())
		return;
	flags = port_irq_save();
	lock_take(&first);
	lock_take(&zones[0]);
	lock_take(&queues[1]);
	KT_TRUE(lock_rank_mine(&first));
	/* Dropped in another order than taken: the others stay. */
	lock_drop(&zones[0]);
	KT_TRUE(lock_rank_mine(&first) && lock_rank_mine(&queues[1]));
	KT_TRUE(!lock_rank_mine(&zones[0]));
	lock_drop(&first);
	KT_TRUE(!lock_rank_mine(&first) && lock_rank_mine(&queues[1]));
	lock_drop(&queues[1]);
	KT_TRUE(!lock_rank_mine(&queues[1]));
	port_irq_restore(flags);
}

KTEST(lock, a_try_goes_against_the_order_and_is_noted)
{
	port_irqflags_t flags;

	if (!watched())
		return;
	flags = port_irq_save();
	lock_take(&last);
	if (lock_try(&first)) {
		KT_TRUE(lock_rank_mine(&first));
		lock_drop(&first);
	} else {
		KT_OK(false, "a free lock is not to be had");
	}
	lock_drop(&last);
	port_irq_restore(flags);
}

/* Takes both, the first one first. */
static void take_two(void *arg)
{
	struct ticket_lock *const *two = arg;

	port_irq_save();
	lock_take(two[0]);
	lock_take(two[1]);
}

static void drop_second_first(struct ticket_lock *const *two)
{
	lock_drop(two[1]);
	lock_drop(two[0]);
}

static void drop_free(void *arg)
{
	port_irq_save();
	lock_drop(arg);
}

static void take_open(void *arg)
{
	lock_take(arg);
}

static void want_held(void *arg)
{
	port_irq_save();
	DASSERT_HELD((struct ticket_lock *)arg);
}

KTEST_F(lock, taking_against_the_order_names_both_locks, KT_HOST_ONLY)
{
	struct ticket_lock *against[] = { &last, &zones[0] };

	if (watched())
		kt_panics(take_two, against, "takes a zone");
	if (ZONAL_DEBUG)
		kt_panics(take_two, against, "while it holds the console");
}

KTEST_F(lock, two_zones_at_once_are_refused, KT_HOST_ONLY)
{
	struct ticket_lock *both[] = { &zones[0], &zones[1] };

	if (watched())
		kt_panics(take_two, both, "takes a zone");
}

KTEST_F(lock, two_run_queues_go_by_ascending_cpu, KT_HOST_ONLY)
{
	struct ticket_lock *down[] = { &queues[1], &queues[0] };
	struct ticket_lock *up[] = { &queues[0], &queues[1] };
	port_irqflags_t flags;

	if (!watched())
		return;
	kt_panics(take_two, down, "takes a run queue");
	flags = port_irq_save();
	take_two(up);
	drop_second_first(up);
	port_irq_restore(flags);
}

KTEST_F(lock, taking_a_lock_twice_is_refused_before_it_hangs, KT_HOST_ONLY)
{
	struct ticket_lock *same[] = { &queues[0], &queues[0] };

	if (watched())
		kt_panics(take_two, same, "while it holds a run queue");
}

KTEST_F(lock, a_lock_without_a_rank_is_refused, KT_HOST_ONLY)
{
	struct ticket_lock *two[] = { &unranked, &last };

	if (watched())
		kt_panics(take_two, two, "has rank 0");
}

KTEST_F(lock, misuse_is_refused, KT_HOST_ONLY)
{
	if (!watched())
		return;
	kt_panics(drop_free, &zones[0], "drops a zone");
	kt_panics(take_open, &zones[0], "interrupts open");
	kt_panics(want_held, &zones[0], "does not hold the lock");
}
