/* SPDX-License-Identifier: BSD-2-Clause */
/* Device tree blobs made by a test, on the host and on the target. */
#ifndef TEST_UNIT_TOPOLOGY_BLOB_H
#define TEST_UNIT_TOPOLOGY_BLOB_H

#include "board/topology.h"

#define BLOB_BYTES 131072u

/* A blob in the making: the blocks grow apart, blob_finish() puts them together. */
struct blob {
	uint8_t tree[BLOB_BYTES / 2], strings[BLOB_BYTES / 4], reserve[256];
	uint32_t tree_bytes, strings_bytes, reserve_bytes;
	uint8_t *out; /* on 8 bytes, BLOB_BYTES long */
	uint32_t out_bytes;
};

/* From test memory; NULL when there is none, which also fails the case. */
struct blob *blob_new(void);

void blob_begin(struct blob *b, const char *name);
void blob_end(struct blob *b);
void blob_bytes(struct blob *b, const char *name, const void *value, uint32_t bytes);
void blob_text(struct blob *b, const char *name, const char *text);
void blob_cells(struct blob *b, const char *name, unsigned count, ...);
void blob_reserve(struct blob *b, uint64_t start, uint64_t size);
/* Fill out[] and out_bytes. */
void blob_finish(struct blob *b);

/* A root of two and two cells, left open. */
void blob_root(struct blob *b);
/* A memory node with one range; nid NODE_NONE for no id. */
void blob_memory(struct blob *b, uint64_t start, uint64_t size, int nid);
/* /cpus with one CPU a node id. */
void blob_cpus(struct blob *b, unsigned count, const int *nids);

/* Two nodes of 256 MiB at 1 GiB and 2 GiB with a CPU each, a distance map, reserved
 * memory of every kind, a memreserve and boot arguments; finished. */
struct blob *blob_board(void);

/* Everything that a reader of boot_info relies on, whatever the blob was. */
bool topology_info_sound(const struct boot_info *info);

#endif
