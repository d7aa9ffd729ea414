/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where ZONE_MOVABLE begins, against a model that goes page by page (row I18).
 *
 * The model has the rule in its plain form: in each round every node takes its share of ordinary
 * pages, one after the other from where it stopped; a page below the highest zone is ordinary in
 * any case. Boards of small ranges by chance, with what the options can ask for.
 */
#include "kt_instance.h"

#include <string.h>

#include "mm/init.h"
#include "mm/watermark.h"

enum { BOARDS = 3000, NODES = 3, RAM = 8, BLOCK = 1 << (MAX_ORDER - 1) };

struct plan_board {
	struct kt_spec spec;
	struct zonal_options options;
	unsigned count;
	uint64_t total;
};

/* The ordinary pages that the options ask for; 0: no ZONE_MOVABLE. */
static uint64_t ordinary(const struct plan_board *b)
{
	uint64_t core = b->options.kernelcore_bytes >> PAGE_SHIFT;
	uint64_t movable = b->options.movablecore_bytes >> PAGE_SHIFT;

	if (b->options.kernelcore_percent)
		core = b->total * b->options.kernelcore_percent / 100;
	if (b->options.movablecore_percent)
		movable = b->total * b->options.movablecore_percent / 100;
	if (movable) {
		movable = (movable + BLOCK - 1) / BLOCK * BLOCK;
		core = ZN_MAX(core, movable < b->total ? b->total - movable : 0);
	}
	return core < b->total ? core : 0;
}

/* One node's part of one round. */
static void model_take(const struct plan_board *b, unsigned nid, pfn_t usable, uint64_t share,
		       uint64_t *left, pfn_t *begin)
{
	for (unsigned i = 0; i < b->count; i++) {
		const struct kt_range *r = &b->spec.ram[i];

		if (r->nid != (int)nid)
			continue;
		for (pfn_t pfn = ZN_MAX(r->start, *begin); pfn < r->start + r->pages; pfn++) {
			if (pfn >= usable && !share) {
				*begin = pfn;
				return;
			}
			share -= share > 0;
			*left -= *left > 0;
			*begin = pfn + 1;
			if (pfn >= usable && !share)
				return;
		}
	}
}

static void model_plan(const struct plan_board *b, pfn_t usable, pfn_t begin[NODES])
{
	uint64_t left = ordinary(b), rounds = 0, share;
	bool has[NODES] = { false };

	for (unsigned i = 0; i < b->count; i++)
		has[b->spec.ram[i].nid] = true;
	for (unsigned n = 0; n < NODES; n++) {
		begin[n] = 0;
		rounds += has[n];
	}
	if (!left)
		return;
	do {
		share = left / rounds;
		for (unsigned n = 0; n < NODES; n++) {
			if (!has[n])
				continue;
			/* What low memory of other nodes has used up is not asked of this one. */
			if (left < share)
				share = left / rounds;
			model_take(b, n, usable, share, &left, &begin[n]);
		}
	} while (--rounds && left > rounds);
	for (unsigned n = 0; n < NODES; n++)
		begin[n] = (begin[n] + BLOCK - 1) / BLOCK * BLOCK;
}

static void make_options(struct zonal_options *o, uint64_t total, uint64_t *seed)
{
	uint64_t pages = kt_random(seed) % (total + total / 4);

	zonal_options_default(o);
	switch (kt_random(seed) % 6) {
	case 0: o->kernelcore_percent = (unsigned)(kt_random(seed) % 101); break;
	case 1: o->movablecore_percent = (unsigned)(kt_random(seed) % 101); break;
	case 2: o->movablecore_bytes = pages << PAGE_SHIFT; break;
	case 3: o->movablecore_bytes = (kt_random(seed) % total) << PAGE_SHIFT; /* fall through */
	default: o->kernelcore_bytes = pages << PAGE_SHIFT; break;
	}
}

static void make_plan_board(struct plan_board *b, uint64_t *seed)
{
	pfn_t at = KT_DMA_PFN;

	*b = (struct plan_board){ .count = 1 + (unsigned)(kt_random(seed) % RAM) };
	for (unsigned i = 0; i < b->count; i++) {
		at += kt_random(seed) % 2 ? kt_random(seed) % 3000 : 0;
		b->spec.ram[i] = (struct kt_range){ (int)(kt_random(seed) % NODES), at,
						    1 + kt_random(seed) % 4000 };
		at += b->spec.ram[i].pages;
		b->total += b->spec.ram[i].pages;
	}
	make_options(&b->options, b->total, seed);
	b->spec.options = &b->options;
}

KTEST_F(rows_i, i18_movable_begins_where_the_shares_end_on_any_board, KT_HOST_ONLY)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);
	static pfn_t start_of[ZONAL_MAX_NODES];
	uint64_t seed = kt_seed();

	for (unsigned n = 0; info && n < BOARDS; n++) {
		struct zonal_config config;
		struct plan_board b;
		pfn_t begin[NODES], usable;

		make_plan_board(&b, &seed);
		/* Below all RAM, within it, or at its very end. */
		usable = KT_DMA_PFN + kt_random(&seed) % (b.total + b.total / 2);
		memset(info, 0, sizeof(*info));
		if (!kt_config(&b.spec, info, &config)) /* skipped: more nodes than the build has */
			return;
		movable_plan(&config, usable, start_of);
		model_plan(&b, usable, begin);
		for (unsigned nid = 0; nid < NODES; nid++)
			if (!KT_OK(start_of[nid] == begin[nid],
				   "board %u, node %u: 0x%llx, expected 0x%llx", n, nid,
				   (unsigned long long)start_of[nid],
				   (unsigned long long)begin[nid]))
				return;
	}
}

