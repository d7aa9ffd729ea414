/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark: the work that the figures of Linux 5.10 were measured with, under the
 * same names, so that the two can be laid side by side.
 *
 *	pair        20,000 times allocate and free one block, after 1,000 to warm up; a block of
 *	            the order is free, so that nothing is split or merged
 *	pair-KIND, steal   see bench_kinds.c
 *	bN          8 rounds: allocate N blocks, then free them, timed apart
 *	bN-shuf     the same, freed in a shuffled order
 *	mtC-...     C CPUs at once, see bench_together.c
 *	fault, unmap, hugefault   see bench_user.c
 *	migrate     see bench_migrate.c
 *	contig      see bench_contig.c
 *	oom         see bench_oom.c
 *	reclaim-anon, swapin      see bench_swap.c
 *	reclaim-clean             see bench_clean.c
 *	thp         see bench_thp.c
 *	irqoff      see bench_irqoff.c
 *	frag        see bench_frag.c
 *
 * The clock is read round a whole loop, never inside it: the counter of a QEMU board
 * has steps of 16 ns, more than a part of an operation. The array that a burst
 * keeps its blocks in is taken before the clock starts, and so is the order in which they
 * are freed. Shuffling is Fisher-Yates from the top with s = s * 1664525 +
 * 1013904223 and index (s >> 8) mod (i + 1).
 *
 * Under QEMU's -icount shift=0 one nanosecond is one instruction. Then a figure of one CPU
 * repeats to a step of the clock over its whole loop; those of several CPUs within a
 * few per cent, since the emulator's turns fall differently. On the host they are
 * real nanoseconds, good for ratios in one run.
 *
 * Context: a task that stays on one CPU. Whatever else allocates disturbs the figures.
 */
#include "bench.h"

#include <string.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "lib/kprintf.h"
#include "lib/stop.h"

#define PAIRS 20000u
#define WARM_UP_PAIRS 1000u
#define ROUNDS 8u

typedef unsigned long long ull;

void bench_result(const struct bench *bench, const char *name, const char *part, unsigned order,
		  uint64_t ops, uint64_t ns)
{
	uint64_t thousandths = ns * 1000 / ops;

	if (bench->quiet)
		return;
	kprintf(bench->json ? "{\"schema\":\"zonal.bench/1\",\"name\":\"%s%s\",\"order\":%u,"
			      "\"ops\":%llu,\"ns_per_op\":%llu.%03llu}\n" :
			      "%s%s order=%u ops=%llu ns_per_op=%llu.%03llu\n",
		name, part, order, (ull)ops, (ull)(thousandths / 1000), (ull)(thousandths % 1000));
}

bool bench_failed(const struct bench_case *c, unsigned order, const char *why)
{
	kprintf("bench: %s order %u: %s\n", c->name, order, why);
	return false;
}

uint32_t bench_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static bool pair_loop(const struct bench_case *c, unsigned count, unsigned order)
{
	gfp_t gfp = c->gfp;
	unsigned i;

	for (i = 0; i < count; i++) {
		struct page *page = alloc_pages(gfp, order);

		if (unlikely(!page))
			return false;
		__free_pages(page, order);
	}
	return true;
}

bool bench_pairs(const struct bench *bench, const struct bench_case *c, unsigned order,
		 bench_loop *loop)
{
	uint64_t start;

	if (!loop(c, WARM_UP_PAIRS, order))
		return bench_failed(c, order, "out of memory");
	start = port_time_ns();
	if (!loop(c, c->count, order))
		return bench_failed(c, order, "out of memory");
	bench_result(bench, c->name, "", order, c->count, port_time_ns() - start);
	return true;
}

/* What boot has left on the lists would decide else: without a free block of the order a larger one
 * is split and merged again for each pair. With the block beside it in use, the one that is freed
 * stays whole. */
static bool run_pair(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	struct page *first = alloc_pages(c->gfp, order), *beside = alloc_pages(c->gfp, order);
	bool good = first && beside;

	if (first)
		__free_pages(first, order);
	if (good)
		good = bench_pairs(bench, c, order, pair_loop);
	else
		bench_failed(c, order, "out of memory");
	if (beside)
		__free_pages(beside, order);
	return good;
}

