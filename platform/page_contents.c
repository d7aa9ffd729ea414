/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What page_poison=on asks of pages: fill them with a byte, and find what is not that byte.
 *
 * Free pages are reached through the linear map, as they are when they are cleared. The pattern is
 * compared in words of eight bytes, since every page of a request is looked at; only a word that
 * differs is looked at byte by byte.
 *
 * No state, no locks; any context.
 */
#include <string.h>

#include <zonal/zonal.h>

#include "arm64_memory.h"
#include "lib/assert.h"
#include "platform.h"

static void fill(void *unused, pfn_t pfn, size_t count, uint8_t byte)
{
	(void)unused;
	memset(phys_to_virt(pfn << PAGE_SHIFT), byte, count << PAGE_SHIFT);
}

/* The first byte that is not `byte`; PAGE_SIZE if there is none. */
static uint32_t first_other(const uint8_t *page, uint8_t byte)
{
	const uint64_t *word = (const uint64_t *)(const void *)page;
	uint64_t want = 0x0101010101010101ull * byte;
	uint32_t at = 0;

	while (at < PAGE_SIZE && word[at / 8] == want)
		at += 8;
	while (at < PAGE_SIZE && page[at] == byte)
		at++;
	return at;
}

static bool spoiled(void *unused, pfn_t pfn, uint8_t byte, struct zonal_spoiled *out)
{
	const uint8_t *page = phys_to_virt(pfn << PAGE_SHIFT);

	(void)unused;
	out->first = first_other(page, byte);
	if (out->first == PAGE_SIZE)
		return false;
	out->last = PAGE_SIZE - 1;
	while (page[out->last] == byte)
		out->last--;
	ASSERT(out->last >= out->first, "pfn 0x%llx: byte 0x%x to 0x%x",
	       (unsigned long long)pfn, out->first, out->last);
	for (uint32_t i = 0; i < sizeof(out->byte) && out->first + i < PAGE_SIZE; i++)
		out->byte[i] = page[out->first + i];
	return true;
}

const struct zonal_contents page_contents = { fill, spoiled };
