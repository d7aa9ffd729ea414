/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages and a compressor for the tests of swap. */
#ifndef TEST_SWAP_WORLD_H
#define TEST_SWAP_WORLD_H

#include <string.h>

#include <zonal/reclaim.h>
#include <zonal/user.h>

#include "mm/mm.h"
#include "test/unit/block/ram_disk.h"
#include "user/swap_internal.h"

#define MAY_ALL (ZONAL_MAY_WRITE | ZONAL_MAY_WAIT | ZONAL_MAY_FS | ZONAL_MAY_UNMAP)

/* Words in a row that are alike become one and a count: what is filled with one word becomes 16
 * bytes, what is random does not fit. */
extern const struct swap_codec swap_test_codec;

/* A page of words that follow from `seed`; `run` of them in a row are alike. */
struct page *swap_page_new(uint64_t seed, unsigned run);
bool swap_page_is(struct page *page, uint64_t seed, unsigned run);
void swap_page_free(struct page *page);

/* Places that reclaim may think of. */
static inline uint64_t swap_room(void) { return ld_relaxed(&swap_memory()->swap_free); }

#endif
