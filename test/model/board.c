/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random boards for the differential test.
 *
 * A board is drawn from its seed alone: one to eight nodes in a random order of
 * ids over the addresses, one to three ranges a node with holes between, borders
 * at any page, nodes without memory or without CPUs, distances that need not be
 * symmetric, reserved ranges that may reach over a border or into a hole, and one
 * of three zone layouts (rows I16, I17):
 *
 *	plain   all RAM below 4 GiB: one zone, DMA
 *	high    RAM on both sides of 4 GiB: DMA and NORMAL
 *	rpi     a DMA limit of 1 GiB: DMA, DMA32 and NORMAL
 *
 * Three sizes: some hundred pages (no mobility grouping, row M12), some thousand
 * (with grouping), and now and then enough for real per-CPU lists (row P2).
 *
 * board_node() and board_zone() answer from the drawn table with a rule of their
 * own, so that they can be held against the instance's page map.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#define PFN_4G ((pfn_t)0x100000)
#define PFN_1G ((pfn_t)0x40000)

enum { META_MAX = 4096 };

static void *meta_memory[META_MAX];
static unsigned meta_count;

uint64_t m_random(struct model *m)
{
	m->state ^= m->state >> 12;
	m->state ^= m->state << 25;
	m->state ^= m->state >> 27;
	return m->state * 0x2545f4914f6cdd1dull;
}

unsigned m_below(struct model *m, unsigned n)
{
	return (unsigned)((m_random(m) >> 33) % n);
}

bool m_chance(struct model *m, unsigned percent)
{
	return m_below(m, 100) < percent;
}

static void *meta_take(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	size_t size = (size_t)align_up(bytes, ZN_MAX(align, sizeof(void *)));
	void *memory;

	(void)ctx;
	(void)nid;
	if (meta_count == META_MAX)
		return NULL;
	memory = aligned_alloc(ZN_MAX(align, sizeof(void *)), size);
	if (memory)
		memset(memory, 0x5a, size);
	meta_memory[meta_count++] = memory;
	return memory;
}

static void clear_nothing(void *ctx, pfn_t pfn, size_t count)
{
	(void)ctx;
	(void)pfn;
	(void)count;
}

/* Where the board's RAM begins for each layout; each run of ranges grows upward from there. */
static pfn_t draw_origin(struct model *m, unsigned layout, unsigned part)
{
	static const pfn_t base[3][3] = { { 0x40000, 0x40000, 0x40000 },
					  { 0xff000, 0x100000, 0x100000 },
					  { 0x1000, 0x3f800, 0x100000 } };

	return base[layout][part] + (m_chance(m, 50) ? m_below(m, 2048) : 0);
}

static unsigned draw_range_pages(struct model *m, unsigned scale)
{
	unsigned pages = 1 + m_below(m, scale);

	return m_chance(m, 30) ? (unsigned)align_up(pages, 512) : pages;
}

/* A hole, or a direct neighbour at any frame. */
static unsigned draw_gap(struct model *m)
{
	return m_chance(m, 50) ? 0 : m_below(m, 900);
}

static void draw_ranges(struct model *m, unsigned nodes, const unsigned *id, unsigned layout)
{
	static const unsigned scales[] = { 300, 300, 1500, 1500, 1500, 6000 };
	/* Room for areas and ranges of largest blocks. */
	static const unsigned press_scales[] = { 1500, 3000, 3000, 6000 };
	unsigned scale = m->press ? press_scales[m_below(m, ARRAY_SIZE(press_scales))] :
				    scales[m_below(m, ARRAY_SIZE(scales))];
	unsigned count = nodes + m_below(m, 2 * nodes), part = 0, total = 0;
	pfn_t at = draw_origin(m, layout, 0), limit = M_PFNS;

	if (scale == 6000 && nodes > 3)
		scale = 2500;
	for (unsigned i = 0; i < count; i++) {
		unsigned want = i * 3 / count;
		unsigned pages = draw_range_pages(m, scale);

		if (want > part) {
			pfn_t origin = draw_origin(m, layout, want);

			part = want;
			at = ZN_MAX(at, origin);
		}
		/* A check after every operation looks at every page: keep it affordable. */
		if (at + pages > limit || total > (scale == 6000 ? 12000u : 5000u))
			break;
		total += pages;
		m->info.range[m->info.range_count++] = (struct boot_range){
			.start = at << PAGE_SHIFT,
			.size = (uint64_t)pages << PAGE_SHIFT,
			.nid = (int16_t)id[i % nodes],
		};
		at += pages + draw_gap(m);
	}
}

/* As topology does: neighbours of one node become one range. */
static void merge_ranges(struct boot_info *info)
{
	unsigned kept = 0;

	for (unsigned i = 1; i < info->range_count; i++) {
		struct boot_range *last = &info->range[kept], *r = &info->range[i];

		if (last->nid == r->nid && last->start + last->size == r->start)
			last->size += r->size;
		else
			info->range[++kept] = *r;
	}
	info->range_count = kept + 1;
}

