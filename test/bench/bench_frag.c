/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the free memory is left in large blocks when pages come and go at random.
 *
 *	start   nothing taken
 *	full    every page taken that GFP_NOWAIT gives
 *	half    a random half given back
 *	iterN   a random tenth of what is held given back and taken again, 60 times
 *	end     all given back
 *
 * Each line has the free pages, the free blocks of 2 MiB (free_huge) and how many there
 * could be if all free pages lay together (potential). The per-CPU lists are given back
 * before counting, else each page in them would spoil a block of its own.
 *
 * The frame numbers are kept in chunks of 4 MiB, taken before the start; CHUNKS
 * bounds the board to 64 Mi pages, 256 GiB. Order-0 pages only.
 */
#include "bench.h"

#include <string.h>
#include <zonal/linux.h>

#include "lib/kprintf.h"
#include "lib/stop.h"
#include "mm/mm.h"

#define CHUNKS 64u
#define CHUNK_BYTES (4u << 20)
#define CHUNK_ENTRIES (CHUNK_BYTES / sizeof(uint32_t))
#define ITERATIONS 60u
#define HUGE_PAGES (1u << PAGEBLOCK_ORDER)

typedef unsigned long long ull;

struct frag {
	uint32_t *chunk[CHUNKS];
	unsigned chunks;
	uint64_t held; /* entries 0..held-1 are pages that we have */
	uint32_t random;
};

static uint32_t *entry(struct frag *f, uint64_t i)
{
	return &f->chunk[i / CHUNK_ENTRIES][i % CHUNK_ENTRIES];
}

/* `state` counts 24 bits at a time; two of them cover every board. */
static uint64_t random_below(struct frag *f, uint64_t limit)
{
	uint64_t high = bench_random(&f->random);

	return (high << 24 | bench_random(&f->random)) % limit;
}

static void print_state(const struct bench *bench, const char *name, unsigned number)
{
	uint64_t free = 0, huge = 0;
	struct zone *zone;
	char label[16];
	unsigned zid, type;

	zonal_drain_all(&zonal_image, NULL);
	if (bench->quiet)
		return;
	mm_for_each_zone(&zonal_image, zid, zone) {
		free += (uint64_t)ld_relaxed(&zone->free);
		for (type = 0; type < MIGRATE_TYPES; type++)
			huge += zone->list[type][PAGEBLOCK_ORDER].count +
				2ull * zone->list[type][PAGEBLOCK_ORDER + 1].count;
	}
	zn_snprintf(label, sizeof(label), number ? "%s%u" : "%s", name, number);
	kprintf(bench->json ? "{\"schema\":\"zonal.frag/1\",\"name\":\"%s\",\"free\":%llu,"
			      "\"free_huge\":%llu,\"potential\":%llu}\n" :
			      "frag %s free=%llu free_huge=%llu potential=%llu\n",
		label, (ull)free, (ull)huge, (ull)(free / HUGE_PAGES));
}

static bool take_chunks(const struct bench *bench, struct frag *f)
{
	uint64_t pages = 0;
	struct zone *zone;
	unsigned zid;

	mm_for_each_zone(&zonal_image, zid, zone)
		pages += ld_relaxed(&zone->managed);
	while (f->chunks * (uint64_t)CHUNK_ENTRIES < pages) {
		if (f->chunks == CHUNKS)
			return false;
		f->chunk[f->chunks] = bench->port->take(CHUNK_BYTES);
		if (!f->chunk[f->chunks])
			return false;
		f->chunks++;
	}
	return true;
}

/* Take pages until `limit` are held or none is given. */
static void take_pages(struct frag *f, gfp_t gfp, uint64_t limit)
{
	while (f->held < limit) {
		struct page *page = alloc_page(gfp);

		if (!page)
			return;
		*entry(f, f->held++) = (uint32_t)page_to_pfn(page);
	}
}

static void give_last(struct frag *f, uint64_t count)
{
	while (count--)
		__free_page(pfn_to_page(*entry(f, --f->held)));
}

/* Bring a random choice of `count` pages to the end. */
static void shuffle_last(struct frag *f, uint64_t count)
{
	uint64_t i;

	for (i = f->held - 1; i > 0 && count; i--, count--) {
		uint32_t *a = entry(f, i), *b = entry(f, random_below(f, i + 1));
		uint32_t pfn = *a;

		*a = *b;
		*b = pfn;
	}
}

static void run_phases(const struct bench *bench, struct frag *f, gfp_t gfp)
{
	unsigned i;

	print_state(bench, "start", 0);
	take_pages(f, gfp, f->chunks * (uint64_t)CHUNK_ENTRIES);
	print_state(bench, "full", 0);
	shuffle_last(f, f->held);
	give_last(f, f->held / 2);
	print_state(bench, "half", 0);
	for (i = 1; i <= ITERATIONS && !zn_stop_asked(); i++) {
		uint64_t held = f->held, tenth = held / 10;

		shuffle_last(f, tenth);
		give_last(f, tenth);
		take_pages(f, gfp, held);
		print_state(bench, "iter", i);
	}
	give_last(f, f->held);
	print_state(bench, "end", 0);
}

bool bench_frag(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	static struct frag f;
	bool ready;

	memset(&f, 0, sizeof(f));
	f.random = 1;
	ready = take_chunks(bench, &f);
	if (ready)
		run_phases(bench, &f, c->gfp);
	while (f.chunks)
		bench->port->give(f.chunk[--f.chunks], CHUNK_BYTES);
	return ready || bench_failed(c, order,
				     "no memory for the table of pages, or the board is larger "
				     "than 256 GiB (CHUNKS)");
}
