/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short names: GFP_KERNEL for ZONAL_GFP_KERNEL, pfn_t for zonal_pfn_t, and so on.
 *
 * What the other public headers bring has one prefix, so that it can live beside anything. Who has
 * no GFP_KERNEL or PAGE_SIZE of his own writes as kernel engineers do: <zonal/linux.h> reads this
 * header first, and so does every source of the tree (lib/prefix.h). It must come before
 * <zonal/zonal.h>, where the tags of struct page and struct zone hang on it. It holds nothing
 * but macros without arguments, so that assembly takes it as well. tools/check_headers.py holds
 * that each stands for a name that exists.
 */
#ifndef ZONAL_SHORT_NAMES_H
#define ZONAL_SHORT_NAMES_H

/*
 * The values of config.h that a build sets. A macro of that name that stands already is the
 * program's own, of whatever meaning, unless the build says the same by the long name.
 */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT ZONAL_PAGE_SHIFT
#elif !defined(ZONAL_PAGE_SHIFT) || PAGE_SHIFT != ZONAL_PAGE_SHIFT
#error "PAGE_SHIFT means something else: leave short names out, or set ZONAL_PAGE_SHIFT"
#endif
#ifndef MAX_ORDER
#define MAX_ORDER ZONAL_MAX_ORDER
#elif !defined(ZONAL_MAX_ORDER) || MAX_ORDER != ZONAL_MAX_ORDER
#error "MAX_ORDER means something else: leave short names out, or set ZONAL_MAX_ORDER"
#endif
#ifndef PAGEBLOCK_ORDER
#define PAGEBLOCK_ORDER ZONAL_PAGEBLOCK_ORDER
#elif !defined(ZONAL_PAGEBLOCK_ORDER) || PAGEBLOCK_ORDER != ZONAL_PAGEBLOCK_ORDER
#error "PAGEBLOCK_ORDER means something else: leave short names out, or set ZONAL_PAGEBLOCK_ORDER"
#endif
#ifndef SECTION_SHIFT
#define SECTION_SHIFT ZONAL_SECTION_SHIFT
#elif !defined(ZONAL_SECTION_SHIFT) || SECTION_SHIFT != ZONAL_SECTION_SHIFT
#error "SECTION_SHIFT means something else: leave short names out, or set ZONAL_SECTION_SHIFT"
#endif

/* <zonal/config.h> */
#define PAGE_SIZE ZONAL_PAGE_SIZE

/* <zonal/types.h> */
#define pfn_t zonal_pfn_t
#define PFN_NONE ZONAL_PFN_NONE
#define gfp_t zonal_gfp_t
#define nodemask_t zonal_nodemask_t
#define NODE_NONE ZONAL_NODE_NONE
#define node_bit zonal_node_bit
#define nodemask_has zonal_nodemask_has
#define nodemask_count zonal_nodemask_count
#define nodemask_first zonal_nodemask_first

/* <zonal/gfp.h> */
#define __GFP_DMA ZONAL_GFP_F_DMA
#define __GFP_HIGHMEM ZONAL_GFP_F_HIGHMEM
#define __GFP_DMA32 ZONAL_GFP_F_DMA32
#define __GFP_MOVABLE ZONAL_GFP_F_MOVABLE
#define __GFP_RECLAIMABLE ZONAL_GFP_F_RECLAIMABLE
#define __GFP_HIGH ZONAL_GFP_F_HIGH
#define __GFP_IO ZONAL_GFP_F_IO
#define __GFP_FS ZONAL_GFP_F_FS
#define __GFP_ZERO ZONAL_GFP_F_ZERO
#define __GFP_ATOMIC ZONAL_GFP_F_ATOMIC
#define __GFP_DIRECT_RECLAIM ZONAL_GFP_F_DIRECT_RECLAIM
#define __GFP_KSWAPD_RECLAIM ZONAL_GFP_F_KSWAPD_RECLAIM
#define __GFP_WRITE ZONAL_GFP_F_WRITE
#define __GFP_NOWARN ZONAL_GFP_F_NOWARN
#define __GFP_RETRY_MAYFAIL ZONAL_GFP_F_RETRY_MAYFAIL
#define __GFP_NOFAIL ZONAL_GFP_F_NOFAIL
#define __GFP_NORETRY ZONAL_GFP_F_NORETRY
#define __GFP_MEMALLOC ZONAL_GFP_F_MEMALLOC
#define __GFP_COMP ZONAL_GFP_F_COMP
#define __GFP_NOMEMALLOC ZONAL_GFP_F_NOMEMALLOC
#define __GFP_HARDWALL ZONAL_GFP_F_HARDWALL
#define __GFP_THISNODE ZONAL_GFP_F_THISNODE
#define __GFP_ACCOUNT ZONAL_GFP_F_ACCOUNT
#define __GFP_BITS ZONAL_GFP_F_BITS
#define __GFP_RECLAIM ZONAL_GFP_F_RECLAIM
#define GFP_ATOMIC ZONAL_GFP_ATOMIC
#define GFP_KERNEL ZONAL_GFP_KERNEL
#define GFP_KERNEL_ACCOUNT ZONAL_GFP_KERNEL_ACCOUNT
#define GFP_NOWAIT ZONAL_GFP_NOWAIT
#define GFP_NOIO ZONAL_GFP_NOIO
#define GFP_NOFS ZONAL_GFP_NOFS
#define GFP_USER ZONAL_GFP_USER
#define GFP_DMA ZONAL_GFP_DMA
#define GFP_DMA32 ZONAL_GFP_DMA32
#define GFP_HIGHUSER ZONAL_GFP_HIGHUSER
#define GFP_HIGHUSER_MOVABLE ZONAL_GFP_HIGHUSER_MOVABLE
#define GFP_TRANSHUGE_LIGHT ZONAL_GFP_TRANSHUGE_LIGHT
#define GFP_TRANSHUGE ZONAL_GFP_TRANSHUGE
#define GFP_ZONEMASK ZONAL_GFP_ZONEMASK
#define zone_type zonal_zone_type
#define ZONE_DMA ZONAL_ZONE_DMA
#define ZONE_DMA32 ZONAL_ZONE_DMA32
#define ZONE_NORMAL ZONAL_ZONE_NORMAL
#define ZONE_MOVABLE ZONAL_ZONE_MOVABLE
#define ZONE_TYPES ZONAL_ZONE_TYPES
#define migratetype zonal_migratetype
#define MIGRATE_UNMOVABLE ZONAL_MIGRATE_UNMOVABLE
#define MIGRATE_MOVABLE ZONAL_MIGRATE_MOVABLE
#define MIGRATE_RECLAIMABLE ZONAL_MIGRATE_RECLAIMABLE
#define MIGRATE_PCPTYPES ZONAL_MIGRATE_PCPTYPES
#define MIGRATE_HIGHATOMIC ZONAL_MIGRATE_HIGHATOMIC
#define MIGRATE_CMA ZONAL_MIGRATE_CMA
#define MIGRATE_ISOLATE ZONAL_MIGRATE_ISOLATE
#define MIGRATE_TYPES ZONAL_MIGRATE_TYPES