/* Returns how many blocks it got. */
static unsigned burst_take(struct page **block, unsigned count, gfp_t gfp, unsigned order)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		block[i] = alloc_pages(gfp, order);
		if (unlikely(!block[i]))
			break;
	}
	return i;
}

static void burst_give(struct page **block, unsigned count, unsigned order)
{
	unsigned i;

	for (i = 0; i < count; i++)
		__free_pages(block[i], order);
}

static void shuffle_blocks(struct page **block, unsigned count, uint32_t *state)
{
	unsigned i;

	for (i = count - 1; i > 0; i--) {
		unsigned j = bench_random(state) % (i + 1);
		struct page *other = block[j];

		block[j] = block[i];
		block[i] = other;
	}
}

/* The rounds of one burst; ns[0] for taking, ns[1] for giving back. */
static bool burst_rounds(const struct bench_case *c, unsigned order, struct page **block,
			 uint64_t ns[2])
{
	uint32_t state = 1;
	unsigned round;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t start = port_time_ns();
		unsigned got = burst_take(block, c->count, c->gfp, order);

		ns[0] += port_time_ns() - start;
		if (c->shuffle && got == c->count)
			shuffle_blocks(block, got, &state);
		start = port_time_ns();
		burst_give(block, got, order);
		ns[1] += port_time_ns() - start;
		if (got != c->count)
			return bench_failed(c, order, "out of memory");
	}
	return true;
}

static bool run_burst(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	size_t bytes = c->count * sizeof(struct page *);
	struct page **block = bench->port->take(bytes);
	uint64_t ns[2] = { 0, 0 };
	bool good;

	if (!block)
		return bench_failed(c, order, "no memory for the array of blocks");
	/* Touched once, so that a host does not fault it in inside of the timed part. */
	memset(block, 0, bytes);
	good = burst_rounds(c, order, block, ns);
	bench->port->give(block, bytes);
	if (!good)
		return false;
	bench_result(bench, c->name, "-alloc", order, (uint64_t)ROUNDS * c->count, ns[0]);
	bench_result(bench, c->name, "-free", order, (uint64_t)ROUNDS * c->count, ns[1]);
	return true;
}

