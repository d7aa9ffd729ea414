/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zonal beside other allocators on the host: the C library's malloc and mmap, and one of the
 * user's (bench_allocator.h) if it is linked in.
 *
 *	beside-pair        a block is taken and given back, again and again
 *	beside-burst       BURST blocks are taken, then given back in the order they came
 *
 * Each piece of work is done by all of them in turn, several times over, and the best time of each
 * counts: what else runs on the machine makes a turn longer, never shorter. The ratio is to
 * Zonal's time in the same run. Blocks are not touched, by nobody: Zonal's have no memory behind
 * them, and with the others the kernel's clearing of pages would be measured. So mmap's figure is
 * two system calls, and malloc's for large blocks as well, where it calls mmap.
 *
 * One thread, no locks. Context: the main thread, the allocator's instance is up.
 */
#include "bench_beside.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench_allocator.h"
#include "mm/mm.h"

#define TURNS 5u
#define PAIRS 4096u
#define BURST 256u
#define BOARD_BYTES ((size_t)1 << 30)
#define BOARD_ALIGN ((size_t)4 << 20)

struct allocator {
	const char *name;
	void *(*take)(unsigned order);
	void (*give)(void *block, unsigned order);
	uint64_t best; /* ns of the present piece of work; 0: it could not do it */
};

static size_t bytes_of(unsigned order) { return (size_t)PAGE_SIZE << order; }

static void *zonal_take(unsigned order) { return alloc_pages(GFP_KERNEL, order); }
static void zonal_give(void *block, unsigned order) { __free_pages(block, order); }

static void *malloc_take(unsigned order)
{
	void *block = malloc(bytes_of(order));

	/* Or the compiler sees that nobody uses it, and leaves out both calls. */
	__asm__ volatile("" : "+r"(block) : : "memory");
	return block;
}

static void malloc_give(void *block, unsigned order)
{
	(void)order;
	free(block);
}

static void *mmap_take(unsigned order)
{
	void *block = mmap(NULL, bytes_of(order), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

static void mmap_give(void *block, unsigned order) { munmap(block, bytes_of(order)); }

static struct allocator allocators[] = {
	{ "zonal", zonal_take, zonal_give, 0 },
	{ "malloc", malloc_take, malloc_give, 0 },
	{ "mmap", mmap_take, mmap_give, 0 },
	{ NULL, NULL, NULL, 0 }, /* the user's */
};
#define USERS (ARRAY_SIZE(allocators) - 1)

/* ---- the work ------------------------------------------------------------------- */

static bool work_pair(const struct allocator *a, unsigned order)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		void *block = a->take(order);

		if (!block)
			return false;
		a->give(block, order);
	}
	return true;
}

static bool work_burst(const struct allocator *a, unsigned order)
{
	static void *block[BURST];
	unsigned got = 0;

	while (got < BURST && (block[got] = a->take(order)))
		got++;
	for (unsigned i = 0; i < got; i++)
		a->give(block[i], order);
	return got == BURST;
}

static const struct {
	const char *name;
	bool (*run)(const struct allocator *a, unsigned order);
	unsigned ops; /* blocks that are taken and given back */
} works[] = { { "beside-pair", work_pair, PAIRS }, { "beside-burst", work_burst, BURST } };

/* ---- what came of it -------------------------------------------------------------- */

static void one_turn(struct allocator *a, unsigned work, unsigned order)
{
	uint64_t start = port_time_ns(), ns;

	if (!works[work].run(a, order))
		return;
	ns = port_time_ns() - start;
	if (!a->best || ns < a->best)
		a->best = ns ? ns : 1;
}

static void print(const struct allocator *a, unsigned work, unsigned order, bool json)
{
	double ns = (double)a->best / works[work].ops;
	double ratio = (double)a->best / (double)allocators[0].best;

	if (json)
		printf("{\"schema\":\"zonal.bench/1\",\"name\":\"%s\",\"order\":%u,\"with\":\"%s\","
		       "\"ops\":%u,\"ns_per_op\":%.3f,\"ratio\":%.3f}\n", works[work].name, order,
		       a->name, works[work].ops, ns, ratio);
	else
		printf("%s order=%u with=%s ops=%u ns_per_op=%.3f ratio=%.2f\n", works[work].name,
		       order, a->name, works[work].ops, ns, ratio);
}

static bool compare(unsigned work, unsigned order, bool json)
{
	struct allocator *a;

	for (a = allocators; a < allocators + ARRAY_SIZE(allocators); a++)
		a->best = 0;
	for (unsigned turn = 0; turn < TURNS; turn++)
		for (a = allocators; a < allocators + ARRAY_SIZE(allocators); a++)
			if (a->name)
				one_turn(a, work, order);
	if (!allocators[0].best) {
		fprintf(stderr, "bench: %s order=%u: out of memory\n", works[work].name, order);
		return false;
	}
	for (a = allocators; a < allocators + ARRAY_SIZE(allocators); a++)
		if (a->name && a->best)
			print(a, work, order, json);
		else if (a->name)
			fprintf(stderr, "bench: %s order=%u: %s has no memory\n",
				works[work].name, order, a->name);
	return true;
}

/* ---- the user's ----------------------------------------------------------------------- */

/* A name that could break a line of JSON is not taken. */
static bool name_fits(const char *name)
{
	return *name && strlen(name) < 32 && !strpbrk(name, "\"\\\n\t ");
}

/* Memory is reserved once, and never given back: what is linked in may keep it. */
static bool begin_users(void)
{
	size_t room = BOARD_BYTES + BOARD_ALIGN;
	uintptr_t memory;
	const char *name;

	if (!bench_allocator_begin || allocators[USERS].name)
		return true;
	if (!bench_allocator_take || !bench_allocator_give) {
		fprintf(stderr, "bench: an allocator is linked in without its take() or give()\n");
		return false;
	}
	memory = (uintptr_t)mmap(NULL, room, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == (uintptr_t)MAP_FAILED) {
		perror("bench: mmap");
		return false;
	}
	name = bench_allocator_begin((void *)align_up(memory, BOARD_ALIGN), BOARD_BYTES);
	if (!name || !name_fits(name)) {
		fprintf(stderr, "bench: the allocator that is linked in %s\n",
			name ? "has no good name (one word, below 32 letters)" : "does not begin");
		return false;
	}
	allocators[USERS] = (struct allocator){ .name = name, .take = bench_allocator_take,
						.give = bench_allocator_give };
	return true;
}

int bench_beside(const char *glob, bool json, unsigned *matched)
{
	static const unsigned orders[] = { 0, 3, 9 };
	int status = 0;

	for (unsigned work = 0; work < ARRAY_SIZE(works); work++) {
		if (glob && fnmatch(glob, works[work].name, 0) != 0)
			continue;
		++*matched;
		if (!begin_users())
			return 1;
		for (unsigned i = 0; i < ARRAY_SIZE(orders); i++)
			status |= !compare(work, orders[i], json);
	}
	return status;
}
