/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict reader in front of libfdt (board/fdt_walk.c).
 *
 * A sound blob passes; each prefix of it, each kind of damage and each limit is
 * refused with the rule, the offset and the path of what is wrong. The blobs that led
 * libfdt astray are files, tried on the host by test/t/topology.t.
 */
#include <string.h>

#include "board/fdt_walk.h"
#include "test/ktest.h"
#include "topology_blob.h"

#include <zonal/zonal.h>

static int walk(const struct blob *b, struct fdt_walk_error *err)
{
	memset(err, 0, sizeof(*err));
	err->rule = "";
	return fdt_walk_check(b->out, b->out_bytes, NULL, err);
}

KTEST(fdt_walk, accepts_a_board_and_gives_its_size)
{
	struct blob *b = blob_board();
	struct fdt_walk_error err;
	uint32_t size = 0;

	if (!b)
		return;
	KT_EQ(fdt_walk_check(b->out, BLOB_BYTES, &size, &err), 0);
	KT_EQ(size, b->out_bytes);
	KT_EQ(fdt_walk_check(b->out, b->out_bytes, NULL, NULL), 0);
}

KTEST(fdt_walk, refuses_every_prefix)
{
	struct blob *b = blob_board();
	struct fdt_walk_error err;

	if (!b)
		return;
	for (uint32_t bytes = 0; bytes < b->out_bytes; bytes++) {
		if (!KT_OK(fdt_walk_check(b->out, bytes, NULL, &err) == ZONAL_EINVAL,
			   "%u of %u bytes were accepted", bytes, b->out_bytes))
			return;
	}
}

/* With totalsize and the structure's size made to fit, the cut is in the tree itself. */
KTEST(fdt_walk, refuses_every_cut_of_the_tree)
{
	struct blob *b = blob_board();
	struct fdt_walk_error err;
	uint32_t whole;

	if (!b)
		return;
	whole = b->tree_bytes;
	for (uint32_t bytes = 0; bytes < whole; bytes += 4) {
		b->out[38] = (uint8_t)(bytes >> 8);
		b->out[39] = (uint8_t)bytes;
		if (!KT_OK(walk(b, &err) != 0, "a tree of %u of %u bytes was accepted", bytes,
			   whole))
			return;
	}
}

KTEST(fdt_walk, refuses_a_blob_that_is_not_on_8_bytes)
{
	struct blob *b = blob_board();
	struct fdt_walk_error err;

	if (!b)
		return;
	memmove(b->out + 4, b->out, b->out_bytes);
	KT_TRUE(fdt_walk_check(b->out + 4, b->out_bytes, NULL, &err) != 0);
	KT_STR_EQ(err.rule, "the blob must lie on 8 bytes");
}

/* A chain of `depth` nodes, the root among them. */
static struct blob *blob_chain(unsigned depth)
{
	struct blob *b = blob_new();

	if (!b)
		return NULL;
	blob_begin(b, "");
	for (unsigned d = 1; d < depth; d++)
		blob_begin(b, "n");
	for (unsigned d = 0; d < depth; d++)
		blob_end(b);
	blob_finish(b);
	return b;
}

KTEST(fdt_walk, depth_is_bounded)
{
	static const unsigned depths[] = { 31, 32, 33, 65, 300 };
	struct fdt_walk_error err;

	for (unsigned i = 0; i < ARRAY_SIZE(depths); i++) {
		struct blob *b = blob_chain(depths[i]);

		if (!b)
			return;
		KT_OK((walk(b, &err) == 0) == (depths[i] <= FDT_WALK_MAX_DEPTH), "depth %u: %s",
		      depths[i], err.rule);
	}
}

