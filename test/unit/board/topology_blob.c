/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device tree blobs made by a test, on the host and on the target.
 *
 * A writer of the format, small enough to be seen to be right: the structure block, the
 * strings and the reserve map grow in three buffers, and blob_finish() lays them
 * out as dtc does: header, reserve map, structure, strings. Names are not shared, so
 * each property has its own place in the strings. Nothing checks for overflow but
 * an assertion at the end of each buffer's use: tests know how much they write.
 *
 * Context: a test case; the memory is the case's.
 */
#include "topology_blob.h"

#include <stdarg.h>
#include <string.h>

#include "lib/printf.h"
#include "test/ktest.h"

static uint32_t put32(uint8_t *at, uint32_t offset, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[offset + i] = (uint8_t)(value >> (24 - 8 * i));
	return offset + 4;
}

struct blob *blob_new(void)
{
	struct blob *b = kt_alloc(sizeof(*b), 8);

	if (b)
		b->out = kt_alloc(BLOB_BYTES, 8);
	return b && b->out ? b : NULL;
}

static void tree32(struct blob *b, uint32_t value)
{
	b->tree_bytes = put32(b->tree, b->tree_bytes, value);
}

/* Append with padding to the next token. */
static void tree_append(struct blob *b, const void *value, uint32_t bytes)
{
	if (!KT_TRUE(b->tree_bytes + bytes + 64 < sizeof(b->tree)))
		return;
	memcpy(b->tree + b->tree_bytes, value, bytes);
	b->tree_bytes += bytes;
	while (b->tree_bytes & 3)
		b->tree[b->tree_bytes++] = 0;
}

void blob_begin(struct blob *b, const char *name)
{
	tree32(b, 1);
	tree_append(b, name, (uint32_t)strlen(name) + 1);
}

void blob_end(struct blob *b)
{
	tree32(b, 2);
}

void blob_bytes(struct blob *b, const char *name, const void *value, uint32_t bytes)
{
	uint32_t length = (uint32_t)strlen(name) + 1;

	if (!KT_TRUE(b->strings_bytes + length <= sizeof(b->strings)))
		return;
	tree32(b, 3);
	tree32(b, bytes);
	tree32(b, b->strings_bytes);
	memcpy(b->strings + b->strings_bytes, name, length);
	b->strings_bytes += length;
	tree_append(b, value, bytes);
}

void blob_text(struct blob *b, const char *name, const char *text)
{
	blob_bytes(b, name, text, (uint32_t)strlen(text) + 1);
}

void blob_cells(struct blob *b, const char *name, unsigned count, ...)
{
	uint8_t value[64 * 4];
	uint32_t bytes = 0;
	va_list args;

	va_start(args, count);
	for (unsigned i = 0; i < count && i < 64; i++)
		bytes = put32(value, bytes, va_arg(args, uint32_t));
	va_end(args);
	blob_bytes(b, name, value, bytes);
}

void blob_reserve(struct blob *b, uint64_t start, uint64_t size)
{
	b->reserve_bytes = put32(b->reserve, b->reserve_bytes, (uint32_t)(start >> 32));
	b->reserve_bytes = put32(b->reserve, b->reserve_bytes, (uint32_t)start);
	b->reserve_bytes = put32(b->reserve, b->reserve_bytes, (uint32_t)(size >> 32));
	b->reserve_bytes = put32(b->reserve, b->reserve_bytes, (uint32_t)size);
}

void blob_finish(struct blob *b)
{
	const uint32_t reserve = 40, tree = reserve + b->reserve_bytes + 16;
	uint32_t strings, at = 0;

	tree32(b, 9);
	strings = tree + b->tree_bytes;
	b->out_bytes = strings + b->strings_bytes;
	if (!KT_TRUE(b->out_bytes <= BLOB_BYTES))
		return;
	at = put32(b->out, at, 0xd00dfeed);
	at = put32(b->out, at, b->out_bytes);
	at = put32(b->out, at, tree);
	at = put32(b->out, at, strings);
	at = put32(b->out, at, reserve);
	at = put32(b->out, at, 17);
	at = put32(b->out, at, 16);
	at = put32(b->out, at, 0);
	at = put32(b->out, at, b->strings_bytes);
	put32(b->out, at, b->tree_bytes);
	memcpy(b->out + reserve, b->reserve, b->reserve_bytes);
	memset(b->out + reserve + b->reserve_bytes, 0, 16);
	memcpy(b->out + tree, b->tree, b->tree_bytes);
	memcpy(b->out + strings, b->strings, b->strings_bytes);
}

void blob_root(struct blob *b)
{
	blob_begin(b, "");
	blob_cells(b, "#address-cells", 1, 2);
	blob_cells(b, "#size-cells", 1, 2);
}

void blob_memory(struct blob *b, uint64_t start, uint64_t size, int nid)
{
	char name[32];

	zn_snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)start);
	blob_begin(b, name);
	blob_text(b, "device_type", "memory");
	blob_cells(b, "reg", 4, (uint32_t)(start >> 32), (uint32_t)start, (uint32_t)(size >> 32),
		   (uint32_t)size);
	if (nid != NODE_NONE)
		blob_cells(b, "numa-node-id", 1, (uint32_t)nid);
	blob_end(b);
}

