/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware with a memory map of its own (UEFI), beside the device tree.
 *
 * The tree says which node memory is on; the map says what memory there is. Linux forgets the
 * memory nodes of the tree then, but for their node ids. Here RAM is what both name:
 *
 *   - what the tree names and the map does not is left out, with a note: firmware hides such
 *     memory from us, and it may be secure;
 *   - what the map names and the tree does not is not used: it has no node (Linux gives up all
 *     nodes of such a board);
 *   - a tree that names no memory at all is the custom of boards with UEFI: the map's is taken.
 *
 * What firmware keeps for itself is reserved later (topology_reserved.c). The map was made by the
 * EFI stub (efi_map.c): sorted, disjoint, in whole pages. No state.
 */
#include "topology_internal.h"

#include "lib/assert.h"

#define RULE_HIDDEN "RAM must be in the EFI memory map too; it is left out"
#define RULE_LOST "the EFI memory map must fit HANDOVER_RANGES and be sound; the rest is left out"

bool topology_firmware_map(const struct topology *t, const struct handover **from)
{
	*from = t->request->firmware;
	return *from && (*from)->map_given;
}

/* Nothing of the map lies in start..end - 1: nor may RAM. */
static void leave_gap(struct topology *t, uint64_t start, uint64_t end)
{
	struct topology_span gap = { 0, "memory", start, end - start };

	ASSERT(start <= end, "0x%llx to 0x%llx", (unsigned long long)start,
	       (unsigned long long)end);
	if (!gap.size || !ranges_overlap(t->memory, gap.start, gap.size))
		return;
	topology_note_span(t, &gap, RULE_HIDDEN);
	topology_remove(t, &gap);
}

static void take_all(struct topology *t, const struct handover *from)
{
	for (unsigned i = 0; i < from->range_count; i++) {
		struct topology_span span = { 0, "memory", from->range[i].start,
					      from->range[i].size };

		if (!ranges_add(t->memory, span.start, span.size, NODE_NONE, 0))
			topology_note_span(t, &span, RULE_RANGES_FULL);
	}
	ranges_merge(t->memory);
}

void topology_read_firmware(struct topology *t)
{
	const struct handover *from;
	uint64_t end = 0;

	if (!topology_firmware_map(t, &from))
		return;
	ASSERT(from->range_count <= HANDOVER_RANGES, "%u ranges", from->range_count);
	if (from->ranges_lost)
		topology_note(t, 0, NULL, RULE_LOST, "%u entries", from->ranges_lost);
	if (!*t->memory.count) {
		take_all(t, from);
		return;
	}
	for (unsigned i = 0; i < from->range_count; i++) {
		leave_gap(t, end, from->range[i].start);
		end = from->range[i].start + from->range[i].size;
	}
	leave_gap(t, end, UINT64_MAX);
}
