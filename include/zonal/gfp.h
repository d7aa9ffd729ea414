/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request word. Values are those of Linux 5.10 (rows C8, C9), and names are its names
 * behind a prefix: ZONAL_GFP_KERNEL is GFP_KERNEL, ZONAL_GFP_F_ZERO is __GFP_ZERO. With
 * <zonal/linux.h> a caller writes what every kernel engineer knows, and a trace of a real kernel
 * can be replayed.
 */
#ifndef ZONAL_GFP_H
#define ZONAL_GFP_H

/* Which zone: at most one of the first three; MOVABLE may join any (G1, G2). */
#define ZONAL_GFP_F_DMA 0x1u
#define ZONAL_GFP_F_HIGHMEM 0x2u
#define ZONAL_GFP_F_DMA32 0x4u
#define ZONAL_GFP_F_MOVABLE 0x8u          /* the owner can move the page; also: mobility */
#define ZONAL_GFP_F_RECLAIMABLE 0x10u     /* the owner can drop the page */
#define ZONAL_GFP_F_HIGH 0x20u            /* may take half of the MIN reserve */
#define ZONAL_GFP_F_IO 0x40u              /* reclaim may start I/O */
#define ZONAL_GFP_F_FS 0x80u              /* reclaim may call the owner's file layer */
#define ZONAL_GFP_F_ZERO 0x100u           /* contents are zero */
#define ZONAL_GFP_F_ATOMIC 0x200u         /* cannot wait and matters: takes more of the reserve */
#define ZONAL_GFP_F_DIRECT_RECLAIM 0x400u /* may wait and reclaim; task context only */
#define ZONAL_GFP_F_KSWAPD_RECLAIM 0x800u /* may wake the node's background reclaim */
#define ZONAL_GFP_F_WRITE 0x1000u         /* the page will be dirtied */
#define ZONAL_GFP_F_NOWARN 0x2000u        /* no report on failure */
#define ZONAL_GFP_F_RETRY_MAYFAIL 0x4000u
#define ZONAL_GFP_F_NOFAIL 0x8000u
#define ZONAL_GFP_F_NORETRY 0x10000u
#define ZONAL_GFP_F_MEMALLOC 0x20000u     /* may use every reserve */
#define ZONAL_GFP_F_COMP 0x40000u         /* tails point to the head */
#define ZONAL_GFP_F_NOMEMALLOC 0x80000u   /* no reserve at all, wins over MEMALLOC */
#define ZONAL_GFP_F_HARDWALL 0x100000u    /* the task's cpuset only */
#define ZONAL_GFP_F_THISNODE 0x200000u    /* this node or NULL */
#define ZONAL_GFP_F_ACCOUNT 0x400000u     /* charge the task's memory group */
#define ZONAL_GFP_F_BITS 0x7fffffu        /* all of the above */

#define ZONAL_GFP_F_RECLAIM (ZONAL_GFP_F_DIRECT_RECLAIM | ZONAL_GFP_F_KSWAPD_RECLAIM)

#define ZONAL_GFP_ATOMIC (ZONAL_GFP_F_HIGH | ZONAL_GFP_F_ATOMIC | ZONAL_GFP_F_KSWAPD_RECLAIM)
#define ZONAL_GFP_KERNEL (ZONAL_GFP_F_RECLAIM | ZONAL_GFP_F_IO | ZONAL_GFP_F_FS)
#define ZONAL_GFP_KERNEL_ACCOUNT (ZONAL_GFP_KERNEL | ZONAL_GFP_F_ACCOUNT)
#define ZONAL_GFP_NOWAIT ZONAL_GFP_F_KSWAPD_RECLAIM
#define ZONAL_GFP_NOIO ZONAL_GFP_F_RECLAIM
#define ZONAL_GFP_NOFS (ZONAL_GFP_F_RECLAIM | ZONAL_GFP_F_IO)
#define ZONAL_GFP_USER (ZONAL_GFP_KERNEL | ZONAL_GFP_F_HARDWALL)
#define ZONAL_GFP_DMA ZONAL_GFP_F_DMA
#define ZONAL_GFP_DMA32 ZONAL_GFP_F_DMA32
#define ZONAL_GFP_HIGHUSER (ZONAL_GFP_USER | ZONAL_GFP_F_HIGHMEM)
#define ZONAL_GFP_HIGHUSER_MOVABLE (ZONAL_GFP_HIGHUSER | ZONAL_GFP_F_MOVABLE)
#define ZONAL_GFP_TRANSHUGE_LIGHT                                                                  \
	((ZONAL_GFP_HIGHUSER_MOVABLE | ZONAL_GFP_F_COMP | ZONAL_GFP_F_NOMEMALLOC |                 \
	  ZONAL_GFP_F_NOWARN) & ~ZONAL_GFP_F_RECLAIM)
#define ZONAL_GFP_TRANSHUGE (ZONAL_GFP_TRANSHUGE_LIGHT | ZONAL_GFP_F_DIRECT_RECLAIM)

#define ZONAL_GFP_ZONEMASK                                                                         \
	(ZONAL_GFP_F_DMA | ZONAL_GFP_F_HIGHMEM | ZONAL_GFP_F_DMA32 | ZONAL_GFP_F_MOVABLE)

/* Zones of a node, low to high. arm64 has no highmem. */
enum zonal_zone_type {
	ZONAL_ZONE_DMA,
	ZONAL_ZONE_DMA32,
	ZONAL_ZONE_NORMAL,
	ZONAL_ZONE_MOVABLE,
	ZONAL_ZONE_TYPES
};

/* Migratetypes, in 5.10's number order (row C3). The first three have per-CPU lists. */
enum zonal_migratetype {
	ZONAL_MIGRATE_UNMOVABLE,
	ZONAL_MIGRATE_MOVABLE,
	ZONAL_MIGRATE_RECLAIMABLE,
	ZONAL_MIGRATE_PCPTYPES,
	ZONAL_MIGRATE_HIGHATOMIC = ZONAL_MIGRATE_PCPTYPES,
	ZONAL_MIGRATE_CMA,
	ZONAL_MIGRATE_ISOLATE,
	ZONAL_MIGRATE_TYPES
};

#endif
