/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watch over the order of locks (debug builds): which locks each CPU holds.
 *
 * A CPU's locks stand in a short list of its own, in the order they were taken, which
 * need not be the order they are dropped in. Before a lock is waited for, its rank is held
 * against each of them: a circle of waiting CPUs needs one that goes against the order, so
 * it is found on the first run over that code, without a second CPU and without bad luck.
 *
 * lock_try() does not wait and so cannot close a circle; what it takes is noted only.
 *
 * The lists need no lock: only their CPU touches them, masked, and a handler finds its own
 * entries gone again before it returns. All functions are out of line, so
 * that each looks up its CPU anew: the caller may have come back on another one from a
 * switch of tasks. Nothing calls them in a build without ZONAL_DEBUG; they are compiled
 * nevertheless, and the linker of the image drops them.
 */
#include "lock_rank.h"

#include "assert.h"
#include "lock.h"

struct held_locks {
	const struct ticket_lock *lock[LOCK_DEPTH]; /* own CPU, masked */
	unsigned count;                             /* own CPU, masked */
} ZN_ALIGNED(64);

static struct held_locks held_locks[ZONAL_DEBUG ? ZONAL_MAX_CPUS : 1];

#define LOCK_RANK_TEXT(name, text, several) [name] = { text, several },
static const struct {
	const char *text;
	bool several;
} ranks[LOCK_RANKS] = { { "a lock without a rank", false }, LOCK_RANK_TABLE(LOCK_RANK_TEXT) };
#undef LOCK_RANK_TEXT

const char *lock_rank_text(enum lock_rank rank)
{
	ASSERT(rank < LOCK_RANKS, "rank %u of %u", rank, LOCK_RANKS);
	return ranks[rank].text;
}

static struct held_locks *held_here(void)
{
	ASSERT(port_irqs_masked(), "a lock with interrupts open, on CPU %u",
	       (unsigned)port_this_cpu()->id);
	ASSERT(port_this_cpu()->id < ZONAL_MAX_CPUS, "CPU %u, at most %u are watched",
	       (unsigned)port_this_cpu()->id, ZONAL_MAX_CPUS);
	return &held_locks[ZONAL_DEBUG ? port_this_cpu()->id : 0];
}

bool lock_rank_allows(enum lock_rank held, enum lock_rank wanted, bool ascending)
{
	ASSERT(held < LOCK_RANKS && wanted < LOCK_RANKS, "ranks %u and %u", held, wanted);
	if (held == wanted)
		return ranks[held].several && ascending;
	return held < wanted;
}

void lock_rank_wanted(const struct ticket_lock *lock)
{
	const struct held_locks *held = held_here();
	enum lock_rank rank = lock_rank_of(lock);

	ASSERT(rank > LOCK_NO_RANK && rank < LOCK_RANKS, "lock %p has rank %u: lock_set_rank()",
	       (const void *)lock, rank);
	for (unsigned i = 0; i < held->count; i++) {
		const struct ticket_lock *other = held->lock[i];

		if (!lock_rank_allows(lock_rank_of(other), rank, other < lock))
			port_panic("lock order: CPU %u takes %s (%p) while it holds %s (%p)",
				   (unsigned)port_this_cpu()->id, ranks[rank].text,
				   (const void *)lock, ranks[lock_rank_of(other)].text,
				   (const void *)other);
	}
}

/* Where in the list of this CPU; its count if it is not there. */
static unsigned find(const struct held_locks *held, const struct ticket_lock *lock)
{
	unsigned at = 0;

	ASSERT(lock && held->count <= LOCK_DEPTH, "%u locks of %u", held->count, LOCK_DEPTH);
	while (at < held->count && held->lock[at] != lock)
		at++;
	return at;
}

void lock_rank_taken(const struct ticket_lock *lock)
{
	struct held_locks *held = held_here();

	ASSERT(held->count < LOCK_DEPTH, "%u locks at once, LOCK_DEPTH is %u", held->count + 1,
	       LOCK_DEPTH);
	ASSERT(find(held, lock) == held->count, "the lock %p twice", (const void *)lock);
	held->lock[held->count++] = lock;
}

void lock_rank_dropped(const struct ticket_lock *lock)
{
	struct held_locks *held = held_here();
	unsigned at = find(held, lock);

	ASSERT(at < held->count, "CPU %u drops %s (%p), which it does not hold",
	       (unsigned)port_this_cpu()->id, ranks[lock_rank_of(lock)].text, (const void *)lock);
	held->count--;
	for (; at < held->count; at++)
		held->lock[at] = held->lock[at + 1];
}

bool lock_rank_mine(const struct ticket_lock *lock)
{
	const struct held_locks *held = held_here();

	return find(held, lock) < held->count;
}
