/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contracts of the watermark test (mm/watermark.[ch]), proved by `make proofs`.
 *
 * With counters of any value up to 2^40 pages and one CPU that looks: nothing overflows, nothing
 * outside the zone is read and nothing is written; the mark is lowered by exactly the shares of
 * W3 and stays between 0 and itself; what a request may use is what W2 and W4 say; for a single
 * page the answer is that comparison and nothing else, for a block a yes implies it; and the quick
 * test of one page (W6) says what the whole test at LOW says, whatever the zone, wherever the
 * folded floor is the sum of its parts.
 *
 * Not proved: zone_update_floor() (loop and lock), and that counters and marks stay below 2^40.
 *
 * Edits that must leave a goal open:
 *	bug lowered_mark in mm/watermark.c: mark -= mark / 4; => mark -= mark / 3;
 *	bug lowered_mark in mm/watermark.c: else if (flags & ALLOC_H => if (flags & ALLOC_H
 *	bug usable_pages in mm/watermark.c: ((1 << order) - 1); => (1 << order);
 *	bug usable_pages in mm/watermark.c: !(flags & (ALLOC_H => (flags & (ALLOC_H
 *	bug zn_zone_mark_ok_with in mm/watermark.c: + more <= floor) => + more < floor)
 *	bug zone_quick_room in mm/watermark.h: return usable > => return usable >=
 *	bug zone_quick_room in mm/watermark.h: + 1 - pages => - pages
 *	bug zone_lane_room in mm/watermark.h: usable -= ld_relaxed => usable = ld_relaxed
 */
#include "mm/watermark.h"

/* The words of the macros, which an annotation does not see. */
enum {
	HIGH = ALLOC_HIGH,
	OOM = ALLOC_OOM,
	HARDER = ALLOC_HARDER,
	CMA = ALLOC_CMA,
	LOW = WMARK_LOW,
	MARKS = WMARKS,
	ORDERS = MAX_ORDER,
	TYPES = ZONE_TYPES
};

/*@ logic integer many = 0x10000000000;

  @ logic integer lowered(integer mark, boolean high, boolean oom, boolean harder) =
  @   \let m = high ? mark - mark / 2 : mark;
  @   oom ? m - m / 2 : harder ? m - m / 4 : m;

  @ logic integer usable{L}(struct zone *z, integer order, boolean all, boolean cma) =
  @   z->free - ((1 << order) - 1) - (all ? 0 : z->highatomic) - (cma ? 0 : z->free_cma);

  @ predicate above{L}(struct zone *z, integer order, integer more, integer mark, integer reserve,
  @   boolean high, boolean oom, boolean harder, boolean all, boolean cma) =
  @   usable(z, order, all, cma) + more > lowered(mark, high, oom, harder) + reserve;

  @ predicate sound{L}(struct zone *z) = \valid(z) &&
  @   -many <= z->free <= many && -many <= z->highatomic <= many && -many <= z->free_cma <= many &&
  @   0 <= z->boost <= many &&
  @   (\forall integer m; 0 <= m < MARKS ==> 0 <= z->mark[m] <= many) &&
  @   (\forall integer t; 0 <= t < TYPES ==> 0 <= z->lowmem_reserve[t] <= many);

  @ predicate folded{L}(struct zone *z, integer t) = z->floor[t] == z->mark[LOW] + z->boost +
  @   z->highatomic + z->lowmem_reserve[t];
  @*/

/*@ lemma block: \forall integer o; o == 0 || o == 1 || o == 2 || o == 3 || o == 4 || o == 5 ||
  @   o == 6 || o == 7 || o == 8 || o == 9 || o == 10 ==> 1 <= (1 << o) <= 1024;
  @*/

/* taken at its word */
/*@ assigns \nothing;
  @ ensures \false;
  @*/
void zonal_port_panic(const char *format, ...);

/*@ requires sound(zone) && mark < MARKS;
  @ assigns \nothing;
  @ ensures \result == zone->mark[mark] + zone->boost && 0 <= \result <= 2 * many;
  @*/
static inline int64_t zone_mark(struct zone *zone, unsigned mark);

/*@ requires sound(zone) && high_zone < TYPES && 0 < pages <= many;
  @ assigns \nothing;
  @ ensures \result <==>
  @   zone->free + 1 - pages - (cma ? 0 : zone->free_cma) > zone->floor[high_zone];
  @*/
static inline bool zone_quick_room(struct zone *zone, size_t high_zone, bool cma, int64_t pages);

/*@ requires sound(zone) && (twice == 0 || twice == 2) && 0 < pages <= many;
  @ assigns \nothing;
  @ ensures \result <==>
  @   zone->free + 1 - pages - (cma ? 0 : zone->free_cma) > zone->lane_floor[twice];
  @*/
static inline bool zone_lane_room(struct zone *zone, size_t twice, bool cma, int64_t pages);

/*@ requires sound(zone) && (twice == 0 || twice == 2);
  @ assigns \nothing;
  @ ensures \result <==> zone->free - (cma ? 0 : zone->free_cma) > zone->lane_floor[twice];
  @*/
static inline bool zone_lane_ok(struct zone *zone, size_t twice, bool cma);

/*@ requires sound(zone) && high_zone < TYPES;
  @ assigns \nothing;
  @ ensures \result <==> zone->free - (cma ? 0 : zone->free_cma) > zone->floor[high_zone];
  @*/
static inline bool zone_quick_ok(struct zone *zone, size_t high_zone, bool cma);

/*@ requires mark >= 0;
  @ assigns \nothing;
  @ ensures 0 <= \result <= mark;
  @ ensures \result ==
  @   lowered(mark, (flags & HIGH) != 0, (flags & OOM) != 0, (flags & HARDER) != 0);
  @*/
static int64_t lowered_mark(int64_t mark, unsigned flags);

/*@ requires sound(zone) && order < ORDERS;
  @ assigns \nothing;
  @ ensures \result ==
  @   usable(zone, order, (flags & (HARDER | OOM)) != 0, (flags & CMA) != 0);
  @*/
static int64_t usable_pages(struct zone *zone, unsigned order, unsigned flags);

/*@ requires sound(zone) && 0 < order < ORDERS;
  @ assigns \nothing;
  @*/
static bool has_block(struct zone *zone, unsigned order, unsigned flags);

/*@ requires sound(zone) && order < ORDERS && 0 <= mark <= 2 * many && high_zone < TYPES;
  @ requires -many <= more <= many;
  @ assigns \nothing;
  @ ensures \result ==> above(zone, order, more, mark, zone->lowmem_reserve[high_zone],
  @   (flags & HIGH) != 0, (flags & OOM) != 0, (flags & HARDER) != 0,
  @   (flags & (HARDER | OOM)) != 0, (flags & CMA) != 0);
  @ ensures order == 0 ==>
  @   (\result <==> above(zone, 0, more, mark, zone->lowmem_reserve[high_zone],
  @     (flags & HIGH) != 0, (flags & OOM) != 0, (flags & HARDER) != 0,
  @     (flags & (HARDER | OOM)) != 0, (flags & CMA) != 0));
  @*/
bool zone_mark_ok_with(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		       unsigned flags, int64_t more);

/*@ requires sound(zone) && order < ORDERS && 0 <= mark <= 2 * many && high_zone < TYPES;
  @ assigns \nothing;
  @ ensures order == 0 ==>
  @   (\result <==> above(zone, 0, 0, mark, zone->lowmem_reserve[high_zone],
  @     (flags & HIGH) != 0, (flags & OOM) != 0, (flags & HARDER) != 0,
  @     (flags & (HARDER | OOM)) != 0, (flags & CMA) != 0));
  @*/
bool zone_mark_ok(struct zone *zone, unsigned order, int64_t mark, unsigned high_zone,
		  unsigned flags);

#include "mm/watermark.c"

/*@ requires sound(zone) && high_zone < TYPES && folded(zone, high_zone);
  @ assigns \nothing;
  @ ensures \result;
  @*/
static bool quick_is_whole(struct zone *zone, unsigned high_zone, bool cma)
{
	bool quick = zone_quick_ok(zone, high_zone, cma), whole;

	if (cma)
		whole = zone_mark_ok(zone, 0, zone_mark(zone, WMARK_LOW), high_zone, ALLOC_CMA);
	else
		whole = zone_mark_ok(zone, 0, zone_mark(zone, WMARK_LOW), high_zone, 0);
	return quick == whole;
}
