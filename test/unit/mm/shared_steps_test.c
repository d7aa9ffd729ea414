/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holders of one block side by side, at every point of the way.
 *
 * mm/free.c is compiled a second time here, under other names, with atomics that call step()
 * first. So one holder's free or put can be stopped before each of its accesses in turn, and
 * another holder, by the functions that ship, does all of its own meanwhile, as an interrupt
 * handler or a task that preempts would; not while interrupts are masked, as they would not
 * either; half of the time it also takes a block, often the same. Whatever they do and wherever
 * they meet, who took the block has it whole, all pages are back at the end, and none of the
 * calls was misuse. test/models/shared_free.pml is the same with three holders and a store
 * buffer; what this cannot show is two CPUs that alternate.
 */
#include "lib/atomic.h"

static void step(void);

#undef ld_relaxed
#undef fetch_dec_acq_rel
#define ld_relaxed(p) (step(), atomic_load_explicit(p, memory_order_relaxed))
#define fetch_dec_acq_rel(p) (step(), fetch_sub_acq_rel(p, 1))
#define zonal_free stepped_free
#define zonal_get stepped_get
#define zonal_put stepped_put
#include "mm/free.c"
#undef zonal_free
#undef zonal_get
#undef zonal_put

#include "kt_instance.h"

void zonal_free(struct zonal *mm, struct page *page, unsigned order);
void zonal_get(struct page *page);
void zonal_put(struct zonal *mm, struct page *page);

enum { BLOCK_PAGES = 4096, HOW_FREE = 0, HOW_PUT = 1 };

static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, BLOCK_PAGES } } };

static struct {
	struct zonal *mm;
	struct page *page;
	unsigned order, how;
	unsigned steps, at; /* accesses so far; before which one the other holder comes */
	bool armed, again;
	struct page *taken; /* by whoever comes next, if `again` */
} meet;

static void drop(unsigned how)
{
	if (how == HOW_FREE)
		zonal_free(meet.mm, meet.page, meet.order);
	else
		zonal_put(meet.mm, meet.page);
}

static void step(void)
{
	if (!meet.armed || meet.steps++ < meet.at || port_irqs_masked())
		return;
	meet.armed = false;
	drop(meet.how);
	if (meet.again)
		meet.taken = zonal_alloc(meet.mm, GFP_KERNEL, meet.order);
}

static int64_t pages_now(void)
{
	struct zone *zone = kt_zone(meet.mm, 0, ZONE_DMA);

	return kt_free(zone) + kt_pcp_count(zone);
}

/* One holder by `first`, stopped before access `at` for another one by `second`; a third one
 * puts its reference at the end if `three`. False: there is no such access. */
static bool meet_at(unsigned first, unsigned second, bool three, unsigned at)
{
	bool met, good;

	meet.page = zonal_alloc(meet.mm, GFP_KERNEL, meet.order);
	if (!KT_TRUE(meet.page))
		return false;
	zonal_get(meet.page);
	if (three)
		zonal_get(meet.page);
	meet.how = second;
	meet.steps = 0;
	meet.taken = NULL;
	meet.at = at;
	meet.armed = true;
	if (first == HOW_FREE)
		stepped_free(meet.mm, meet.page, meet.order);
	else
		stepped_put(meet.mm, meet.page);
	met = !meet.armed;
	meet.armed = false;
	if (!met)
		drop(second);
	if (three)
		drop(HOW_PUT);
	/* Whoever has it now has all of it. */
	if (meet.taken)
		KT_EQ(page_state(meet.taken), PAGE_USED);
	zonal_free(meet.mm, meet.taken, meet.order);
	good = KT_OK(pages_now() == BLOCK_PAGES && zonal_bad_count(meet.mm) == 0,
	      "order %u, %u before access %u of %u%s: %lld pages are free, %llu calls refused",
	      meet.order, second, at, first, three ? ", a third at the end" : "",
	      (long long)pages_now(), (unsigned long long)zonal_bad_count(meet.mm));
	return met && good;
}

KTEST(shared, two_holders_may_meet_at_every_access)
{
	unsigned met = 0;

	meet.mm = kt_bare_instance(&uma);
	if (!meet.mm)
		return;
	for (unsigned which = 0; which < 16 * 3; which++) {
		unsigned at = 0;

		meet.order = 1 + which / 16;
		meet.again = which & 8;
		while (meet_at(which & 1, which >> 1 & 1, which & 4, at))
			at++;
		met += at;
	}
	kt_diag("%u places to meet", met);
	KT_OK(met > 16 * 3, "they hardly met");
	zonal_drain_all(meet.mm, NULL);
	kt_check_all(meet.mm);
}
