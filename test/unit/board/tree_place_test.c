/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree moves: what is copied, where it goes, and what is given back.
 *
 * The board is that of topology_blob.c, with the blob itself in the midst of a node; what else
 * claims its pages differs from case to case.
 */
#include <string.h>

#include "board/early.h"
#include "board/fdt_walk.h"
#include "board/topology_ranges.h"
#include "board/tree_place.h"
#include "test/ktest.h"
#include "topology_blob.h"

enum { TREE_AT = 0x48000000, TREE_PAGES = 16 };

struct placed {
	struct boot_info info;
	struct board_facts facts;
	struct topology_error error;
};

/* The board as read with its blob, padded as QEMU pads it, at `at`. */
static struct placed *read_with_tree(struct blob *b, uint64_t at)
{
	struct boot_range tree = {
		.start = at, .size = TREE_PAGES * PAGE_SIZE, .flags = BOOT_TREE
	};
	struct topology_request request = { .taken = &tree, .taken_count = 1 };
	struct placed *p = kt_alloc(sizeof(*p), 8);

	if (!b || !p)
		return NULL;
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	return KT_EQ(topology_read(&request, &p->info, &p->facts, &p->error), 0) ? p : NULL;
}

static bool reserved_at(const struct boot_info *info, uint64_t start, uint64_t size)
{
	for (unsigned i = 0; i < info->reserved_count; i++)
		if (info->reserved[i].start < start + size && start < range_end(&info->reserved[i]))
			return true;
	return false;
}

/* RAM of node 0 and of node 1 and nothing else; `reserve` pages of memreserve from TREE_AT on. */
static struct blob *plain_board(unsigned reserve)
{
	struct blob *b = blob_new();

	if (!b)
		return NULL;
	blob_root(b);
	blob_memory(b, 0x40000000, 0x10000000, 0);
	blob_memory(b, 0x80000000, 0x10000000, 1);
	blob_cpus(b, 2, (const int[]){ 0, 1 });
	if (reserve)
		blob_reserve(b, TREE_AT, reserve * PAGE_SIZE);
	blob_end(b);
	blob_finish(b);
	return b;
}

KTEST(tree_place, tree_goes_to_the_top_of_its_node_and_its_pages_are_free)
{
	struct blob *b = plain_board(0);
	struct placed *p = read_with_tree(b, TREE_AT);
	uint64_t phys = 0;

	if (!p)
		return;
	KT_TRUE(reserved_at(&p->info, TREE_AT, TREE_PAGES * PAGE_SIZE));
	KT_TRUE(tree_take_place(&p->info, tree_used(b->out), &phys));
	KT_EQ(phys, 0x50000000 - PAGE_SIZE);
	tree_give_back(&p->info);
	KT_TRUE(!reserved_at(&p->info, TREE_AT, TREE_PAGES * PAGE_SIZE));
	KT_TRUE(reserved_at(&p->info, phys, PAGE_SIZE));
}

KTEST(tree_place, tree_that_the_reserve_map_names_stays)
{
	struct placed *p = read_with_tree(plain_board(TREE_PAGES), TREE_AT);
	uint64_t phys;

	if (!p)
		return;
	KT_TRUE(!tree_take_place(&p->info, PAGE_SIZE, &phys));
	tree_give_back(&p->info);
	KT_TRUE(reserved_at(&p->info, TREE_AT, PAGE_SIZE));
}

KTEST(tree_place, tree_that_somebody_claims_in_part_stays_whole)
{
	struct placed *p = read_with_tree(plain_board(3), TREE_AT);
	uint64_t phys;

	if (!p)
		return;
	KT_TRUE(!tree_take_place(&p->info, PAGE_SIZE, &phys));
	tree_give_back(&p->info);
	for (unsigned i = 0; i < TREE_PAGES; i++)
		KT_TRUE(reserved_at(&p->info, TREE_AT + i * PAGE_SIZE, PAGE_SIZE));
}

KTEST(tree_place, tree_outside_of_ram_stays)
{
	struct placed *p = read_with_tree(plain_board(0), 0x1000000);
	uint64_t phys;

	if (p)
		KT_TRUE(!tree_take_place(&p->info, PAGE_SIZE, &phys));
}

/* Used bytes alone, and sound as a blob of that size: the padding of a loader stays behind. */
KTEST(tree_place, copy_holds_all_and_no_padding)
{
	struct blob *b = blob_board();
	struct fdt_walk_error err;
	uint8_t *copy = kt_alloc(BLOB_BYTES, 8);
	size_t bytes;

	if (!b || !copy)
		return;
	bytes = tree_used(b->out);
	KT_EQ(bytes, b->out_bytes);
	b->out[4] = 0;
	b->out[5] = BLOB_BYTES >> 16;
	b->out[6] = b->out[7] = 0;
	KT_EQ(tree_used(b->out), bytes);
	memset(copy, 0xee, BLOB_BYTES);
	tree_copy(copy, b->out, bytes);
	KT_EQ(fdt_walk_load((const char *)copy + 4, 4), bytes);
	KT_EQ(memcmp(copy + 8, b->out + 8, bytes - 8), 0);
	KT_EQ(copy[bytes], 0xee);
	KT_EQ(fdt_walk_check(copy, bytes, NULL, &err), 0);
}
