/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding nodes by name (board/fdt_find.c): which of several similar names is meant, and
 * status.
 *
 * The tree of these cases is that of the boards that have an /axi behind an /axi@0: each
 * node carries a number, and a look-up is right if it comes back with the expected one.
 */
#include <string.h>

#include <libfdt.h>

#include "board/fdt_find.h"
#include "test/ktest.h"
#include "topology_blob.h"

/* Each node carries its number in "n". */
static void numbered(struct blob *b, const char *name, unsigned n)
{
	blob_begin(b, name);
	blob_cells(b, "n", 1, n);
}

static unsigned number_of(const struct blob *b, int node)
{
	const uint8_t *n = node >= 0 ? fdt_getprop(b->out, node, "n", NULL) : NULL;

	return n ? n[3] : 0;
}

static unsigned at_path(const struct blob *b, const char *path)
{
	return number_of(b, fdt_find_path(b->out, path, strlen(path)));
}

/* /axi@0 { dev@1 }, /axi { dev@2, dev }, /axi@1, /bus@8, /bus@9 */
static struct blob *similar_names(void)
{
	struct blob *b = blob_new();

	if (!b)
		return NULL;
	blob_root(b);
	numbered(b, "axi@0", 1);
	numbered(b, "dev@1", 2);
	blob_end(b);
	blob_end(b);
	numbered(b, "axi", 3);
	numbered(b, "dev@2", 4);
	blob_end(b);
	numbered(b, "dev", 5);
	blob_end(b);
	blob_end(b);
	numbered(b, "axi@1", 6);
	blob_end(b);
	numbered(b, "bus@8", 7);
	blob_end(b);
	numbered(b, "bus@9", 8);
	blob_end(b);
	blob_end(b);
	blob_finish(b);
	return b;
}

KTEST(fdt_find, exact_name_wins_wherever_it_stands)
{
	struct blob *b = similar_names();

	if (!b)
		return;
	KT_EQ(number_of(b, fdt_find_child(b->out, 0, "axi")), 3);
	KT_EQ(at_path(b, "/axi"), 3);
	KT_EQ(at_path(b, "/axi/dev"), 5);
	KT_EQ(at_path(b, "/axi/dev@2"), 4);
	KT_EQ(at_path(b, "/axi@0"), 1);
	KT_EQ(at_path(b, "/axi@0/dev"), 2);
	KT_EQ(at_path(b, "/axi@1"), 6);
}

KTEST(fdt_find, name_without_unit_finds_the_first_with_one)
{
	struct blob *b = similar_names();

	if (!b)
		return;
	KT_EQ(number_of(b, fdt_find_child(b->out, 0, "bus")), 7);
	KT_EQ(at_path(b, "/bus"), 7);
	KT_EQ(at_path(b, "/bus@9"), 8);
	KT_EQ(at_path(b, "/bus@"), 0);
	KT_EQ(at_path(b, "/bu"), 0);
	KT_EQ(at_path(b, "/bus@99"), 0);
	KT_EQ(at_path(b, "/axi/dev@1"), 0); /* that one is below axi@0 */
}

KTEST(fdt_find, paths_are_absolute_and_end_with_their_length)
{
	struct blob *b = similar_names();

	if (!b)
		return;
	KT_EQ(fdt_find_path(b->out, "/", 1), 0);
	KT_EQ(at_path(b, "//axi//dev/"), 5);
	KT_EQ(number_of(b, fdt_find_path(b->out, "/axi/dev", 4)), 3);
	KT_TRUE(fdt_find_path(b->out, "axi", 3) < 0);
	KT_TRUE(fdt_find_path(b->out, "", 0) < 0);
	KT_EQ(at_path(b, "/axi/dev/none"), 0);
}

KTEST(fdt_find, status_is_okay_ok_or_absent)
{
	static const struct {
		const char *status;
		uint32_t bytes;
		bool okay;
	} table[] = {
		{ "okay", 5, true }, { "ok", 3, true }, { "disabled", 9, false },
		{ "okay", 4, false }, { "ok", 2, false }, { "", 1, false }, { "", 0, false },
		{ "okay\0x", 7, true }, { "okay2", 6, false }, { "fail", 5, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct blob *b = blob_new();

		if (!b)
			return;
		blob_root(b);
		blob_bytes(b, "status", table[i].status, table[i].bytes);
		blob_end(b);
		blob_finish(b);
		KT_OK(fdt_node_okay(b->out, 0) == table[i].okay, "status %u", i);
	}
	KT_TRUE(fdt_node_okay(similar_names()->out, 0));
}
