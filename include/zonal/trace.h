/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points: what happened to which page, in order, with the names and fields of 5.10's
 * tracefs (kmem, vmscan, compaction, migrate, cma, oom).
 *
 * A point that is off costs the lanes nothing: what they test already sends their requests the
 * long way while somebody traces. One that is on writes a record of 64 bytes into a ring of the
 * CPU that it happens on. Nobody ever waits for a reader: a record for which there is no room is
 * counted as lost.
 *
 *	zonal_trace_attach(mm, cpu, ring, bytes);     once for each CPU
 *	zonal_trace_on(mm, ZONAL_TRACE_BIT(PAGE_ALLOC) | ZONAL_TRACE_BIT(PAGE_FREE));
 *	...
 *	while (zonal_trace_read(mm, cpu, &record, 1)) ...
 *	zonal_trace_on(mm, 0);
 */
#ifndef ZONAL_TRACE_H
#define ZONAL_TRACE_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/*
 * id, name, fields, as 5.10's `format` files name them. A field stands for 32 bits: fields that end
 * in "pfn" and zone_start and zone_end are frame numbers, those that begin with "gfp" gfp words,
 * and all others signed. "comm" is a name, 16 bytes in four of them. What 5.10 shows besides has
 * no meaning here: addresses of structures, and in mm_vmscan_lru_shrink_inactive nr_congested.
 *
 * The last four are ours. With mm_page_free they are all that changes which frame is given next, so
 * that a run can be played again from the state that it began in: a request with its node, its
 * nodemask in two halves and its task's standing; a piece of a drain; a page on and off its
 * owner's list; and that something else happened, which is not told in full.
 */
