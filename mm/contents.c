/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What free pages hold, for those who want to know or to be sure (D9, D12).
 *
 *	page_poison     0xaa from end to end while a page is free, looked at when it is taken:
 *	                whoever writes to a page after freeing it is found out
 *	init_on_free    zeros; then a page that is taken need not be zeroed, whatever is asked
 *	init_on_alloc   zeros when it is taken, whether or not that is asked
 *
 * As in 5.10 the pattern wins over both others. The core itself touches no page: the caller's
 * hooks do (zonal_contents, zonal_clear_fn).
 *
 * One of these opens a gate: requests and frees take the ways that look (mm.h), and pass here
 * with the page in nobody's hands but theirs. So there is no lock, and interrupts are as the
 * caller has them. Pages that were free before the first request are filled when they are handed
 * over (release.c).
 */
#include "contents.h"

#include "lib/assert.h"
#include "page_check.h"

#define POISON 0xaau

/* Bytes of a spoiled page that a report shows. */
#define SHOWN 16u

uint32_t contents_gates(const struct zonal_options *options)
{
	if (options->page_poison)
		return GATE_POISON;
	return (options->init_on_alloc ? GATE_ZERO_TAKEN : 0) |
	       (options->init_on_free ? GATE_ZERO_FREED : 0);
}

void contents_freed(struct zonal *mm, pfn_t pfn, uint64_t count)
{
	uint64_t most = 1ull << (MAX_ORDER - 1);
	uint32_t gates = ld_relaxed(&mm->gates);

	ASSERT(gates & GATE_CONTENTS, "gates 0x%x", gates);
	for (uint64_t some; count; count -= some, pfn += some) {
		some = ZN_MIN(count, most);
		if (gates & GATE_POISON)
			mm->contents->fill(mm->ctx, pfn, (size_t)some, POISON);
		else if (gates & GATE_ZERO_FREED)
			mm->clear(mm->ctx, pfn, (size_t)some);
	}
}

static bool one_bit(unsigned byte)
{
	byte ^= POISON;
	return byte && !(byte & (byte - 1));
}

static void report(struct zonal *mm, pfn_t pfn, const struct zonal_spoiled *spoiled)
{
	bool bit = spoiled->first == spoiled->last && one_bit(spoiled->byte[0]);
	char text[3 * SHOWN + 1];
	uint32_t count = spoiled->last - spoiled->first + 1, at = 0;

	fetch_add_relaxed(&mm->bad, 1);
	if (!page_may_report(mm))
		return;
	for (unsigned i = 0; i < ZN_MIN(count, SHOWN); i++) {
		text[at++] = ' ';
		text[at++] = "0123456789abcdef"[spoiled->byte[i] >> 4];
		text[at++] = "0123456789abcdef"[spoiled->byte[i] & 15];
	}
	text[at] = '\0';
	port_log("zonal: %s in free page pfn 0x%llx, bytes 0x%x to 0x%x:%s%s",
		 bit ? "single bit error" : "memory corruption", (unsigned long long)pfn,
		 spoiled->first, spoiled->last, text, count > SHOWN ? " ..." : "");
}

gfp_t contents_taken(struct zonal *mm, pfn_t pfn, uint64_t count, gfp_t gfp)
{
	uint32_t gates = ld_relaxed(&mm->gates);
	struct zonal_spoiled spoiled;

	ASSERT(count && count <= 1u << (MAX_ORDER - 1), "%llu pages", (unsigned long long)count);
	if (gates & GATE_POISON) {
		for (uint64_t i = 0; i < count; i++)
			if (mm->contents->spoiled(mm->ctx, pfn + i, POISON, &spoiled))
				report(mm, pfn + i, &spoiled);
		return gfp;
	}
	if (gates & GATE_ZERO_FREED)
		return gfp & ~__GFP_ZERO;
	return gates & GATE_ZERO_TAKEN ? gfp | __GFP_ZERO : gfp;
}
