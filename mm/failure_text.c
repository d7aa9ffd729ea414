/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A failure record as one line of text, for logs and the `why` command:
 *
 *	#7 gfp 0x800 order 3 node 0 policy bind: node 0 DMA short by 12 pages; node 1
 *	DMA not in node mask; tried low, min
 *
 * Kept apart from failure.c so that the allocator itself never formats text. The
 * text is cut at the buffer's end, never beyond it.
 */
#include "failure_text.h"

#include <zonal/names.h>

static void add_zone(struct text *t, const struct zonal_failure *f, unsigned i)
{
	unsigned zid = f->zone[i].zid;

	TEXT_ADD(t, "; node %u %s ", zid / ZONE_TYPES, zonal_zone_name(zid % ZONE_TYPES));
	if (f->zone[i].refusal == REFUSED_WATERMARK)
		TEXT_ADD(t, "short by %lld pages", (long long)f->zone[i].short_pages);
	else
		TEXT_ADD(t, "%s", zonal_refusal_name(f->zone[i].refusal));
}

/* What refused it at the door, or the steps that were tried. */
static void add_steps(struct text *t, uint32_t steps, bool door)
{
	const char *before = door ? ": " : "; tried ";
	const struct zonal_step *step;

	for (unsigned i = 0; (step = zonal_step(i)); i++) {
		if (!(steps & step->bit) || step->door != door)
			continue;
		TEXT_ADD(t, "%s%s", before, step->text);
		before = ", ";
	}
}

size_t zonal_failure_text(const struct zonal *mm, const struct zonal_failure *f, char *buf,
			  size_t size)
{
	struct text t = { buf, size, 0 };

	(void)mm;
	if (!f->serial) {
		TEXT_ADD(&t, "no request has failed on this CPU");
		return t.length;
	}
	TEXT_ADD(&t, "#%llu gfp 0x%x order %u node %d policy %s", (unsigned long long)f->serial,
		 f->gfp, f->order, f->nid, zonal_policy_name(f->policy));
	add_steps(&t, f->steps, true);
	for (unsigned i = 0; i < f->zone_count; i++)
		add_zone(&t, f, i);
	if (f->zones_more)
		TEXT_ADD(&t, "; and %u zones farther away", f->zones_more);
	add_steps(&t, f->steps, false);
	if (f->steps & ZSTEP_RECLAIM)
		TEXT_ADD(&t, "; reclaim looked at %llu pages and freed %llu in %u rounds",
		    (unsigned long long)f->scanned, (unsigned long long)f->reclaimed,
		    f->rounds + 1);
	if ((f->steps & ZSTEP_COMPACT) && f->order)
		TEXT_ADD(&t, "; compaction: %s at priority %u", zonal_compact_name(f->compacted),
		    f->compact_priority);
	return t.length;
}
