/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as CPUs, for the thread sanitizer.
 *
 *	stress [--seed S] [--ops N] [--cpus C] [--owner 1]
 *
 * One thread a CPU takes blocks, writes to the owner's words, frees, and hands blocks to
 * the others through a board of slots, so that most are freed on another CPU than
 * took them. Between that: drains of all CPUs, references taken and dropped by two
 * CPUs at once, changes of the allowed nodes and of tunables, requests in interrupt
 * context; and the last CPU dies and comes back (stress_cpu.c). With --owner 1 page_owner is on,
 * which closes the lanes. The number of operations is bounded; then everything is freed and the
 * lists must be as they were at first (zonal_check, free counts, no misuse report).
 *
 * The zones are small enough to run empty and large enough for per-CPU lists of three
 * pages. A slot is one atomic word, so handing over orders what the taker wrote
 * before what the next owner reads, and nothing else does: what is missing in mm/ shows.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "lib/printf.h"
#include "mm/mm.h"
#include "stress.h"

enum { DEATH_EVERY = 500, SLOTS = 8192, CPUS_MAX = 16, NODES = 2, NODE_PAGES = 16384 };

static struct zonal *mm;
static struct boot_info info;
static _Atomic uintptr_t slots[SLOTS]; /* page | order, 0: empty; pages are 32-byte aligned */
/* A page of which whoever takes it has a reference; 0: none. */
static _Atomic uintptr_t offered;
static uint64_t seed = 1, ops = 400000;
static unsigned cpus = 4;
static bool owner;

struct worker {
	pthread_t thread;
	unsigned cpu;
	uint64_t state;
	uint64_t taken, failed;
};

static uint64_t next(struct worker *w)
{
	w->state ^= w->state >> 12;
	w->state ^= w->state << 25;
	w->state ^= w->state >> 27;
	return (w->state * 0x2545f4914f6cdd1dull) >> 20;
}

static void *meta_take(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	size_t step = ZN_MAX(align, sizeof(void *));

	(void)ctx;
	(void)nid;
	return aligned_alloc(step, (size_t)align_up(bytes, step));
}

static void clear_nothing(void *ctx, pfn_t pfn, size_t count)
{
	(void)ctx;
	(void)pfn;
	(void)count;
}

static void release(uintptr_t held)
{
	if (held)
		zonal_free(mm, (struct page *)(held & ~(uintptr_t)31), held & 15);
}

/* A block into a random slot; what was there is ours now, and is freed. */
static void hand_over(struct worker *w, struct page *page, unsigned order)
{
	uint64_t *words = zonal_page_owner(page);

	words[0] = words[1] = next(w);
	release(atomic_exchange_explicit(&slots[next(w) % SLOTS], (uintptr_t)page | order,
					 memory_order_acq_rel));
}

static gfp_t draw_gfp(struct worker *w)
{
	static const gfp_t gfp[] = { GFP_KERNEL,	   GFP_ATOMIC,	     GFP_NOWAIT,
				     GFP_HIGHUSER_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE,
				     GFP_KERNEL | __GFP_COMP };

	return gfp[next(w) % ARRAY_SIZE(gfp)] | __GFP_NOWARN;
}

static void take_one(struct worker *w)
{
	unsigned order = next(w) % 3 ? 0 : (unsigned)(next(w) % 6);
	bool irq = next(w) % 8 == 0;
	gfp_t gfp = draw_gfp(w);
	port_irqflags_t flags = 0;
	struct page *page;

	if (irq) {
		flags = port_irq_save();
		port_this_cpu()->irq_depth++;
		gfp &= ~__GFP_DIRECT_RECLAIM;
	}
	page = next(w) % 2 ? zonal_alloc(mm, gfp, order) :
			     zonal_alloc_node(mm, (int)(next(w) % NODES), gfp, order);
	if (irq) {
		port_this_cpu()->irq_depth--;
		port_irq_restore(flags);
	}
	if (page)
		hand_over(w, page, order);
	w->taken += page != NULL;
	w->failed += page == NULL;
}

static void drop_in_handler(void *arg)
{
	zonal_put(mm, arg);
}

#define GIVE_ALL 1u /* in `offered`: free the whole block, do not just drop the reference */
#define SHARED_ORDER 3

