/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens beside the programs of user_storm_test.c; see user_storm.h.
 *
 * Each is a task of the kernel's that goes on until it is told to stop, rests a little between two
 * steps, so that the cores are not its alone, and counts what it has done. A range of frames that
 * was taken is nobody else's: it is filled, and must be as it was filled a moment later. A piece of
 * the disk follows from its number and its version, so one that is old, or another one, is seen.
 */
#include "user_storm.h"

#include <string.h>
#include <zonal/contig.h>
#include <zonal/linux.h>
#include <zonal/reclaim.h>

#include "block/cache.h"
#include "mm/mm.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"

enum { MOST_ROW = 512 };

int storm_compact(void *arg)
{
	(void)arg;
	while (!ld_relaxed(&storm.stop)) {
		struct zonal_compacted done;
		struct page *page;

		zonal_compact(&zonal_image, NODE_NONE, &done);
		storm_saw(COMPACTED, done.moved);
		page = alloc_pages(GFP_TRANSHUGE | __GFP_NORETRY | __GFP_NOWARN, PAGEBLOCK_ORDER);
		if (page)
			__free_pages(page, PAGEBLOCK_ORDER);
		task_sleep_ns(20 * MS);
	}
	return 0;
}

static uint64_t *words_of(pfn_t pfn) { return block_page_address(zonal_page(&zonal_image, pfn)); }

/* Every page of a range is ours alone: it keeps what is written into it. */
static void use_row(pfn_t first, unsigned pages)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < pages; i++)
		memset(words_of(first + i), (int)(first + i) & 0xff, PAGE_SIZE);
	task_sleep_ns(MS);
	for (unsigned i = 0; i < pages; i++)
		for (unsigned w = 0; w < PAGE_SIZE / sizeof(uint64_t); w++)
			wrong += words_of(first + i)[w] !=
				 ((first + i) & 0xff) * 0x0101010101010101ull;
	KT_OK(!wrong, "%u words of a contiguous range have changed", wrong);
	KT_EQ(zonal_free_contig_range(&zonal_image, first, pages), 0);
}

int storm_rows(void *arg)
{
	uint64_t state = storm.seed ^ 0x726f7773;

	(void)arg;
	while (!ld_relaxed(&storm.stop)) {
		const struct zonal_boot_range *range =
			&boot_info.range[storm_draw(&state, boot_info.range_count)];
		unsigned pages = MOST_ROW >> storm_draw(&state, 4);
		unsigned places = (unsigned)(range->size >> PAGE_SHIFT) / pages;
		pfn_t first = (range->start >> PAGE_SHIFT) +
			      (pfn_t)pages * storm_draw(&state, places);

		storm.rows_asked++;
		if (!zonal_alloc_contig_range(&zonal_image, first, pages, GFP_KERNEL)) {
			use_row(first, pages);
			storm_saw(ROWS, 1);
		}
		task_sleep_ns(2 * MS);
	}
	return 0;
}

/* What a piece of the disk holds in its n-th version. */
static void fill_piece(uint8_t *to, unsigned piece)
{
	uint64_t state = storm.seed ^ ((uint64_t)piece << 8 | storm.version[piece]) << 32 ^ 1;

	for (unsigned i = 0; i < PIECE; i += sizeof(uint64_t)) {
		uint64_t word = kt_random(&state);

		memcpy(to + i, &word, sizeof(word));
	}
}

void storm_write_piece(unsigned piece)
{
	storm.version[piece]++;
	fill_piece(storm.piece, piece);
	KT_EQ(cache_write(storm.load, (uint64_t)piece * PIECE, storm.piece, PIECE), 0);
	storm_saw(DISK_WRITTEN, PIECE);
}

void storm_read_piece(unsigned piece)
{
	fill_piece(storm.want, piece);
	KT_EQ(cache_read(storm.load, (uint64_t)piece * PIECE, storm.piece, PIECE), 0);
	KT_OK(!memcmp(storm.piece, storm.want, PIECE), "piece %u of the disk differs", piece);
	storm_saw(DISK_READ, PIECE);
}

/* Now and then it is all on the disk and nothing of it in memory. */
int storm_load(void *arg)
{
	uint64_t state = storm.seed ^ 0x6c6f6164;

	(void)arg;
	while (!ld_relaxed(&storm.stop)) {
		unsigned piece = storm_draw(&state, PIECES);

		if (storm_draw(&state, 2))
			storm_write_piece(piece);
		else
			storm_read_piece(piece);
		if (!storm_draw(&state, 64)) {
			KT_EQ(cache_flush(storm.load), 0);
			(void)cache_drop(storm.load);
		}
		task_sleep_ns(MS / 2);
	}
	return 0;
}
