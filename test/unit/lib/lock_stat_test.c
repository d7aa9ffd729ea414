/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted of locks: each place that takes one, waits and times apart, from 0 on demand.
 *
 * The counting functions are called here as lock.h calls them in an image that counts; in all
 * others nobody else does, so that the numbers are exact. Where somebody else does, these locks
 * are still nobody else's.
 */
#include "lib/lock.h"
#include "lib/lock_stat.h"
#include "test/ktest.h"

static struct ticket_lock one = LOCK_INIT(LOCK_ZONE), other = LOCK_INIT(LOCK_CONSOLE);

/* A place each: not inlined, something is done behind the call, and not the same, or compilers make
 * one of the two. */
static ZN_NOINLINE void take_here(const struct ticket_lock *lock, bool waited)
{
	lock_stat_taken(lock, waited);
	__asm__ volatile("" ::: "memory");
}

static ZN_NOINLINE void take_there(const struct ticket_lock *lock, bool waited)
{
	lock_stat_taken(lock, waited);
	__asm__ volatile("nop" ::: "memory");
}

/* The ways to this lock, as a count and as a sum of all. */
static unsigned ways_to(const struct ticket_lock *lock, struct lock_way *sum)
{
	unsigned cursor = 0, count = 0;
	struct lock_way way;

	*sum = (struct lock_way){ .taken = 0 };
	while (lock_stat_way(&cursor, &way)) {
		if (way.lock != lock)
			continue;
		count++;
		sum->taken += way.taken;
		sum->waited += way.waited;
		sum->held += way.held;
		sum->most = ZN_MAX(sum->most, way.most);
	}
	return count;
}

KTEST(lock_stat, each_lock_and_each_place_has_its_count)
{
	port_irqflags_t flags = port_irq_save();
	struct lock_way sum;

	lock_stat_begin();
	for (unsigned i = 0; i < 3; i++) {
		take_here(&one, i == 1);
		lock_stat_dropped(&one);
	}
	take_there(&one, true);
	take_there(&other, false);
	lock_stat_dropped(&other);
	lock_stat_dropped(&one);
	KT_EQ(ways_to(&one, &sum), 2u);
	KT_EQ(sum.taken, 4u);
	KT_EQ(sum.waited, 2u);
	KT_EQ(ways_to(&other, &sum), 1u);
	KT_EQ(sum.taken, 1u);
	KT_EQ(sum.waited, 0u);
	KT_EQ(lock_stat_lost(), 0u);
	port_irq_restore(flags);
}

static uint64_t wait_ns(uint64_t ns)
{
	uint64_t start = port_time_ns(), now;

	while ((now = port_time_ns()) - start < ns)
		;
	return now - start;
}

KTEST(lock_stat, the_time_is_that_between_take_and_drop_in_any_order)
{
	port_irqflags_t flags = port_irq_save();
	struct lock_way sum, inner;
	uint64_t first, second;

	lock_stat_begin();
	take_here(&one, false);
	first = wait_ns(20000);
	take_here(&other, false);
	second = wait_ns(40000);
	lock_stat_dropped(&one); /* the outer one first */
	wait_ns(1000000);
	lock_stat_dropped(&other);
	ways_to(&one, &sum);
	ways_to(&other, &inner);
	KT_TRUE(sum.held >= first + second && sum.held == sum.most);
	KT_TRUE(inner.held >= second + 1000000 && inner.held > sum.held - first);
	port_irq_restore(flags);
}

KTEST(lock_stat, counting_begins_anew_and_forgets_what_is_held)
{
	port_irqflags_t flags = port_irq_save();
	struct lock_way sum;

	lock_stat_begin();
	take_here(&one, false);
	lock_stat_begin();
	KT_EQ(ways_to(&one, &sum), 0u);
	lock_stat_dropped(&one);
	KT_EQ(ways_to(&one, &sum), 0u);
	take_here(&one, false);
	lock_stat_dropped(&one);
	KT_EQ(ways_to(&one, &sum), 1u);
	KT_EQ(sum.taken, 1u);
	port_irq_restore(flags);
}

KTEST(lock_stat, what_finds_no_room_is_counted_as_lost)
{
	static struct ticket_lock many[4 * LOCK_WAYS];
	port_irqflags_t flags = port_irq_save();
	unsigned there = 0;
	struct lock_way sum;

	lock_stat_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		lock_set_rank(&many[i], LOCK_ZONE);
		take_here(&many[i], false);
		lock_stat_dropped(&many[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		there += ways_to(&many[i], &sum);
	KT_TRUE(there > 0 && there <= LOCK_WAYS);
	KT_EQ(there + lock_stat_lost(), ARRAY_SIZE(many));
	lock_stat_begin();
	KT_EQ(lock_stat_lost(), 0u);
	port_irq_restore(flags);
}
