/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storage for an instance within the RAM that it will describe.
 *
 * Each node's piece goes to the upper end of the node's RAM, downwards past what is reserved, so
 * that low memory stays for devices; where the node has no room, to the nearest node that has,
 * lower numbers first. Memory that may be unplugged is passed over: an instance stays.
 *
 * First all pieces are found, then all are mapped, and only then are they written into the table
 * of reservations, of which it is known by then that it has places enough. So a failure at any
 * point leaves the description as it was; what `map` has mapped is the caller's business.
 *
 * It stands on public calls alone, as build.c does. Boot only, no locks.
 */
#include <zonal/ranges.h>

#include "lib/assert.h"
#include "mm.h"

struct placing {
	const struct boot_info *info;
	const struct zonal_plan *plan;
	uint64_t start[ZONAL_MAX_NODES]; /* 0: not placed, or nothing to place */
};

static uint64_t place_bytes(size_t bytes) { return align_up((uint64_t)bytes, PAGE_SIZE); }

/* Is anything in the way of [start, end)? *begins: where the lowest such thing does. Nothing is
 * ever placed at address 0. */
static bool in_the_way(const struct placing *p, uint64_t start, uint64_t end, uint64_t *begins)
{
	bool found = false;

	*begins = end;
	for (unsigned i = 0; i < p->info->reserved_count; i++) {
		const struct boot_range *r = &p->info->reserved[i];

		if (r->start < end && start < r->start + r->size) {
			*begins = ZN_MIN(*begins, r->start);
			found = true;
		}
	}
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		uint64_t at = p->start[n];

		if (at && at < end && start < at + place_bytes(p->plan->bytes[n])) {
			*begins = ZN_MIN(*begins, at);
			found = true;
		}
	}
	return found;
}

/* The highest place in one range, 0: none. */
static uint64_t place_in(const struct placing *p, const struct boot_range *r, uint64_t bytes)
{
	uint64_t end = r->start + r->size, start;

	while (end >= bytes) {
		start = align_down(end - bytes, (uint64_t)ZONAL_STORAGE_ALIGN);
		if (start < r->start || !start)
			return 0;
		if (!in_the_way(p, start, start + bytes, &end))
			return start;
	}
	return 0;
}

static uint64_t place_on(const struct placing *p, unsigned nid, uint64_t bytes)
{
	uint64_t start = 0;

	for (unsigned i = p->info->range_count; i-- > 0 && !start;) {
		const struct boot_range *r = &p->info->range[i];

		if (r->nid == (int)nid && !(r->flags & (BOOT_NOMAP | BOOT_HOTPLUG)))
			start = place_in(p, r, bytes);
	}
	return start;
}

/* On `nid`, else on the nearest node with room; 0: nowhere. */
static uint64_t place_near(const struct placing *p, unsigned nid, uint64_t bytes)
{
	nodemask_t left = p->info->nodes;
	uint64_t start = place_on(p, nid, bytes);

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	for (left &= ~node_bit(nid); left && !start;) {
		unsigned best = nodemask_first(left);

		for (nodemask_t m = left; m; m &= m - 1)
			if (p->info->distance[nid][nodemask_first(m)] <
			    p->info->distance[nid][best])
				best = nodemask_first(m);
		start = place_on(p, best, bytes);
		left &= ~node_bit(best);
	}
	return start;
}

static int find_places(struct placing *p)
{
	unsigned pieces = 0;

	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!p->plan->bytes[n])
			continue;
		pieces++;
		p->start[n] = place_near(p, n, place_bytes(p->plan->bytes[n]));
		if (p->start[n])
			continue;
		port_log("zonal: no RAM for the %llu bytes of storage of node %u",
			 (unsigned long long)p->plan->bytes[n], n);
		return ZONAL_ENOMEM;
	}
	if (p->info->reserved_count + pieces <= ZONAL_MAX_RANGES)
		return 0;
	port_log("zonal: %u reserved ranges and %u pieces of storage: ZONAL_MAX_RANGES is too "
		 "small", p->info->reserved_count, pieces);
	return ZONAL_ERANGE;
}

static int map_places(const struct placing *p, zonal_map_fn map, void *ctx,
		      struct zonal_storage storage[ZONAL_MAX_NODES])
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		size_t bytes = p->plan->bytes[n];

		storage[n] = (struct zonal_storage){ NULL, 0 };
		if (!bytes)
			continue;
		storage[n].start = map(ctx, p->start[n], bytes);
		storage[n].bytes = bytes;
		if (storage[n].start)
			continue;
		port_log("zonal: storage of node %u at 0x%llx, %llu bytes, is not mapped", n,
			 (unsigned long long)p->start[n], (unsigned long long)bytes);
		return ZONAL_ENOMEM;
	}
	return 0;
}

int zonal_place(struct boot_info *info, const struct zonal_plan *plan, zonal_map_fn map, void *ctx,
		struct zonal_storage storage[ZONAL_MAX_NODES])
{
	struct placing p = { .info = info, .plan = plan };
	int err = find_places(&p);

	if (!err)
		err = map_places(&p, map, ctx, storage);
	for (unsigned n = 0; !err && n < ZONAL_MAX_NODES; n++)
		if (p.start[n])
			err = zonal_reserve(info, p.start[n], plan->bytes[n]);
	return err;
}

int zonal_build_inside(struct zonal *mm, const struct zonal_config *config, struct boot_info *info,
		       zonal_map_fn map, void *ctx)
{
	struct zonal_storage storage[ZONAL_MAX_NODES];
	struct zonal_config with;
	struct zonal_plan plan;
	int err;

	if (!map || !config || config->info != info) {
		port_log("zonal: `map` must be given, and the description that is built from");
		return ZONAL_EINVAL;
	}
	err = zonal_plan(config, &plan);
	if (!err)
		err = zonal_place(info, &plan, map, ctx, storage);
	with = *config;
	with.storage = storage;
	return err ? err : zonal_init(mm, &with);
}
