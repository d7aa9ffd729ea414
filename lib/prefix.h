/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names that the sources of the tree write, with the prefix that they have as symbols.
 *
 * The sources use short names, since nobody else is in the room. A program that links the
 * core must not find its own `kprintf` or `zone_take` taken, so the compiler sees each of those
 * that files of mm/ and lib/ share with zn_ in front, the port's hooks with zonal_ in front, and
 * what the public headers bring by its own name (<zonal/short_names.h>). The Makefile includes
 * this file before every source (a foreign build of them does the same: -include lib/prefix.h);
 * it holds nothing but macros for assembly, which it is included before as well.
 * tools/check_symbols.sh finds what is missing.
 */
#ifndef LIB_PREFIX_H
#define LIB_PREFIX_H

/* In this tree a size may be set by its short name too: -DMAX_ORDER=12. */
#if defined(PAGE_SHIFT) && !defined(ZONAL_PAGE_SHIFT)
#define ZONAL_PAGE_SHIFT PAGE_SHIFT
#endif
#if defined(MAX_ORDER) && !defined(ZONAL_MAX_ORDER)
#define ZONAL_MAX_ORDER MAX_ORDER
#endif
#if defined(PAGEBLOCK_ORDER) && !defined(ZONAL_PAGEBLOCK_ORDER)
#define ZONAL_PAGEBLOCK_ORDER PAGEBLOCK_ORDER
#endif
#if defined(SECTION_SHIFT) && !defined(ZONAL_SECTION_SHIFT)
#define ZONAL_SECTION_SHIFT SECTION_SHIFT
#endif

#include <zonal/short_names.h>

#include "base.h"

/* <zonal/port.h> */
#define lane_clear zn_lane_clear
#define lane_elsewhere zn_lane_elsewhere
#define policy_interleave_peek zn_policy_interleave_peek
#define port_cpu zonal_port_cpu
#define port_irqflags_t zonal_port_irqflags_t
#define port_irq_save zonal_port_irq_save
#define port_irq_restore zonal_port_irq_restore
#define port_irqs_masked zonal_port_irqs_masked
#define port_this_cpu zonal_port_this_cpu
#define port_relax zonal_port_relax
#define port_time_ns zonal_port_time_ns
#define port_call_cpu zonal_port_call_cpu
#define port_backtrace zonal_port_backtrace
#define port_task_id zonal_port_task_id
#define port_kswapd_wake zonal_port_kswapd_wake
#define port_kcompactd_wake zonal_port_kcompactd_wake
#define port_nap zonal_port_nap
#define port_give_way zonal_port_give_way
#define port_injected zonal_port_injected

