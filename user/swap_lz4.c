/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LZ4 for swap in RAM: liblz4's block format, one page at a time.
 *
 * liblz4 (Yann Collet, BSD-2-Clause) comes as source, because the library that distributions build
 * uses vector registers, which the kernel does not have: the Makefile compiles lib/lz4.c of it as
 * it compiles the image, in the freestanding mode that liblz4 has for that.
 *
 * The compressor's table is made as small as fits a page: what is not near is not in a page.
 * Nothing is kept between two pages, so nothing of one program can be seen in another's.
 *
 * No state, no lock.
 */
#include <string.h>

#include "lz4.h"
#include "swap.h"

static size_t lz4_pack(const void *page, void *to, size_t room, void *state)
{
	int bytes = LZ4_compress_fast_extState(state, page, to, PAGE_SIZE, (int)room, 1);

	return bytes > 0 ? (size_t)bytes : 0;
}

static bool lz4_unpack(const void *from, size_t bytes, void *page)
{
	return LZ4_decompress_safe(from, page, (int)bytes, PAGE_SIZE) == PAGE_SIZE;
}

const struct swap_codec swap_lz4 = {
	.name = "lz4",
	.state_bytes = sizeof(LZ4_stream_t),
	.pack = lz4_pack,
	.unpack = lz4_unpack,
};
