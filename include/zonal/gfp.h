/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request word. Names and values are those of Linux 5.10 (rows C8, C9), so
 * that a caller writes what every kernel engineer knows and a trace of a real
 * kernel can be replayed.
 */
#ifndef ZONAL_GFP_H
#define ZONAL_GFP_H

/* Which zone: at most one of the first three; MOVABLE may join any (G1, G2). */
#define __GFP_DMA 0x1u
#define __GFP_HIGHMEM 0x2u
#define __GFP_DMA32 0x4u
#define __GFP_MOVABLE 0x8u     /* the owner can move the page; also: mobility */
#define __GFP_RECLAIMABLE 0x10u /* the owner can drop the page */
#define __GFP_HIGH 0x20u       /* may take half of the MIN reserve */
#define __GFP_IO 0x40u         /* reclaim may start I/O */
#define __GFP_FS 0x80u         /* reclaim may call the owner's file layer */
#define __GFP_ZERO 0x100u      /* contents are zero */
#define __GFP_ATOMIC 0x200u    /* cannot wait and matters: takes more of the reserve */
#define __GFP_DIRECT_RECLAIM 0x400u /* may wait and reclaim; task context only */
#define __GFP_KSWAPD_RECLAIM 0x800u /* may wake the node's background reclaim */
#define __GFP_WRITE 0x1000u    /* the page will be dirtied */
#define __GFP_NOWARN 0x2000u   /* no report on failure */
#define __GFP_RETRY_MAYFAIL 0x4000u
#define __GFP_NOFAIL 0x8000u
#define __GFP_NORETRY 0x10000u
#define __GFP_MEMALLOC 0x20000u /* may use every reserve */
#define __GFP_COMP 0x40000u    /* tails point to the head */
#define __GFP_NOMEMALLOC 0x80000u /* no reserve at all, wins over MEMALLOC */
#define __GFP_HARDWALL 0x100000u /* the task's cpuset only */
#define __GFP_THISNODE 0x200000u /* this node or NULL */
#define __GFP_ACCOUNT 0x400000u  /* charge the task's memory group */
#define __GFP_BITS 0x7fffffu     /* all of the above */

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#define GFP_NOIO __GFP_RECLAIM
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_DMA __GFP_DMA
#define GFP_DMA32 __GFP_DMA32
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
#define GFP_TRANSHUGE_LIGHT                                                                        \
	((GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM)
#define GFP_TRANSHUGE (GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM)

#define GFP_ZONEMASK (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32 | __GFP_MOVABLE)

/* Zones of a node, low to high. arm64 has no highmem. */
enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, ZONE_TYPES };

/* Migratetypes, in 5.10's number order (row C3). The first three have per-CPU lists. */
enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_PCPTYPES,
	MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES,
	MIGRATE_CMA,
	MIGRATE_ISOLATE,
	MIGRATE_TYPES
};

#endif
