/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of address spaces for the TLB.
 *
 * A TLB entry of a program carries the number (ASID) of its space, so that switching between
 * spaces throws nothing away. There are 255 or 65,535 numbers, and any number of spaces over
 * time, so numbers are given out in generations. A space that has a number of this generation
 * keeps it. When all are given out a new generation begins (rollover): every number is free
 * again but those of the spaces that run at that moment, and each CPU must empty its TLB
 * before it runs a space under the new generation.
 *
 * Why no CPU ever runs a space while its TLB holds entries of another one with the same number:
 *
 *   - Within a generation a number belongs to one space.
 *   - Across generations: a CPU finds flush[] set at its first asid_use() behind a rollover, and
 *     empties its TLB before it installs the number. It cannot miss that: a rollover swaps
 *     active[] of every CPU for 0, and the way without the lock ends in a compare and swap that
 *     fails on it.
 *   - A space that runs on a CPU during the rollover goes on with its number, entries of the old
 *     generation in that TLB are its own, and reserved[] keeps the number from anyone else, over
 *     any number of rollovers, until it is switched in again and made part of the new one.
 *
 * 0 is nobody's: it stands for "no user space" in TTBR0 and for "none" here.
 *
 * The lock is innermost but for nothing; taken masked, by the switch of tasks.
 */
#include <string.h>

#include "asid.h"

#define GENERATION ((uint64_t)1 << ASID_BITS_MAX)
#define NUMBER(asid) ((asid) & (GENERATION - 1))

void asid_init(struct asid_pool *pool, unsigned bits)
{
	ASSERT(bits >= 1 && bits <= ASID_BITS_MAX, "numbers of %u bits", bits);
	memset(pool, 0, sizeof(*pool));
	lock_set_rank(&pool->lock, LOCK_ASID);
	pool->bits = bits;
	pool->used[0] = 1;
	st_relaxed(&pool->generation, GENERATION);
}

static bool number_used(const struct asid_pool *pool, unsigned number)
{
	return pool->used[number / 64] >> number % 64 & 1;
}

static void number_take(struct asid_pool *pool, unsigned number)
{
	ASSERT(number < 1u << pool->bits, "number %u of %u bits", number, pool->bits);
	pool->used[number / 64] |= (uint64_t)1 << number % 64;
}

/* The lowest number that is free, from the hint on; 0 if there is none. */
static unsigned number_free(struct asid_pool *pool)
{
	DASSERT_HELD(&pool->lock);
	for (; pool->hint < 1u << pool->bits; pool->hint++)
		if (!number_used(pool, pool->hint))
			return pool->hint;
	return 0;
}

/* All numbers are given out: a new generation, in which only what runs has one. */
static void rollover(struct asid_pool *pool)
{
	DASSERT_HELD(&pool->lock);
	st_relaxed(&pool->generation, ld_relaxed(&pool->generation) + GENERATION);
	memset(pool->used, 0, sizeof(pool->used));
	pool->used[0] = 1;
	pool->hint = 1;
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		uint64_t ran = atomic_exchange_explicit(&pool->active[cpu], 0,
							 memory_order_acq_rel);

		/* 0: two rollovers without a switch between; it runs what it ran then. */
		if (ran)
			pool->reserved[cpu] = ran;
		if (pool->reserved[cpu])
			number_take(pool, (unsigned)NUMBER(pool->reserved[cpu]));
		pool->flush[cpu] = true;
	}
}

/* The space ran on some CPU through a rollover: it becomes part of this generation there. */
static bool reserved_renew(struct asid_pool *pool, uint64_t old, uint64_t renewed)
{
	bool found = false;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++)
		if (old && pool->reserved[cpu] == old) {
			pool->reserved[cpu] = renewed;
			found = true;
		}
	return found;
}

/* A number of this generation for a space that has none. */
static uint64_t asid_new(struct asid_pool *pool, uint64_t old)
{
	uint64_t generation = ld_relaxed(&pool->generation);
	unsigned number = (unsigned)NUMBER(old);

	DASSERT_HELD(&pool->lock);
	if (reserved_renew(pool, old, generation | number))
		return generation | number;
	if (!number || number_used(pool, number))
		number = number_free(pool);
	if (!number) {
		rollover(pool);
		generation = ld_relaxed(&pool->generation);
		number = number_free(pool);
		ASSERT(number, "every one of %u numbers runs on a CPU", 1u << pool->bits);
	}
	number_take(pool, number);
	return generation | number;
}

static bool is_current(struct asid_pool *pool, uint64_t asid)
{
	return (asid ^ ld_relaxed(&pool->generation)) < GENERATION;
}

/* The way without the lock: nothing has changed since this CPU ran a space last. */
static bool use_again(struct asid_pool *pool, unsigned cpu, uint64_t asid)
{
	uint64_t active = ld_relaxed(&pool->active[cpu]);

	/* Acquire and release: the rollover's swap comes before all of this or behind it. */
	return active && is_current(pool, asid) &&
	       atomic_compare_exchange_strong_explicit(&pool->active[cpu], &active, asid,
						       memory_order_acq_rel, memory_order_relaxed);
}

unsigned asid_use(struct asid_pool *pool, unsigned cpu, asid_t *asid, bool *flush)
{
	uint64_t value = ld_relaxed(asid);

	DASSERT_MASKED();
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u", cpu);
	*flush = false;
	if (likely(use_again(pool, cpu, value)))
		return (unsigned)NUMBER(value);
	lock_take(&pool->lock);
	value = ld_relaxed(asid);
	if (!is_current(pool, value)) {
		value = asid_new(pool, value);
		st_relaxed(asid, value);
	}
	*flush = pool->flush[cpu];
	pool->flush[cpu] = false;
	st_relaxed(&pool->active[cpu], value);
	lock_drop(&pool->lock);
	return (unsigned)NUMBER(value);
}
