/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What free pages hold: page_poison (D12), init_on_alloc and init_on_free (D9).
 *
 * The pages of a test's board have no contents, so the hooks keep one byte for each: what the page
 * is full of. A test spoils a page by hand and looks at what the next taker is told.
 */
#include "kt_cache.h"

#include <string.h>

#include <zonal/constraint.h>
#include <zonal/contig.h>

#include "lib/log.h"
#include "lib/printf.h"
#include "mm/page_check.h"

enum { PAGES = 4096, POISON = 0xaa, DATA = 0x11 };

static uint8_t holds[PAGES];
static struct zonal_spoiled spoiled_as; /* the next page that is looked at is so; last 0: none */
static pfn_t spoiled_pfn;
static uint64_t looked_at;

static void fill(void *ctx, pfn_t pfn, size_t count, uint8_t byte)
{
	(void)ctx;
	memset(holds + (pfn - KT_DMA_PFN), byte, count);
}

static void clear(void *ctx, pfn_t pfn, size_t count) { fill(ctx, pfn, count, 0); }

static bool spoiled(void *ctx, pfn_t pfn, uint8_t byte, struct zonal_spoiled *out)
{
	(void)ctx;
	looked_at++;
	if (spoiled_as.last && pfn == spoiled_pfn) {
		*out = spoiled_as;
		return true;
	}
	*out = (struct zonal_spoiled){ .last = PAGE_SIZE - 1, .byte = { holds[pfn - KT_DMA_PFN] } };
	return holds[pfn - KT_DMA_PFN] != byte;
}

/* The lines of log between log_begin() and log_end(). */
static char lines[512];
static bool (*hook_before)(const char *line);

static bool keep_line(const char *line)
{
	size_t used = strlen(lines), length = strlen(line);

	if (used + length < sizeof(lines))
		memcpy(lines + used, line, length + 1);
	return true;
}

static void log_begin(void)
{
	lines[0] = '\0';
	hook_before = zn_log_hook;
	zn_log_hook = keep_line;
}

static void log_end(void) { zn_log_hook = hook_before; }

static bool logged(const char *text) { return strstr(lines, text) != NULL; }

/* The page comes again, spoiled like this. */
static void take_spoiled(struct zonal *mm, struct zonal_spoiled as)
{
	spoiled_as = as;
	log_begin();
	zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0);
	log_end();
}

static const struct zonal_contents contents = { fill, spoiled };
static const struct kt_spec uma = { .ram = { { 0, KT_DMA_PFN, PAGES } } };
static struct zonal_options options;

static void with_hooks(struct boot_info *info, struct zonal_config *config)
{
	(void)info;
	config->contents = &contents;
	config->clear = clear;
	config->options = options;
}

/* A board with these options. */
static struct zonal *board(bool poison, bool on_alloc, bool on_free)
{
	zonal_options_default(&options);
	options.page_poison = poison;
	options.init_on_alloc = on_alloc;
	options.init_on_free = on_free;
	memset(holds, DATA, sizeof(holds));
	memset(&spoiled_as, 0, sizeof(spoiled_as));
	looked_at = 0;
	return kt_changed_instance(&uma, with_hooks);
}

/* What the `count` pages from here on are full of; -1: not all of the same. */
static int held(const struct page *page, unsigned count)
{
	const uint8_t *first = holds + (page->pfn - KT_DMA_PFN);

	for (unsigned i = 1; i < count; i++)
		if (first[i] != first[0])
			return -1;
	return first[0];
}

static void use(const struct page *page, unsigned count)
{
	memset(holds + (page->pfn - KT_DMA_PFN), DATA, count);
}

KTEST(contents, d12_free_pages_are_poisoned_from_the_start_and_when_freed)
{
	static const unsigned orders[] = { 0, 1, 5, MAX_ORDER - 1 };
	struct zonal *mm = board(true, false, false);

	for (unsigned i = 0; mm && i < ARRAY_SIZE(orders); i++) {
		unsigned order = orders[i], count = 1u << order;
		struct page *page = zonal_alloc(mm, GFP_KERNEL, order);

		if (!KT_OK(page, "no block of order %u", order))
			return;
		KT_EQ(held(page, count), POISON);
		use(page, count);
		zonal_free(mm, page, order);
		KT_EQ(held(page, count), POISON);
	}
	KT_EQ(mm ? zonal_bad_count(mm) : 0, 0);
	KT_EQ(looked_at, 1 + 2 + 32 + (1u << (MAX_ORDER - 1)));
}

KTEST(contents, d12_page_written_to_after_its_free_is_counted_and_served)
{
	struct zonal *mm = board(true, false, false);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL, *again;

	if (!KT_OK(page, "no page"))
		return;
	zonal_free(mm, page, 0);
	use(page, 1);
	log_begin();
	again = zonal_alloc(mm, GFP_KERNEL, 0);
	log_end();
	KT_OK(again == page, "another page");
	KT_EQ(zonal_bad_count(mm), 1);
	KT_OK(logged("memory corruption in free page"), "no report");
	zonal_free(mm, again, 0);
}

