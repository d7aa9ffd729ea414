/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred initialisation on several CPUs at once, for the thread sanitizer: each node has a
 * thread that brings its pages, as the image has a task, while two others take and free blocks of
 * all sizes, which makes zones grow too, and the test itself looks frames up and checks the whole
 * map now and then. No frame is given out twice, and at the end all pages are there and free.
 */
#include "kt_instance.h"

#include <string.h>

#include "mm/deferred.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>
#include <sched.h>

enum { SECTION = 1 << MM_SECTION_SHIFT, PIECE = 1 << (MAX_ORDER - 1), HELD = 96 };

#define NODE1 (KT_NORMAL_PFN + 3 * SECTION)
static const struct kt_spec pair = {
	.ram = { { 0, KT_NORMAL_PFN, 3 * SECTION }, { 1, NODE1, 3 * SECTION } },
	.cpus = 5,
	.cpu_node = { 0, 0, 1, 0, 1 },
	.deferred = true,
};

static struct {
	struct zonal *mm;
	_Atomic bool taken[6 * (SECTION / PIECE)]; /* by block of 4 MiB that is held whole */
	_Atomic uint32_t working, twice;
} shared;

static void *bring(void *arg)
{
	unsigned nid = (unsigned)(uintptr_t)arg;
	enum zonal_deferred_state state;

	host_cpu_attach(kt_cpu_id(1 + nid));
	while ((state = zonal_deferred_turn(shared.mm, nid)) != ZONAL_DEFERRED_DONE)
		if (state == ZONAL_DEFERRED_HELD || zonal_deferred_pages(shared.mm, nid) % 3)
			sched_yield();
	host_cpu_detach();
	(void)fetch_sub_acq_rel(&shared.working, 1);
	return arg;
}

static _Atomic bool *taken_at(const struct page *page)
{
	return &shared.taken[(zonal_pfn(page) - KT_NORMAL_PFN) / PIECE];
}

static void give(struct page *page)
{
	st_relaxed(taken_at(page), false);
	zonal_free(shared.mm, page, MAX_ORDER - 1);
}

/* More than half of what is there at first, so that zones grow for it. */
static void *take(void *arg)
{
	struct page *held[HELD];
	unsigned count = 0, nid = (unsigned)(uintptr_t)arg;

	host_cpu_attach(kt_cpu_id(3 + nid));
	for (unsigned round = 0; round < 3; round++) {
		while (count < HELD) {
			struct page *page = zonal_alloc_node(shared.mm, (int)nid, GFP_NOWAIT,
							     MAX_ORDER - 1);

			if (!page)
				break;
			if (atomic_exchange_explicit(taken_at(page), true, memory_order_relaxed))
				fetch_add_relaxed(&shared.twice, 1);
			held[count++] = page;
		}
		while (count)
			give(held[--count]);
	}
	host_cpu_detach();
	(void)fetch_sub_acq_rel(&shared.working, 1);
	return arg;
}

/* A page that is known is one that can be read. */
static void look_around(struct zonal *mm)
{
	for (pfn_t pfn = KT_NORMAL_PFN; pfn < KT_NORMAL_PFN + 6 * SECTION; pfn += PIECE / 2 + 1) {
		struct page *page = zonal_page(mm, pfn);

		if (page && zonal_pfn(page) != pfn)
			fetch_add_relaxed(&shared.twice, 1);
	}
}

/* Between the look at what is left and the lock another CPU has brought the last piece. */
KTEST_F(deferred, who_comes_behind_the_last_piece_is_told_that_all_is_done, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);

	if (!mm)
		return;
	while (zonal_deferred_turn(mm, 0) == ZONAL_DEFERRED_MORE)
		;
	st_relaxed(&mm->node[0]->deferred.pages, PIECE);
	KT_EQ(zonal_deferred_turn(mm, 0), ZONAL_DEFERRED_DONE);
	KT_EQ(zonal_deferred_pages(mm, 0), PIECE);
	st_relaxed(&mm->node[0]->deferred.pages, 0);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 3 * SECTION);
}

KTEST_F(deferred, pages_come_on_several_cpus_while_others_take_them, KT_HOST_ONLY)
{
	pthread_t thread[4];
	unsigned looks = 0;

	memset(&shared, 0, sizeof(shared));
	shared.mm = kt_instance(&pair);
	if (!shared.mm)
		return;
	st_relaxed(&shared.working, 4);
	for (uintptr_t i = 0; i < 4; i++)
		if (!KT_EQ(pthread_create(&thread[i], NULL, i < 2 ? bring : take, (void *)(i % 2)),
			   0))
			return;
	while (ld_acquire(&shared.working)) {
		look_around(shared.mm);
		/* Held up as zonal_check() does, which would be exact only without the takers. */
		if (looks++ % 64 == 0) {
			uint64_t left;

			deferred_hold(shared.mm);
			left = zonal_deferred_pages(shared.mm, 0);
			sched_yield();
			KT_EQ(zonal_deferred_pages(shared.mm, 0), left);
			deferred_go_on(shared.mm);
		}
		sched_yield();
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	KT_EQ(ld_relaxed(&shared.twice), 0);
	KT_EQ(zonal_deferred_pages(shared.mm, 0) + zonal_deferred_pages(shared.mm, 1), 0);
	zonal_drain_all(shared.mm, NULL);
	KT_EQ(kt_free(kt_zone(shared.mm, 0, ZONE_DMA)), 3 * SECTION);
	KT_EQ(kt_free(kt_zone(shared.mm, 1, ZONE_DMA)), 3 * SECTION);
	kt_check_all(shared.mm);
}

#endif
