/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for compressed pages: pieces of any size up to POOL_MOST bytes. See swap_pool.c. */
#ifndef USER_SWAP_POOL_H
#define USER_SWAP_POOL_H

#include <zonal/zonal.h>

#include "lib/lock.h"

#define POOL_STEP 64u
#define POOL_CLASSES 51u
#define POOL_SPAN_PAGES 4u
#define POOL_LENGTH 8u /* bytes before the piece that say how long it is, so that it is aligned */
#define POOL_MOST (POOL_CLASSES * POOL_STEP - POOL_LENGTH)

struct swap_pool {
	struct ticket_lock lock;
	uint32_t partial[POOL_CLASSES]; /* lock: first frame of a span with room, or POOL_NONE */
	uint64_t pages, pieces, bytes;  /* lock */
};

void pool_make(struct swap_pool *pool);
/* A copy of `bytes` bytes, at most POOL_MOST. False: no memory. *handle has 42 bits: a frame
 * above POOL_INDEX_BITS bits of a number. Context: any but an interrupt. */
#define POOL_INDEX_BITS 10
bool pool_put(struct swap_pool *pool, const void *from, size_t bytes, uint64_t *handle);
/* The piece, copied to `to`, which has room for POOL_MOST bytes; its length. */
size_t pool_get(struct swap_pool *pool, uint64_t handle, void *to);
/* The piece where it lies and its length; NULL: it lies in two pages. */
const void *pool_piece(struct swap_pool *pool, uint64_t handle, size_t *bytes);
void pool_free(struct swap_pool *pool, uint64_t handle);

#endif
