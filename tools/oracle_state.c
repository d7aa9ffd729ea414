/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instance of the allocator, brought into a state that a real kernel was in.
 *
 *   1. Boot the board of the file (oracle_layout.c) through zonal_build(), its CPUs
 *      online, its tunables set through the public calls. The zones that
 *      the allocator made must be those of the file.
 *   2. Take every page, by requests that may ignore watermarks. Now all memory is
 *      in blocks that we hold, and pageblock types can be set without breaking a list.
 *   3. Free exactly the blocks of the plan (oracle_plan.c), drain this CPU's lists.
 *      The buddy code itself builds the lists; nothing is forged.
 *   4. Set what a case gives as numbers and what no sequence of calls leads to:
 *      marks, boost, lowmem reserve, the highatomic count.
 *   5. Look at the result: free and CMA pages must be those of the case, and
 *      zonal_check() must find nothing.
 *
 * One thread plays every CPU in turn. Metadata comes from the host's heap, so that
 * all of a zone's pages but the reserved ones are the allocator's.
 */
#include <stdlib.h>
#include <string.h>
#include <zonal/port.h>

#include "mm/buddy.h"
#include "mm/mobility.h"
#include "mm/watermark.h"
#include "oracle.h"

#define TAKE_ALL (__GFP_MEMALLOC | __GFP_NOWARN | __GFP_HIGHMEM | __GFP_MOVABLE)

/* ---- step 1 ------------------------------------------------------------- */

void *instance_meta(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	struct instance *in = ctx;
	void **grown = realloc(in->meta, (in->meta_count + 1) * sizeof(*grown));

	(void)nid;
	if (!grown)
		return NULL;
	in->meta = grown;
	align = ZN_MAX(align, sizeof(void *));
	in->meta[in->meta_count] = aligned_alloc(align, align_up(ZN_MAX(bytes, 1u), align));
	return in->meta[in->meta_count++];
}

static void set_options(const struct fig_board *board, struct zonal_options *options)
{
	bool movable = false;
	uint64_t kernel_pages = 0;

	zonal_options_default(options);
	options->watermark_scale_factor = board->scale_factor;
	options->watermark_boost_factor = board->boost_factor;
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		options->lowmem_reserve_ratio[t] = board->ratio[t];
	for (unsigned i = 0; i < board->zone_count; i++) {
		movable |= board->zone[i].type == ZONE_MOVABLE;
		if (board->zone[i].type != ZONE_MOVABLE)
			kernel_pages += board->zone[i].present;
	}
	if (movable)
		options->kernelcore_bytes = kernel_pages << PAGE_SHIFT;
}

static struct zone *instance_zone(const struct instance *in, const struct fig_zone *z)
{
	return in->mm->zone[z->node * ZONE_TYPES + z->type];
}

/* Did the allocator draw the file's zones? */
static bool same_zones(struct instance *in, const struct fig_board *board, const uint64_t *managed)
{
	for (unsigned i = 0; i < board->zone_count; i++) {
		const struct fig_zone *z = &board->zone[i];
		struct zone *zone = instance_zone(in, z);

		if (!zone && !managed[i])
			continue;
		if (!zone || zone->start_pfn != z->start_pfn || zone->spanned != z->spanned ||
		    zone->present != z->present || (uint64_t)zone_managed(zone) != managed[i]) {
			snprintf(in->why, sizeof(in->why),
				 "node %u zone %s: ours starts at pfn %llu, spans %llu, has %llu, "
				 "manages %lld",
				 z->node, zone_type_name((int)z->type),
				 zone ? (unsigned long long)zone->start_pfn : 0,
				 zone ? (unsigned long long)zone->spanned : 0,
				 zone ? (unsigned long long)zone->present : 0,
				 zone ? (long long)zone_managed(zone) : 0);
			return false;
		}
	}
	return true;
}

/* What rule I16 does not draw, a board may set: the ends of the file's own zones. */
static void set_limits(const struct fig_board *board, struct zonal_options *options)
{
	options->dma_end = options->dma32_end = PAGE_SIZE;
	for (unsigned i = 0; i < board->zone_count; i++) {
		const struct fig_zone *z = &board->zone[i];
		uint64_t end = (z->start_pfn + z->spanned) << PAGE_SHIFT;

		if (z->type == ZONE_DMA)
			options->dma_end = ZN_MAX(options->dma_end, end);
		if (z->type <= ZONE_DMA32)
			options->dma32_end = ZN_MAX(options->dma32_end, end);
	}
}

