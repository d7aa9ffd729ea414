/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic requests out of a timer's interrupt; see user_ticks.h.
 *
 * A shelf of pages is gone round: the page of an earlier time is looked at, word by word, and given
 * back, and a new one is taken and filled with what follows from its place and the number of the
 * interrupt. A request that is refused leaves its place empty.
 *
 * That it has not waited: on this CPU no task was switched to meanwhile, nothing was reclaimed,
 * compacted or ended by it, and interrupts are masked as before. (To sleep there is a panic.)
 *
 * All of it belongs to the CPU that began, masked; only `stop`, `ended` and `calls` are read
 * elsewhere.
 */
#include "user_ticks.h"

#include <string.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "block/block.h"
#include "counted.h"
#include "lib/atomic.h"
#include "mm/mm.h"
#include "test/unit/sched/sched_world.h"

#define EVERY_NS 100000u /* 10 kHz */
enum { SHELF = 64, WORDS = PAGE_SIZE / sizeof(uint64_t) };

static struct {
	struct page *page[SHELF];
	uint64_t mark[SHELF];
	struct user_ticks seen;
	_Atomic uint64_t calls;
	int nid;
	_Atomic unsigned stop, ended;
} ticks;

static void give(unsigned place)
{
	struct page *page = ticks.page[place];
	const uint64_t *word = page ? block_page_address(page) : NULL;

	if (!page)
		return;
	for (unsigned i = 0; i < WORDS; i++)
		ticks.seen.wrong += word[i] != ticks.mark[place] + i;
	ticks.page[place] = NULL;
	__free_pages(page, 0);
}

/* What this CPU has done that an atomic request must not do. */
static uint64_t waits_here(void)
{
	static const enum vm_event event[] = {
		EVENT_ALLOCSTALL_DMA, EVENT_ALLOCSTALL_DMA32, EVENT_ALLOCSTALL_NORMAL,
		EVENT_ALLOCSTALL_MOVABLE, EVENT_PGSCAN_DIRECT, EVENT_COMPACTSTALL, EVENT_OOM_KILL,
	};
	unsigned cpu = port_this_cpu()->id;
	struct sched_counts counts;
	uint64_t sum;

	sched_read_counts(cpu, &counts);
	sum = counts.switches;
	for (unsigned i = 0; i < ARRAY_SIZE(event); i++)
		sum += ld_relaxed(&zonal_image.cpu[cpu]->event[event[i]]);
	return sum;
}

static void take(unsigned place)
{
	gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
	uint64_t before = waits_here();
	struct page *page = ticks.nid == NODE_NONE ?
				    alloc_pages(gfp, 0) :
				    alloc_pages_node(ticks.nid, gfp | __GFP_THISNODE, 0);
	uint64_t *word = page ? block_page_address(page) : NULL;

	ticks.seen.waited += waits_here() != before || !port_irqs_masked();
	ticks.page[place] = page;
	ticks.seen.taken += page != NULL;
	ticks.seen.refused += !page;
	ticks.mark[place] = ld_relaxed(&ticks.calls) << 32 | (uint64_t)place << 16;
	for (unsigned i = 0; page && i < WORDS; i++)
		word[i] = ticks.mark[place] + i;
}

/* All are given back by the last one. It is always the CPU that set it first. */
static void tick(void)
{
	unsigned place = (unsigned)(ld_relaxed(&ticks.calls) % SHELF);

	st_relaxed(&ticks.calls, ld_relaxed(&ticks.calls) + 1);
	if (ld_acquire(&ticks.stop)) {
		for (unsigned i = 0; i < SHELF; i++)
			give(i);
		st_release(&ticks.ended, 1);
		return;
	}
	give(place);
	take(place);
	counted_set(EVERY_NS, tick);
}

void user_ticks_begin(int nid)
{
	memset(&ticks, 0, sizeof(ticks));
	ticks.nid = nid;
	counted_set(EVERY_NS, tick);
}

uint64_t user_ticks_calls(void) { return ld_relaxed(&ticks.calls); }

bool user_ticks_end(struct user_ticks *out)
{
	uint64_t deadline = sched_world_deadline();

	st_release(&ticks.stop, 1);
	while (!ld_acquire(&ticks.ended) && port_time_ns() < deadline)
		task_sleep_ns(MS);
	*out = ticks.seen;
	out->calls = user_ticks_calls();
	return ld_acquire(&ticks.ended);
}
