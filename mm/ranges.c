/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct zonal_boot_info from calls: memory, reservations, CPUs, distances, in any order.
 *
 * Both tables are kept as zonal_init() wants them after every call: sorted, page aligned, disjoint,
 * neighbours of one kind merged. Memory is rounded inward, for half a page is no page, and
 * reservations outward. Memory that overlaps is a fault, since nobody can say which node it is
 * on; reservations that overlap are one reservation, since several parts of a start-up know of
 * the same bytes.
 *
 * A call first looks whether there is a place in the table, then changes it: so a refused one
 * has changed nothing. Ends are exclusive, and 2^64 has no name: what goes up to there ends a
 * byte before, as reserved_check() wants it.
 *
 * Boot only, no locks. This file needs no instance, and who fills the structure from a device tree
 * leaves it out.
 */
#include <zonal/ranges.h>

#include "lib/assert.h"
#include "mm.h"

/* One of the two tables. */
struct table {
	struct boot_range *range;
	unsigned *count;
};

static int refuse(const char *what, uint64_t base, uint64_t size, const char *rule)
{
	port_log("zonal: %s 0x%llx+0x%llx: %s", what, (unsigned long long)base,
		 (unsigned long long)size, rule);
	return ZONAL_EINVAL;
}

static int refuse_range(const char *what, uint64_t base, uint64_t size, const char *rule)
{
	(void)refuse(what, base, size, rule);
	return ZONAL_ERANGE;
}

static int refuse_full(const char *what, uint64_t base, uint64_t size)
{
	return refuse_range(what, base, size, "the table is full: ZONAL_MAX_RANGES is too small");
}

static uint64_t end_of(const struct boot_range *r) { return r->start + r->size; }

void zonal_info_begin(struct boot_info *info)
{
	*info = (struct boot_info){ .dma_max = UINT64_MAX };
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++)
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++)
			info->distance[a][b] = a == b ? 10 : 20;
}

static int node_check(const char *what, uint64_t number, unsigned nid)
{
	if (nid < ZONAL_MAX_NODES)
		return 0;
	port_log("zonal: %s 0x%llx is on node %u: it must be below ZONAL_MAX_NODES, %d", what,
		 (unsigned long long)number, nid, ZONAL_MAX_NODES);
	return ZONAL_EINVAL;
}

/* ---- tables ---- */

/* The first range that ends at `start` or behind it. */
static unsigned table_find(const struct table *t, uint64_t start)
{
	unsigned i = 0;

	ASSERT(*t->count <= ZONAL_MAX_RANGES, "%u ranges", *t->count);
	while (i < *t->count && end_of(&t->range[i]) < start)
		i++;
	return i;
}

/* `gone` ranges from place `at` on make room for *put. */
static void table_replace(const struct table *t, unsigned at, unsigned gone,
			  const struct boot_range *put)
{
	unsigned count = *t->count;

	ASSERT(at + gone <= count && count - gone < ZONAL_MAX_RANGES, "%u of %u ranges at %u", gone,
	       count, at);
	if (gone)
		for (unsigned i = at + gone; i < count; i++)
			t->range[i - gone + 1] = t->range[i];
	else
		for (unsigned i = count; i > at; i--)
			t->range[i] = t->range[i - 1];
	t->range[at] = *put;
	*t->count = count - gone + 1;
}

static bool same_kind(const struct boot_range *a, const struct boot_range *b)
{
	return a->nid == b->nid && a->flags == b->flags && !(a->flags & BOOT_CMA);
}

/*
 * Put `*put` where it belongs, joined with those of its kind that it touches, and with those that
 * it overlaps, which must be of its kind. False: there is no place.
 */
static bool table_put(const struct table *t, const struct boot_range *put)
{
	unsigned at = table_find(t, put->start), gone = 0;
	struct boot_range all = *put;
	uint64_t end = end_of(put);

	/* One that ends just here and is of another kind stays before it. */
	while (at < *t->count && end_of(&t->range[at]) == put->start &&
	       !same_kind(&t->range[at], put))
		at++;
	for (; at + gone < *t->count && t->range[at + gone].start <= end; gone++) {
		const struct boot_range *r = &t->range[at + gone];

		if (!same_kind(r, put))
			break;
		all.start = ZN_MIN(all.start, r->start);
		end = ZN_MAX(end, end_of(r));
	}
	if (!gone && *t->count == ZONAL_MAX_RANGES)
		return false;
	all.size = end - all.start;
	table_replace(t, at, gone, &all);
	return true;
}