static void draw_reserved(struct model *m)
{
	unsigned count = m_below(m, 8);
	struct boot_info *info = &m->info;

	for (unsigned i = 0; i < info->range_count && info->reserved_count < count; i++) {
		const struct boot_range *r = &info->range[i];
		uint64_t end = info->reserved_count ?
				       info->reserved[info->reserved_count - 1].start +
					       info->reserved[info->reserved_count - 1].size :
				       0;
		uint64_t start = r->start + ((uint64_t)m_below(m, (unsigned)(r->size >> PAGE_SHIFT))
					     << PAGE_SHIFT);

		if (start < end || m_chance(m, 40))
			continue;
		info->reserved[info->reserved_count++] = (struct boot_range){
			.start = start,
			.size = (uint64_t)(1 + m_below(m, 40)) << PAGE_SHIFT,
			.nid = NODE_NONE,
			.flags = m_chance(m, 20) ? BOOT_FIRMWARE : 0,
		};
	}
}

/* A CMA area is a largest block, inside one range and one zone (row A8). */
static void draw_cma(struct model *m)
{
	const uint64_t pages = 1ull << (MAX_ORDER - 1);
	struct boot_info *info = &m->info;

	for (unsigned i = 0; i < info->range_count; i++) {
		pfn_t start = info->range[i].start >> PAGE_SHIFT;
		pfn_t end = start + (info->range[i].size >> PAGE_SHIFT);

		start = align_up(start, pages);
		if (start + pages > end || info->reserved_count)
			continue;
		info->reserved[info->reserved_count++] = (struct boot_range){
			.start = start << PAGE_SHIFT,
			.size = pages << PAGE_SHIFT,
			.nid = NODE_NONE,
			.flags = BOOT_CMA,
		};
	}
}

static void draw_distances(struct model *m)
{
	bool odd = m_chance(m, 50);

	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++) {
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++) {
			unsigned remote = odd ? 11 + m_below(m, 40) : 20;

			m->info.distance[a][b] = (uint8_t)(a == b ? 10 : remote);
		}
	}
}

static void draw_cpus(struct model *m, unsigned nodes, const unsigned *id)
{
	m->cpu_count = 1 + m_below(m, 4);
	if (m_chance(m, 10))
		m->cpu_count = M_CPUS;
	m->info.cpu_count = m->cpu_count;
	for (unsigned c = 0; c < m->cpu_count; c++) {
		m->cpu_node[c] = (uint8_t)id[m_below(m, nodes)];
		m->info.cpu[c].nid = m->cpu_node[c];
	}
}

/* RAM that nobody reserved; reservations may lie partly outside of RAM, so this is a bound. */
static unsigned usable_kbytes(const struct model *m)
{
	uint64_t ram = 0, taken = 0;

	for (unsigned i = 0; i < m->info.range_count; i++)
		ram += m->info.range[i].size;
	for (unsigned i = 0; i < m->info.reserved_count; i++)
		taken += m->info.reserved[i].size;
	return ram > taken ? (unsigned)((ram - taken) >> 10) : 0;
}

static void draw_options(struct model *m)
{
	struct zonal_options *o = &m->config.options;

	zonal_options_default(o);
	if (m_chance(m, 20))
		o->watermark_scale_factor = 1 + m_below(m, 3000);
	if (m_chance(m, 20))
		o->watermark_boost_factor = m_below(m, 30000);
	/* More than the board has is refused. */
	if (m_chance(m, 20))
		o->min_free_kbytes = m_below(m, ZN_MIN(1024u, usable_kbytes(m)) + 1);
	if (m_chance(m, 30))
		o->lowmem_reserve_ratio[m_below(m, 3)] = m_below(m, 64);
}

/* Node ids in random order; ids have gaps on some boards. */
static unsigned draw_nodes(struct model *m, unsigned *id)
{
	unsigned nodes = 1 + m_below(m, M_NODES), step = nodes <= 5 && m_chance(m, 20) ? 3 : 1;

	for (unsigned i = 0; i < nodes; i++) {
		unsigned j = m_below(m, i + 1);

		id[i] = id[j];
		id[j] = i * step;
	}
	for (unsigned i = 0; i < nodes; i++)
		m->info.nodes |= node_bit(id[i]);
	return nodes;
}

static void board_draw(struct model *m)
{
	unsigned id[M_NODES] = { 0 }, nodes = draw_nodes(m, id), layout = m_below(m, 3);

	m->info.dma_max = layout == 2 ? (PFN_1G << PAGE_SHIFT) - 1 : UINT64_MAX;
	/* The last id may be a node without memory. */
	draw_ranges(m, nodes > 1 && m_chance(m, 20) ? nodes - 1 : nodes, id, layout);
	merge_ranges(&m->info);
	if (m_chance(m, m->press ? 45 : 15))
		draw_cma(m);
	else
		draw_reserved(m);
	draw_distances(m);
	draw_cpus(m, nodes, id);
	draw_options(m);
}

/*
 * Zones this small have per-CPU lists of a single page (P2), which would leave the
 * rings untested; so on most boards they get a size of their own. The rings must
 * hold high + batch pages.
 */