/* Each of two holders writes a word of its own before it lets go. Nothing but the
 * reference count orders that before what the last one, or the next owner, does with the
 * page, so a drop that orders too little is a data race. */
static void write_before_drop(struct page *page, unsigned which)
{
	uint64_t *words = zonal_page_owner(page);

	words[which] = which + 1;
}

static void drop_held(uintptr_t held)
{
	struct page *page = (struct page *)(held & ~(uintptr_t)GIVE_ALL);

	if (page)
		write_before_drop(page, 1);
	if (held & GIVE_ALL)
		zonal_free(mm, page, SHARED_ORDER);
	else if (page)
		zonal_put(mm, page);
}

/* A reference that somebody offers is dropped here, while he frees the block there. */
static void drop_offered(void)
{
	if (atomic_load_explicit(&offered, memory_order_relaxed))
		drop_held(atomic_exchange_explicit(&offered, 0, memory_order_acq_rel));
}

/* The same for a block that is not compound: who frees with the order gives the rest back,
 * one of them if both do, and the head goes with the last reference, as what it is by
 * then (B17). */
static void share_plain(struct worker *w)
{
	struct page *page = zonal_alloc(mm, GFP_NOWAIT | __GFP_NOWARN, SHARED_ORDER);
	uintptr_t held = (uintptr_t)page | (next(w) & GIVE_ALL);

	if (!page)
		return;
	zonal_get(page);
	drop_held(atomic_exchange_explicit(&offered, held, memory_order_acq_rel));
	write_before_drop(page, 0);
	zonal_free(mm, page, SHARED_ORDER);
}

/* Two CPUs drop one reference each; whoever is last frees (trust items 1, 2). */
static void share_one(struct worker *w)
{
	struct page *page = zonal_alloc(mm, GFP_NOWAIT | __GFP_COMP | __GFP_NOWARN, 2);

	if (!page)
		return;
	zonal_get(page);
	/* It may be the one that is dead just now. */
	if (!port_call_cpu((w->cpu + 1) % cpus, drop_in_handler, page))
		zonal_put(mm, page);
	zonal_put(mm, page);
}

/* The tasks that run, so that others can change their allowed nodes. */
static _Atomic uintptr_t tasks[CPUS_MAX];

/* Anybody's nodes, while it allocates and sets its policy; the policy never leaves them. */
static void change_nodes(struct worker *w)
{
	struct zonal_task *task = (struct zonal_task *)atomic_load_explicit(
		&tasks[next(w) % cpus], memory_order_acquire);
	struct zonal_task child;
	struct mempolicy policy;

	if (!task)
		return;
	if (zonal_task_set_mems(mm, task, 1 + next(w) % 3))
		abort();
	zonal_task_inherit(&child, task);
	zonal_task_policy(&child, &policy);
	if (!(child.mems_allowed & 3) || (policy.nodes & ~child.mems_allowed) ||
	    (policy.mode != MPOL_DEFAULT) != !!(child.unusual & ZTASK_POLICY))
		abort();
}

