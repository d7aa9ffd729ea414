/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory nodes of the device tree (row I8).
 *
 * A memory node is a child of the root whose device_type is "memory", whatever its
 * name: boards call it memory, memory@0 or secram@e000000, and have decoys named
 * memory-controller@ or memory-numa@0. Its ranges are `linux,usable-memory`, or
 * else `reg`, in the root's cells. Several nodes, several ranges a node, in any
 * order; the first one to describe an address sets nothing but that it is RAM,
 * the node ids come later (topology_numa.c).
 *
 * Rules, as 5.10 has them:
 *   - size 0 is no range; cells that are left over at the end are not read;
 *   - a range shrinks to whole pages, start up and end down, before it is
 *     added, so that two half pages of two ranges do not make a page;
 *   - a range that passes 2^64 is cut at 2^64 - 1, and then loses its last page;
 *   - what lies at or above 2^48 is not RAM.
 *
 * Two deliberate deviations. 5.10 takes a memory node whose status is "disabled"
 * (mended in 5.18.3); QEMU's secure=on boards have such a node for memory that
 * only EL3 may touch, so we refuse it. And 5.10 takes memory nodes at any depth,
 * but counts their cells as if they were children of the root; we take children of
 * the root only, which is what the standard allows.
 */
#include "topology_internal.h"

#include "lib/assert.h"

/* One range of a memory node: shrink, clip, add. */
static void memory_add(struct topology *t, const struct topology_span *span, unsigned flags)
{
	const uint64_t top = 1ull << TOPOLOGY_ADDRESS_BITS;
	uint64_t end = span->start + ranges_clip(span->start, span->size);
	uint64_t first = align_up(span->start, PAGE_SIZE);
	struct topology_span pages = *span;

	if (end - span->start < span->size)
		topology_note_span(t, span, "a range must end by 2^64 - 1; it is cut there");
	if (end > top)
		topology_note_span(t, span, "memory at 2^48 and above is not used");
	end = align_down(ZN_MIN(end, top), PAGE_SIZE);
	/* Rounding up wraps to 0 in the last page below 2^64. */
	if (first < span->start || first >= end) {
		if (span->start < top)
			topology_note_span(t, span, "a range must hold a whole page");
		return;
	}
	ASSERT(!((first | end) & (PAGE_SIZE - 1)) && end <= top, "0x%llx to 0x%llx",
	       (unsigned long long)first, (unsigned long long)end);
	pages.start = first;
	pages.size = end - first;
	if (!ranges_add(t->memory, first, end - first, NODE_NONE, 0))
		topology_note_span(t, span, RULE_RANGES_FULL);
	topology_set_flags(t, &pages, flags);
	ranges_merge(t->memory);
}

static void memory_read_node(struct topology *t, int node)
{
	const unsigned tuple = (t->addr_cells + t->size_cells) * 4;
	struct topology_span span = { .node = node, .prop = "linux,usable-memory" };
	struct topology_prop prop = topology_prop(t, node, span.prop);
	unsigned flags = topology_prop(t, node, "hotpluggable").at ? BOOT_HOTPLUG : 0;

	if (!prop.at) {
		span.prop = "reg";
		prop = topology_prop(t, node, span.prop);
	}
	if (prop.bytes % tuple)
		topology_note(t, node, span.prop,
			      "its length must be a multiple of the root's cells", "%u bytes",
			      prop.bytes);
	for (; prop.bytes >= tuple; prop.at += tuple, prop.bytes -= tuple) {
		span.start = topology_cells(prop.at, t->addr_cells);
		span.size = topology_cells(prop.at + t->addr_cells * 4, t->size_cells);
		if (span.size)
			memory_add(t, &span, flags);
	}
}

void topology_read_memory(struct topology *t)
{
	int node;

	topology_for_each_child(t, node, 0) {
		if (!topology_is(t, node, "device_type", "memory"))
			continue;
		if (!topology_available(t, node)) {
			topology_note(t, node, "status",
				      "memory must be okay to be used; it is left alone",
				      "not okay");
			continue;
		}
		memory_read_node(t, node);
	}
}
