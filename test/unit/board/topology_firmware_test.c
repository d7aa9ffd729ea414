/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree beside a map of firmware (board/topology_firmware.c): RAM is what both name, what
 * firmware keeps is not handed out, and a tree without memory takes the map's.
 *
 * The tree is always the same small board, or one without memory; the map is what differs. What is
 * too large for a stack of the image comes from the test's memory.
 */
#include <string.h>

#include "board/topology_internal.h"
#include "test/ktest.h"
#include "topology_blob.h"

/* What one reading needs: too much for a stack. */
struct reading {
	struct handover firmware;
	struct topology_request request;
	struct boot_info info;
	struct board_facts facts;
	struct topology_notes notes;
	struct topology_error err;
};

/* Two nodes of 16 MiB with a CPU each, or no memory. */
static struct reading *reading_new(bool memory)
{
	static const int nids[] = { 0, 1 };
	struct reading *r = kt_alloc(sizeof(*r), 8);
	struct blob *b = blob_new();

	if (!r || !b)
		return NULL;
	memset(r, 0, sizeof(*r));
	blob_root(b);
	if (memory) {
		blob_memory(b, 0x40000000, 0x1000000, 0);
		blob_memory(b, 0x41000000, 0x1000000, 1);
	}
	blob_cpus(b, 2, nids);
	blob_end(b);
	blob_finish(b);
	r->request = (struct topology_request){ .dt = b->out, .limit_bytes = b->out_bytes,
						.notes = &r->notes, .firmware = &r->firmware };
	r->firmware.map_given = 1;
	return r;
}

static void has(struct reading *r, uint64_t start, uint64_t size, uint32_t kind)
{
	r->firmware.range[r->firmware.range_count++] = (struct firmware_range){ start, size, kind };
}

static bool read_it(struct reading *r)
{
	bool read = topology_read(&r->request, &r->info, &r->facts, &r->err) == 0;

	return KT_OK(read, "%s: %s", r->err.path, r->err.rule) &&
	       KT_TRUE(topology_info_sound(&r->info));
}

KTEST(topology_firmware, ram_is_what_tree_and_map_name)
{
	struct reading *r = reading_new(true);

	if (!r)
		return;
	has(r, 0x40000000, 0x800000, FIRMWARE_FREE);
	has(r, 0x40900000, 0x1700000, FIRMWARE_FREE); /* a hole of 1 MiB before it */
	has(r, 0x42000000, 0x1000000, FIRMWARE_FREE); /* which the tree does not know */
	if (!read_it(r))
		return;
	KT_EQ(r->info.range_count, 3);
	KT_EQ(r->info.range[0].size, 0x800000);
	KT_EQ(r->info.range[1].start, 0x40900000);
	KT_EQ(r->info.range[2].start, 0x41000000);
	KT_EQ(r->info.range[2].size, 0x1000000);
	KT_EQ(r->info.range[2].nid, 1);
	KT_EQ(r->notes.count, 1);
	KT_STR_EQ(r->notes.note[0].rule, "RAM must be in the EFI memory map too; it is left out");
}

KTEST(topology_firmware, what_firmware_keeps_is_reserved)
{
	struct reading *r = reading_new(true);

	if (!r)
		return;
	has(r, 0x40000000, 0x1000000, FIRMWARE_FREE);
	has(r, 0x41000000, 0x10000, FIRMWARE_KEPT);
	has(r, 0x41010000, 0x10000, FIRMWARE_NOMAP);
	has(r, 0x41020000, 0xfe0000, FIRMWARE_FREE);
	if (!read_it(r))
		return;
	KT_EQ(r->info.range_count, 4);
	KT_EQ(r->info.range[2].start, 0x41010000);
	KT_TRUE(!boot_range_usable(&r->info.range[2]) && boot_range_usable(&r->info.range[1]));
	KT_EQ(r->info.reserved_count, 2);
	KT_EQ(r->info.reserved[0].start, 0x41000000);
	KT_EQ(r->info.reserved[0].size, 0x10000);
	KT_TRUE(r->info.reserved[1].flags & BOOT_NOMAP);
	KT_EQ(r->notes.count, 0);
}

KTEST(topology_firmware, tree_in_memory_that_firmware_keeps_stays_mapped)
{
	struct boot_range taken = { .start = 0x41011000, .size = 0x1000 };
	struct reading *r = reading_new(true);

	if (!r)
		return;
	r->request.taken = &taken;
	r->request.taken_count = 1;
	has(r, 0x40000000, 0x1010000, FIRMWARE_FREE);
	has(r, 0x41010000, 0x10000, FIRMWARE_NOMAP);
	has(r, 0x41020000, 0xfe0000, FIRMWARE_FREE);
	if (!read_it(r))
		return;
	for (unsigned i = 0; i < r->info.range_count; i++)
		KT_TRUE(boot_range_usable(&r->info.range[i]));
	KT_TRUE(r->info.reserved_count >= 1);
	KT_EQ(r->info.reserved[0].start, 0x41010000);
}

KTEST(topology_firmware, tree_without_memory_takes_the_map)
{
	struct reading *r = reading_new(false);

	if (!r)
		return;
	has(r, 0x40000000, 0x1000000, FIRMWARE_FREE);
	has(r, 0x41000000, 0x10000, FIRMWARE_KEPT);
	if (!read_it(r))
		return;
	KT_EQ(r->info.range_count, 1);
	KT_EQ(r->info.range[0].size, 0x1010000);
	KT_EQ(r->info.reserved_count, 1);
}

KTEST(topology_firmware, no_map_changes_nothing)
{
	struct reading *r = reading_new(true);

	if (!r)
		return;
	has(r, 0x40000000, 0x1000, FIRMWARE_NOMAP);
	r->firmware.map_given = 0;
	if (!read_it(r))
		return;
	KT_EQ(r->info.range_count, 2);
	KT_EQ(r->info.reserved_count, 0);
}

KTEST(topology_firmware, lost_pieces_are_told)
{
	struct reading *r = reading_new(true);

	if (!r)
		return;
	has(r, 0x40000000, 0x2000000, FIRMWARE_FREE);
	r->firmware.ranges_lost = 3;
	if (read_it(r))
		KT_STR_EQ(r->notes.note[0].value, "3 entries");
}