#define ZONAL_TRACE_TABLE(POINT)                                                                   \
	POINT(PAGE_ALLOC, "mm_page_alloc", "pfn order migratetype gfp_flags")                      \
	POINT(ZONE_LOCKED, "mm_page_alloc_zone_locked", "pfn order migratetype percpu_refill")     \
	POINT(PAGE_FREE, "mm_page_free", "pfn order")                                              \
	POINT(FREE_BATCHED, "mm_page_free_batched", "pfn order")                                   \
	POINT(PCPU_DRAIN, "mm_page_pcpu_drain", "pfn order migratetype")                           \
	POINT(EXTFRAG, "mm_page_alloc_extfrag",                                                    \
	      "pfn alloc_order fallback_order pageblock_order alloc_migratetype "                  \
	      "fallback_migratetype fragmenting change_ownership")                                 \
	POINT(KSWAPD_SLEEP, "mm_vmscan_kswapd_sleep", "nid")                                       \
	POINT(KSWAPD_WAKE, "mm_vmscan_kswapd_wake", "nid zid order")                               \
	POINT(KSWAPD_ASKED, "mm_vmscan_wakeup_kswapd", "nid zid order gfp_flags")                  \
	POINT(RECLAIM_BEGIN, "mm_vmscan_direct_reclaim_begin", "order gfp_flags")                  \
	POINT(RECLAIM_END, "mm_vmscan_direct_reclaim_end", "nr_reclaimed")                         \
	POINT(GROUP_BEGIN, "mm_vmscan_memcg_reclaim_begin", "order gfp_flags")                     \
	POINT(GROUP_END, "mm_vmscan_memcg_reclaim_end", "nr_reclaimed")                            \
	POINT(NEAR_BEGIN, "mm_vmscan_node_reclaim_begin", "nid order gfp_flags")                   \
	POINT(NEAR_END, "mm_vmscan_node_reclaim_end", "nr_reclaimed")                              \
	POINT(LRU_ISOLATE, "mm_vmscan_lru_isolate",                                                \
	      "highest_zoneidx order nr_requested nr_scanned nr_skipped nr_taken "                 \
	      "isolate_mode lru")                                                                  \
	POINT(WRITEPAGE, "mm_vmscan_writepage", "pfn reclaim_flags")                               \
	POINT(SHRINK_INACTIVE, "mm_vmscan_lru_shrink_inactive",                                    \
	      "nid nr_scanned nr_reclaimed nr_dirty nr_writeback nr_immediate "                    \
	      "nr_activate_anon nr_activate_file nr_ref_keep nr_unmap_fail priority "              \
	      "reclaim_flags")                                                                     \
	POINT(SHRINK_ACTIVE, "mm_vmscan_lru_shrink_active",                                        \
	      "nid nr_taken nr_active nr_deactivated nr_referenced priority reclaim_flags")        \
	POINT(INACTIVE_IS_LOW, "mm_vmscan_inactive_list_is_low",                                   \
	      "nid reclaim_idx total_inactive inactive total_active active ratio "                 \
	      "reclaim_flags")                                                                     \
	POINT(SLAB_BEGIN, "mm_shrink_slab_start",                                                  \
	      "nid nr_objects_to_shrink gfp_flags cache_items delta total_scan priority")          \
	POINT(SLAB_END, "mm_shrink_slab_end", "nid unused_scan new_scan retval total_scan")        \
	POINT(TRY_COMPACT, "mm_compaction_try_to_compact_pages", "order gfp_mask prio")            \
	POINT(COMPACT_BEGIN, "mm_compaction_begin",                                                \
	      "zone_start migrate_pfn free_pfn zone_end sync")                                     \
	POINT(COMPACT_END, "mm_compaction_end",                                                    \
	      "zone_start migrate_pfn free_pfn zone_end sync status")                              \
	POINT(COMPACT_USED, "mm_compaction_isolate_migratepages",                                  \
	      "start_pfn end_pfn nr_scanned nr_taken")                                             \
	POINT(COMPACT_FREE, "mm_compaction_isolate_freepages",                                     \
	      "start_pfn end_pfn nr_scanned nr_taken")                                             \
	POINT(COMPACT_MOVED, "mm_compaction_migratepages", "nr_migrated nr_failed")                \
	POINT(COMPACT_FINISHED, "mm_compaction_finished", "nid idx order ret")                     \
	POINT(COMPACT_SUITABLE, "mm_compaction_suitable", "nid idx order ret")                     \
	POINT(COMPACT_DEFERRED, "mm_compaction_deferred",                                          \
	      "nid idx order considered defer_shift order_failed")                                 \
	POINT(COMPACT_DEFER, "mm_compaction_defer_compaction",                                     \
	      "nid idx order considered defer_shift order_failed")                                 \
	POINT(COMPACT_RESET, "mm_compaction_defer_reset",                                          \
	      "nid idx order considered defer_shift order_failed")                                 \
	POINT(KCOMPACTD_SLEEP, "mm_compaction_kcompactd_sleep", "nid")                             \
	POINT(KCOMPACTD_WAKE, "mm_compaction_kcompactd_wake", "nid order highest_zoneidx")         \
	POINT(KCOMPACTD_ASKED, "mm_compaction_wakeup_kcompactd", "nid order highest_zoneidx")      \
	POINT(MIGRATE, "mm_migrate_pages",                                                         \
	      "succeeded failed thp_succeeded thp_failed thp_split mode reason")                   \
	POINT(CMA_ALLOC, "cma_alloc", "pfn count align")                                           \
	POINT(CMA_RELEASE, "cma_release", "pfn count")                                             \
	POINT(RETRY, "reclaim_retry_zone",                                                         \
	      "node zone_idx order reclaimable available min_wmark no_progress_loops "             \
	      "wmark_check")                                                                       \
	POINT(COMPACT_RETRY, "compact_retry", "order priority result retries max_retries ret")     \
	POINT(OOM_ADJ, "oom_score_adj_update", "pid comm oom_score_adj")                           \
	POINT(OOM_VICTIM, "mark_victim", "pid")                                                    \
	POINT(OOM_REAPER, "wake_reaper", "pid")                                                    \
	POINT(OOM_REAP_BEGIN, "start_task_reaping", "pid")                                         \
	POINT(OOM_REAP_END, "finish_task_reaping", "pid")                                          \
	POINT(OOM_REAP_SKIP, "skip_task_reaping", "pid")                                           \
	POINT(CALL_ALLOC, "zonal_call_alloc",                                                      \
	      "pfn order gfp_flags nid mask mask_high standing")                                   \
	POINT(CALL_DRAIN, "zonal_call_drain", "nid zid cpu type give left count")                  \
	POINT(CALL_LIST, "zonal_call_list", "pfn listed")                                          \
	POINT(CALL_OTHER, "zonal_call_other", "what nid zid")