static bool start(struct instance *in, const struct fig_board *board, const uint64_t *managed,
		  bool own_limits)
{
	struct zonal_config config = { .info = &in->info, .ctx = in };

	memset(in, 0, sizeof(*in));
	if (!layout_make(board, managed, &in->info, in->why, sizeof(in->why)))
		return false;
	set_options(board, &config.options);
	if (own_limits)
		set_limits(board, &config.options);
	config.cpu_count = board->cpu_limit;
	in->store = calloc(1, zonal_sizeof());
	in->mm = in->store;
	if (!in->mm || zonal_build(in->mm, &config, instance_meta)) {
		snprintf(in->why, sizeof(in->why), "the allocator refused the board");
		return false;
	}
	return same_zones(in, board, managed);
}

bool instance_boot(struct instance *in, const struct fig_board *board, const uint64_t *managed)
{
	unsigned first = ZONAL_MAX_CPUS;

	if (!start(in, board, managed, false)) {
		instance_drop(in);
		if (!start(in, board, managed, true))
			return false;
	}
	for (unsigned c = 0; c < board->cpu_limit; c++) {
		if (board->cpu_node[c] == NODE_NONE)
			continue;
		first = ZN_MIN(first, c);
		zonal_cpu_online(in->mm, c);
	}
	zonal_boot_done(in->mm);
	host_set_cpu(first);
	zonal_task_init(port_this_cpu()->task);
	if (!zonal_set_min_free_kbytes(in->mm, board->min_free_kbytes))
		return true;
	snprintf(in->why, sizeof(in->why), "min_free_kbytes %llu was refused",
		 (unsigned long long)board->min_free_kbytes);
	return false;
}

void instance_drop(struct instance *in)
{
	for (size_t i = 0; i < in->meta_count; i++)
		free(in->meta[i]);
	free(in->meta);
	free(in->store);
	memset(in, 0, sizeof(*in));
}

/* ---- steps 2 and 3 ------------------------------------------------------ */

static bool taken_add(struct fig_blocks *t, pfn_t pfn, unsigned order)
{
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 1024;
		struct fig_block *grown = realloc(t->block, room * sizeof(*grown));

		if (!grown)
			return false;
		t->block = grown;
		t->room = room;
	}
	t->block[t->count++] = (struct fig_block){ pfn, order };
	return true;
}

