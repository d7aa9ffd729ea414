# SPDX-License-Identifier: BSD-2-Clause
"""Locks, masks and orderings broken one at a time, as edits of this tree; see bugs.py.

unseen="reason" marks those that no run on a strongly ordered host can show; the models
and litmus files of test/models/ look at these.
"""

bug(101, "lock", "lock_take: acquire -> relaxed",
    "lib/lock_ticket.h",
    "while (unlikely(ld_acquire(&lock->owner) != ticket))",
    "while (unlikely(ld_relaxed(&lock->owner) != ticket))")

bug(102, "lock", "lock_drop: release -> relaxed",
    "lib/lock_ticket.h",
    "st_release(&lock->owner, (uint16_t)(ld_relaxed_u16(&lock->owner) + 1));",
    "st_relaxed(&lock->owner, (uint16_t)(ld_relaxed_u16(&lock->owner) + 1));")

bug(103, "lock", "lock_try: acquire -> relaxed",
    "lib/lock_ticket.h",
    "\tuint16_t ticket = ld_acquire(&lock->owner);",
    "\tuint16_t ticket = ld_relaxed(&lock->owner);",
    "lib/lock_ticket.h",
    "(uint16_t)(ticket + 1),\n\t\t\t\t\t\t       memory_order_acquire,",
    "(uint16_t)(ticket + 1),\n\t\t\t\t\t\t       memory_order_relaxed,")

bug(104, "lock", "lock_take does not wait",
    "lib/lock_ticket.h",
    """	while (unlikely(ld_acquire(&lock->owner) != ticket)) {
		port_relax();""",
    "\tif (unlikely(ld_acquire(&lock->owner) != ticket)) {")

bug(105, "refs", "drop of a reference: acq_rel -> relaxed",
    "lib/atomic.h",
    "#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)",
    "#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_relaxed)")

bug(106, "refs", "drop of a reference: acq_rel -> release",
    "lib/atomic.h",
    "#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)",
    "#define fetch_sub_acq_rel(p, v) atomic_fetch_sub_explicit(p, v, memory_order_release)")

bug(107, "seq", "writer: releases -> relaxed",
    "mm/cpuset.c",
    "\tst_release(&task->mems_allowed, old | nodes);",
    "\tst_relaxed(&task->mems_allowed, old | nodes);",
    "mm/cpuset.c",
    "\tst_release(&task->mems_allowed, nodes);",
    "\tst_relaxed(&task->mems_allowed, nodes);",
    unseen="`test/models/mems.pml`, BUG_WRITER_WITHOUT_RELEASES")

bug(108, "seq", "reader: second acquire -> relaxed",
    "mm/cpuset.h",
    "pass->cpuset = ld_acquire(&task->mems_allowed);",
    "pass->cpuset = ld_relaxed(&task->mems_allowed);",
    unseen="`test/models/mems.pml`, BUG_MASK_WITHOUT_ACQUIRE")

bug(109, "seq", "count not made odd",
    "mm/cpuset.h",
    "&task->mems_seq, &seq, seq + 1,",
    "&task->mems_seq, &seq, seq,")

bug(110, "drain", "a dead CPU's lists are emptied unmasked",
    "mm/drain.c",
    """			port_irqflags_t irq = port_irq_save();

			drain_piece(&drain);""",
    """			port_irqflags_t irq = port_irqs_masked();

			drain_piece(&drain);""")

bug(111, "drain", "drain empties the lists of other CPUs itself",
    "mm/on_cpu.h",
    "bool here = port_this_cpu()->id == c;",
    "bool here = true;")

bug(112, "drain", "a piece of a drain is not masked",
    "mm/on_cpu.h",
    """	port_irqflags_t irq = port_irq_save();
	bool here""",
    """	port_irqflags_t irq = port_irqs_masked();
	bool here""")

bug(113, "pcp", "fast lane does not mask",
    "mm/lane.c",
    """static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();""",
    """static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irqs_masked();""")

