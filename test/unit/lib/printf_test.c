/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lib/printf.c promises: the conversions, widths, precisions and flags of
 * C without floating point, the length of the whole text whatever fits, and a
 * console sink that gets a long text in pieces without losing a character.
 *
 * Formats that the compiler would warn about are handed over through a
 * variable; they are about what a wrong format does at run time.
 */
#include <string.h>

#include "lib/kprintf.h"
#include "test/ktest.h"

static char text[512];

/* Formats into `text` without the compiler's check of the format. */
static int format(const char *fmt, ...)
{
	int (*unchecked)(char *, size_t, const char *, va_list) = zonal_vsnprintf;
	va_list args;
	int length;

	va_start(args, fmt);
	length = unchecked(text, sizeof(text), fmt, args);
	va_end(args);
	return length;
}

KTEST(printf, decimal)
{
	format("%d %i %u", -5, 7, 4000000000u);
	KT_STR_EQ(text, "-5 7 4000000000");
	format("%d %ld %lld", INT32_MIN, INT64_MIN, (long long)INT64_MAX);
	KT_STR_EQ(text, "-2147483648 -9223372036854775808 9223372036854775807");
	format("%llu %lu %zu", UINT64_MAX, 0ul, (size_t)12);
	KT_STR_EQ(text, "18446744073709551615 0 12");
	format("%+d %+d", 5, -5);
	KT_STR_EQ(text, "+5 -5");
}

KTEST(printf, hexadecimal)
{
	format("%x %X %lx", 0xbeefu, 0xBEEFu, 0xffffffffffffffffUL);
	KT_STR_EQ(text, "beef BEEF ffffffffffffffff");
	format("%p %p", (void *)0x40200000, (void *)0);
	KT_STR_EQ(text, "0x40200000 0x0");
}

KTEST(printf, short_lengths_are_cut)
{
	format("%hx %hhx %hd %hhd", 0x12345, 0x1ff, 0x18000, 0x80);
	KT_STR_EQ(text, "2345 ff -32768 -128");
}

KTEST(printf, width_and_flags)
{
	format("[%5d|%-5d|%05d|%5d]", 42, 42, 42, -42);
	KT_STR_EQ(text, "[   42|42   |00042|  -42]");
	format("[%05d|%016lx|%-05d]", -42, 0x40200000ul, 42);
	KT_STR_EQ(text, "[-0042|0000000040200000|42   ]");
	format("[%*d|%*d]", 4, 7, -4, 7);
	KT_STR_EQ(text, "[   7|7   ]");
}

KTEST(printf, precision)
{
	format("[%.3d|%6.3d|%-6.3d|%06.3d]", 7, 7, 7, 7);
	KT_STR_EQ(text, "[007|   007|007   |   007]");
	format("[%.0d|%.0x|%.*d]", 0, 0, 4, 12);
	KT_STR_EQ(text, "[||0012]");
}

KTEST(printf, strings)
{
	format("[%s|%8s|%-8s|%.2s|%5.1s]", "node", "node", "node", "node", "node");
	KT_STR_EQ(text, "[node|    node|node    |no|    n]");
	format("[%s|%c|%3c|%-3c|%%]", (char *)NULL, 'a', 'b', 'c');
	KT_STR_EQ(text, "[(null)|a|  b|c  |%]");
}

KTEST(printf, a_string_with_precision_needs_no_end)
{
	const char raw[3] = { 'a', 'b', 'c' };

	format("%.3s", raw);
	KT_STR_EQ(text, "abc");
}

KTEST(printf, an_unknown_conversion_shows)
{
	format("%q %5y end%", 1);
	KT_STR_EQ(text, "%q %5y end%");
}

KTEST(printf, a_small_buffer_keeps_the_whole_length)
{
	char small[5] = "####";

	KT_EQ(zn_snprintf(small, sizeof(small), "%s", "0123456789"), 10);
	KT_STR_EQ(small, "0123");
	KT_EQ(zn_snprintf(small, 1, "%d", 12345), 5);
	KT_STR_EQ(small, "");
	memcpy(small, "keep", 5);
	KT_EQ(zn_snprintf(small, 0, "%d", 12345), 5);
	KT_STR_EQ(small, "keep");
}

static char sunk[1024];
static size_t sunk_length, sunk_calls;

static void sink(const char *piece, size_t length)
{
	if (sunk_length + length < sizeof(sunk))
		memcpy(sunk + sunk_length, piece, length);
	sunk_length += length;
	sunk_calls++;
}

KTEST_F(printf, the_sink_gets_every_character, KT_HOST_ONLY)
{
	size_t in_order = 0;

	sunk_length = sunk_calls = 0;
	console_set_sink(sink);
	kprintf("%0600d|", 7);
	console_set_sink(console_write_default);

	KT_EQ(sunk_length, 601);
	KT_EQ(sunk_calls, 3);
	while (in_order < 599 && sunk[in_order] == '0')
		in_order++;
	KT_EQ(in_order, 599);
	KT_EQ(sunk[599], '7');
	KT_EQ(sunk[600], '|');
}
