/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark on several CPUs at once.
 *
 *	mtC-pair       each of C CPUs: `count` times allocate and free one block
 *	mtC-batch256   the same number of blocks, 256 taken and then 256 freed
 *
 * All begin together: each CPU adds itself to a counter and spins until it shows all of them.
 * The figure printed is the time from the first begin to the last end over the operations of
 * all, so perfect scaling divides it by C. Under -icount the emulator runs one CPU at a
 * time, in turns of any length, perhaps one whole loop: then it is instructions an
 * operation, and waiting for a lock counts as work.
 */
#include "bench.h"

#include <zonal/linux.h>
#include <zonal/port.h>

#include "lib/atomic.h"

#define MOST_CPUS 4u
#define BATCH 256u

struct together {
	const struct bench_case *c;
	unsigned order;
	bool batch;
	_Atomic unsigned ready;
	_Atomic bool failed;
	uint64_t begin[MOST_CPUS], end[MOST_CPUS]; /* ns; written by each CPU, read at the end */
};

/* One row for each worker: too large for a stack. */
static struct page *batch_block[MOST_CPUS][BATCH];

static bool take_and_give(gfp_t gfp, unsigned order)
{
	struct page *page = alloc_pages(gfp, order);

	if (unlikely(!page))
		return false;
	__free_pages(page, order);
	return true;
}

static bool one_batch(struct page **block, gfp_t gfp, unsigned order)
{
	unsigned got, i;

	for (got = 0; got < BATCH; got++) {
		block[got] = alloc_pages(gfp, order);
		if (unlikely(!block[got]))
			break;
	}
	for (i = 0; i < got; i++)
		__free_pages(block[i], order);
	return got == BATCH;
}

static bool work(const struct together *t, struct page **block)
{
	const struct bench_case *c = t->c;
	unsigned i;

	if (t->batch) {
		for (i = 0; i < c->count / BATCH; i++) {
			if (!one_batch(block, c->gfp, t->order))
				return false;
		}
		return true;
	}
	for (i = 0; i < c->count; i++) {
		if (!take_and_give(c->gfp, t->order))
			return false;
	}
	return true;
}

static void worker(void *arg, unsigned index)
{
	struct together *t = arg;

	fetch_add_acquire(&t->ready, 1);
	while (ld_acquire(&t->ready) < t->c->cpus)
		port_relax();
	t->begin[index] = port_time_ns();
	if (!work(t, batch_block[index]))
		st_relaxed(&t->failed, true);
	t->end[index] = port_time_ns();
}

static bool run_together(const struct bench *bench, const struct bench_case *c, unsigned order,
			 bool batch)
{
	struct together t = { .c = c, .order = order, .batch = batch };
	uint64_t begin = UINT64_MAX, end = 0;
	unsigned i;

	if (!bench->port->together(c->cpus, worker, &t))
		return bench_failed(c, order, "the workers could not be started");
	if (ld_relaxed(&t.failed))
		return bench_failed(c, order, "out of memory");
	for (i = 0; i < c->cpus; i++) {
		begin = ZN_MIN(begin, t.begin[i]);
		end = ZN_MAX(end, t.end[i]);
	}
	bench_result(bench, c->name, "", order, (uint64_t)c->cpus * c->count, end - begin);
	return true;
}

bool bench_together_pair(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	return run_together(bench, c, order, false);
}

bool bench_together_batch(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	return run_together(bench, c, order, true);
}
