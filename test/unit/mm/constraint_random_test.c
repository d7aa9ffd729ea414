/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constraint allocation against a search page by page.
 *
 * Pages of one zone are taken and freed at random; then a request is drawn, of any rules, and the
 * lowest places that obey them are worked out from the addresses and zonal_is_free() alone. What
 * comes must be just those, or nothing if they are too few; and when it went back, as many pages
 * are free as before.
 */
#include "kt_instance.h"

#include <zonal/constraint.h>
#include <zonal/contig.h>

#define LARGEST ((pfn_t)1 << (MAX_ORDER - 1))
#define ADDRESS(pfn) ((uint64_t)(pfn) << PAGE_SHIFT)

enum { HELD = 48, STEPS = 300, REGIONS = 6 };

static const struct kt_spec one_zone = { .ram = { { 0, KT_DMA_PFN + 37, 3 * LARGEST - 100 } } };

static unsigned below(uint64_t *state, unsigned n) { return (unsigned)(kt_random(state) % n); }

static struct zonal_constraint draw(uint64_t *state)
{
	struct zonal_constraint want = { .gfp = GFP_KERNEL };

	want.pages = 1 + below(state, below(state, 2) ? 8 : 700);
	want.regions = 1 + below(state, REGIONS);
	if (below(state, 2))
		want.low = ADDRESS(KT_DMA_PFN) + kt_random(state) % ADDRESS(2 * LARGEST);
	if (below(state, 2))
		want.high = ADDRESS(KT_DMA_PFN) + kt_random(state) % ADDRESS(4 * LARGEST);
	if (below(state, 2))
		want.align = ADDRESS(1) << below(state, 8);
	if (below(state, 2))
		want.boundary = ADDRESS(1024) << below(state, 2);
	if (want.pages == 1 && below(state, 2)) {
		want.colours = 1 + below(state, 16);
		want.colour_mask = kt_random(state) | 1;
	}
	return want;
}

static bool fits(struct zonal *mm, const struct zonal_constraint *w, pfn_t at)
{
	uint64_t first = ADDRESS(at), last = ADDRESS(at + w->pages) - 1;

	if (first < w->low || (w->high && last > w->high) || (w->align && first % w->align) ||
	    (w->boundary && first / w->boundary != last / w->boundary) ||
	    (w->colours && !(w->colour_mask >> at % w->colours & 1)))
		return false;
	for (pfn_t pfn = at; pfn < at + w->pages; pfn++)
		if (!zonal_is_free(mm, pfn))
			return false;
	return true;
}

/* What must come, lowest first; how many regions that is. */
static unsigned expect(struct zonal *mm, const struct zonal_constraint *w, pfn_t *start)
{
	pfn_t at = one_zone.ram[0].start, end = at + one_zone.ram[0].pages;
	unsigned count = 0;

	while (count < w->regions && at + w->pages <= end) {
		if (fits(mm, w, at)) {
			start[count++] = at;
			at += w->pages;
		} else {
			at++;
		}
	}
	return count;
}

static bool step(struct zonal *mm, uint64_t *state, unsigned number)
{
	struct zonal_constraint want = draw(state);
	pfn_t must[REGIONS], start[REGIONS];
	unsigned count = expect(mm, &want, must);
	int64_t free = kt_free(kt_zone(mm, 0, ZONE_DMA));
	int error = zonal_alloc_constrained(mm, &want, start, NULL);
	bool good = KT_OK(!error == (count == want.regions), "step %u gives %d, %u of %u fit",
			  number, error, count, want.regions);

	for (unsigned i = 0; good && !error && i < count; i++)
		good = KT_EQ(start[i], must[i]);
	good = kt_check_all(mm) && good;
	for (unsigned i = 0; !error && i < want.regions; i++)
		zonal_free_contig_range(mm, start[i], want.pages);
	zonal_drain_all(mm, NULL);
	return KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), free) && kt_check_all(mm) && good;
}

KTEST(constraint, a_random_run_gives_what_a_search_page_by_page_gives)
{
	struct zonal *mm = kt_bare_instance(&one_zone);
	struct page *page[HELD] = { NULL };
	uint8_t order[HELD] = { 0 };
	uint64_t state = kt_seed() | 1;

	for (unsigned n = 0; mm && n < STEPS; n++) {
		unsigned i = below(&state, HELD);

		zonal_free(mm, page[i], order[i]);
		order[i] = (uint8_t)below(&state, 7);
		page[i] = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, order[i]);
		zonal_drain_all(mm, NULL);
		if (!step(mm, &state, n))
			break;
	}
	for (unsigned i = 0; mm && i < HELD; i++)
		zonal_free(mm, page[i], order[i]);
}