/* <zonal/boot_info.h> */
#define BOOT_HOTPLUG ZONAL_BOOT_HOTPLUG
#define BOOT_NOMAP ZONAL_BOOT_NOMAP
#define BOOT_CMA ZONAL_BOOT_CMA
#define BOOT_DYNAMIC ZONAL_BOOT_DYNAMIC
#define BOOT_FIRMWARE ZONAL_BOOT_FIRMWARE
#define BOOT_LATER ZONAL_BOOT_LATER
#define BOOT_TREE ZONAL_BOOT_TREE
#define BOOT_MEMORY_END ZONAL_BOOT_MEMORY_END
#define boot_range zonal_boot_range
#define boot_cpu zonal_boot_cpu
#define boot_info zonal_boot_info
#define boot_range_usable zonal_boot_range_usable

/* <zonal/zonal.h> */
#define mpol_mode zonal_mpol_mode
#define MPOL_DEFAULT ZONAL_MPOL_DEFAULT
#define MPOL_PREFERRED ZONAL_MPOL_PREFERRED
#define MPOL_BIND ZONAL_MPOL_BIND
#define MPOL_INTERLEAVE ZONAL_MPOL_INTERLEAVE
#define MPOL_LOCAL ZONAL_MPOL_LOCAL
#define MPOL_MODES ZONAL_MPOL_MODES
#define MPOL_F_STATIC ZONAL_MPOL_F_STATIC
#define MPOL_F_RELATIVE ZONAL_MPOL_F_RELATIVE
#define mempolicy zonal_mempolicy
#define ZTASK_MEMALLOC ZONAL_TASK_MEMALLOC
#define ZTASK_NOFS ZONAL_TASK_NOFS
#define ZTASK_NOIO ZONAL_TASK_NOIO
#define ZTASK_NOCMA ZONAL_TASK_NOCMA
#define ZTASK_REALTIME ZONAL_TASK_REALTIME
#define ZTASK_USER ZONAL_TASK_USER
#define ZTASK_POLICY ZONAL_TASK_POLICY
#define ZTASK_CONFINED ZONAL_TASK_CONFINED
#define ZTASK_GROUP ZONAL_TASK_GROUP
#define REFUSED_NOT_ASKED ZONAL_REFUSED_NOT_ASKED
#define REFUSED_NODEMASK ZONAL_REFUSED_NODEMASK
#define REFUSED_CPUSET ZONAL_REFUSED_CPUSET
#define REFUSED_WATERMARK ZONAL_REFUSED_WATERMARK
#define REFUSED_NO_BLOCK ZONAL_REFUSED_NO_BLOCK
#define REFUSED_RACE ZONAL_REFUSED_RACE
#define ZSTEP_FAST ZONAL_STEP_FAST
#define ZSTEP_MIN ZONAL_STEP_MIN
#define ZSTEP_RESERVES ZONAL_STEP_RESERVES
#define ZSTEP_KSWAPD ZONAL_STEP_KSWAPD
#define ZSTEP_RECLAIM ZONAL_STEP_RECLAIM
#define ZSTEP_COMPACT ZONAL_STEP_COMPACT
#define ZSTEP_OOM ZONAL_STEP_OOM
#define ZSTEP_DRAIN ZONAL_STEP_DRAIN
#define ZSTEP_INJECTED ZONAL_STEP_INJECTED
#define ZSTEP_BAD_ORDER ZONAL_STEP_BAD_ORDER
#define ZSTEP_NO_CLEAR ZONAL_STEP_NO_CLEAR
#define ZSTEP_BAD_NODE ZONAL_STEP_BAD_NODE
#define ZSTEP_GROUP ZONAL_STEP_GROUP
#define ZSTEP_BAD_FLAGS ZONAL_STEP_BAD_FLAGS

#endif