bug(114, "pcp", "free_single does not mask",
    "mm/free.c",
    """	port_irqflags_t irq = port_irq_save();
	unsigned type = page_block_type(page);""",
    """	port_irqflags_t irq = port_irqs_masked();
	unsigned type = page_block_type(page);""")

bug(115, "zone lock", "block lane takes without the lock",
    "mm/lane.c",
    """	lock_take(&zone->lock);
	page = buddy_take_by(zone, map, order, type);
	lock_drop(&zone->lock);""",
    "\tpage = buddy_take_by(zone, map, order, type);")

bug(116, "zone lock", "refill without the lock",
    "mm/refill.c",
    """		lock_take(&zone->lock);
		cma = (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
		count = mobility_take_singles(zone, type, flags, ring->slot, pcp->batch);
		lock_drop(&zone->lock);
""",
    """		cma = (flags & ALLOC_CMA) && ld_relaxed(&zone->free_cma);
		count = mobility_take_singles(zone, type, flags, ring->slot, pcp->batch);
""")

bug(117, "zone lock", "bulk free without the lock",
    "mm/pcp.c",
    """	lock_take(&zone->lock);
	if (unlikely(zone->isolated_blocks))
		expected |= EXPECT_NONE;
	for (uint32_t todo""",
    """	if (unlikely(zone->isolated_blocks))
		expected |= EXPECT_NONE;
	for (uint32_t todo""",
    "mm/pcp.c",
    """		todo -= some;
	}
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);""",
    """		todo -= some;
	}
	buddy_unboost_if_free(zone);""")

bug(118, "zone lock", "highatomic_reserve without the lock",
    "mm/highatomic.c",
    """	lock_take(&zone->lock);
	type = page_block_type(page);""",
    "\ttype = page_block_type(page);",
    "mm/highatomic.c",
    """		mobility_move_block(zone, page, MIGRATE_HIGHATOMIC);
	}
	lock_drop(&zone->lock);""",
    """		mobility_move_block(zone, page, MIGRATE_HIGHATOMIC);
	}""")

bug(119, "zone lock", "take_note_boost without the lock",
    "mm/take.c",
    """	lock_take(&zone->lock);
	zone_set_boosted(zone, false);
	lock_drop(&zone->lock);""",
    "\tzone_set_boosted(zone, false);")

bug(120, "zone lock", "set_marks without the lock",
    "mm/marks.c",
    """	lock_take(&zone->lock);
	st_relaxed(&zone->mark[WMARK_MIN], min);""",
    "\tst_relaxed(&zone->mark[WMARK_MIN], min);",
    "mm/marks.c",
    """	st_relaxed(&zone->boost, 0);
	lock_drop(&zone->lock);""",
    "\tst_relaxed(&zone->boost, 0);")

bug(121, "zone lock", "update_floors without the lock",
    "mm/marks.c",
    """		lock_take(&zone->lock);
		zone_update_floor(zone);
		lock_drop(&zone->lock);""",
    "\t\tzone_update_floor(zone);")

bug(122, "zone lock", "put_block without the lock",
    "mm/free.c",
    """	lock_take(&zone->lock);
	buddy_put(zone, page, order, BUDDY_AUTO);
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);""",
    """	buddy_put(zone, page, order, BUDDY_AUTO);
	buddy_unboost_if_free(zone);""")

bug(123, "zone lock", "take_block without the lock",
    "mm/take.c",
    """	lock_take(&zone->lock);
	do {
		if (ZONAL_MOBILITY && req->order""",
    """	do {
		if (ZONAL_MOBILITY && req->order""",
    "mm/take.c",
    """	} while (page && !page_check_block(zone->mm, page, req->order));
	lock_drop(&zone->lock);""",
    "\t} while (page && !page_check_block(zone->mm, page, req->order));")