/* mm/ and lib/ among themselves */
#define age_anon zn_age_anon
#define alloc_by_policy zn_alloc_by_policy
#define alloc_request zn_alloc_request
#define alloc_slow zn_alloc_slow
#define block_set_type zn_block_set_type
#define buddy_carve zn_buddy_carve
#define buddy_first zn_buddy_first
#define buddy_head zn_buddy_head
#define buddy_move zn_buddy_move
#define buddy_move_all zn_buddy_move_all
#define buddy_put_single zn_buddy_put_single
#define buddy_put_type zn_buddy_put_type
#define buddy_recount zn_buddy_recount
#define buddy_take zn_buddy_take
#define buddy_take_run zn_buddy_take_run
#define buddy_unboost zn_buddy_unboost
#define check_found zn_check_found
#define check_node_lists zn_check_node_lists
#define check_zone_lists zn_check_zone_lists
#define compact_block zn_compact_block
#define compact_defer zn_compact_defer
#define compact_defer_reset zn_compact_defer_reset
#define compact_deferred zn_compact_deferred
#define compact_for zn_compact_for
#define compact_forget_hints zn_compact_forget_hints
#define compact_index zn_compact_index
#define compact_init zn_compact_init
#define compact_kswapd_sleeps zn_compact_kswapd_sleeps
#define compact_ready zn_compact_ready
#define compact_release zn_compact_release
#define compact_restarts zn_compact_restarts
#define compact_retry_worth zn_compact_retry_worth
#define compact_mark zn_compact_mark
#define compact_score zn_compact_score
#define compact_set_skip zn_compact_set_skip
#define compact_skips zn_compact_skips
#define compact_suitable zn_compact_suitable
#define compact_take_used zn_compact_take_used
#define compact_target zn_compact_target
#define compact_unused zn_compact_unused
#define compact_zone zn_compact_zone
#define compound_break zn_compound_break
#define compound_build zn_compound_build
#define config_check zn_config_check
#define config_parts zn_config_parts
#define console_set_sink zn_console_set_sink
#define console_write_default zn_console_write_default
#define contents_freed zn_contents_freed
#define contents_gates zn_contents_gates
#define contents_taken zn_contents_taken
#define contig_take zn_contig_take
#define cpu_count_of zn_cpu_count_of
#define cpu_node_of zn_cpu_node_of
#define cpu_ring_bytes zn_cpu_ring_bytes
#define cpu_ring_slots zn_cpu_ring_slots
#define cpuset_apply zn_cpuset_apply
#define deferred_choose zn_deferred_choose
#define deferred_go_on zn_deferred_go_on
#define deferred_grow_zone zn_deferred_grow_zone
#define deferred_hold zn_deferred_hold
#define deferred_reach_pfn zn_deferred_reach_pfn
#define deferred_waits zn_deferred_waits
#define deferred_wanted zn_deferred_wanted
#define drain_batch zn_drain_batch
#define drain_here zn_drain_here
#define failure_injected zn_failure_injected
#define failure_record zn_failure_record
#define failure_group zn_failure_group
#define failure_refuse zn_failure_refuse
#define first_zone zn_first_zone
#define fit_carve zn_fit_carve
#define fit_first_used zn_fit_first_used
#define fit_prepare zn_fit_prepare
#define fit_put_back zn_fit_put_back
#define gate_set zn_gate_set
#define group_add zn_group_add
#define group_charge_page zn_group_charge_page
#define group_cpu_dead zn_group_cpu_dead
#define group_force zn_group_force
#define group_free zn_group_free
#define group_free_rest zn_group_free_rest
#define group_inherit zn_group_inherit
#define group_mark zn_group_mark
#define group_move zn_group_move
#define group_next zn_group_next
#define group_order_add zn_group_order_add
#define group_order_remove zn_group_order_remove
#define group_split zn_group_split
#define group_store_put zn_group_store_put
#define group_store_take zn_group_store_take
#define group_sub zn_group_sub
#define group_within zn_group_within
#define highatomic_forget zn_highatomic_forget
#define highatomic_in_blocks zn_highatomic_in_blocks
#define highatomic_reserve zn_highatomic_reserve
#define highatomic_unreserve zn_highatomic_unreserve
#define inactive_is_low zn_inactive_is_low
#define init_lists zn_init_lists
#define instance_check zn_instance_check
#define instance_plain_frees zn_instance_plain_frees
#define kcompactd_ask zn_kcompactd_ask
#define kprintf zn_kprintf
#define kswapd_ask zn_kswapd_ask
#define kswapd_serves zn_kswapd_serves
#define kswapd_wake zn_kswapd_wake
#define kswapd_watch zn_kswapd_watch
#define kvprintf zn_kvprintf
#define lock_rank_allows zn_lock_rank_allows
#define lock_rank_dropped zn_lock_rank_dropped
#define lock_rank_mine zn_lock_rank_mine
#define lock_rank_taken zn_lock_rank_taken
#define lock_rank_text zn_lock_rank_text
#define lock_rank_wanted zn_lock_rank_wanted
#define lock_stat_begin zn_lock_stat_begin
#define lock_stat_dropped zn_lock_stat_dropped
#define lock_stat_lost zn_lock_stat_lost
#define lock_stat_taken zn_lock_stat_taken
#define lock_stat_way zn_lock_stat_way
#define lru_free_isolated zn_lru_free_isolated
#define lru_isolate zn_lru_isolate
#define lru_isolate_these zn_lru_isolate_these
#define lru_link zn_lru_link
#define lru_put_back zn_lru_put_back
#define lru_sum_of_groups zn_lru_sum_of_groups
#define lru_unlink zn_lru_unlink
#define mark_gap zn_mark_gap
#define mark_min_free_kbytes zn_mark_min_free_kbytes
#define meta_close zn_meta_close
#define meta_open zn_meta_open
#define meta_take zn_meta_take
#define meta_take_filled zn_meta_take_filled
#define meta_take_map zn_meta_take_map
#define min_free_check zn_min_free_check
#define min_free_most zn_min_free_most
#define mm_unannounced_cpu zn_mm_unannounced_cpu
#define mm_unknown_cpu zn_mm_unknown_cpu
#define mobility_has zn_mobility_has
#define mobility_move_block zn_mobility_move_block
#define mobility_note_large zn_mobility_note_large
#define mobility_steal_block zn_mobility_steal_block
#define mobility_take zn_mobility_take
#define mobility_take_singles zn_mobility_take_singles
#define movable_plan zn_movable_plan
#define move_pages zn_move_pages
#define move_put_back zn_move_put_back
#define move_take zn_move_take
#define move_take_some zn_move_take_some
#define move_why_name zn_move_why_name
#define node_balanced zn_node_balanced
#define node_boost zn_node_boost
#define node_build_zonelists zn_node_build_zonelists
#define node_order_of zn_node_order_of
#define node_reclaim_helps zn_node_reclaim_helps
#define node_takes_dirty zn_node_takes_dirty
#define numa_stat_of zn_numa_stat_of
#define number_list zn_number_list
#define number_read zn_number_read
#define number_read_all zn_number_read_all
#define number_read_bytes zn_number_read_bytes
#define online_expect zn_online_expect
#define oom_choose zn_oom_choose
#define oom_constrain zn_oom_constrain
#define oom_in_group zn_oom_in_group
#define oom_make_room zn_oom_make_room
#define oom_report zn_oom_report
#define oom_victim_gone zn_oom_victim_gone
#define oom_walk_begins zn_oom_walk_begins
#define oom_watch zn_oom_watch
#define page_check_block zn_page_check_block
#define page_check_free zn_page_check_free
#define page_check_pcp zn_page_check_pcp
#define page_check_take zn_page_check_take
#define page_may_report zn_page_may_report
#define page_owner_free zn_page_owner_free
#define page_owner_free_rest zn_page_owner_free_rest
#define page_owner_init zn_page_owner_init
#define page_owner_read zn_page_owner_read
#define page_owner_set zn_page_owner_set
#define page_owner_split zn_page_owner_split
#define page_owner_start zn_page_owner_start
#define page_owner_tally zn_page_owner_tally
#define page_prepare_rest zn_page_prepare_rest
#define page_report_get zn_page_report_get
#define page_report_misuse zn_page_report_misuse
#define page_state_name zn_page_state_name
#define pagemap_each_section zn_pagemap_each_section
#define pagemap_fill zn_pagemap_fill
#define pagemap_fill_part zn_pagemap_fill_part
#define pagemap_find_run zn_pagemap_find_run
#define pagemap_place zn_pagemap_place
#define pagemap_sections zn_pagemap_sections
#define pagemap_write zn_pagemap_write
#define pcp_announce zn_pcp_announce
#define pcp_batch_of zn_pcp_batch_of
#define pcp_bulk_free zn_pcp_bulk_free
#define pcp_give zn_pcp_give
#define pcp_refill zn_pcp_refill
#define pcp_refill_rest zn_pcp_refill_rest
#define pcp_ring_slots zn_pcp_ring_slots
#define pcp_set_sizes zn_pcp_set_sizes
#define pcp_setup zn_pcp_setup
#define pcp_size_of zn_pcp_size_of
#define policy_alloc_interleave zn_policy_alloc_interleave
#define policy_bind_mask zn_policy_bind_mask
#define policy_copy zn_policy_copy
#define policy_interleave_next zn_policy_interleave_next
#define policy_offset_node zn_policy_offset_node
#define policy_read zn_policy_read
#define policy_rebind zn_policy_rebind
#define policy_unusual zn_policy_unusual
#define range_can_leave zn_range_can_leave
#define range_isolate zn_range_isolate
#define range_unisolate zn_range_unisolate
#define reclaim_direct zn_reclaim_direct
#define reclaim_for zn_reclaim_for
#define reclaim_group zn_reclaim_group
#define reclaim_groups_begin zn_reclaim_groups_begin
#define reclaim_groups_bytes zn_reclaim_groups_bytes
#define reclaim_init zn_reclaim_init
#define reclaim_wait zn_reclaim_wait
#define release_later zn_release_later
#define release_memory zn_release_memory
#define release_next zn_release_next
#define release_range zn_release_range
#define reserved_check zn_reserved_check
#define retry_worth zn_retry_worth
#define setup_lowmem_reserve zn_setup_lowmem_reserve
#define setup_stat_thresholds zn_setup_stat_thresholds
#define setup_zone_marks zn_setup_zone_marks
#define shrink_active zn_shrink_active
#define shrink_inactive zn_shrink_inactive
#define shrink_node zn_shrink_node
#define shrink_objects zn_shrink_objects
#define shuffle_memory zn_shuffle_memory
#define side_map_add zn_side_map_add
#define side_map_init zn_side_map_init
#define stack_depot_bytes zn_stack_depot_bytes
#define stack_depot_init zn_stack_depot_init
#define stack_depot_save zn_stack_depot_save
#define stat_threshold_of zn_stat_threshold_of
#define swap_has_room zn_swap_has_room
#define take_note_boost zn_take_note_boost
#define text_keep_add zn_text_keep_add
#define text_keep_lost zn_text_keep_lost
#define text_keep_read zn_text_keep_read
#define trace_lists zn_trace_lists
#define trace_write zn_trace_write
#define tune_lists zn_tune_lists
#define vm_event_name zn_vm_event_name
#define walk_zones zn_walk_zones
#define zone_boost zn_zone_boost
#define zone_mark_ok zn_zone_mark_ok
#define zone_mark_ok_with zn_zone_mark_ok_with
#define zone_of_range zn_zone_of_range
#define zone_reclaimable zn_zone_reclaimable
#define zone_request_ok zn_zone_request_ok
#define zone_short_pages zn_zone_short_pages
#define zone_take zn_zone_take
#define zone_unboost zn_zone_unboost
#define zone_update_floor zn_zone_update_floor
#define zones_extent zn_zones_extent
#define zones_layout zn_zones_layout
#define zones_make zn_zones_make
#define zones_part zn_zones_part
#define zones_piece zn_zones_piece

#endif
