/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memory a board has, as plain data: ranges, nodes, distances, and on which node each CPU is.
 *
 * board/topology.h fills it from a device tree, tests fill it by hand, and
 * zonal_init() consumes it. No pointer into the device tree survives in it.
 * All addresses and sizes are bytes.
 */
#ifndef ZONAL_BOOT_INFO_H
#define ZONAL_BOOT_INFO_H

#include <zonal/types.h>

/* zonal_boot_range.flags */
#define ZONAL_BOOT_HOTPLUG 0x1u  /* memory: hotpluggable */
#define ZONAL_BOOT_NOMAP 0x2u    /* not mapped, not RAM for anyone (I3, I10). Memory: it is
				  * present all the same. Reserved: so that a report can say why */
#define ZONAL_BOOT_CMA 0x4u      /* reserved: reusable shared-dma-pool, given to CMA (I10) */
#define ZONAL_BOOT_DYNAMIC 0x8u  /* reserved: placed by us, not by a reg property */
#define ZONAL_BOOT_FIRMWARE 0x10u /* reserved: /memreserve/, the DT blob, the image, an initrd */
#define ZONAL_BOOT_LATER 0x20u   /* reserved: RAM that <zonal/online.h> may bring. Memory, with
				  * ZONAL_BOOT_NOMAP: room for RAM that zonal_describe() may add */
#define ZONAL_BOOT_TREE 0x40u    /* reserved: for the DT blob and nothing else */

/* RAM ends at or below this: frame numbers have 32 bits, and the highest block is left out so that
 * what lies behind the last page has a number too. */
#define ZONAL_BOOT_MEMORY_END                                                                      \
	((((uint64_t)1 << 32) - (1u << (ZONAL_MAX_ORDER - 1))) << ZONAL_PAGE_SHIFT)

struct zonal_boot_range {
	uint64_t start;
	uint64_t size;
	int16_t nid; /* ZONAL_NODE_NONE in reserved ranges */
	uint16_t flags;
};

struct zonal_boot_cpu {
	int16_t nid;
};

struct zonal_boot_info {
	/* RAM: sorted by start, page aligned, disjoint, neighbours of one node and
	 * flags merged. What the tree takes off the map at a fixed address is here with
	 * ZONAL_BOOT_NOMAP: it counts as spanned and present, and nobody may touch it (I3). */
	unsigned range_count;
	struct zonal_boot_range range[ZONAL_MAX_RANGES];

	/* RAM that must not be handed out at boot: sorted by start, may touch but
	 * not overlap, page aligned outward. May lie partly outside of RAM. */
	unsigned reserved_count;
	struct zonal_boot_range reserved[ZONAL_MAX_RANGES];

	/* By number. Where a core is found, and whether it may be used, is no business of
	 * memory. */
	unsigned cpu_count;
	struct zonal_boot_cpu cpu[ZONAL_MAX_CPUS];

	zonal_nodemask_t nodes;     /* online: union of memory and CPU ids (I11) */
	uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES];

	/* Highest address that every DMA master reaches, from dma-ranges;
	 * UINT64_MAX if the tree says nothing (row I16). */
	uint64_t dma_max;
};

/* Whether a memory range may be mapped, used and handed out. */
static inline bool zonal_boot_range_usable(const struct zonal_boot_range *range)
{
	return !(range->flags & ZONAL_BOOT_NOMAP);
}

/* Tunables of the boot arguments. zonal_options_default() gives 5.10's defaults. */
struct zonal_options {
	uint64_t min_free_kbytes;       /* 0: compute (row S1) */
	unsigned watermark_scale_factor; /* 10; 1..3000 */
	unsigned watermark_boost_factor; /* 15000 */
	unsigned lowmem_reserve_ratio[4]; /* 256 256 32 0 */
	uint64_t kernelcore_bytes, movablecore_bytes; /* 0: not given */
	unsigned kernelcore_percent, movablecore_percent; /* 0: not given */
	/* Memory with ZONAL_BOOT_HOTPLUG, and what lies above it on its node, is ZONE_MOVABLE; the
	 * four above have no effect then. Nor has this, if no other memory would be left. */
	bool movable_node;
	uint64_t cma_bytes; /* 0: none asked */
	/* Debugging and hardening; any of the first three keeps requests off the fast lanes. */
	bool page_poison;   /* free pages hold 0xaa, looked at when they are taken (D12) */
	bool init_on_alloc; /* every page comes zeroed (D9); page_poison overrides both */
	bool init_on_free;  /* every page is zeroed when it is freed */
	/* P3: a CPU's lists hold at most 1/N of a zone; 0: by the usual rule, else 8 or more. */
	unsigned percpu_pagelist_fraction;
	bool numa_stat_off; /* Y5: NUMA counters are reported as 0 */
	/* B3: what is split off below this order is a guard, given to nobody; at most half of
	 * ZONAL_MAX_ORDER; 0: none. */
	unsigned guard_minorder;
	/* A13: not 0: free blocks of the largest order lie in a random order that begins here. */
	uint64_t shuffle_seed;
	uint64_t dma_end, dma32_end; /* a board's own zone limits; 0: 5.10.262's rule (I16, I17) */
};

#endif