KTEST(contents, d12_one_flipped_bit_is_named)
{
	struct zonal *mm = board(true, false, false);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;

	if (!KT_OK(page, "no page"))
		return;
	zonal_free(mm, page, 0);
	spoiled_pfn = page->pfn;
	take_spoiled(mm, (struct zonal_spoiled){ 0x123, 0x123, { POISON ^ 0x10 } });
	KT_OK(logged("single bit error in free page"), "no report");
	KT_OK(logged("bytes 0x123 to 0x123: ba"), "not where");
	/* Two bits of one byte, or one bit each of two bytes, are none. */
	take_spoiled(mm, (struct zonal_spoiled){ 0x20, 0x20, { POISON ^ 0x11 } });
	KT_OK(logged("memory corruption in free page"), "no report");
	KT_OK(logged("bytes 0x20 to 0x20: bb"), "not where");
	take_spoiled(mm, (struct zonal_spoiled){ 0x30, 0x31, { POISON ^ 1, POISON ^ 1 } });
	KT_OK(logged("bytes 0x30 to 0x31: ab ab"), "not where");
	KT_OK(!logged("ab ab 00"), "more than there is");
	KT_EQ(zonal_bad_count(mm), 3);
}

KTEST(contents, d9_init_on_alloc_zeroes_what_nobody_asked_to_have_zeroed)
{
	struct zonal *mm = board(false, true, false);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 2) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	KT_EQ(held(page, 4), 0);
	use(page, 4);
	zonal_free(mm, page, 2);
	KT_EQ(held(page, 4), DATA);
}

/* D9: and then nobody zeroes it a second time. */
KTEST(contents, d9_init_on_free_zeroes_freed_pages_and_none_when_taken)
{
	struct zonal *mm = board(false, true, true);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 2) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	KT_EQ(held(page, 4), 0); /* since it was handed over */
	use(page, 4);
	zonal_free(mm, page, 2);
	KT_EQ(held(page, 4), 0);
	holds[page->pfn - KT_DMA_PFN] = DATA;
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_ZERO, 2);
	KT_EQ(page ? holds[page->pfn - KT_DMA_PFN] : 0, DATA);
	zonal_free(mm, page, 2);
}

KTEST(contents, d9_pattern_wins_over_zeros_and_zero_is_still_followed)
{
	struct zonal *mm = board(true, true, true);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 1) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	KT_EQ(held(page, 2), POISON);
	zonal_free(mm, page, 1);
	page = zonal_alloc(mm, GFP_KERNEL | __GFP_ZERO, 1);
	KT_EQ(page ? held(page, 2) : -1, 0);
	zonal_free(mm, page, 1);
	KT_EQ(zonal_bad_count(mm), 0);
}

/* B17: what goes while the head stays is filled, the head when it goes. */
KTEST(contents, d12_b17_rest_of_a_shared_block_is_filled_and_the_head_is_not)
{
	struct zonal *mm = board(true, false, false);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 3) : NULL;

	if (!KT_OK(page, "no block"))
		return;
	use(page, 9); /* one more, behind it */
	zonal_get(page);
	zonal_free(mm, page, 3);
	KT_EQ(held(page, 1), DATA);
	KT_EQ(held(page + 1, 7), POISON);
	KT_EQ(held(page + 8, 1), DATA);
	fill(NULL, page->pfn + 8, 1, POISON);
	zonal_put(mm, page);
	KT_EQ(held(page, 8), POISON);
}

KTEST(contents, reserved_page_that_is_given_back_is_filled)
{
	static const struct kt_spec reserved = { .ram = { { 0, KT_DMA_PFN, PAGES } },
						 .reserved = { { 0, KT_DMA_PFN + 8, 2 } } };
	struct zonal *mm = board(true, false, false) ? kt_changed_instance(&reserved, with_hooks) :
						       NULL;

	if (!mm)
		return;
	use(mm_page(mm, KT_DMA_PFN + 8), 2);
	KT_EQ(zonal_free_reserved(mm, KT_DMA_PFN + 8), 0);
	KT_EQ(held(mm_page(mm, KT_DMA_PFN + 8), 1), POISON);
	KT_EQ(held(mm_page(mm, KT_DMA_PFN + 9), 1), DATA);
}