void blob_cpus(struct blob *b, unsigned count, const int *nids)
{
	blob_begin(b, "cpus");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 0);
	for (unsigned i = 0; i < count; i++) {
		char name[16];

		zn_snprintf(name, sizeof(name), "cpu@%x", i);
		blob_begin(b, name);
		blob_text(b, "device_type", "cpu");
		blob_text(b, "enable-method", "psci");
		blob_cells(b, "reg", 1, i);
		if (nids[i] != NODE_NONE)
			blob_cells(b, "numa-node-id", 1, (uint32_t)nids[i]);
		blob_end(b);
	}
	blob_end(b);
}

static void board_reserved(struct blob *b)
{
	blob_begin(b, "reserved-memory");
	blob_cells(b, "#address-cells", 1, 2);
	blob_cells(b, "#size-cells", 1, 2);
	blob_bytes(b, "ranges", "", 0);
	blob_begin(b, "firmware@41000000");
	blob_cells(b, "reg", 4, 0, 0x41000000, 0, 0x100000);
	blob_bytes(b, "no-map", "", 0);
	blob_end(b);
	blob_begin(b, "pool");
	blob_text(b, "compatible", "shared-dma-pool");
	blob_bytes(b, "reusable", "", 0);
	blob_cells(b, "size", 2, 0, 0x400000);
	blob_end(b);
	blob_begin(b, "buffer");
	blob_cells(b, "size", 2, 0, 0x2000);
	blob_cells(b, "alloc-ranges", 4, 0, 0x40000000, 0, 0x10000000);
	blob_end(b);
	blob_end(b);
}

struct blob *blob_board(void)
{
	static const int nids[] = { 0, 1 };
	struct blob *b = blob_new();

	if (!b)
		return NULL;
	blob_reserve(b, 0x40000000, 0x1000);
	blob_root(b);
	blob_begin(b, "aliases");
	blob_text(b, "serial0", "/pl011@9000000");
	blob_end(b);
	blob_begin(b, "chosen");
	blob_text(b, "bootargs", "run=help seed=7");
	blob_cells(b, "linux,initrd-start", 1, 0x42000000);
	blob_cells(b, "linux,initrd-end", 1, 0x42000800);
	blob_end(b);
	blob_memory(b, 0x80000000, 0x10000000, 1);
	blob_memory(b, 0x40000000, 0x10000000, 0);
	blob_cpus(b, 2, nids);
	blob_begin(b, "distance-map");
	blob_text(b, "compatible", "numa-distance-map-v1");
	blob_cells(b, "distance-matrix", 6, 0, 1, 15, 1, 0, 25);
	blob_end(b);
	board_reserved(b);
	blob_begin(b, "soc");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 1);
	blob_cells(b, "dma-ranges", 4, 0, 0, 0, 0x80000000);
	blob_end(b);
	blob_end(b);
	blob_finish(b);
	return b;
}

/* Sorted, apart, not empty, whole pages. */
static bool list_sound(const struct boot_range *range, unsigned count)
{
	if (!KT_TRUE(count <= ZONAL_MAX_RANGES))
		return false;
	for (unsigned i = 0; i < count; i++) {
		const struct boot_range *r = &range[i];
		bool pages = (r->start | (r->size + 1)) % PAGE_SIZE == 0 ||
			     (r->start | r->size) % PAGE_SIZE == 0;

		if (!KT_OK(r->size && r->start + r->size > r->start && pages,
			   "range %u: 0x%llx + 0x%llx", i, (unsigned long long)r->start,
			   (unsigned long long)r->size))
			return false;
		if (i && !KT_OK(r[-1].start + r[-1].size <= r->start, "range %u meets range %u",
				i - 1, i))
			return false;
	}
	return true;
}

/* No byte that is off the map may be RAM that somebody uses. */
static bool nomap_sound(const struct boot_info *info)
{
	for (unsigned i = 0; i < info->reserved_count; i++) {
		const struct boot_range *gone = &info->reserved[i];

		for (unsigned j = 0; gone->flags & BOOT_NOMAP && j < info->range_count; j++) {
			const struct boot_range *r = &info->range[j];

			if (!KT_TRUE(!boot_range_usable(r) ||
				     r->start + r->size <= gone->start ||
				     gone->start + gone->size <= r->start))
				return false;
		}
	}
	return true;
}

bool topology_info_sound(const struct boot_info *info)
{
	if (!list_sound(info->range, info->range_count) ||
	    !list_sound(info->reserved, info->reserved_count) || !nomap_sound(info))
		return false;
	for (unsigned i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->range[i];

		if (!KT_OK(r->nid >= 0 && r->nid < ZONAL_MAX_NODES &&
			   nodemask_has(info->nodes, (unsigned)r->nid), "range %u: node %d", i,
			   r->nid) ||
		    !KT_TRUE(r->start + r->size <= BOOT_MEMORY_END))
			return false;
	}
	if (!KT_TRUE(info->cpu_count <= ZONAL_MAX_CPUS) || !KT_TRUE(info->nodes != 0))
		return false;
	for (unsigned i = 0; i < info->cpu_count; i++) {
		if (!KT_TRUE(nodemask_has(info->nodes, (unsigned)info->cpu[i].nid)))
			return false;
	}
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!KT_EQ(info->distance[n][n], 10))
			return false;
	}
	return true;
}
