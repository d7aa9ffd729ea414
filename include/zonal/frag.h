/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces of a block for many small users that come and go, as buffers of packets do (D15).
 *
 *	static struct zonal_frag cache;                          zeroed, one for each user
 *	page = zonal_frag_take(mm, &cache, 1536, ZONAL_GFP_ATOMIC, &offset);
 *	...                                                      bytes [offset, offset + 1536) of
 *	                                                         the block that begins at `page`
 *	zonal_frag_put(mm, page);                                from anywhere, by anyone
 *
 * A block of 32 KiB is cut from its end towards its start; each piece has a reference of the block.
 * When it is used up and all pieces are back, it is cut again; otherwise the cache lets go of it,
 * and the last piece that comes back frees it. Where no such block is to be had, single pages
 * serve.
 */
#ifndef ZONAL_FRAG_H
#define ZONAL_FRAG_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* One caller at a time; all fields are the core's. */
struct zonal_frag {
	zonal_page_t *page; /* the block that is being cut; NULL: none */
	uint32_t size;      /* of it, bytes */
	uint32_t offset;    /* of the piece handed out last */
	int32_t held;       /* references of the block that the cache has not handed out yet */
	bool reserve;       /* it came out of the reserves (L18): it is not cut twice */
};

/*
 * `bytes` (1 to a page) contiguous ones: the block's first page, and *offset from its start.
 * Aligned as sizes asked so far make it: a user asks for multiples of what it needs. NULL: no
 * memory, or `bytes` is out of range. From the nearest node, not by the task's policy. Context: as
 * zonal_alloc() with the same flags.
 */
zonal_page_t *zonal_frag_take(struct zonal *mm, struct zonal_frag *cache, size_t bytes,
			      zonal_gfp_t gfp, size_t *offset) ZONAL_MUST_USE;

/* A piece comes back; `page` as it was given. Any context, any CPU. */
void zonal_frag_put(struct zonal *mm, zonal_page_t *page);

/* The cache lets go of its block, and is as new. The user's context. */
void zonal_frag_end(struct zonal *mm, struct zonal_frag *cache);

ZONAL_END_DECLS

#endif
