/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/text.h: what is beyond the length that is given is not looked at, and a NUL ends a text
 * wherever it stands.
 *
 * An array without a NUL stands for a text whose end is only in the length: a function that looked
 * further would be stopped by the sanitizers.
 */
#include "lib/text.h"

#include "test/ktest.h"

KTEST(text, length_ends_at_the_nul_or_the_limit)
{
	const char three[3] = { 'a', 'b', 'c' }; /* no NUL: a fourth would be somebody else's */

	KT_EQ(text_length("", 5), 0);
	KT_EQ(text_length("abc", SIZE_MAX), 3);
	KT_EQ(text_length("abc", 3), 3);
	KT_EQ(text_length("abc", 2), 2);
	KT_EQ(text_length("abc", 0), 0);
	KT_EQ(text_length(three, 3), 3);
}

KTEST(text, same_looks_at_both_up_to_the_nul_or_the_limit)
{
	const char three[3] = { 'a', 'b', 'c' };

	KT_TRUE(text_same("abc", "abc", 4));
	KT_TRUE(text_same("abc", three, 3));
	KT_TRUE(text_same("abX", "abY", 2));
	KT_TRUE(text_same("x", "y", 0));
	KT_TRUE(text_same("", "", 4));
	KT_TRUE(!text_same("abX", "abY", 3));
	KT_TRUE(!text_same("ab", "abc", 3));
	KT_TRUE(!text_same("abc", "ab", 3));
	/* What stands behind the NUL of both is nobody's business. */
	KT_TRUE(text_same("ab\0c", "ab\0d", 4));
}

KTEST(text, find_stops_at_the_end)
{
	const char *text = "a:b:c", *end = text + 3;

	KT_TRUE(text_find(text, end, ':') == text + 1);
	KT_TRUE(text_find(text, end, 'b') == text + 2);
	KT_TRUE(text_find(text, end, 'c') == NULL);
	KT_TRUE(text_find(end, end, 'a') == NULL);
}