bug(124, "cpu", "zonal_cpu_online: release -> relaxed",
    "mm/init.c",
    "st_release(&mm->cpu[cpu]->online, 1);",
    "st_relaxed(&mm->cpu[cpu]->online, 1);",
    unseen="no model: each reader looks relaxed, and nothing relies on this release")

bug(125, "sched", "steal_from without the lock",
    "sched/place.c",
    """	lock_take(&victim->lock);
	task = queue_first_for(victim, thief);""",
    "\ttask = queue_first_for(victim, thief);",
    "sched/place.c",
    """		st_release(&task->cpu, thief);
	}
	lock_drop(&victim->lock);""",
    """		st_release(&task->cpu, thief);
	}""")

bug(126, "sched", "place_task: release of task->cpu -> relaxed",
    "sched/place.c",
    "\t\tst_release(&task->cpu, cpu);",
    "\t\tst_relaxed(&task->cpu, cpu);")

bug(127, "sched", "wake_due: no lock round",
    "sched/sched.c",
    """		lock_take(&queue->lock);
		if (sleepers_deadline(queue) > now)""",
    """		lock_take(&queue->lock);
		if (sleepers_deadline(queue) >= now)""")

bug(128, "sched", "idle mask set after the last look (lost wake-up)",
    "sched/place.c",
    """	if (idle)
		atomic_fetch_or(word, bit);""",
    """	if (idle)
		atomic_fetch_or_explicit(word, bit, memory_order_relaxed);""",
    unseen="`test/models/idle.pml`, BUG_BIT_NOT_ORDERED")

bug(129, "B17", "order read before the drop in zonal_put",
    "mm/free.c",
    """	if (fetch_dec_acq_rel(&head->refs) == 1)
		free_last(mm, head);""",
    """	unsigned was = word_block_order(page_word(head));
	if (fetch_dec_acq_rel(&head->refs) == 1)
		free_checked(mm, head, was);""")

bug(130, "B17", "rest given back after the drop",
    "mm/free.c",
    """	if (order && !(page_word(page) & PG_COMP) && ld_relaxed(&page->refs) > 1)
		free_all_but_head(mm, page, order);
	refs = fetch_dec_acq_rel(&page->refs);
""",
    """	refs = fetch_dec_acq_rel(&page->refs);
	if (refs > 1 && order && !(page_word(page) & PG_COMP)) {
		free_all_but_head(mm, page, order);
		return;
	}
""")

bug(131, "mask", "fast lane opens interrupts again",
    "mm/lane.c",
    """static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save();""",
    """static inline struct page *fast_lane(struct zonal *mm, gfp_t gfp)
{
	port_irqflags_t irq = port_irq_save(); port_irq_restore(irq);""")

bug(132, "mask", "free_single opens interrupts again",
    "mm/free.c",
    """	port_irqflags_t irq = port_irq_save();
	unsigned type = page_block_type(page);""",
    """	port_irqflags_t irq = port_irq_save();
	port_irq_restore(irq);
	unsigned type = page_block_type(page);""")

bug(133, "mask", "put_block opens interrupts again (zone lock)",
    "mm/free.c",
    """	port_irqflags_t irq = port_irq_save();
	struct zone *zone = mm->zone[zid];""",
    """	port_irqflags_t irq = port_irq_save(); port_irq_restore(irq);
	struct zone *zone = mm->zone[zid];""")

bug(134, "mask", "zone_take opens interrupts again",
    "mm/take.c",
    """	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm_this_cpu(req->mm);""",
    """	port_irqflags_t irq = port_irq_save(); port_irq_restore(irq);
	struct mm_cpu *cpu = mm_this_cpu(req->mm);""")

bug(135, "seq", "a child copies its nodes in the middle of a change",
    "mm/cpuset_tree.c",
    "\t\tseq = task_read_begin(from);",
    "\t\tseq = ld_acquire(&from->mems_seq);",
    "mm/cpuset_tree.c",
    "\t} while (task_read_again(from, seq));",
    "\t} while (seq == ~0u);")
