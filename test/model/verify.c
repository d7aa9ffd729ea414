/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds the instance against the model.
 *
 * After every operation: zonal_check(), which recounts every list; then, for each
 * zone, managed pages and the sum "free + in per-CPU lists = managed - taken -
 * leaked", where the right side is the model's; and the count of misuse reports.
 * Now and then: every NUMA and page counter, summed over the CPUs (rows Y1-Y4), and each page of
 * each free range.
 * After set-up and after each tunable: marks and reserves from the formulas of
 * rows S3, S4 and S6, which are written out here once more.
 */
#include "press.h"

#include <stdarg.h>

bool m_fail(struct model *m, const char *fmt, ...)
{
	va_list args;

	board_print(m);
	printf("not ok - operation %llu: %s: ", (unsigned long long)m->op, m->last);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n# again: model --board %llu\n", (unsigned long long)m->seed);
	return false;
}

static int64_t pcp_pages(const struct model *m, unsigned zid)
{
	int64_t sum = 0;

	for (unsigned c = 0; c < m->cpu_count; c++)
		sum += ld_relaxed(&m->mm->cpu[c]->pcp[zid].count);
	return sum;
}

static bool verify_zone(struct model *m, unsigned zid)
{
	struct zone *z = m->mm->zone[zid];
	const struct tally *t = &m->tally[zid];
	int64_t inside = (int64_t)(t->managed - t->taken);

	if (!z)
		return t->managed == 0 || m_fail(m, "zone %u is missing", zid);
	if (zone_managed(z) != (int64_t)t->managed)
		return m_fail(m, "zone %u has %lld managed pages, not %llu", zid,
			      (long long)zone_managed(z), (unsigned long long)t->managed);
	if (ld_relaxed(&z->free) + pcp_pages(m, zid) != inside)
		return m_fail(m, "zone %u: %lld free + %lld per CPU, not %lld", zid,
			      (long long)ld_relaxed(&z->free), (long long)pcp_pages(m, zid),
			      (long long)inside);
	/* H1: the test is made before a block is added. */
	if (ld_relaxed(&z->highatomic) >= zone_managed(z) / 100 + (2 << PAGEBLOCK_ORDER))
		return m_fail(m, "zone %u: %lld pages are highatomic", zid,
			      (long long)ld_relaxed(&z->highatomic));
	return true;
}

bool verify_all(struct model *m)
{
	struct zonal_finding finding = { "", 0 };

	if (!zonal_check(m->mm, &finding))
		return m_fail(m, "zonal_check: %s", finding.text);
	for (unsigned zid = 0; zid < M_ZIDS; zid++)
		if (!verify_zone(m, zid))
			return false;
	if (zonal_bad_count(m->mm) != m->bad)
		return m_fail(m, "%llu misuse reports, not %llu",
			      (unsigned long long)zonal_bad_count(m->mm),
			      (unsigned long long)m->bad);
	return groups_verify(m) && (!m->press || press_verify(m));
}

uint64_t stat_sum(const struct model *m, unsigned zid, enum pcp_stat stat)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < m->cpu_count; c++)
		sum += ld_relaxed(&m->mm->cpu[c]->pcp[zid].stat[stat]);
	return sum;
}

void tally_reset(struct model *m)
{
	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		struct tally *t = &m->tally[zid];
		uint64_t hl, ho, ml, mo;

		if (!m->mm->zone[zid])
			continue;
		hl = stat_sum(m, zid, STAT_HIT_LOCAL);
		ho = stat_sum(m, zid, STAT_HIT_OTHER);
		ml = stat_sum(m, zid, STAT_MISS_LOCAL);
		mo = stat_sum(m, zid, STAT_MISS_OTHER);
		t->hit = hl + ho;
		t->miss = ml + mo;
		t->local = hl + ml;
		t->other = ho + mo;
		t->foreign = stat_sum(m, zid, STAT_FOREIGN);
		t->interleave = stat_sum(m, zid, STAT_INTERLEAVE);
		t->freed_pages = stat_sum(m, zid, STAT_FREED);
		t->taken_pages = hl + ho + ml + mo + stat_sum(m, zid, STAT_TAKE_EXTRA);
	}
}

static bool verify_one(struct model *m, unsigned zid, const char *name, uint64_t is, uint64_t must)
{
	return is == must || m_fail(m, "zone %u counts %llu %s, not %llu", zid,
				    (unsigned long long)is, name, (unsigned long long)must);
}

