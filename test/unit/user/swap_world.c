/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of swap share: pages with known contents, and a compressor that runs on the host
 * as well as in the image.
 *
 * The compressor is simple on purpose. A packed page is a sequence of pairs, how many words and
 * which; unpacking checks that they make exactly one page.
 */
#include "swap_world.h"

#define WORDS (PAGE_SIZE / 8)

static size_t runs_pack(const void *page, void *to, size_t room, void *state)
{
	const uint64_t *word = page;
	uint64_t pair[2];
	size_t bytes = 0;

	memset(state, 0x5a, 64);
	for (unsigned i = 0; i < WORDS; i += (unsigned)pair[0]) {
		pair[0] = 1;
		pair[1] = word[i];
		while (i + pair[0] < WORDS && word[i + pair[0]] == word[i])
			pair[0]++;
		if (bytes + sizeof(pair) > room)
			return 0;
		memcpy((char *)to + bytes, pair, sizeof(pair));
		bytes += sizeof(pair);
	}
	return bytes;
}

static bool runs_unpack(const void *from, size_t bytes, void *page)
{
	uint64_t *word = page, pair[2];
	unsigned done = 0;

	for (size_t at = 0; at + sizeof(pair) <= bytes; at += sizeof(pair)) {
		memcpy(pair, (const char *)from + at, sizeof(pair));
		if (pair[0] > WORDS - done)
			return false;
		while (pair[0]--)
			word[done++] = pair[1];
	}
	return done == WORDS;
}

const struct swap_codec swap_test_codec = {
	.name = "runs",
	.state_bytes = 64,
	.pack = runs_pack,
	.unpack = runs_unpack,
};

static uint64_t word_of(uint64_t seed, unsigned i, unsigned run)
{
	return (seed + i / run) * 0x9e3779b97f4a7c15 ^ seed;
}

struct page *swap_page_new(uint64_t seed, unsigned run)
{
	struct page *page = zonal_alloc(swap_memory(), GFP_KERNEL, 0);
	uint64_t *word = page ? swap_address(page) : NULL;

	KT_TRUE(page != NULL);
	for (unsigned i = 0; page && i < WORDS; i++)
		word[i] = word_of(seed, i, run);
	return page;
}

bool swap_page_is(struct page *page, uint64_t seed, unsigned run)
{
	const uint64_t *word = swap_address(page);

	for (unsigned i = 0; i < WORDS; i++)
		if (word[i] != word_of(seed, i, run))
			return false;
	return true;
}

void swap_page_free(struct page *page) { zonal_free(swap_memory(), page, 0); }
