/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of request flags: what the recorded traces of a real kernel write must be
 * read as the bits that this kernel printed beside it, bad text must be refused
 * without touching the result, and what is printed must be read back unchanged.
 */
#include <string.h>
#include <zonal/gfp.h>

#include "report/report_gfp.h"
#include "test/ktest.h"

static gfp_t parsed(const char *text)
{
	gfp_t gfp = 0xdeadbeef;

	KT_OK(gfp_parse(text, &gfp), "'%s' was refused", text);
	return gfp;
}

KTEST(report_gfp, reads_the_names_of_recorded_traces)
{
	KT_EQ(parsed("USER"), 0x100cc0);
	KT_EQ(parsed("USER|THISNODE"), 0x300cc0);
	KT_EQ(parsed("KERNEL"), 0xcc0);
	KT_EQ(parsed("NOWAIT"), 0x800);
	KT_EQ(parsed("ATOMIC"), 0xa20);
	KT_EQ(parsed("NOWAIT|HARDWALL"), 0x100800);
	KT_EQ(parsed("ATOMIC|NOMEMALLOC"), 0x80a20);
	KT_EQ(parsed("HIGH|NOWAIT"), 0x820);
	KT_EQ(parsed("NOWAIT|DMA32"), 0x804);
	KT_EQ(parsed("NOWAIT|RECLAIMABLE"), 0x810);
}

KTEST(report_gfp, nowait_takes_direct_reclaim_out)
{
	KT_EQ(parsed("NOWAIT|HIGHUSER_MOVABLE"), GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM);
	KT_EQ(parsed("HIGHUSER_MOVABLE|NOWAIT"), GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM);
	KT_EQ(parsed("HIGHUSER_MOVABLE"), GFP_HIGHUSER_MOVABLE);
}

KTEST(report_gfp, prefixes_choose_between_sum_and_bit)
{
	KT_EQ(parsed("GFP_ATOMIC"), GFP_ATOMIC);
	KT_EQ(parsed("__GFP_ATOMIC"), __GFP_ATOMIC);
	KT_EQ(parsed("GFP_DMA"), __GFP_DMA);
	KT_EQ(parsed("GFP_DMA32|__GFP_ZERO"), __GFP_DMA32 | __GFP_ZERO);
	KT_EQ(parsed("0xcc0|ZERO"), GFP_KERNEL | __GFP_ZERO);
	KT_EQ(parsed("0xCC0"), GFP_KERNEL);
	KT_EQ(parsed("0"), 0);
}

KTEST(report_gfp, refuses_bad_text_and_leaves_the_result)
{
	static const char *const bad[] = {
		"",       "|",        "KERNEL|",      "|KERNEL",      "KERNELS",     "kernel",
		"0x",     "0xg",      "0x800000",     "0x123456789",  "GFP_",        "__GFP_",
		"12",     "GFP_HIGH", "KERNEL||ZERO", "__GFP_KERNEL", "KERNEL ZERO", "0x\xff",
		"GFP_DMA3"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		gfp_t gfp = 0x1234;

		KT_OK(!gfp_parse(bad[i], &gfp), "'%s' was accepted as 0x%x", bad[i], gfp);
		KT_EQ(gfp, 0x1234);
	}
}

KTEST(report_gfp, prints_names_that_people_know)
{
	char text[GFP_TEXT_BYTES];

	gfp_text(GFP_KERNEL | __GFP_ZERO, text, sizeof(text));
	KT_STR_EQ(text, "GFP_KERNEL|__GFP_ZERO");
	gfp_text(GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM, text, sizeof(text));
	KT_STR_EQ(text, "__GFP_HIGHMEM|__GFP_MOVABLE|__GFP_IO|__GFP_FS|__GFP_HARDWALL");
	gfp_text(0, text, sizeof(text));
	KT_STR_EQ(text, "0");
}

KTEST(report_gfp, printed_words_are_read_back)
{
	uint64_t state = kt_seed() | 1;
	char text[GFP_TEXT_BYTES];
	unsigned i;

	for (i = 0; i < 20000; i++) {
		gfp_t gfp = (gfp_t)kt_random(&state) & __GFP_BITS, back = ~gfp;

		gfp_text(gfp, text, sizeof(text));
		if (!KT_OK(gfp_parse(text, &back), "'%s' was refused", text) || !KT_EQ(back, gfp))
			return;
	}
}

KTEST(report_gfp, text_is_cut_to_the_buffer)
{
	char all[GFP_TEXT_BYTES], text[64];
	size_t size, len;

	len = gfp_text(__GFP_BITS, all, sizeof(all));
	KT_EQ(len, strlen(all));
	KT_TRUE(len + 1 < sizeof(all));
	for (size = 1; size < sizeof(text); size++) {
		memset(text, 0x55, sizeof(text));
		len = gfp_text(__GFP_BITS, text, size);
		if (!KT_EQ(len, strlen(text)) || !KT_TRUE(len < size) ||
		    !KT_TRUE(memcmp(text, all, len) == 0) || !KT_EQ(text[size], 0x55))
			return;
	}
}