static int by_pfn(const void *a, const void *b)
{
	const struct fig_block *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

static bool take_all(struct instance *in, struct fig_blocks *taken)
{
	struct page *page;

	for (unsigned order = MAX_ORDER; order-- > 0;)
		while ((page = zonal_alloc_node(in->mm, NODE_NONE, TAKE_ALL, order)))
			if (!taken_add(taken, zonal_pfn(page), order))
				return false;
	if (taken->count)
		qsort(taken->block, taken->count, sizeof(taken->block[0]), by_pfn);
	return true;
}

/* Free the planned blocks that lie in one block that we hold. */
static void free_parts(struct zonal *mm, const struct fig_block *held, const struct fig_block *part,
		       size_t parts)
{
	pfn_t end;

	if (parts == 1 && part->order == held->order) {
		zonal_free(mm, zonal_page(mm, held->pfn), held->order);
		return;
	}
	if (parts && held->order)
		zonal_split(mm, zonal_page(mm, held->pfn), held->order);
	for (size_t i = 0; i < parts; i++) {
		end = part[i].pfn + ((pfn_t)1 << part[i].order);
		for (pfn_t pfn = part[i].pfn; pfn < end; pfn++)
			zonal_free(mm, zonal_page(mm, pfn), 0);
	}
}

static void free_plan(struct zonal *mm, const struct fig_plan *plan, const struct fig_blocks *held)
{
	size_t next = 0;

	for (size_t i = 0; i < plan->typed_count; i++)
		block_set_type(mm_page(mm, plan->typed[i].pfn), plan->typed[i].type);
	for (size_t i = 0; i < held->count; i++) {
		const struct fig_block *h = &held->block[i];
		pfn_t end = h->pfn + ((pfn_t)1 << h->order);
		size_t first = next;

		while (next < plan->count && plan->block[next].pfn < end)
			next++;
		free_parts(mm, h, &plan->block[first], next - first);
	}
}

/*
 * A plan for one zone. If the shape cannot be had with reserved pages where we put them, large
 * blocks will do. If even they do not fit, the free counter was read ahead of the
 * lists: it may be wrong by the kernel's drift, and the lower end is taken.
 */
static bool plan_zone(struct instance *in, struct fig_before *want, int64_t drift,
		      enum migratetype small, const struct fig_blocks *held, struct fig_plan *plan)
{
	for (unsigned attempt = 0; attempt < 3; attempt++) {
		want->has_shape &= attempt == 0;
		if (attempt == 2)
			want->free = ZN_MAX(want->free - drift, want->cma);
		if (plan_make(plan, want, small, held))
			return true;
		snprintf(in->why, sizeof(in->why), "%s", plan->why);
		plan_free(plan);
	}
	return false;
}

static bool shape_zone(struct instance *in, struct zone *zone, struct fig_before *want,
		       int64_t drift, enum migratetype small, const struct fig_blocks *taken)
{
	struct fig_blocks held = { .room = taken->count + 1 };
	struct fig_plan plan;
	bool done;

	held.block = calloc(held.room, sizeof(held.block[0]));
	for (size_t i = 0; held.block && i < taken->count; i++)
		if (page_zid(mm_page(in->mm, taken->block[i].pfn)) == zone->id)
			held.block[held.count++] = taken->block[i];
	done = held.block && plan_zone(in, want, drift, small, &held, &plan);
	if (done) {
		in->why[0] = '\0';
		free_plan(in->mm, &plan, &held);
		plan_free(&plan);
	}
	free(held.block);
	return done;
}

/* ---- steps 4 and 5 ------------------------------------------------------ */

static void set_numbers(struct zone *zone, const struct fig_zone *z, const struct fig_before *b)
{
	const int64_t *reserve = b->has_reserve ? b->reserve : z->reserve;
	port_irqflags_t irq;

	for (unsigned m = 0; m < WMARKS; m++)
		st_relaxed(&zone->mark[m], b->mark[m]);
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		st_relaxed(&zone->lowmem_reserve[t], reserve[t]);
	st_relaxed(&zone->boost, b->boost);
	st_relaxed(&zone->boosted, 0);
	st_relaxed(&zone->highatomic, b->highatomic);
	/* A record says how much is reserved, not where; what no block stands for is lost. */
	zone->highatomic_lost = b->highatomic - highatomic_in_blocks(zone);
	irq = port_irq_save();
	lock_take(&zone->lock);
	zone_update_floor(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);
}

static bool reached(struct instance *in, struct zone *zone, const struct fig_before *want)
{
	int64_t free = ld_relaxed(&zone->free), cma = ld_relaxed(&zone->free_cma);

	if (free != want->free || cma != want->cma)
		snprintf(in->why, sizeof(in->why),
			 "node %u zone %s: built %lld free pages (%lld CMA), wanted %lld (%lld)",
			 zone->node, zone_type_name(zone->type), (long long)free, (long long)cma,
			 (long long)want->free, (long long)want->cma);
	return !in->why[0];
}

static bool shape_all(struct instance *in, const struct fig_board *board,
		      struct fig_before *want, enum migratetype small)
{
	struct fig_blocks taken = { 0 };
	bool done = take_all(in, &taken);

	for (unsigned i = 0; done && i < board->zone_count; i++) {
		const struct fig_zone *z = &board->zone[i];
		struct zone *zone = instance_zone(in, z);
		int64_t drift = (int64_t)board->cpu_online * z->stat_threshold;

		done = !zone || shape_zone(in, zone, &want[i], drift, small, &taken);
	}
	free(taken.block);
	if (!done && !in->why[0])
		snprintf(in->why, sizeof(in->why), "no memory on the host");
	zonal_drain_local(in->mm);
	return done;
}

bool instance_build(struct instance *in, const struct fig_board *board,
		    const struct fig_before *before, enum migratetype small)
{
	struct fig_before want[FIG_MAX_ZONES];
	uint64_t managed[FIG_MAX_ZONES];
	struct zonal_finding finding;

	for (unsigned i = 0; i < board->zone_count; i++) {
		want[i] = before[i];
		managed[i] = (uint64_t)before[i].managed;
	}
	if (!instance_boot(in, board, managed) || !shape_all(in, board, want, small))
		return false;
	for (unsigned i = 0; i < board->zone_count; i++) {
		struct zone *zone = instance_zone(in, &board->zone[i]);

		if (!zone)
			continue;
		set_numbers(zone, &board->zone[i], &want[i]);
		if (!reached(in, zone, &want[i]))
			return false;
	}
	if (zonal_check(in->mm, &finding))
		return true;
	snprintf(in->why, sizeof(in->why), "check: %.150s", finding.text);
	return false;
}