bool verify_counters(struct model *m)
{
	/* Frames that pages move to are counted as taken, and more than the model sees. */
	if (m->press)
		return true;
	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		const struct tally *t = &m->tally[zid];
		uint64_t hit_local, hit_other, miss_local, miss_other;

		if (!m->mm->zone[zid])
			continue;
		hit_local = stat_sum(m, zid, STAT_HIT_LOCAL);
		hit_other = stat_sum(m, zid, STAT_HIT_OTHER);
		miss_local = stat_sum(m, zid, STAT_MISS_LOCAL);
		miss_other = stat_sum(m, zid, STAT_MISS_OTHER);
		if (!verify_one(m, zid, "hits", hit_local + hit_other, t->hit) ||
		    !verify_one(m, zid, "misses", miss_local + miss_other, t->miss) ||
		    !verify_one(m, zid, "local", hit_local + miss_local, t->local) ||
		    !verify_one(m, zid, "other", hit_other + miss_other, t->other) ||
		    !verify_one(m, zid, "foreign", stat_sum(m, zid, STAT_FOREIGN), t->foreign) ||
		    !verify_one(m, zid, "interleave", stat_sum(m, zid, STAT_INTERLEAVE),
				t->interleave) ||
		    !verify_one(m, zid, "pages freed", stat_sum(m, zid, STAT_FREED),
				t->freed_pages) ||
		    !verify_one(m, zid, "pages taken",
				t->hit + t->miss + stat_sum(m, zid, STAT_TAKE_EXTRA),
				t->taken_pages))
			return false;
	}
	return true;
}

/* <zonal/look.h>: what it calls free is free in the model, and all that is in the lists. */
bool verify_ranges(struct model *m)
{
	uint64_t told[M_ZIDS] = { 0 };
	struct zonal_free_range r;
	pfn_t next = 0, at = 0;

	while (zonal_free_next(m->mm, &next, &r)) {
		if (r.start < at || !r.pages || next != r.start + r.pages)
			return m_fail(m, "free range %#llx+%llu behind %#llx, next %#llx",
				      (unsigned long long)r.start, (unsigned long long)r.pages,
				      (unsigned long long)at, (unsigned long long)next);
		for (at = r.start; at < next; at++)
			if (m->owner[at] != O_FREE)
				return m_fail(m, "page %#llx is told as free",
					      (unsigned long long)at);
		told[r.node * ZONE_TYPES + r.zone] += r.pages;
	}
	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		struct zonal_counts c;

		if (zonal_zone_counts(m->mm, zid / ZONE_TYPES, zid % ZONE_TYPES, &c) &&
		    (!verify_one(m, zid, "pages in free ranges", told[zid], c.free) ||
		     !verify_one(m, zid, "pages in all", c.free + c.per_cpu,
				 m->tally[zid].managed - m->tally[zid].taken)))
			return false;
	}
	return true;
}

static uint64_t total_managed(const struct model *m)
{
	uint64_t sum = 0;

	for (unsigned zid = 0; zid < M_ZIDS; zid++)
		sum += m->tally[zid].managed;
	return sum;
}

static int64_t reserve_of(const struct model *m, unsigned zid, unsigned against)
{
	const struct zonal_options *o = &m->config.options;
	unsigned own = zid % ZONE_TYPES, first = zid - own;
	uint64_t above = 0;

	if (against <= own || o->lowmem_reserve_ratio[own] < 1 || !m->tally[zid].managed)
		return 0;
	for (unsigned t = own + 1; t <= against; t++)
		above += m->tally[first + t].managed;
	return (int64_t)(above / o->lowmem_reserve_ratio[own]);
}

bool verify_marks(struct model *m, uint64_t min_kbytes)
{
	uint64_t total = total_managed(m), pages = min_kbytes >> (PAGE_SHIFT - 10);

	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		struct zone *z = m->mm->zone[zid];
		uint64_t managed = m->tally[zid].managed, min, gap;

		if (!z || !managed)
			continue;
		min = pages * managed / total;
		gap = managed * m->config.options.watermark_scale_factor / 10000;
		gap = ZN_MAX(gap, min / 4);
		if (!verify_one(m, zid, "MIN", (uint64_t)ld_relaxed(&z->mark[WMARK_MIN]), min) ||
		    !verify_one(m, zid, "LOW", (uint64_t)ld_relaxed(&z->mark[WMARK_LOW]),
				min + gap) ||
		    !verify_one(m, zid, "HIGH", (uint64_t)ld_relaxed(&z->mark[WMARK_HIGH]),
				min + 2 * gap))
			return false;
	}
	return true;
}

bool verify_reserves(struct model *m)
{
	for (unsigned zid = 0; zid < M_ZIDS; zid++) {
		struct zone *z = m->mm->zone[zid];

		for (unsigned t = 0; z && m->tally[zid].managed && t < ZONE_TYPES; t++)
			if (!verify_one(m, zid, "reserve",
					(uint64_t)ld_relaxed(&z->lowmem_reserve[t]),
					(uint64_t)reserve_of(m, zid, t)))
				return false;
	}
	return true;
}

/* S1 at boot, when no HIGH mark is there to subtract yet. */
uint64_t verify_min_kbytes(const struct model *m)
{
	uint64_t wanted = total_managed(m) * (PAGE_SIZE / 1024) * 16, root = 0;

	while ((root + 1) * (root + 1) <= wanted)
		root++;
	root = ZN_MIN(ZN_MAX(root, 128), 262144);
	return ZN_MAX(root, m->config.options.min_free_kbytes);
}
