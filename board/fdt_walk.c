/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict reader that a device tree blob must pass before libfdt sees it.
 *
 * Why it exists: libfdt 1.6.1, which Debian ships, can be led by a hostile blob
 * into an endless loop (a property length near 2^32), a NULL dereference (an old
 * header version), a misaligned load (the reserve map) and endless recursion (an
 * alias that names an alias), some of them inside its own fdt_check_full().
 * After this reader said yes, every offset that libfdt computes stays inside
 * the blob and every loop of libfdt ends.
 *
 * What is checked, in this order:
 *   1. The header: magic, version 17 or newer and compatible with 17, a total
 *      size that fits what may be read and FDT_WALK_MAX_BYTES; each of the
 *      three blocks inside it, the structure on 4 and the reserve map on 8 bytes.
 *   2. The reserve map ends with an entry of size 0 inside the blob.
 *   3. The structure block, token by token: one root with an empty name, other
 *      names not empty, all terminated; depth at most FDT_WALK_MAX_DEPTH; a
 *      property only inside a node and before its children, no longer than what
 *      remains, its name inside the strings block and terminated within
 *      FDT_WALK_MAX_NAME; FDT_END exactly at the end.
 *   4. The values in /aliases are full paths, so that no alias leads to another.
 *
 * Invariants: sums are made in 64 bits or tested by subtraction, so that none
 * wraps. `pos` only grows, by at least 4 a token, so the walk takes time linear
 * in the size; the bounded name length makes that hold for libfdt as well, which
 * searches a name's end each time it compares one. No recursion: the open nodes
 * are a small array of name offsets, also used to print the path.
 *
 * Loads are single bytes: before the MMU is on, memory is Device memory and an
 * unaligned wider load faults on a real core (QEMU 7.2 does not show that).
 */
#include "fdt_walk.h"

#include <zonal/zonal.h>

#include "lib/assert.h"

#define FDT_MAGIC_WORD 0xd00dfeedu
#define FDT_VERSION 17u
#define HEADER_BYTES 40u
#define RESERVE_ENTRY_BYTES 16u

enum { TOKEN_BEGIN = 1, TOKEN_END_NODE = 2, TOKEN_PROP = 3, TOKEN_NOP = 4, TOKEN_END = 9 };

/* Byte offsets of the header's words. */
enum {
	AT_MAGIC = 0, AT_TOTAL = 4, AT_STRUCT = 8, AT_STRINGS = 12, AT_RESERVE = 16,
	AT_VERSION = 20, AT_LAST_COMPATIBLE = 24, AT_STRINGS_SIZE = 32, AT_STRUCT_SIZE = 36
};

struct walk {
	const uint8_t *blob;
	uint32_t total;
	uint32_t strings, strings_size;
	uint32_t pos, end;      /* in the blob: the next token, the end of the structure block */
	unsigned depth;         /* open nodes */
	bool root_closed;
	uint32_t name[FDT_WALK_MAX_DEPTH]; /* offset of each open node's name */
	uint32_t has_child;     /* bit d: the open node at depth d + 1 has had a child */
	struct fdt_walk_error *err;
};

