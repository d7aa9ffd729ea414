/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted lists of disjoint address ranges that carry a node id and flags. */
#ifndef BOARD_TOPOLOGY_RANGES_H
#define BOARD_TOPOLOGY_RANGES_H

#include <zonal/boot_info.h>

/* The node id of memory that is not used because its own id has no place in a table. */
#define NODE_LEFT_OUT (-2)

/* A view of a table in struct boot_info. */
struct range_list {
	struct boot_range *range;
	unsigned *count;
	unsigned max;
};

/* Exclusive end. Ranges never reach 2^64 itself, see ranges_clip(). */
static inline uint64_t range_end(const struct boot_range *r)
{
	return r->start + r->size;
}

/* The size that keeps start + size within 2^64 - 1, as 5.10 clips it. */
static inline uint64_t ranges_clip(uint64_t start, uint64_t size)
{
	return ZN_MIN(size, UINT64_MAX - start);
}

/*
 * Each returns false when the table is full, and then has changed the list in a
 * way that keeps it sorted and disjoint, but not completely. A size of 0 changes nothing.
 */

/* Cover start..start+size: what is not in the list yet is added with nid and flags. */
bool ranges_add(struct range_list list, uint64_t start, uint64_t size, int nid, unsigned flags)
	ZN_MUST_USE;
/* As ranges_add(), and what is in the list already gets the flags as well. */
bool ranges_unite(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
	ZN_MUST_USE;
/* What is in the list gets the node id, or the flags. */
bool ranges_set_nid(struct range_list list, uint64_t start, uint64_t size, int nid) ZN_MUST_USE;
bool ranges_set_flags(struct range_list list, uint64_t start, uint64_t size, unsigned flags)
	ZN_MUST_USE;
/* Cut out. */
bool ranges_remove(struct range_list list, uint64_t start, uint64_t size) ZN_MUST_USE;

/* Take out `how_many` ranges from place `index` on, which must be there. */
void ranges_delete(struct range_list list, unsigned index, unsigned how_many);
/* Take out every range of a node id. */
void ranges_drop_nid(struct range_list list, int nid);
/*
 * Make one range of two neighbours of equal node id and flags, not CMA, and of what lies between
 * them: where that is least. False, and nothing is changed, if there are none; else *start and
 * *size say what was between.
 */
bool ranges_close_gap(struct range_list list, uint64_t *start, uint64_t *size) ZN_MUST_USE;
/* How many ranges would be left if all such gaps were closed. */
unsigned ranges_kinds(struct range_list list);
/* Take out every range whose flags are exactly these. */
void ranges_drop(struct range_list list, unsigned flags);

/* Join neighbours that touch and have the same node id and flags; a CMA area stays one range. */
void ranges_merge(struct range_list list);
/* Shrink each range to whole pages; drop what is less than one. */
void ranges_shrink_to_pages(struct range_list list);

/* Whether any byte of it is in the list. */
bool ranges_overlap(struct range_list list, uint64_t start, uint64_t size);
/* Whether any byte of it is in a range that has one of these flags. */
bool ranges_meet(struct range_list list, uint64_t start, uint64_t size, unsigned flags);
/* Whether what is in the list of it has all of these flags; so if nothing is. */
bool ranges_covered(struct range_list list, uint64_t start, uint64_t size, unsigned flags);
/* Whether all of it lies in one range. */
bool ranges_hold(struct range_list list, uint64_t start, uint64_t size);

#endif
