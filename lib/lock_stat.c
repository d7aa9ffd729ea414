/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts of locks (builds with ZONAL_LOCKSTAT=1).
 *
 * Each CPU has a table of its own, so counting waits for nobody and adds no contention to what it
 * measures. An entry is a lock and the place that took it, found by a hash of both; a full
 * neighbourhood loses the count, which is told. The time begins when the lock is had and ends when
 * it is dropped, so what is counted is what others would have to wait for; the counting itself is
 * outside of it but for one look at the clock. Under counted instructions a nanosecond is one.
 *
 * To begin anew is a number: a CPU that sees it changed clears its own table first. Readers see a
 * table with an old number as empty.
 *
 * Invariants: an entry's `at` is written last, when the rest of its key stands. A CPU writes its
 * own table alone, masked; numbers are read by anybody with relaxed loads. Locks: none.
 */
#include "lock_stat.h"

#include "assert.h"
#include "atomic.h"
#include "lock.h"
#include "text.h"

struct lock_entry {
	_Atomic uintptr_t at; /* 0: nobody's */
	const struct ticket_lock *lock;
	enum lock_rank rank;
	_Atomic uint64_t taken, waited, held, most;
};

struct lock_counts {
	_Atomic unsigned begun;
	_Atomic uint64_t lost;
	unsigned depth;
	struct {
		const struct ticket_lock *lock;
		struct lock_entry *entry;
		uint64_t since;
	} open[LOCK_DEPTH]; /* own CPU: locks that it holds */
	struct lock_entry entry[LOCK_WAYS];
} ZN_ALIGNED(64);

#define TABLES (ZONAL_LOCKSTAT ? ZONAL_MAX_CPUS : 1u)
#define NEIGHBOURS 16u

static struct lock_counts lock_counts[TABLES];
static _Atomic unsigned lock_counts_begun = 1;

static struct lock_counts *counts_here(void)
{
	unsigned cpu = port_this_cpu()->id;
	unsigned begun = ld_relaxed(&lock_counts_begun);
	struct lock_counts *counts;

	ASSERT(port_irqs_masked(), "a lock is counted with interrupts open, on CPU %u", cpu);
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u of %u", cpu, ZONAL_MAX_CPUS);
	counts = &lock_counts[ZONAL_LOCKSTAT ? cpu : 0];
	if (unlikely(ld_relaxed(&counts->begun) != begun)) {
		memset(counts, 0, sizeof(*counts));
		st_relaxed(&counts->begun, begun);
	}
	return counts;
}

/* The entry of this lock and place; NULL: there is no room. */
static struct lock_entry *entry_of(struct lock_counts *counts, const struct ticket_lock *lock,
				   uintptr_t at)
{
	enum lock_rank rank = lock_rank_of(lock);
	const struct ticket_lock *key = rank == LOCK_RUN_QUEUE ? NULL : lock;
	uintptr_t hash = (at >> 2) * 31 + ((uintptr_t)key >> 4) * 17;

	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		struct lock_entry *entry = &counts->entry[(hash + i) % LOCK_WAYS];
		uintptr_t found = ld_relaxed(&entry->at);

		if (found == at && entry->lock == key)
			return entry;
		if (found)
			continue;
		entry->lock = key;
		entry->rank = rank;
		st_release(&entry->at, at); /* a reader that sees it sees the key */
		return entry;
	}
	return NULL;
}

static void add(_Atomic uint64_t *count, uint64_t more)
{
	st_relaxed(count, ld_relaxed(count) + more);
}

ZN_NOINLINE void lock_stat_taken(const struct ticket_lock *lock, bool waited)
{
	uintptr_t at = (uintptr_t)__builtin_return_address(0);
	struct lock_counts *counts = counts_here();
	struct lock_entry *entry = entry_of(counts, lock, at);

	if (!entry || counts->depth == LOCK_DEPTH) {
		add(&counts->lost, 1);
		return;
	}
	add(&entry->taken, 1);
	add(&entry->waited, waited);
	counts->open[counts->depth].lock = lock;
	counts->open[counts->depth].entry = entry;
	counts->open[counts->depth++].since = port_time_ns();
}

ZN_NOINLINE void lock_stat_dropped(const struct ticket_lock *lock)
{
	uint64_t now = port_time_ns(), held;
	struct lock_counts *counts = counts_here();
	unsigned i = counts->depth;

	ASSERT(lock && i <= LOCK_DEPTH, "%u locks at once, LOCK_DEPTH is %u", i, LOCK_DEPTH);
	while (i && counts->open[i - 1].lock != lock)
		i--;
	if (!i)
		return; /* taken before counting began, or lost */
	held = now - counts->open[i - 1].since;
	add(&counts->open[i - 1].entry->held, held);
	if (held > ld_relaxed(&counts->open[i - 1].entry->most))
		st_relaxed(&counts->open[i - 1].entry->most, held);
	for (counts->depth--; i <= counts->depth; i++)
		counts->open[i - 1] = counts->open[i];
}

void lock_stat_begin(void)
{
	fetch_add_relaxed(&lock_counts_begun, 1u);
}

static bool current(const struct lock_counts *counts)
{
	return ld_relaxed(&((struct lock_counts *)(uintptr_t)counts)->begun) ==
	       ld_relaxed(&lock_counts_begun);
}

bool lock_stat_way(unsigned *cursor, struct lock_way *out)
{
	ASSERT(cursor && out && *cursor <= TABLES * LOCK_WAYS, "a cursor that is none");
	while (*cursor < TABLES * LOCK_WAYS) {
		struct lock_counts *counts = &lock_counts[*cursor / LOCK_WAYS];
		struct lock_entry *entry = &counts->entry[(*cursor)++ % LOCK_WAYS];

		if (!current(counts) || !ld_acquire(&entry->at))
			continue;
		*out = (struct lock_way){
			.lock = entry->lock, .at = ld_relaxed(&entry->at), .rank = entry->rank,
			.taken = ld_relaxed(&entry->taken), .waited = ld_relaxed(&entry->waited),
			.held = ld_relaxed(&entry->held), .most = ld_relaxed(&entry->most),
		};
		return true;
	}
	return false;
}

uint64_t lock_stat_lost(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TABLES; i++)
		sum += current(&lock_counts[i]) ? ld_relaxed(&lock_counts[i].lost) : 0;
	return sum;
}
