# SPDX-License-Identifier: BSD-2-Clause
"""Bugs that allocators and boot code really had, as edits of this tree.

bug(number, item, title, file, old, new[, file, old, new...]): `old` stands once in the
file and becomes `new`. The item is that of the catalogue: A buddy and free, B mobility
and marks, C concurrency, D policies, E set-up, F and I the device tree. Read by
tools/historic.py. Who changes such a line carries the edit along.
"""

bug(1, "A1", "free with extra reference leaks the tail of a non-compound block (Linux 5.9.2)",
    "mm/free.c",
    """if (order && !(page_word(page) & PG_COMP) && ld_relaxed(&page->refs) > 1)
""",
    """if (0)
""")

bug(2, "A2", "PageHead re-read after the put (CVE-2023-52739)",
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

bug(3, "A4", "order >= MAX_ORDER reaches the hot path",
    "mm/lane.c",
    "likely(order < MAX_ORDER))",
    "1)")

bug(4, "A4b", "order >= MAX_ORDER not refused by the ladder",
    "mm/alloc.c",
    """if (order >= MAX_ORDER)
		return ZSTEP_BAD_ORDER;""",
    """if (order > MAX_ORDER)
		return ZSTEP_BAD_ORDER;""")

bug(5, "A6", "free counter not updated on take-off-buddy (5.10.43)",
    "mm/buddy.c",
    """	count_free(zone, type, -((int64_t)1 << order));
	return true;""",
    "\treturn true;")

bug(6, "A7", "misaligned buddy rebuilt around a page taken out (Xen 71c6a62317)",
    "mm/buddy.c",
    "buddy_list_add(zone, zone->map, page < upper ? upper : head, found, type, false);",
    "buddy_list_add(zone, zone->map, page <= upper ? upper : head, found, type, false);")

bug(7, "A8", "off by one stops the last merge (Xen 5cb7ff13ee)",
    "mm/buddy.c",
    "for (; order < MAX_ORDER - 1; order++, mergeable",
    "for (; order < MAX_ORDER - 2; order++, mergeable")

bug(8, "A9", "reserved page given to the heap with its neighbour (Xen 7d3f8a2a26)",
    "mm/release.c",
    "out->start = last;",
    "out->start = last - 1;")

bug(9, "A10", "merge over a node border (Xen bd0bb8a005)",
    "mm/buddy.c",
    "if ((page_word(buddy) & WORD_ALLOC_MASK) != mergeable)",
    "if ((page_word(buddy) & WORD_ALLOC_MASK & ~WORD_ZID_MASK) != (mergeable & ~WORD_ZID_MASK))")

bug(10, "A10b", "region on two nodes initialised with the first node",
    "mm/pagemap.c",
    "unsigned zid = (unsigned)info->range[i].nid * ZONE_TYPES + t;",
    "unsigned zid = (unsigned)info->range[i && info->range[i-1].start + info->range[i-1].size == info->range[i].start ? i - 1 : i].nid * ZONE_TYPES + t;")

bug(11, "A11", "stale page->private at hand-over (CVE-2026-43303)",
    "mm/take.h",
    """	page->owner[1] = 0;
""",
    "")

bug(12, "A15", "failed call left side effects (Bao ee32428)",
    "mm/policy.c",
    "\tif (error) {",
    """	st_relaxed(&task->policy.mode, (uint8_t)mode);
	if (error) {""")

bug(13, "A16", "only the first page of a block is cleared",
    "mm/take.c",
    "mm->clear(mm->ctx, page->pfn, (size_t)1 << order);",
    "mm->clear(mm->ctx, page->pfn, 1);")

bug(14, "A17", "32-bit page count overflow (XSA-385)",
    "mm/marks.c",
    "\treturn pages << (PAGE_SHIFT - 10);",
    "\treturn (uint32_t)pages << (PAGE_SHIFT - 10);")

bug(15, "A19", "double free not seen at the call",
    "mm/free.c",
    """if (likely(refs == 1))
		free_single(mm, page, zid);
	else
		free_shared""",
    """if (likely(refs <= 1))
		free_single(mm, page, zid);
	else
		free_shared""",
    "mm/free.c",
    """	return likely((word & (WORD_STATE_MASK | WORD_ORDER_MASK | FREE_STOP)) ==
		      word_make(0, PAGE_USED, 0) + (order << WORD_ORDER_SHIFT)) &&""",
    """	return likely((word & (WORD_ORDER_MASK | FREE_STOP)) ==
		      (order << WORD_ORDER_SHIFT)) &&""")

bug(16, "B22", "only the first block of a large buddy is typed (7cc5a5d65011)",
    "mm/mobility.c",
    """			block_set_type(page + i, type);
		}""",
    """			if (!i)
				block_set_type(page + i, type);
		}""")

bug(17, "B23", "reserve not released before giving up (6.1.76)",
    "mm/highatomic.c",
    "if (!force && ld_relaxed",
    "if (ld_relaxed")

bug(18, "B24", "HARDER given without the right flag (6.1.157)",
    "mm/slowpath.c",
    """if (!(gfp & __GFP_NOMEMALLOC))
			flags |= ALLOC_HARDER;""",
    "flags |= ALLOC_HARDER;")

bug(19, "B25", "reserve counter underflow on unreserve",
    "mm/highatomic.c",
    "set_reserved(zone, reserved - ZN_MIN(reserved, RESERVE_PAGES));",
    "set_reserved(zone, reserved - RESERVE_PAGES);")

bug(20, "B25b", "a block counted down that is not highatomic any more",
    "mm/highatomic.c",
    """if (page_block_type(page) == MIGRATE_HIGHATOMIC)
			highatomic_forget(zone);""",
    "highatomic_forget(zone);")

bug(21, "B26", "quick watermark test ignores highatomic (f27ce0e14088)",
    "mm/watermark.c",
    "int64_t base = zone_mark(zone, WMARK_LOW) + ld_relaxed(&zone->highatomic);",
    "int64_t base = zone_mark(zone, WMARK_LOW);")

bug(22, "B26b", "negative usable pages taken as large (5.10.135)",
    "mm/watermark.h",
    "return usable > ld_relaxed(&zone->floor[high_zone]);",
    "return (uint64_t)usable > (uint64_t)ld_relaxed(&zone->floor[high_zone]);")

bug(23, "B26c", "negative usable pages taken as large, full test",
    "mm/watermark.c",
    "if (usable_pages(zone, order, flags) + more <= floor)",
    "if ((uint64_t)usable_pages(zone, order, flags) <= (uint64_t)floor)")

bug(24, "B27", "boost on small zones (5.6.13)",
    "mm/watermark.c",
    "if (!factor || 4 * block > zone_managed(zone))",
    "if (!factor)")

bug(25, "B28", "boost never falls (5.2.10)",
    "mm/marks.c",
    """	st_relaxed(&zone->boost, 0);
""",
    "")

bug(26, "B29", "lowmem reserve counts present, not managed",
    "mm/marks.c",
    "above += zone_managed(&node->zone[j]);",
    "above += (int64_t)node->zone[j].present;")

bug(27, "B29b", "ratio 0 divides",
    "mm/marks.c",
    "ratio && zone_managed(zone) ? above / (int64_t)ratio : 0",
    "zone_managed(zone) ? above / (int64_t)ratio : 0")

bug(28, "B30", "watermark_scale_factor overflow (5.10.186)",
    "mm/marks.c",
    "int64_t by_size = (int64_t)mul_div(managed, scale_factor, 10000);",
    "int64_t by_size = (int64_t)((uint32_t)managed * scale_factor / 10000);")

bug(29, "B32", "zone without managed pages in the list (5.10.94)",
    "mm/node.c",
    """		if (zone_listed(zone))
			list->ref""",
    """		if (zone->present)
			list->ref""")

bug(30, "C33", "remote CPU lists drained without asking it (6.1.104)",
    "mm/on_cpu.h",
    "bool here = port_this_cpu()->id == c;",
    "bool here = true;")

bug(31, "C35", "pages left on a temporary list (6.1.57)",
    "mm/refill.c",
    """		if (!count)
			return NULL;""",
    """		if (count < pcp->batch)
			return NULL;""")

bug(32, "C36", "batch/high computed before the zone is populated (5.3.11)",
    "mm/init.c",
    """	release_memory(mm, config->info);
""",
    """	pcp_setup(mm);
	release_memory(mm, config->info);
""",
    "mm/init.c",
    """	zonal_setup_marks(mm);
	pcp_setup(mm);
""",
    """	zonal_setup_marks(mm);
""")

bug(33, "C41", "release missing on unlock (5.10.237)",
    "lib/lock_ticket.h",
    "st_release(&lock->owner, (uint16_t)(ld_relaxed_u16(&lock->owner) + 1));",
    "st_relaxed(&lock->owner, (uint16_t)(ld_relaxed_u16(&lock->owner) + 1));")

bug(34, "C42", "interrupts not masked in the free path",
    "mm/free.c",
    """	port_irqflags_t irq = port_irq_save();
	struct zone *zone = mm->zone[zid];
""",
    """	struct zone *zone = mm->zone[zid];
""",
    "mm/free.c",
    """	buddy_put(zone, page, order, BUDDY_AUTO);
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);
	port_irq_restore(irq);""",
    """	buddy_put(zone, page, order, BUDDY_AUTO);
	buddy_unboost_if_free(zone);
	lock_drop(&zone->lock);""")

bug(35, "C46", "retry without progress never ends (5.10.215)",
    "mm/slowpath.c",
    """	if (nodemask_cannot_be_meant(l))
		l->pass.nodemask = NODEMASK_ALL;
""",
    "")

bug(36, "C52", "per-CPU pages stranded when a CPU dies",
    "mm/drain.c",
    """		struct drain drain = drain_of(zone, cpu_id);

""",
    """		struct drain drain = { .zone = zone, .cpu = cpu };

""")

bug(37, "D53", "PREFERRED with an empty set (CVE-2020-11565)",
    "mm/policy.c",
    "st_relaxed(&out->local, mode == MPOL_PREFERRED && !nodes);",
    "st_relaxed(&out->local, false);")

bug(38, "D55", "rebind to nothing, then modulo 0 (5.14.6)",
    "mm/policy.c",
    "st_release(&policy->nodes, nodes ? nodes : to);",
    "st_release(&policy->nodes, nodes);")

bug(39, "D56", "illegal flag pair accepted (5.14.15)",
    "mm/policy.c",
    """	if (flags == (MPOL_F_STATIC | MPOL_F_RELATIVE))
		return true;
""",
    "")

bug(40, "D57", "blocks of order > 0 escape the policy (5.10.89)",
    "mm/policy.c",
    "if (view.mode == MPOL_BIND)",
    "if (view.mode == MPOL_BIND && !order)")

bug(41, "D58", "reader of mems_allowed does not retry (e05741fb10c3)",
    "mm/cpuset.h",
    "\t\tpass->cookie = task_read_begin(task);",
    "\t\tpass->cookie = ld_acquire(&task->mems_seq);",
    "mm/cpuset.h",
    "\t} while (task_read_again(task, pass->cookie));",
    "\t} while (0);")

bug(42, "D59", "old nodes go before the new ones are there (2017)",
    "mm/cpuset.c",
    "\tst_release(&task->mems_allowed, old | nodes);",
    "\tst_release(&task->mems_allowed, 0);")

bug(43, "D60", "impossible cpuset never gives up / goes elsewhere (5.10.241)",
    "mm/slowpath.c",
    "|| cpuset_insane(req, pass))",
    ")")

bug(44, "D62", "stale interleave cursor",
    "mm/policy.c",
    """	task->il_prev = ZONAL_MAX_NODES - 1;
""",
    "")

bug(45, "E63", "zonelist skips a zone with no free pages now (5.10.112)",
    "mm/node.c",
    """		if (zone_listed(zone))
			list->ref""",
    """		if (ld_relaxed(&zone->free))
			list->ref""")

bug(46, "E65", "holes between ranges not initialised (5.10.11)",
    "mm/pagemap.c",
    "if (at < start)",
    "if (at < start && at == part.start)")

bug(47, "E66", "ZONE_MOVABLE beyond the node end (5.10.110)",
    "mm/zones.c",
    "high = ZN_MIN(high, node.start + node.spanned);",
    "high = ZN_MIN(high, node.start + node.spanned + 512);")

bug(48, "E67", "pfn in an int (5.10.68)",
    "mm/zones.c",
    "*end = ZN_MIN((r->start + r->size) >> PAGE_SHIFT, zone->start_pfn + zone->spanned);",
    "*end = (pfn_t)(int)ZN_MIN((r->start + r->size) >> PAGE_SHIFT, zone->start_pfn + zone->spanned);")

bug(49, "E72", "nid -1 indexes a table (5.9.5)",
    "mm/alloc.c",
    "if (nid < 0 || nid >= ZONAL_MAX_NODES || !mm->node[nid])",
    "if (nid >= ZONAL_MAX_NODES || !mm->node[nid])")

bug(50, "E75", "second region of a node ignored in the totals",
    "mm/zones.c",
    "node.present += last - first;",
    "node.present = last - first;")

bug(51, "E74", "lane of a memoryless node leads nowhere / to another node",
    "mm/init.c",
    "if (first >= list->count || ref->node != node->id)",
    "if (first >= list->count)")

bug(52, "E77", "overlap test wraps (5.10.87)",
    "board/topology_ranges.c",
    "list.range[i].start < start + ranges_clip(start, size);",
    "list.range[i].start < start + size;")

bug(53, "E78", "end passed as size (memblock_set_node)",
    "board/topology_numa.c",
    "		topology_set_nid(t, &span, nid);",
    "		span.size += span.start;\n		topology_set_nid(t, &span, nid);")

bug(54, "E81", "table exactly full is refused (Xen fc453fef77)",
    "board/topology_ranges.c",
    """if (*list.count == list.max)
		return false;""",
    """if (*list.count + 1 >= list.max)
		return false;""")

bug(55, "E81b", "table overrun by one",
    "board/topology_cpus.c",
    "if (info->cpu_count == ZONAL_MAX_CPUS)",
    "if (info->cpu_count > ZONAL_MAX_CPUS)")

bug(56, "E82", "several free regions, one reservation (seL4 4018ad594)",
    "mm/release.c",
    """		if (last <= out->start)
			continue;""",
    """		if (last < out->start)
			break;""")

bug(57, "E83", "last, partial page of a reservation not rounded out (seL4 23d451947)",
    "board/topology_reserved.c",
    "uint64_t last = align_up(end, PAGE_SIZE);",
    "uint64_t last = align_down(end, PAGE_SIZE);")

bug(58, "F86", "disabled memory used (5.18.3, Xen, U-Boot)",
    "board/topology_memory.c",
    "if (!topology_available(t, node)) {",
    "if (0) {")

bug(59, "F87", "a node named memory@ is taken for RAM (Xen 47d4d3cdc5)",
    "board/topology_memory.c",
    'if (!topology_is(t, node, "device_type", "memory"))',
    'if (!topology_is(t, node, "device_type", "memory") && memcmp(fdt_get_name(t->fdt, node, NULL), "memory@", 7))')

bug(60, "F89", "an empty bank stops the reading (Xen 5a37207df5)",
    "board/topology_memory.c",
    """		if (span.size)
			memory_add""",
    """		if (!span.size)
			break;
		memory_add""")

bug(61, "F90", "only the first range of a node (U-Boot 942ee0933e8)",
    "board/topology_memory.c",
    "for (; prop.bytes >= tuple; prop.at",
    "for (unsigned once = 1; once-- && prop.bytes >= tuple; prop.at")

bug(62, "F91", "cells of the wrong parent (U-Boot f6704c79946)",
    "board/topology_reserved.c",
    "span.size = topology_cells(reg.at + pass->addr_cells * 4, pass->size_cells);",
    "span.size = topology_cells(reg.at + t->addr_cells * 4, t->size_cells);")

bug(63, "F92", "base + size == 2^64 wraps (U-Boot d67f33cf4ee)",
    "board/topology_memory.c",
    "uint64_t end = span->start + ranges_clip(span->start, span->size);",
    "uint64_t end = span->start + span->size;")

bug(64, "F93", "/memreserve/ ignored (Asterinas 3920)",
    "board/topology_reserved.c",
    """		topology_reserve(t, &span, BOOT_FIRMWARE | KEPT);
	}
}

/* An address""",
    """	}
}

/* An address""")

bug(65, "F94", "unterminated reserve map (libfdt 47d7c01)",
    "board/fdt_walk.c",
    '\treturn walk_fail(w, at, w->total - at, "the reserve map must end with an entry of size 0");',
    "\treturn 0;")

bug(66, "F95", "no-map removes what is reserved already (5.10.20)",
    "board/topology_reserved.c",
    """if (ranges_meet(t->reserved, span->start, span->size, KEPT) &&
	    ranges_overlap(t->memory, span->start, span->size)) {""",
    "if (0) {")

bug(67, "F97", "nested reservation loses the outer one's end (U-Boot edb5824be17)",
    "board/topology_ranges.c",
    """		start = range_end(&list.range[i++]);
""",
    """		start = end; (void)i;
""")

bug(68, "libfdt", "property length near 2^32 (libfdt 7359034)",
    "board/fdt_walk.c",
    "if (bytes > left || pad > left - bytes)",
    "if (bytes + pad > left)")

bug(69, "libfdt", "alias leads to an alias (libfdt 79b9e32)",
    "board/fdt_walk.c",
    "\treturn check_alias(w, name, value, length);",
    "\t(void)value; return 0;")

bug(70, "I13", "(a,b) overwrites an explicit (b,a) both ways",
    "board/topology_numa.c",
    """	if (b > a)
		t->info->distance[b][a]""",
    """	if (b != a)
		t->info->distance[b][a]""")
