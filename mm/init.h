/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_INIT_H
#define MM_INIT_H

#include "mm.h"

/* The steps of zonal_init(), each in its own file. Context: boot, one CPU. */

/* info_check.c: 0, or the error that zonal_init() answers, logged. */
int config_check(const struct zonal_config *config);
/* What it asks for of the parts that a build may be without (<zonal/config.h>). */
enum { PART_AIDS = 1, PART_DEFERRED = 2, PART_MOBILITY = 4, PART_WATERMARKS = 8 };
unsigned config_parts(const struct zonal_config *config);
int reserved_check(const struct boot_info *info);
int min_free_check(struct zonal *mm, uint64_t kbytes);
/* instance.c: `mm` is zeroed, so that it is no instance yet. */
int instance_check(const struct zonal *mm);

/* zones.c: where the zones of all nodes end (I16-I18). */
struct zone_layout {
	pfn_t limit[ZONE_MOVABLE + 1];  /* zone type t is [limit[t], limit[t + 1]) */
	pfn_t movable[ZONAL_MAX_NODES]; /* where ZONE_MOVABLE begins, 0: nowhere */
};

/* One zone; all 0 if it has no RAM. */
struct zone_extent {
	pfn_t start;
	uint64_t spanned, present;
};

void zones_layout(const struct zonal_config *config, struct zone_layout *layout);
struct zone_extent zones_extent(const struct zone_layout *layout, const struct boot_info *info,
				unsigned zid);
/* Nodes and zones of the instance get their spans and present pages. */
void zones_make(struct zonal *mm, const struct zonal_config *config);

/* The part of RAM range `i` that lies in zone type `t` of its node, as pfns; false: none. */
bool zones_piece(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		 pfn_t *start, pfn_t *end);

/* Pages [start, end). */
struct pfn_span {
	pfn_t start, end;
};

/* `part` cut down to what of it lies in that, and may be used; false: nothing. */
bool zones_part(struct zonal *mm, const struct boot_info *info, unsigned i, unsigned t,
		struct pfn_span *part);

/* plan.c: CPUs that will call, the node of one, bytes of one CPU's lists for one zone. */
unsigned cpu_count_of(const struct zonal_config *config);
unsigned cpu_node_of(const struct boot_info *info, unsigned cpu);
uint32_t cpu_ring_slots(uint64_t present, unsigned fraction);
size_t cpu_ring_bytes(uint64_t present, unsigned fraction);

/* movable.c: where ZONE_MOVABLE begins on each node, 0: nowhere (I18). */
void movable_plan(const struct zonal_config *config, pfn_t usable_start,
		  pfn_t start_of[ZONAL_MAX_NODES]);

/* pagemap.c: sections up to the end of RAM; those that have a map, in ascending order with the
 * node of their first page. */
typedef void (*section_fn)(void *ctx, pfn_t s, struct section_bounds bounds, unsigned nid);
size_t pagemap_sections(const struct boot_info *info);
void pagemap_each_section(const struct boot_info *info, section_fn fn, void *ctx);
/* Place the page map, then fill it in (I5, I19), all but the sections that are deferred. */
void pagemap_place(struct zonal *mm, const struct boot_info *info);
void pagemap_find_run(struct zonal *mm, struct zone *zone);
void pagemap_fill(struct zonal *mm, const struct boot_info *info);
/* The structures of [start, end), which the map of one section covers: word, references, number and
 * type of pageblock. */
void pagemap_write(struct zonal *mm, pfn_t start, pfn_t end, uint32_t word, int32_t refs);
/* The structures of `part`, which one section's map covers. Context: they are nobody else's. */
void pagemap_fill_part(struct zonal *mm, const struct boot_info *info, struct pfn_span part);

/* mm->section[s] of room for RAM of a node that nobody has described yet (describe.c): odd, as no
 * map can be. */
#define ROOM_OF(nid) ((uintptr_t)(nid) << 1 | 1)

static inline bool section_is_room(const struct zonal *mm, pfn_t s)
{
	return ZONAL_DEFERRED && (mm->section[s] & 1);
}

/* The last step: what follows from the zones' managed pages. The tools that put an
 * instance into a recorded state call it again. */
void init_lists(struct zonal *mm);

/* release.c: hand all that is not reserved, and not deferred, to the buddy (I4, I6). */
void release_memory(struct zonal *mm, const struct boot_info *info);
/* Pages [start, end) of the zone, INNER so far and not counted as managed, become free. */
void release_range(struct zonal *mm, struct zone *zone, pfn_t start, pfn_t end);
/* The first stretch of `rest` that nobody has reserved; what is behind it stays in `rest`. */
bool release_next(const struct boot_info *info, struct pfn_span *rest, struct pfn_span *out);
/* What nobody has reserved of `part`, which was deferred; how many pages it were. */
uint64_t release_later(struct zonal *mm, struct zone *zone, struct pfn_span part)
	LOCK_HELD(zone->lock);

/* online.c: zones that have memory which was held back. */
void online_expect(struct zonal *mm, const struct boot_info *info);

/* One caller at a time describes, brings or takes memory of an instance: may this one? */
static inline bool resize_begin(struct zonal *mm)
{
	return !fetch_or_acq_rel(&mm->resizing, 1);
}

static inline void resize_leave(struct zonal *mm)
{
	DASSERT(ld_relaxed(&mm->resizing), "nobody resizes");
	st_release(&mm->resizing, 0);
}

/* deferred.c: whether sections are to be left for later; which ones, and how many pages. */
bool deferred_wanted(const struct zonal_config *config);
void deferred_choose(struct zonal *mm, const struct boot_info *info);

#endif