uint64_t fdt_walk_load(const void *at, unsigned bytes)
{
	const uint8_t *p = at;
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static uint32_t load32(const struct walk *w, uint32_t offset)
{
	return (uint32_t)fdt_walk_load(w->blob + offset, 4);
}

/* ---- reporting ------------------------------------------------------------ */

/* Append text from the blob, which may hold anything and may lack its end. */
static size_t path_append(const struct walk *w, char *path, size_t used, uint32_t offset)
{
	const size_t room = sizeof(w->err->path) - 1;

	for (; offset < w->total && w->blob[offset] && used < room; offset++) {
		uint8_t c = w->blob[offset];

		path[used++] = c > ' ' && c < 0x7f ? (char)c : '?';
	}
	path[used] = '\0';
	return used;
}

/* `property` is the offset of a property's name, or 0 for none. */
static int walk_fail_at(struct walk *w, uint32_t offset, uint64_t value, uint32_t property,
			const char *rule)
{
	struct fdt_walk_error *err = w->err;
	size_t used = 0;

	if (!err)
		return ZONAL_EINVAL;
	err->rule = rule;
	err->offset = offset;
	err->value = value;
	err->path[0] = '\0';
	if (w->depth == 1)
		err->path[used++] = '/';
	for (unsigned d = 1; d < w->depth && used < sizeof(err->path) - 1; d++) {
		err->path[used++] = '/';
		used = path_append(w, err->path, used, w->name[d]);
	}
	if (property && used < sizeof(err->path) - 1) {
		if (w->depth > 1)
			err->path[used++] = '/';
		used = path_append(w, err->path, used, property);
	}
	err->path[used] = '\0';
	return ZONAL_EINVAL;
}

static int walk_fail(struct walk *w, uint32_t offset, uint64_t value, const char *rule)
{
	return walk_fail_at(w, offset, value, 0, rule);
}

/* ---- header and reserve map ----------------------------------------------- */

static int check_size(struct walk *w, size_t readable_bytes)
{
	if (((uintptr_t)w->blob & 7) != 0)
		return walk_fail(w, 0, (uintptr_t)w->blob, "the blob must lie on 8 bytes");
	if (readable_bytes < HEADER_BYTES)
		return walk_fail(w, 0, readable_bytes, "the blob must hold a header of 40 bytes");
	if (load32(w, AT_MAGIC) != FDT_MAGIC_WORD)
		return walk_fail(w, AT_MAGIC, load32(w, AT_MAGIC), "the magic must be 0xd00dfeed");
	w->total = load32(w, AT_TOTAL);
	if (w->total > FDT_WALK_MAX_BYTES)
		return walk_fail(w, AT_TOTAL, w->total,
				 "totalsize must be at most FDT_WALK_MAX_BYTES");
	if (w->total < HEADER_BYTES || w->total > readable_bytes)
		return walk_fail(w, AT_TOTAL, w->total,
				 "totalsize must hold the header and lie in what can be read");
	if (load32(w, AT_VERSION) < FDT_VERSION)
		return walk_fail(w, AT_VERSION, load32(w, AT_VERSION),
				 "the version must be 17 or newer");
	if (load32(w, AT_LAST_COMPATIBLE) > FDT_VERSION)
		return walk_fail(w, AT_LAST_COMPATIBLE, load32(w, AT_LAST_COMPATIBLE),
				 "the blob must be readable as version 17");
	return 0;
}

/* A block of `size` bytes whose offset is in the header word at `word`. */
static int check_block(struct walk *w, uint32_t word, uint32_t size, uint32_t align)
{
	uint32_t offset = load32(w, word);

	if (offset % align != 0)
		return walk_fail(w, word, offset, align == 8 ?
				 "the reserve map must lie on 8 bytes" :
				 "the structure block must lie on 4 bytes");
	if (offset < HEADER_BYTES || offset > w->total || size > w->total - offset)
		return walk_fail(w, word, offset, "a block must lie between header and totalsize");
	return 0;
}

static int check_reserve_map(struct walk *w)
{
	uint32_t at = load32(w, AT_RESERVE);

	for (; w->total - at >= RESERVE_ENTRY_BYTES; at += RESERVE_ENTRY_BYTES) {
		if (fdt_walk_load(w->blob + at + 8, 8) == 0)
			return 0;
	}
	return walk_fail(w, at, w->total - at, "the reserve map must end with an entry of size 0");
}

static int check_header(struct walk *w, size_t readable_bytes)
{
	int failed = check_size(w, readable_bytes);

	if (!failed)
		failed = check_block(w, AT_RESERVE, RESERVE_ENTRY_BYTES, 8);
	if (!failed)
		failed = check_block(w, AT_STRUCT, load32(w, AT_STRUCT_SIZE), 4);
	if (!failed)
		failed = check_block(w, AT_STRINGS, load32(w, AT_STRINGS_SIZE), 1);
	if (failed)
		return failed;
	w->pos = load32(w, AT_STRUCT);
	w->end = w->pos + load32(w, AT_STRUCT_SIZE);
	w->strings = load32(w, AT_STRINGS);
	w->strings_size = load32(w, AT_STRINGS_SIZE);
	return check_reserve_map(w);
}

/* ---- structure block ------------------------------------------------------ */

/* Skip `bytes` bytes and the padding to the next token; false if they are not there. */
static bool walk_skip(struct walk *w, uint32_t bytes)
{
	uint32_t left = w->end - w->pos;
	uint32_t pad = -bytes & 3;

	if (bytes > left || pad > left - bytes)
		return false;
	w->pos += bytes + pad;
	return true;
}

static int walk_begin(struct walk *w)
{
	uint32_t name = w->pos, length = 0;

	while (length < w->end - name && w->blob[name + length])
		length++;
	if (length == w->end - name || !walk_skip(w, length + 1))
		return walk_fail(w, name, length,
				 "a node's name must end inside the structure block");
	if (w->depth == 0 && w->root_closed)
		return walk_fail(w, name, length, "there must be one root node only");
	if (w->depth == 0 && length != 0)
		return walk_fail(w, name, length, "the root's name must be empty");
	if (w->depth != 0 && length == 0)
		return walk_fail(w, name, length, "only the root may have an empty name");
	if (w->depth == FDT_WALK_MAX_DEPTH)
		return walk_fail(w, name, w->depth + 1,
				 "nodes must be nested at most FDT_WALK_MAX_DEPTH deep");
	if (w->depth)
		w->has_child |= 1u << (w->depth - 1);
	ASSERT(w->depth < FDT_WALK_MAX_DEPTH, "depth %u", w->depth);
	w->has_child &= ~(1u << w->depth);
	w->name[w->depth++] = name;
	return 0;
}

static int walk_end_node(struct walk *w, uint32_t token_at)
{
	if (w->depth == 0)
		return walk_fail(w, token_at, 0, "a node must begin before it ends");
	w->depth--;
	w->root_closed = w->depth == 0;
	return 0;
}

/* Whether a property's name, at `offset` of the strings block, ends in time. */
static bool name_ends(const struct walk *w, uint32_t offset)
{
	for (uint32_t i = 0; i <= FDT_WALK_MAX_NAME && i < w->strings_size - offset; i++) {
		if (!w->blob[w->strings + offset + i])
			return true;
	}
	return false;
}

/* Compare text of the blob, known to be terminated, up to its end or a '@'. */
static bool text_is(const struct walk *w, uint32_t offset, const char *text)
{
	for (; *text; text++, offset++) {
		if (w->blob[offset] != (uint8_t)*text)
			return false;
	}
	return w->blob[offset] == '\0' || w->blob[offset] == '@';
}

/* Rule 4. A phandle may stand beside the aliases; it is not one. */
static int check_alias(struct walk *w, uint32_t name, uint32_t value, uint32_t length)
{
	if (w->depth != 2 || !text_is(w, w->name[1], "aliases"))
		return 0;
	if (text_is(w, name, "phandle") || text_is(w, name, "linux,phandle"))
		return 0;
	if (length < 2 || w->blob[value] != '/' || w->blob[value + length - 1] != '\0')
		return walk_fail_at(w, value, length ? w->blob[value] : 0, name,
				    "an alias must be a full path, from '/' to a NUL");
	return 0;
}

static int walk_prop(struct walk *w, uint32_t token_at)
{
	uint32_t length, name, value;

	if (w->depth == 0)
		return walk_fail(w, token_at, TOKEN_PROP, "a property must be inside a node");
	if (w->has_child >> (w->depth - 1) & 1)
		return walk_fail(w, token_at, TOKEN_PROP,
				 "a property must come before its node's children");
	if (w->end - w->pos < 8)
		return walk_fail(w, token_at, w->end - w->pos,
				 "a property must have a length and a name");
	length = load32(w, w->pos);
	name = load32(w, w->pos + 4);
	w->pos += 8;
	value = w->pos;
	if (name >= w->strings_size)
		return walk_fail(w, value - 4, name,
				 "a property's name must lie in the strings block");
	if (!name_ends(w, name))
		return walk_fail(w, value - 4, name,
				 "a property's name must end within FDT_WALK_MAX_NAME characters");
	name += w->strings;
	if (!walk_skip(w, length))
		return walk_fail_at(w, value - 8, length, name,
				    "a property must be no longer than what remains");
	return check_alias(w, name, value, length);
}

static int walk_end(struct walk *w, uint32_t token_at)
{
	if (w->depth != 0)
		return walk_fail(w, token_at, w->depth, "every node must end before FDT_END");
	if (!w->root_closed)
		return walk_fail(w, token_at, TOKEN_END, "there must be a root node");
	if (w->pos != w->end)
		return walk_fail(w, token_at, w->end - w->pos,
				 "FDT_END must be the last token of the structure block");
	return 0;
}

/* One token; *done at the end of the tree. */
static int walk_token(struct walk *w, bool *done)
{
	uint32_t at = w->pos;
	uint32_t token = load32(w, at);

	ASSERT(w->pos <= w->end && w->end - w->pos >= 4 && w->end <= w->total,
	       "token at %u, the block ends at %u of %u", w->pos, w->end, w->total);
	w->pos += 4;
	switch (token) {
	case TOKEN_BEGIN:
		return walk_begin(w);
	case TOKEN_END_NODE:
		return walk_end_node(w, at);
	case TOKEN_PROP:
		return walk_prop(w, at);
	case TOKEN_NOP:
		return 0;
	case TOKEN_END:
		*done = true;
		return walk_end(w, at);
	default:
		return walk_fail(w, at, token, "a token must be one of 1, 2, 3, 4 and 9");
	}
}

int fdt_walk_check(const void *blob, size_t readable_bytes, uint32_t *size_bytes,
		   struct fdt_walk_error *err)
{
	struct walk w = { .blob = blob, .err = err };
	int failed = check_header(&w, readable_bytes);
	bool done = false;

	while (!failed && !done) {
		if (w.end - w.pos < 4)
			failed = walk_fail(&w, w.pos, w.end - w.pos,
					   "the structure block must end with FDT_END");
		else
			failed = walk_token(&w, &done);
	}
	if (!failed && size_bytes)
		*size_bytes = w.total;
	return failed;
}
