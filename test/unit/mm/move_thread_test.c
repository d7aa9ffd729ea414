/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration while the owner is at work on another CPU, for the thread sanitizer.
 *
 * The owner is a table of places under one lock; a place has a page, and each frame a word of
 * contents that the move copies. One thread takes pages off the lists and moves them from node to
 * node. The other one uses the pages: looks whether the contents are the place's, touches,
 * removes and frees pages, puts new ones in, holds one for a while. At the end no word is wrong, no
 * page is lost, and nothing is isolated. The mover ends after a number of rounds, its fellow when
 * he is told to.
 */
#include "kt_instance.h"

#include <zonal/reclaim.h>

#include "mm/compact/move.h"

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>
#include <sched.h>

enum { PLACES = 64, PAGES = 1024, ROUNDS = 4000 };

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, PAGES / 2 }, { 1, KT_DMA_PFN + PAGES / 2, PAGES / 2 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static struct table {
	struct zonal *mm;
	struct zonal_owner *owner;
	pthread_mutex_t lock;
	struct page *page[PLACES]; /* lock */
	bool moving[PLACES];       /* lock: between prepare and its end */
	uint64_t word[PAGES];      /* of the frame; lock */
	_Atomic bool stop;
	unsigned wrong, moved;
} table;

static uint64_t *word_of(const struct page *page) { return &table.word[page->pfn - KT_DMA_PFN]; }

static bool table_used(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	return false;
}

static enum zonal_give table_refuse(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	(void)ctx, (void)page, (void)handle, (void)may;
	return ZONAL_GIVE_BUSY;
}

static void table_given(void *ctx, struct page *page, uint64_t handle)
{
	(void)ctx, (void)page, (void)handle;
	table.wrong++;
}

static enum zonal_give table_prepare(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	bool there;

	(void)ctx, (void)may;
	pthread_mutex_lock(&table.lock);
	there = table.page[handle] == page;
	table.moving[handle] |= there;
	pthread_mutex_unlock(&table.lock);
	return there ? ZONAL_GIVE_YES : ZONAL_GIVE_GONE;
}

static void table_commit(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	(void)ctx;
	pthread_mutex_lock(&table.lock);
	table.wrong += table.page[handle] != from || !table.moving[handle];
	*word_of(to) = *word_of(from);
	*word_of(from) = 0;
	table.page[handle] = to;
	table.moving[handle] = false;
	pthread_mutex_unlock(&table.lock);
}

static void table_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	(void)ctx;
	pthread_mutex_lock(&table.lock);
	table.wrong += table.page[handle] != page || !moving;
	table.moving[handle] = false;
	pthread_mutex_unlock(&table.lock);
}

static const struct zonal_owner_ops table_ops = { .name = "table",
						  .kind = ZONAL_ANON,
						  .used = table_used,
						  .give_prepare = table_refuse,
						  .give_commit = table_given,
						  .move_prepare = table_prepare,
						  .move_commit = table_commit,
						  .abort = table_abort };

/* A new page at an empty place. The lock is held. */
static void put_in(unsigned place)
{
	struct page *page = zonal_alloc(table.mm, GFP_NOWAIT | __GFP_NOWARN, 0);

	if (!page)
		return;
	table.page[place] = page;
	*word_of(page) = ~(uint64_t)place;
	zonal_page_add(table.mm, table.owner, page, place);
}

/* The page goes, the lock is held until it is unfindable. */
static void take_out(unsigned place)
{
	struct page *page = table.page[place];

	table.page[place] = NULL;
	zonal_page_remove(table.mm, page);
	zonal_free(table.mm, page, 0);
}

static void use_one(unsigned place, uint64_t dice)
{
	struct page *page;

	pthread_mutex_lock(&table.lock);
	page = table.page[place];
	if (!page)
		put_in(place);
	else if (table.moving[place])
		page = NULL;
	else if (*word_of(page) != ~(uint64_t)place)
		table.wrong++;
	else if (dice % 4 == 0)
		take_out(place);
	else
		zonal_page_touch(table.mm, page);
	if (page && dice % 4)
		zonal_get(page);
	pthread_mutex_unlock(&table.lock);
	if (!page || dice % 4 == 0)
		return;
	sched_yield();
	zonal_put(table.mm, page);
}

static void *user(void *arg)
{
	uint64_t state = kt_seed() | 1;

	host_cpu_attach(kt_cpu_id(1));
	while (!ld_acquire(&table.stop)) {
		uint64_t dice = kt_random(&state);

		use_one((unsigned)(dice % PLACES), dice / PLACES);
	}
	host_cpu_detach();
	return arg;
}

static struct page *other_node(void *arg, struct page *from)
{
	(void)arg;
	return zonal_alloc_node(table.mm, page_zid(from) < ZONE_TYPES,
				GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0);
}

static void not_needed(void *arg, struct page *to)
{
	(void)arg;
	zonal_free(table.mm, to, 0);
}

/* By frame, whatever the frames are used for at the moment. */
static void move_round(uint64_t *state)
{
	struct move move = { .mm = table.mm, .target = other_node, .unused = not_needed };
	struct move_batch batch = { .count = 0 };
	pfn_t pfn = KT_DMA_PFN + kt_random(state) % (PAGES - 64);

	for (unsigned i = 0; i < 64 && batch.count < MOVE_BATCH; i++)
		move_take(table.mm, &batch, mm_page(table.mm, pfn + i));
	move_pages(&move, &batch);
	table.moved += move.moved;
}

KTEST_F(move, pages_move_while_another_thread_uses_removes_and_holds_them, KT_HOST_ONLY)
{
	uint64_t state = kt_seed() | 1;
	struct zonal_lru_counts counts;
	pthread_t thread;

	table = (struct table){ .mm = kt_bare_instance(&pair) };
	pthread_mutex_init(&table.lock, NULL);
	table.owner = table.mm ? zonal_owner_register(table.mm, &table_ops, NULL) : NULL;
	if (!KT_TRUE(table.owner) || !KT_EQ(pthread_create(&thread, NULL, user, NULL), 0))
		return;
	/* The other thread may begin late; there is nothing to move up to then. */
	for (unsigned i = 0; i < ROUNDS || (table.moved < 100 && i < 100 * ROUNDS); i++) {
		move_round(&state);
		if (!table.moved)
			sched_yield();
	}
	st_release(&table.stop, true);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < PLACES; i++) {
		if (!table.page[i])
			continue;
		table.wrong += *word_of(table.page[i]) != ~(uint64_t)i;
		take_out(i);
	}
	KT_EQ(table.wrong, 0);
	zonal_owner_unregister(table.mm, table.owner);
	for (unsigned nid = 0; nid < 2; nid++) {
		zonal_lru_counts(table.mm, nid, &counts);
		KT_EQ(counts.isolated[ZONAL_ANON], 0);
	}
	zonal_drain_all(table.mm, NULL);
	kt_check_all(table.mm);
	KT_EQ(kt_free(kt_zone(table.mm, 0, ZONE_DMA)) + kt_free(kt_zone(table.mm, 1, ZONE_DMA)),
	      PAGES);
	kt_diag("%u moved", table.moved);
}

#endif