#define ZONAL_TRACE_ID(id, name, fields) ZONAL_TRACE_##id,
enum zonal_trace_point { ZONAL_TRACE_TABLE(ZONAL_TRACE_ID) ZONAL_TRACE_POINTS };
#undef ZONAL_TRACE_ID
#define ZONAL_TRACE_BIT(id) ((uint64_t)1 << ZONAL_TRACE_##id)

#define ZONAL_TRACE_FIELDS 12

/* Bits of reclaim_flags. */
#define ZONAL_TRACE_WB_ANON 0x1u
#define ZONAL_TRACE_WB_FILE 0x2u
#define ZONAL_TRACE_WB_ASYNC 0x8u

/* Bits of "standing": the flags of a task that matter to a request, and where it was made. */
#define ZONAL_CALL_REALTIME 0x1u
#define ZONAL_CALL_MEMALLOC 0x2u
#define ZONAL_CALL_NOCMA 0x4u
#define ZONAL_CALL_IRQ 0x8u
#define ZONAL_CALL_VICTIM 0x10u
#define ZONAL_CALL_CPUSET 0x20u /* the nodes of its cpuset are not in the mask */

/* "what" of zonal_call_other. */
enum zonal_call_other {
	ZONAL_OTHER_HIGHATOMIC, /* a reserved pageblock was given back */
	ZONAL_OTHER_BOOST,      /* a zone's boost was taken off */
	ZONAL_OTHER_MARKS,      /* watermarks were computed anew */
	ZONAL_OTHER_ISOLATED,   /* a pageblock was isolated, or is back */
	ZONAL_OTHER_CARVED,     /* a block left the lists by name: moving, CMA, ranges, reports */
	ZONAL_OTHERS,
};

struct zonal_trace_record {
	uint64_t time_ns;
	uint16_t point; /* enum zonal_trace_point */
	uint16_t cpu;
	uint32_t task;  /* zonal_port_task_id(), 0 where there is none */
	uint32_t field[ZONAL_TRACE_FIELDS]; /* as the table names them */
};
ZONAL_STATIC_ASSERT(sizeof(struct zonal_trace_record) == 64, "eight words");

/* Its name, and its fields with a blank between; "?" for what is no point. */
const char *zonal_trace_name(unsigned point);
const char *zonal_trace_fields(unsigned point);

/*
 * Give CPU `cpu` its ring: as many records as `bytes` hold, rounded down to a power of two, at
 * least two. It is the instance's for good. Returns 0; ZONAL_EINVAL, logged: no such CPU, it has
 * one, too small. Context: boot or task, one caller at a time, while the points are off.
 */
int zonal_trace_attach(struct zonal *mm, unsigned cpu, void *ring, size_t bytes) ZONAL_MUST_USE;
/* Has it one? */
bool zonal_trace_attached(const struct zonal *mm, unsigned cpu);

/* From now on these points are on, and no others; 0: all are off. What is in the rings stays.
 * A CPU without a ring loses all of its records. Context: any, one caller at a time. */
void zonal_trace_on(struct zonal *mm, uint64_t points);
/* Those that are. Any context. */
uint64_t zonal_trace_points(const struct zonal *mm);

/* The oldest records of a CPU, at most `max`, out of its ring. Returns how many. One reader of a
 * CPU at a time. Any context. */
size_t zonal_trace_read(struct zonal *mm, unsigned cpu, struct zonal_trace_record *out,
			size_t max);
/* The oldest record of a CPU, left where it is. False: there is none. The reader, as above. */
bool zonal_trace_peek(struct zonal *mm, unsigned cpu, struct zonal_trace_record *out);
/* Records of that CPU for which there was no room, so far. Any context. */
uint64_t zonal_trace_lost(const struct zonal *mm, unsigned cpu);

ZONAL_END_DECLS

#endif
