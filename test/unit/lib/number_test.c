/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers out of text: what is read, what is refused, and that a refusal of the
 * whole text leaves the caller's value alone. The borders are those of 64 bits in
 * both bases, where a reader that multiplies first and looks later goes wrong.
 */
#include "lib/number.h"
#include "test/ktest.h"

KTEST(number, reads_decimal_and_hexadecimal)
{
	uint64_t value = 0;

	KT_TRUE(number_read_all("0", 0, &value));
	KT_EQ(value, 0);
	KT_TRUE(number_read_all("18446744073709551615", UINT64_MAX, &value));
	KT_EQ(value, UINT64_MAX);
	KT_TRUE(number_read_all("0xFfffffffffffffff", UINT64_MAX, &value));
	KT_EQ(value, UINT64_MAX);
	KT_TRUE(number_read_all("0X1a", 26, &value));
	KT_EQ(value, 26);
	KT_TRUE(number_read_all("010", 10, &value));
	KT_EQ(value, 10);
}

KTEST(number, refuses_what_it_does_not_wholly_understand)
{
	static const char *const bad[] = { "",	  "0x",	 "x1",	"-1", "+1", " 1", "1 ", "1k",
					   "12a", "0xg", "1.5", "18446744073709551616",
					   "0x10000000000000000", "99999999999999999999" };
	uint64_t value = 77;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KT_OK(!number_read_all(bad[i], UINT64_MAX, &value), "\"%s\" was read", bad[i]);
	KT_TRUE(!number_read_all("27", 26, &value));
	KT_EQ(value, 77);
}

KTEST(number, tells_where_it_ends)
{
	const char *text = "0x20M,7", *rest = text;
	uint64_t value = 0;

	KT_TRUE(number_read(text, &value, &rest));
	KT_EQ(value, 32);
	KT_EQ(rest - text, 4);
}

KTEST(number, list_of_small_numbers_is_a_mask)
{
	uint64_t mask = 0;

	KT_TRUE(number_list("3", 64, &mask) && mask == 8);
	KT_TRUE(number_list("0,2-3,15", 16, &mask) && mask == 0x800d);
	KT_TRUE(number_list("0-63", 64, &mask) && mask == UINT64_MAX);
	KT_TRUE(number_list("0x10-0x11,3-3,3", 64, &mask) && mask == 0x30008);
}

KTEST(number, list_is_refused_as_a_whole_and_the_mask_stays)
{
	static const char *const bad[] = { "", ",", "1,", ",1", "2-1", "1-", "-1", "a", "1--2",
					   "1-2-3", "1 ", "8", "1-8", "0,8", "1,,2", "1;2",
					   "18446744073709551616", "0-0xffffffffffffffff" };
	uint64_t mask = 77;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KT_OK(!number_list(bad[i], 8, &mask), "\"%s\" was read", bad[i]);
	KT_EQ(mask, 77);
}