/* One page is left behind the round in which node 0 was a page too small for its share: fewer than
 * nodes that take part are not spread any more, or node 1's would begin a block later. */
KTEST(rows_i, i18_less_than_a_page_a_node_is_left_over)
{
	struct zonal_options options;
	const struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 2 * BLOCK - 1 },
			 { 1, KT_DMA_PFN + 2 * BLOCK, 8 * BLOCK } },
		.options = &options,
	};

	zonal_options_default(&options);
	for (unsigned more = 0; more < 2; more++) {
		struct zonal *mm;

		options.kernelcore_bytes = (4ull * BLOCK + more) << PAGE_SHIFT;
		mm = kt_instance(&spec);
		if (!mm)
			return;
		KT_TRUE(!kt_zone(mm, 0, ZONE_MOVABLE)->present);
		KT_EQ(kt_zone(mm, 1, ZONE_MOVABLE)->start_pfn,
		      KT_DMA_PFN + (more ? 5u : 4u) * (pfn_t)BLOCK);
	}
}

/* Node 0 is ordinary; of node 1 a part is, and what can be unplugged begins within a block. */
static struct kt_spec removable_board(struct zonal_options *options)
{
	struct kt_spec spec = {
		.ram = { { 0, KT_DMA_PFN, 4 * BLOCK },
			 { 1, KT_DMA_PFN + 4 * BLOCK, BLOCK + 100 },
			 { 1, KT_DMA_PFN + 5 * BLOCK + 100, 4 * BLOCK - 100 },
			 { 1, KT_DMA_PFN + 9 * BLOCK, BLOCK },
			 { 2, KT_DMA_PFN + 10 * BLOCK, 2 * BLOCK } },
		.cpus = 2,
		.cpu_node = { 0, 2 },
		.hotplug = 1u << 2 | 1u << 4,
		.options = options,
	};

	zonal_options_default(options);
	options->movable_node = true;
	return spec;
}

KTEST(rows_i, i18_movable_node_makes_removable_memory_movable)
{
	struct zonal_options options;
	struct kt_spec spec = removable_board(&options);
	struct zonal *mm;
	int served;

	options.kernelcore_percent = 50; /* has no effect beside it */
	mm = kt_instance(&spec);
	if (!mm)
		return;
	KT_TRUE(!kt_zone(mm, 0, ZONE_MOVABLE)->present);
	KT_EQ(kt_zone(mm, 1, ZONE_DMA)->present, 2 * BLOCK);
	KT_EQ(kt_zone(mm, 1, ZONE_MOVABLE)->start_pfn, KT_DMA_PFN + 6 * BLOCK);
	/* Also what lies above it and is ordinary. */
	KT_EQ(kt_zone(mm, 1, ZONE_MOVABLE)->present, 4 * BLOCK);
	KT_EQ(kt_zone(mm, 2, ZONE_MOVABLE)->present, 2 * BLOCK);
	KT_TRUE(!kt_zone(mm, 2, ZONE_DMA)->present);
	KT_EQ(mm->has_kernel_memory, node_bit(0) | node_bit(1));
	/* S1: no low memory. */
	KT_EQ(mm->min_free_kbytes, mark_min_free_kbytes(6 * BLOCK * (PAGE_SIZE >> 10)));
	served = kt_served_by(mm, 2, GFP_KERNEL, 0);
	KT_OK(served == ZONE_DMA || served == ZONE_TYPES + ZONE_DMA, "served by zone %d", served);
	KT_EQ(kt_served_by(mm, 2, GFP_HIGHUSER_MOVABLE, 0), 2 * ZONE_TYPES + ZONE_MOVABLE);
	kt_check_all(mm);
}

KTEST(rows_i, i18_removable_memory_is_ordinary_without_movable_node)
{
	struct zonal_options options;
	struct kt_spec spec = removable_board(&options);
	struct zonal *mm;

	options.movable_node = false;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	for (unsigned n = 0; n < 3; n++)
		KT_TRUE(!kt_zone(mm, n, ZONE_MOVABLE)->present);
	KT_EQ(kt_served_by(mm, 2, GFP_KERNEL, 0), 2 * ZONE_TYPES + ZONE_DMA);
}

KTEST(rows_i, i18_movable_node_that_leaves_nothing_ordinary_has_no_effect)
{
	struct zonal_options options;
	struct kt_spec spec = removable_board(&options);
	struct zonal *mm;

	spec.hotplug |= 1u << 0 | 1u << 1;
	mm = kt_instance(&spec);
	if (!mm)
		return;
	for (unsigned n = 0; n < 3; n++)
		KT_TRUE(kt_zone(mm, n, ZONE_DMA)->present == mm->node[n]->present);
	kt_check_all(mm);
}