#if ZONAL_RECLAIM
KTEST(contents, d9_block_that_compaction_captured_is_zeroed_as_any_other)
{
	struct zonal *mm = board(false, true, false);
	struct kt_cache *cache = mm ? kt_cache(mm, ZONAL_CACHE, PAGES) : NULL;
	struct page *page;

	if (!cache)
		return;
	kt_no_marks(mm);
	kt_cache_fill(cache, 0, GFP_NOWAIT | __GFP_HIGHMEM | __GFP_MOVABLE, PAGES);
	for (unsigned i = 0; i < PAGES; i += 2)
		kt_cache_drop(cache, i);
	zonal_drain_all(mm, NULL);
	memset(holds, DATA, sizeof(holds));
	page = zonal_alloc(mm, GFP_HIGHUSER_MOVABLE | __GFP_NOWARN, PAGEBLOCK_ORDER);
	if (!KT_OK(page, "no block"))
		return;
	KT_OK(kt_event(mm, EVENT_PGMIGRATE_SUCCESS) > 0, "nothing was moved for it");
	KT_EQ(held(page, 1u << PAGEBLOCK_ORDER), 0);
	zonal_free(mm, page, PAGEBLOCK_ORDER);
	kt_cache_drop_all(cache);
}

KTEST(contents, d9_contiguous_range_is_zeroed_as_any_block)
{
	struct zonal *mm = board(false, true, false);

	if (!mm)
		return;
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN + 1030, 100, GFP_KERNEL), 0);
	KT_EQ(held(mm_page(mm, KT_DMA_PFN + 1030), 100), 0);
	KT_EQ(holds[1029], DATA);
	KT_EQ(holds[1130], DATA);
	zonal_free_contig_range(mm, KT_DMA_PFN + 1030, 100);
}

/* The same where rules of addresses say which pages; a range is longer than any block. */
KTEST(contents, d9_d12_what_a_constraint_gives_is_zeroed_and_looked_at_as_any_block)
{
	struct zonal_constraint want = { .pages = 1500, .regions = 1, .gfp = GFP_KERNEL,
					 .low = (uint64_t)(KT_DMA_PFN + 10) << PAGE_SHIFT };
	enum zonal_unmet why;
	pfn_t start;

	for (unsigned poison = 0; poison < 2; poison++) {
		struct zonal *mm = board(poison, !poison, false);

		if (!mm)
			return;
		KT_EQ(zonal_alloc_constrained(mm, &want, &start, &why), 0);
		KT_EQ(looked_at, poison ? 1500 : 0);
		KT_EQ(held(mm_page(mm, start), 1500), poison ? POISON : 0);
		KT_EQ(zonal_free_contig_range(mm, start, 1500), 0);
		KT_EQ(zonal_bad_count(mm), 0);
	}
}

KTEST(contents, d12_contiguous_range_is_looked_at_page_by_page)
{
	struct zonal *mm = board(true, false, false);

	if (!mm)
		return;
	use(mm_page(mm, KT_DMA_PFN + 1050), 1);
	use(mm_page(mm, KT_DMA_PFN + 1130), 1); /* behind it */
	log_begin();
	KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN + 1030, 100, GFP_KERNEL), 0);
	log_end();
	KT_EQ(looked_at, 100);
	KT_EQ(zonal_bad_count(mm), 1);
	zonal_free_contig_range(mm, KT_DMA_PFN + 1030, 100);
}
#endif

static void no_contents(struct boot_info *info, struct zonal_config *config)
{
	(void)info;
	config->options.page_poison = true;
}

static void no_clear(struct boot_info *info, struct zonal_config *config)
{
	(void)info;
	config->clear = NULL;
	config->options.init_on_free = true;
}

KTEST(contents, options_without_their_hook_are_refused)
{
	log_begin();
	KT_EQ(kt_changed_error(&uma, no_contents), ZONAL_EINVAL);
	log_end();
	KT_OK(logged("page_poison: `contents` must be given"), "not said");
	log_begin();
	KT_EQ(kt_changed_error(&uma, no_clear), ZONAL_EINVAL);
	log_end();
	KT_OK(logged("init_on_alloc, init_on_free: `clear` must be given"), "not said");
}

/* Larger than a block: the last page of the range as well as the first. */
KTEST(contents, d12_every_page_of_a_contiguous_range_is_looked_at)
{
	enum { RANGE = 2500 };
	char where[32];
	struct zonal *mm = board(true, false, false);

	if (!mm)
		return;
	for (unsigned i = 0; i < 3; i++) {
		pfn_t at = KT_DMA_PFN + 100 + (i == 0 ? 0 : i == 1 ? 1024 : RANGE - 1);

		holds[at - KT_DMA_PFN] = DATA;
		looked_at = 0;
		log_begin();
		KT_EQ(zonal_alloc_contig_range(mm, KT_DMA_PFN + 100, RANGE, GFP_KERNEL), 0);
		log_end();
		zn_snprintf(where, sizeof(where), "pfn 0x%llx,", (unsigned long long)at);
		KT_OK(logged(where), "not of %s: %s", where, lines);
		KT_EQ(looked_at, RANGE);
		KT_EQ(zonal_bad_count(mm), i + 1);
		KT_EQ(zonal_free_contig_range(mm, KT_DMA_PFN + 100, RANGE), 0);
	}
	kt_check_all(mm);
}