static const struct bench_case cases[] = {
	{ "pair", run_pair, 0, MAX_ORDER - 1, GFP_KERNEL, PAIRS, false, 1 },
	{ "pair-atomic", run_pair, 0, 0, GFP_ATOMIC, PAIRS, false, 1 },
	{ "pair-movable", run_pair, 0, 0, GFP_HIGHUSER_MOVABLE, PAIRS, false, 1 },
	{ "pair-zero", run_pair, 0, 0, GFP_KERNEL | __GFP_ZERO, PAIRS, false, 1 },
	{ "pair-irq", bench_pair_irq, 0, 0, GFP_ATOMIC, PAIRS, false, 1 },
	{ "pair-local", bench_pair_policy, 0, 0, GFP_KERNEL, PAIRS, false, 1 },
	{ "pair-preferred", bench_pair_policy, 0, 0, GFP_KERNEL, PAIRS, false, 1 },
	{ "pair-bind", bench_pair_policy, 0, 0, GFP_KERNEL, PAIRS, false, 1 },
	{ "pair-interleave", bench_pair_policy, 0, 0, GFP_KERNEL, PAIRS, false, 1 },
	{ "pair-reclaimable", run_pair, 0, 0, GFP_KERNEL | __GFP_RECLAIMABLE, PAIRS, false, 1 },
	{ "pair-node", bench_pair_node, 0, 0, GFP_KERNEL, PAIRS, false, 1 },
	{ "b512", run_burst, 0, 0, GFP_KERNEL, 512, false, 1 },
	{ "b32768", run_burst, 0, 0, GFP_KERNEL, 32768, false, 1 },
	{ "b32768-shuf", run_burst, 0, 0, GFP_KERNEL, 32768, true, 1 },
	{ "b4096-shuf", run_burst, 3, 3, GFP_KERNEL, 4096, true, 1 },
	{ "b64-shuf", run_burst, 9, 9, GFP_KERNEL, 64, true, 1 },
	{ "mt1-pair", bench_together_pair, 0, 0, GFP_KERNEL, 65536, false, 1 },
	{ "mt1-batch256", bench_together_batch, 0, 0, GFP_KERNEL, 65536, false, 1 },
	{ "mt1-pair", bench_together_pair, 3, 3, GFP_KERNEL, 32768, false, 1 },
	{ "mt1-batch256", bench_together_batch, 3, 3, GFP_KERNEL, 32768, false, 1 },
	{ "mt1-pair", bench_together_pair, 9, 9, GFP_KERNEL, 8192, false, 1 },
	{ "mt2-pair", bench_together_pair, 0, 0, GFP_KERNEL, 65536, false, 2 },
	{ "mt2-batch256", bench_together_batch, 0, 0, GFP_KERNEL, 65536, false, 2 },
	{ "mt2-pair", bench_together_pair, 3, 3, GFP_KERNEL, 32768, false, 2 },
	{ "mt2-batch256", bench_together_batch, 3, 3, GFP_KERNEL, 32768, false, 2 },
	{ "mt2-pair", bench_together_pair, 9, 9, GFP_KERNEL, 8192, false, 2 },
	{ "mt4-pair", bench_together_pair, 0, 0, GFP_KERNEL, 65536, false, 4 },
	{ "mt4-batch256", bench_together_batch, 0, 0, GFP_KERNEL, 65536, false, 4 },
	{ "mt4-pair", bench_together_pair, 3, 3, GFP_KERNEL, 32768, false, 4 },
	{ "mt4-batch256", bench_together_batch, 3, 3, GFP_KERNEL, 32768, false, 4 },
	{ "mt4-pair", bench_together_pair, 9, 9, GFP_KERNEL, 8192, false, 4 },
	{ "contention", bench_contention, 0, 0, 0, 0, false, 1 },
	{ "fault", bench_user, 0, 0, 0, 0, false, 1 },
	{ "unmap", bench_user, 0, 0, 0, 1, false, 1 },
	{ "hugefault", bench_user, 9, 9, 0, 2, false, 1 },
	{ "migrate", bench_migrate, 0, 0, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY, 0,
	  false, 1 },
	{ "contig", bench_contig, 0, 0, 0, 0, false, 1 },
	{ "oom", bench_oom, 0, 0, 0, 0, false, 1 },
	{ "reclaim-anon", bench_swap, 0, 0, 0, 0, false, 1 },
	{ "swapin", bench_swap, 0, 0, 0, 1, false, 1 },
	{ "reclaim-clean", bench_clean, 0, 0, GFP_HIGHUSER_MOVABLE, 0, false, 1 },
	{ "thp", bench_thp, 9, 9, 0, 0, false, 1 },
	{ "steal", bench_steal, 0, 0, GFP_STEAL, 4, false, 1 },
	{ "frag", bench_frag, 0, 0, GFP_NOWAIT | __GFP_NOWARN, 0, false, 1 },
	{ "irqoff", bench_irqoff, 0, 0, 0, 0, false, 1 },
};

/* '*' any text, '?' any character. */
static bool glob_match(const char *glob, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*glob == '*') {
			star = glob++;
			resume = text;
		} else if (*glob == '?' || *glob == *text) {
			glob++;
			text++;
		} else if (star) {
			glob = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static bool case_wanted(const struct bench_case *c, unsigned order, const char *glob)
{
	char name[48];

	zn_snprintf(name, sizeof(name), "%s.%u", c->name, order);
	return !glob || glob_match(glob, c->name) || glob_match(glob, name);
}

const char *bench_case_name(unsigned n) { return n < ARRAY_SIZE(cases) ? cases[n].name : NULL; }

int bench_run(const struct bench_port *port, const char *glob, bool json)
{
	const struct bench bench = { port, json, false };
	unsigned i, order, matched = 0;
	int status = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bench_case *c = &cases[i];

		for (order = c->order_first; order <= c->order_last; order++) {
			if (!case_wanted(c, order, glob))
				continue;
			matched++;
			if (zn_stop_asked())
				return 1;
			if (c->cpus > port->cpus) {
				if (!json)
					kprintf("%s order=%u needs %u CPUs, there are "
						"%u: left out\n",
						c->name, order, c->cpus, port->cpus);
			} else if (!c->run(&bench, c, order)) {
				status = 1;
			}
		}
	}
	if (!matched) {
		kprintf("bench: %s: no case of that name\n", glob);
		return 1;
	}
	return status;
}