static bool widen_rings(struct model *m)
{
	unsigned batch = 1 + m_below(m, 12), high = batch * (1 + m_below(m, 6)), slots = 2;

	if (m_chance(m, 30))
		return true;
	while (slots < batch + high + 1)
		slots *= 2;
	for (unsigned i = 0; i < m->cpu_count * M_ZIDS; i++) {
		struct pcp *pcp = &m->mm->cpu[i / M_ZIDS]->pcp[i % M_ZIDS];

		if (!m->mm->zone[i % M_ZIDS])
			continue;
		for (unsigned t = 0; t < MIGRATE_PCPTYPES; t++) {
			pcp->ring[t].slot = meta_take(NULL, 0, slots * sizeof(struct page *), 64);
			if (!pcp->ring[t].slot)
				return m_fail(m, "META_MAX = %d is too small", META_MAX);
		}
		pcp->mask = slots - 1;
		pcp->batch = batch;
		pcp->high = high;
	}
	return true;
}

/* More than there is would be refused: at most what is RAM and not reserved. */
static void fit_min_free(struct model *m)
{
	uint64_t pages = 0, reserved = 0;
	uint64_t *kbytes = &m->config.options.min_free_kbytes;

	for (unsigned i = 0; i < m->info.range_count; i++)
		pages += m->info.range[i].size >> PAGE_SHIFT;
	for (unsigned i = 0; i < m->info.reserved_count; i++)
		reserved += m->info.reserved[i].size >> PAGE_SHIFT;
	pages -= ZN_MIN(pages, reserved);
	*kbytes = ZN_MIN(*kbytes, pages * (PAGE_SIZE / 1024));
}

bool board_build(struct model *m)
{
	int error;

	board_draw(m);
	fit_min_free(m);
	m->config.info = &m->info;
	m->config.clear = clear_nothing;
	m->config.grouping_off = m_chance(m, 10);
	m->config.page_owner = m_chance(m, 10);
	m->mm = calloc(1, zonal_sizeof());
	error = zonal_build(m->mm, &m->config, meta_take);
	if (error)
		return m_fail(m, "zonal_build() gives %d", error);
	for (unsigned c = 0; c < m->cpu_count; c++) {
		zonal_cpu_online(m->mm, c);
		zonal_task_init(&m->task[c]);
		host_cpu_get(c)->port.task = &m->task[c];
		host_cpu_get(c)->port.irq_depth = 0;
	}
	zonal_boot_done(m->mm);
	/* Misuse is provoked by the thousand: the minute's reports are all printed (D3). */
	st_relaxed(&m->mm->report_limit.window_ns, port_time_ns() | 1);
	st_relaxed(&m->mm->report_limit.printed, 1u << 20);
	host_set_cpu(0);
	m->cpu = 0;
	return widen_rings(m);
}

void board_free(struct model *m)
{
	while (meta_count)
		free(meta_memory[--meta_count]);
	free(m->mm);
	m->mm = NULL;
}

int board_node(const struct model *m, pfn_t pfn)
{
	for (unsigned i = 0; i < m->info.range_count; i++) {
		const struct boot_range *r = &m->info.range[i];

		if (pfn >= r->start >> PAGE_SHIFT && pfn < (r->start + r->size) >> PAGE_SHIFT)
			return r->nid;
	}
	return NODE_NONE;
}

enum zone_type board_zone(const struct model *m, pfn_t pfn)
{
	pfn_t first = m->info.range[0].start >> PAGE_SHIFT;
	pfn_t dma_end = m->info.dma_max == UINT64_MAX ? PFN_4G : PFN_1G;

	/* RAM that begins above 4 GiB has no limit; above the DMA mask, the limit is 4 GiB. */
	if (first >= PFN_4G)
		dma_end = UINT64_MAX;
	else if (first >= dma_end)
		dma_end = PFN_4G;
	if (pfn < dma_end)
		return ZONE_DMA;
	return pfn < PFN_4G ? ZONE_DMA32 : ZONE_NORMAL;
}

void board_print(const struct model *m)
{
	printf("# board: %u CPUs on nodes", m->cpu_count);
	for (unsigned c = 0; c < m->cpu_count; c++)
		printf(" %u", m->cpu_node[c]);
	printf("; dma_max %#llx\n", (unsigned long long)m->info.dma_max);
	for (unsigned i = 0; i < m->info.range_count; i++)
		printf("#   node %d: pfn %#llx + %llu pages\n", m->info.range[i].nid,
		       (unsigned long long)(m->info.range[i].start >> PAGE_SHIFT),
		       (unsigned long long)(m->info.range[i].size >> PAGE_SHIFT));
	for (unsigned i = 0; i < m->info.reserved_count; i++)
		printf("#   reserved: pfn %#llx + %llu pages, flags %#x\n",
		       (unsigned long long)(m->info.reserved[i].start >> PAGE_SHIFT),
		       (unsigned long long)(m->info.reserved[i].size >> PAGE_SHIFT),
		       m->info.reserved[i].flags);
}