/* The first range that shares a byte with [start, end), NULL: none. */
static const struct boot_range *table_overlap(const struct table *t, uint64_t start, uint64_t end)
{
	ASSERT(start < end, "0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	for (unsigned i = 0; i < *t->count; i++)
		if (t->range[i].start < end && start < end_of(&t->range[i]))
			return &t->range[i];
	return NULL;
}

/* ---- the calls ---- */

static int add_range(struct boot_info *info, const char *what, struct boot_range put)
{
	const struct table t = { info->range, &info->range_count };
	uint64_t base = put.start, size = put.size, end = base + size;

	if (size > UINT64_MAX - base)
		return refuse_range(what, base, size, "it must not wrap");
	if (end > BOOT_MEMORY_END)
		return refuse_range(what, base, size,
				    "it ends above what 32-bit frame numbers can name");
	put.start = align_up(base, PAGE_SIZE);
	end = align_down(end, PAGE_SIZE);
	if (put.start >= end)
		return refuse(what, base, size, "it must hold a whole page");
	if (table_overlap(&t, put.start, end))
		return refuse(what, base, size, "it overlaps memory that was added before");
	put.size = end - put.start;
	if (!table_put(&t, &put))
		return refuse_full(what, base, size);
	info->nodes |= node_bit((unsigned)put.nid);
	return 0;
}

int zonal_add_memory(struct boot_info *info, unsigned nid, uint64_t base, uint64_t size)
{
	struct boot_range put = { .start = base, .size = size, .nid = (int16_t)nid };

	return node_check("memory", base, nid) ? ZONAL_EINVAL : add_range(info, "memory", put);
}

int zonal_add_room(struct boot_info *info, unsigned nid, uint64_t base, uint64_t size)
{
	struct boot_range put = { .start = base, .size = size, .nid = (int16_t)nid,
				  .flags = BOOT_NOMAP | BOOT_LATER };

	if (!ZONAL_DEFERRED)
		return refuse("room", base, size, "this build has ZONAL_DEFERRED=0");
	if ((base | size) & (ZONAL_SECTION_BYTES - 1))
		return refuse("room", base, size, "it must be whole sections");
	return node_check("room", base, nid) ? ZONAL_EINVAL : add_range(info, "room", put);
}

static int add_reserved(struct boot_info *info, const char *what, uint64_t base, uint64_t size,
			uint16_t flags)
{
	const struct table t = { info->reserved, &info->reserved_count };
	struct boot_range put = { .nid = NODE_NONE, .flags = flags };
	uint64_t end;

	if (!size)
		return refuse(what, base, size, "it must hold a byte");
	if (size > UINT64_MAX - base)
		return refuse_range(what, base, size, "it must not wrap");
	put.start = align_down(base, PAGE_SIZE);
	end = base + size;
	end = end > align_down(UINT64_MAX, PAGE_SIZE) ? UINT64_MAX : align_up(end, PAGE_SIZE);
	put.size = end - put.start;
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *r = &info->reserved[i];

		if (r->start < end && put.start < end_of(r) && !same_kind(r, &put))
			return refuse(what, base, size, "it overlaps what is reserved otherwise");
	}
	return table_put(&t, &put) ? 0 : refuse_full(what, base, size);
}

int zonal_reserve(struct boot_info *info, uint64_t base, uint64_t size)
{
	return add_reserved(info, "reserved", base, size, 0);
}

int zonal_hold_back(struct boot_info *info, uint64_t base, uint64_t size)
{
	if (!ZONAL_DEFERRED)
		return refuse("held back", base, size, "this build has ZONAL_DEFERRED=0");
	return add_reserved(info, "held back", base, size, BOOT_LATER);
}

int zonal_add_area(struct boot_info *info, uint64_t base, uint64_t size)
{
	if ((base | size) & ((PAGE_SIZE << (MAX_ORDER - 1)) - 1))
		return refuse("area", base, size,
			      "start and size must be multiples of the largest block");
	return add_reserved(info, "area", base, size, BOOT_CMA);
}

int zonal_add_cpu(struct boot_info *info, unsigned cpu, unsigned nid)
{
	if (cpu >= ZONAL_MAX_CPUS) {
		port_log("zonal: CPU %u: it must be below ZONAL_MAX_CPUS, %d", cpu, ZONAL_MAX_CPUS);
		return ZONAL_ERANGE;
	}
	if (node_check("CPU", cpu, nid))
		return ZONAL_EINVAL;
	for (; info->cpu_count <= cpu; info->cpu_count++)
		info->cpu[info->cpu_count].nid = NODE_NONE;
	info->cpu[cpu].nid = (int16_t)nid;
	info->nodes |= node_bit(nid);
	return 0;
}

int zonal_set_distance(struct boot_info *info, unsigned a, unsigned b, unsigned distance)
{
	bool known = a < ZONAL_MAX_NODES && b < ZONAL_MAX_NODES;

	if (!known || distance > UINT8_MAX || (a == b ? distance != 10 : distance <= 10)) {
		port_log("zonal: distance %u from node %u to %u: 10 to itself, else 11 to 255, and "
			 "nodes below ZONAL_MAX_NODES, %d",
			 distance, a, b, ZONAL_MAX_NODES);
		return ZONAL_EINVAL;
	}
	info->distance[a][b] = info->distance[b][a] = (uint8_t)distance;
	return 0;
}