KTEST(fdt_walk, names_the_property_by_its_path)
{
	struct blob *b = blob_new();
	struct fdt_walk_error err;

	if (!b)
		return;
	blob_root(b);
	blob_begin(b, "soc");
	blob_begin(b, "uart@9000000");
	blob_cells(b, "reg", 2, 0x9000000, 0x1000);
	blob_end(b);
	blob_end(b);
	blob_end(b);
	blob_finish(b);
	/* The last property of the tree: its length is 8 bytes of value, 4 of name and 4
	 * of length before three END_NODE and FDT_END. */
	b->out[40 + 16 + b->tree_bytes - 16 - 16] = 0x80;
	KT_TRUE(walk(b, &err) != 0);
	KT_STR_EQ(err.path, "/soc/uart@9000000/reg");
	KT_STR_EQ(err.rule, "a property must be no longer than what remains");
	KT_EQ(err.value, 0x80000008);
	KT_EQ(err.offset, 40 + 16 + b->tree_bytes - 32);
}

static int walk_alias(const char *name, const char *value, uint32_t bytes,
		      struct fdt_walk_error *err)
{
	struct blob *b = blob_new();

	if (!b)
		return -1;
	blob_root(b);
	blob_begin(b, "aliases");
	blob_bytes(b, name, value, bytes);
	blob_end(b);
	blob_end(b);
	blob_finish(b);
	return walk(b, err);
}

KTEST(fdt_walk, an_alias_is_a_full_path)
{
	struct fdt_walk_error err;

	KT_EQ(walk_alias("a", "/x", 3, &err), 0);
	KT_EQ(walk_alias("phandle", "\0\0\0\1", 4, &err), 0);
	KT_TRUE(walk_alias("a", "a", 2, &err) != 0);
	KT_STR_EQ(err.path, "/aliases/a");
	KT_TRUE(walk_alias("a", "b/c", 4, &err) != 0);
	KT_TRUE(walk_alias("a", "/x", 2, &err) != 0);
	KT_TRUE(walk_alias("a", "", 0, &err) != 0);
}

KTEST(fdt_walk, a_property_comes_before_children)
{
	struct blob *b = blob_new();
	struct fdt_walk_error err;

	if (!b)
		return;
	blob_root(b);
	blob_begin(b, "a");
	blob_end(b);
	blob_begin(b, "b");
	blob_cells(b, "fine", 1, 1);
	blob_end(b);
	blob_cells(b, "late", 1, 1);
	blob_end(b);
	blob_finish(b);
	KT_TRUE(walk(b, &err) != 0);
	KT_STR_EQ(err.rule, "a property must come before its node's children");
	KT_STR_EQ(err.path, "/");
}

/* The end of the reserve map is the 16 zero bytes after its entries. */
KTEST(fdt_walk, the_reserve_map_must_end)
{
	struct blob *b = blob_new();
	struct fdt_walk_error err;

	if (!b)
		return;
	blob_root(b);
	blob_end(b);
	blob_finish(b);
	KT_EQ(walk(b, &err), 0);
	/* From here on no aligned 8 bytes at the place of a size are zero. */
	for (uint32_t at = 40; at + 16 <= b->out_bytes; at += 16)
		b->out[at + 15] = 1;
	KT_TRUE(walk(b, &err) != 0);
	KT_STR_EQ(err.rule, "the reserve map must end with an entry of size 0");
}

/* A length that wraps when its padding is added would be a length of 0 (libfdt 7359034): the tree
 * behind it is sound then, so that nothing but the length can refuse it. */
KTEST(fdt_walk, length_that_wraps_with_its_padding)
{
	for (uint32_t length = UINT32_MAX - 7; length; length++) {
		struct fdt_walk_error err;
		struct blob *b = blob_new();
		uint32_t at;

		if (!b)
			return;
		blob_root(b);
		at = b->tree_bytes;
		blob_bytes(b, "x", "", 0);
		blob_end(b);
		blob_finish(b);
		at += (uint32_t)fdt_walk_load(b->out + 8, 4) + 4;
		KT_EQ(walk(b, &err), 0);
		KT_EQ(fdt_walk_load(b->out + at, 4), 0);
		memset(b->out + at, 0xff, 3);
		b->out[at + 3] = (uint8_t)length;
		if (!KT_OK(walk(b, &err) == ZONAL_EINVAL, "length 0x%x is taken", length) ||
		    !KT_STR_EQ(err.rule, "a property must be no longer than what remains") ||
		    !KT_EQ(err.offset, at) || !KT_EQ(err.value, length))
			return;
	}
}
