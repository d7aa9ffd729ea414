/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of the slow path, counted by CPU under the names of 5.10's /proc/vmstat. What is
 * counted on the fast paths is in struct pcp instead.
 *
 * Those of one class by zone (allocstall, pgskip) lie side by side in the order of enum zone_type.
 */
#ifndef MM_EVENT_H
#define MM_EVENT_H

#include <zonal/types.h>

#define VM_EVENT_TABLE(EVENT)                                                                      \
	EVENT(ALLOCSTALL_DMA, "allocstall_dma")                                                    \
	EVENT(ALLOCSTALL_DMA32, "allocstall_dma32")                                                \
	EVENT(ALLOCSTALL_NORMAL, "allocstall_normal")                                              \
	EVENT(ALLOCSTALL_MOVABLE, "allocstall_movable")                                            \
	EVENT(PGSKIP_DMA, "pgskip_dma")                                                            \
	EVENT(PGSKIP_DMA32, "pgskip_dma32")                                                        \
	EVENT(PGSKIP_NORMAL, "pgskip_normal")                                                      \
	EVENT(PGSKIP_MOVABLE, "pgskip_movable")                                                    \
	EVENT(PGACTIVATE, "pgactivate")                                                            \
	EVENT(PGDEACTIVATE, "pgdeactivate")                                                        \
	EVENT(PGREFILL, "pgrefill")                                                                \
	EVENT(PGSTEAL_KSWAPD, "pgsteal_kswapd")                                                    \
	EVENT(PGSTEAL_DIRECT, "pgsteal_direct")                                                    \
	EVENT(PGSCAN_KSWAPD, "pgscan_kswapd")                                                      \
	EVENT(PGSCAN_DIRECT, "pgscan_direct")                                                      \
	EVENT(PGSCAN_DIRECT_THROTTLE, "pgscan_direct_throttle")                                    \
	EVENT(PGSCAN_ANON, "pgscan_anon")                                                          \
	EVENT(PGSCAN_FILE, "pgscan_file")                                                          \
	EVENT(PGSTEAL_ANON, "pgsteal_anon")                                                        \
	EVENT(PGSTEAL_FILE, "pgsteal_file")                                                        \
	EVENT(OOM_KILL, "oom_kill")                                                                \
	EVENT(ZONE_RECLAIM_FAILED, "zone_reclaim_failed")                                          \
	EVENT(SLABS_SCANNED, "slabs_scanned")                                                      \
	EVENT(KSWAPD_LOW_QUICKLY, "kswapd_low_wmark_hit_quickly")                                  \
	EVENT(KSWAPD_HIGH_QUICKLY, "kswapd_high_wmark_hit_quickly")                                \
	EVENT(PAGEOUTRUN, "pageoutrun")                                                            \
	EVENT(PGROTATED, "pgrotated")                                                              \
	EVENT(PGMIGRATE_SUCCESS, "pgmigrate_success")                                              \
	EVENT(PGMIGRATE_FAIL, "pgmigrate_fail")                                                    \
	EVENT(PSWPIN, "pswpin")                                                                    \
	EVENT(PSWPOUT, "pswpout")                                                                  \
	EVENT(COMPACT_MIGRATE_SCANNED, "compact_migrate_scanned")                                  \
	EVENT(COMPACT_FREE_SCANNED, "compact_free_scanned")                                        \
	EVENT(COMPACT_ISOLATED, "compact_isolated")                                                \
	EVENT(COMPACTSTALL, "compact_stall")                                                       \
	EVENT(COMPACTFAIL, "compact_fail")                                                         \
	EVENT(COMPACTSUCCESS, "compact_success")                                                   \
	EVENT(KCOMPACTD_WAKE, "compact_daemon_wake")                                               \
	EVENT(KCOMPACTD_MIGRATE_SCANNED, "compact_daemon_migrate_scanned")                         \
	EVENT(KCOMPACTD_FREE_SCANNED, "compact_daemon_free_scanned")

#define VM_EVENT_ID(id, text) EVENT_##id,
enum vm_event { VM_EVENT_TABLE(VM_EVENT_ID) VM_EVENTS };
#undef VM_EVENT_ID

/* Its name in 5.10. */
const char *vm_event_name(enum vm_event event);

#endif