static void change_something(struct worker *w)
{
	struct zonal_task *task = port_this_cpu()->task;

	switch (next(w) % 4) {
	case 0:
		zonal_drain_all(mm, next(w) % 2 ? NULL : mm->zone[next(w) % NODES * ZONE_TYPES]);
		break;
	case 1:
		change_nodes(w);
		break;
	case 2:
		if (zonal_set_policy(mm, task, next(w) % 2 ? MPOL_INTERLEAVE : MPOL_BIND,
				     MPOL_F_RELATIVE, 3))
			abort();
		break;
	default:
		/* tunables have one caller at a time (zone.h) */
		if (w->cpu == 0 && (zonal_set_watermark_scale(mm, 1 + (unsigned)(next(w) % 200)) ||
				    zonal_set_watermark_boost(mm, (unsigned)(next(w) % 30000))))
			abort();
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	host_cpu_attach(w->cpu);
	atomic_store_explicit(&tasks[w->cpu], (uintptr_t)port_this_cpu()->task,
			      memory_order_release);
	for (uint64_t i = 0; i < ops / cpus; i++) {
		unsigned dice = (unsigned)(next(w) % 1000);

		drop_offered();
		if (w->cpu == 0)
			cpu_look_after(mm);
		if (w->cpu && w->cpu + 1 == cpus && i % DEATH_EVERY == DEATH_EVERY - 1)
			cpu_stops(w->cpu);
		if (dice < 600)
			take_one(w);
		else if (dice < 970)
			release(atomic_exchange_explicit(&slots[next(w) % SLOTS], 0,
							 memory_order_acq_rel));
		else if (dice < 978)
			share_one(w);
		else if (dice < 990)
			share_plain(w);
		else
			change_something(w);
	}
	if (w->cpu + 1 == cpus)
		cpu_ends();
	if (w->cpu == 0)
		cpu_wait_for_the_end(mm);
	host_cpu_detach();
	return NULL;
}

static bool build(void)
{
	struct zonal_config config = { .info = &info, .clear = clear_nothing };

	zonal_options_default(&config.options);
	config.page_owner = owner;
	info.dma_max = UINT64_MAX;
	info.nodes = 3;
	info.range_count = NODES;
	for (unsigned n = 0; n < NODES; n++) {
		info.range[n] = (struct boot_range){
			.start = (0x40000ull + n * NODE_PAGES) << PAGE_SHIFT,
			.size = (uint64_t)NODE_PAGES << PAGE_SHIFT,
			.nid = (int16_t)n
		};
		for (unsigned b = 0; b < NODES; b++)
			info.distance[n][b] = n == b ? 10 : 20;
	}
	info.cpu_count = cpus;
	for (unsigned c = 0; c < cpus; c++)
		info.cpu[c].nid = (int16_t)(c % NODES);
	mm = calloc(1, zonal_sizeof());
	if (!mm || zonal_build(mm, &config, meta_take))
		return false;
	for (unsigned c = 0; c < cpus; c++)
		zonal_cpu_online(mm, c);
	zonal_boot_done(mm);
	return true;
}

static bool finish(void)
{
	struct zonal_finding finding;

	for (unsigned i = 0; i < SLOTS; i++)
		release(atomic_exchange(&slots[i], 0));
	drop_offered();
	zonal_drain_all(mm, NULL);
	if (!zonal_check(mm, &finding)) {
		printf("not ok 1 - stress.threads\n# %s\n", finding.text);
		return false;
	}
	for (unsigned n = 0; n < NODES; n++) {
		long long left = ld_relaxed(&mm->node[n]->zone[ZONE_DMA].free);

		if (left == NODE_PAGES && !zonal_bad_count(mm))
			continue;
		printf("not ok 1 - stress.threads\n# node %u has %lld of %d pages, %llu reports\n",
		       n, left, NODE_PAGES, (unsigned long long)zonal_bad_count(mm));
		return false;
	}
	return true;
}

static void parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;

		if (!value || (!strcmp(argv[i], "--cpus") && value > CPUS_MAX)) {
			fprintf(stderr, "usage: stress [--seed S] [--ops N] [--cpus 1..%d] "
				"[--owner 1]\n", CPUS_MAX);
			exit(2);
		}
		if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--ops"))
			ops = value;
		else if (!strcmp(argv[i], "--cpus"))
			cpus = (unsigned)value;
		else if (!strcmp(argv[i], "--owner"))
			owner = true;
	}
}

int main(int argc, char **argv)
{
	static struct worker workers[CPUS_MAX];
	uint64_t taken = 0, failed = 0;

	parse(argc, argv);
	printf("TAP version 13\n1..1\n# seed %llu\n", (unsigned long long)seed);
	if (!build()) {
		printf("not ok 1 - stress.threads\n# the board was refused\n");
		return 1;
	}
	for (unsigned c = 0; c < cpus; c++) {
		workers[c].cpu = c;
		workers[c].state = seed * 0x9e3779b97f4a7c15ull + c + 1;
		if (pthread_create(&workers[c].thread, NULL, work, &workers[c]))
			return 1;
	}
	for (unsigned c = 0; c < cpus; c++) {
		pthread_join(workers[c].thread, NULL);
		taken += workers[c].taken;
		failed += workers[c].failed;
	}
	if (!finish())
		return 1;
	printf("# %llu blocks taken, %llu requests failed, a CPU died %u times\n"
	       "ok 1 - stress.threads\n",
	       (unsigned long long)taken, (unsigned long long)failed, cpu_deaths());
	return 0;
}
