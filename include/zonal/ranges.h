/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board from raw ranges: the shortest way to an instance where there is no device tree.
 *
 *	static struct zonal_boot_info info;
 *	struct zonal_config config = { .info = &info };
 *
 *	zonal_info_begin(&info);
 *	err = zonal_add_memory(&info, 0, 0x40000000, 0x40000000);
 *	err = err ? err : zonal_add_cpu(&info, 0, 0);
 *	err = err ? err : zonal_reserve(&info, image_start, image_bytes);
 *	zonal_options_default(&config.options);
 *	err = err ? err : zonal_build_inside(mm, &config, &info, map, NULL);
 *
 * Calls may come in any order of addresses, before zonal_init(). Each gives 0, or a negative
 * ZONAL_E* with a line of log that names the thing, its value and the rule that it breaks, and has
 * changed nothing then. Context: boot, one caller at a time.
 */
#ifndef ZONAL_RANGES_H
#define ZONAL_RANGES_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* Nothing yet: no memory, no CPU, every distance 10 to itself and 20 otherwise, DMA anywhere. */
void zonal_info_begin(struct zonal_boot_info *info);

/*
 * RAM of node `nid`, any bytes: it is rounded inward to whole pages, and joined with what it
 * touches of the same node. The node is online from now on. ZONAL_EINVAL: no such node, no whole
 * page, or it overlaps memory that was added before; ZONAL_ERANGE: it wraps, it ends above
 * ZONAL_BOOT_MEMORY_END, or ZONAL_MAX_RANGES is too small.
 */
int zonal_add_memory(struct zonal_boot_info *info, unsigned nid, uint64_t base,
		     uint64_t size) ZONAL_MUST_USE;

/*
 * Bytes that are nobody's to hand out: rounded outward to whole pages, joined with what they touch
 * or overlap of such bytes; they may lie where no RAM is. ZONAL_EINVAL: none, or they overlap an
 * area of zonal_add_area(); ZONAL_ERANGE: they wrap, or ZONAL_MAX_RANGES is too small.
 */
int zonal_reserve(struct zonal_boot_info *info, uint64_t base, uint64_t size) ZONAL_MUST_USE;

/* A CMA area (<zonal/contig.h>): whole blocks of the largest order. Refused as above, and where it
 * overlaps anything reserved. */
int zonal_add_area(struct zonal_boot_info *info, uint64_t base, uint64_t size) ZONAL_MUST_USE;

/* RAM that was added, or will be, and is not to be handed out before zonal_online() brings it, at
 * once or piece by piece (<zonal/online.h>). Whole pages are kept back as zonal_reserve() does,
 * and a node that has no other memory has a place in every zonelist from the beginning. Refused
 * as zonal_add_area(). */
int zonal_hold_back(struct zonal_boot_info *info, uint64_t base, uint64_t size) ZONAL_MUST_USE;

/*
 * Addresses at which node `nid` may have RAM one day, of which nothing is known yet: whole sections
 * of ZONAL_SECTION_BYTES. They cost 20 bytes a section until zonal_describe() is given the
 * structures (<zonal/online.h>). Like what is not mapped they count as present, but not for
 * the shares of kernelcore and movablecore; a node that has nothing else has a place in
 * every zonelist from the beginning. Refused as zonal_add_memory(), and if they are not whole
 * sections.
 */
int zonal_add_room(struct zonal_boot_info *info, unsigned nid, uint64_t base,
		   uint64_t size) ZONAL_MUST_USE;

/* CPU `cpu` is on node `nid`, which is online from now on. CPUs that are not told of but have
 * a lower number are on no node of their own. ZONAL_EINVAL: no such node; ZONAL_ERANGE: no such
 * CPU. */
int zonal_add_cpu(struct zonal_boot_info *info, unsigned cpu, unsigned nid) ZONAL_MUST_USE;

/* From `a` to `b` and back. ZONAL_EINVAL: no such node, less than 10, or not 10 to itself. */
int zonal_set_distance(struct zonal_boot_info *info, unsigned a, unsigned b,
		       unsigned distance) ZONAL_MUST_USE;

/* ---- where the instance's own data lies ------------------------------------ */

/*
 * Where the bytes from address `start` on can be written, at a multiple of ZONAL_STORAGE_ALIGN as
 * `start` is; NULL: nowhere. They are the instance's from then on.
 */
typedef void *(*zonal_map_fn)(void *ctx, uint64_t start, size_t bytes);

/*
 * Place what `plan` wants within the RAM described: of each node at its upper end, where nothing is
 * reserved, and of a node without such room on the nearest one that has it. What it takes is
 * reserved in *info, so that the caller has nothing to reserve; who fills `storage` by hand with
 * memory that lies in the RAM described must call zonal_reserve() for it himself: the core does
 * not know addresses from pointers. ZONAL_ENOMEM: there is no room, or `map` gave NULL;
 * ZONAL_ERANGE: ZONAL_MAX_RANGES is too small; *info is as before then.
 */
int zonal_place(struct zonal_boot_info *info, const struct zonal_plan *plan, zonal_map_fn map,
		void *ctx, struct zonal_storage storage[ZONAL_MAX_NODES]) ZONAL_MUST_USE;

/* zonal_plan(), zonal_place(), zonal_init(). config->info must be `info`. */
int zonal_build_inside(struct zonal *mm, const struct zonal_config *config,
		       struct zonal_boot_info *info, zonal_map_fn map, void *ctx) ZONAL_MUST_USE;

ZONAL_END_DECLS

#endif
