/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a lock and a last reference order, with threads and data that is not atomic.
 *
 * Each thread is a CPU of its own. Under the lock they add to a plain counter; the sum tells
 * a lock that lets two in, and the thread sanitizer one that orders too little, for it goes
 * by what is ordered and not by what happened. The same with lock_try(), which has an
 * acquire of its own, and with references: each holder writes a plain word before it lets go,
 * and the last reads all of them, so the drop must release and acquire (B17).
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/lock.h"
#include "test/ktest.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

enum { THREADS = 4, TURNS = 3000, ROUNDS = 200 };

static struct ticket_lock lock = LOCK_INIT(LOCK_ZONE);
static unsigned counter;

static unsigned words[ROUNDS][THREADS];
static _Atomic uint32_t refs[ROUNDS];
static _Atomic unsigned lasts, wrong;

static struct thread {
	pthread_t thread;
	unsigned cpu;
	void (*turn)(struct thread *self, unsigned i);
	unsigned turns;
} threads[THREADS];

static void *go(void *arg)
{
	struct thread *self = arg;

	host_cpu_attach(self->cpu);
	for (unsigned i = 0; i < self->turns; i++)
		self->turn(self, i);
	host_cpu_detach();
	return NULL;
}

static void all_go(void (*turn)(struct thread *self, unsigned i), unsigned turns)
{
	unsigned began = 0;

	while (began < THREADS) {
		threads[began] = (struct thread){ .cpu = began, .turn = turn, .turns = turns };
		if (!KT_TRUE(!pthread_create(&threads[began].thread, NULL, go, &threads[began])))
			break;
		began++;
	}
	for (unsigned i = 0; i < began; i++)
		pthread_join(threads[i].thread, NULL);
}

static void add_one(struct thread *self, unsigned i)
{
	port_irqflags_t irq = port_irq_save();

	(void)self;
	(void)i;
	lock_take(&lock);
	counter++;
	lock_drop(&lock);
	port_irq_restore(irq);
}

/* Whom the lock is not given waits in another way, so every turn counts all the same. */
static bool try_once(void) LOCK_UNSAID;
static bool try_once(void)
{
	port_irqflags_t irq = port_irq_save();
	bool had = lock_try(&lock);

	if (had) {
		counter++;
		lock_drop(&lock);
	}
	port_irq_restore(irq);
	return had;
}

static void try_to_add_one(struct thread *self, unsigned i)
{
	(void)self;
	(void)i;
	while (!try_once())
		port_relax();
}

KTEST_F(lock, threads_count_under_it_and_lose_nothing, KT_HOST_ONLY)
{
	counter = 0;
	all_go(add_one, TURNS);
	KT_EQ(counter, THREADS * TURNS);
}

KTEST_F(lock, threads_that_try_count_and_lose_nothing, KT_HOST_ONLY)
{
	counter = 0;
	all_go(try_to_add_one, TURNS);
	KT_EQ(counter, THREADS * TURNS);
}

static void write_and_let_go(struct thread *self, unsigned i)
{
	unsigned sum = 0;

	words[i][self->cpu] = self->cpu + 1;
	if (fetch_dec_acq_rel(&refs[i]) != 1)
		return;
	for (unsigned k = 0; k < THREADS; k++)
		sum += words[i][k];
	fetch_add_relaxed(&lasts, 1);
	fetch_add_relaxed(&wrong, sum != THREADS * (THREADS + 1) / 2);
}

KTEST_F(lock, the_last_reference_sees_what_the_others_wrote, KT_HOST_ONLY)
{
	memset(words, 0, sizeof(words));
	st_relaxed(&lasts, 0);
	st_relaxed(&wrong, 0);
	for (unsigned i = 0; i < ROUNDS; i++)
		st_relaxed(&refs[i], THREADS);
	all_go(write_and_let_go, ROUNDS);
	KT_EQ(ld_relaxed(&lasts), ROUNDS);
	KT_EQ(ld_relaxed(&wrong), 0);
}
#endif
