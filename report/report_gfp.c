/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request words as text and back.
 *
 * People and recorded traces write a request as a sum: "GFP_KERNEL|__GFP_ZERO",
 * or short, "NOWAIT|THISNODE". Two tables give the names: sums first (GFP_...), ordered
 * from most bits to fewest so that printing finds the largest that fits, then
 * the single bits (__GFP_...).
 *
 * Rules of reading:
 *   1. A part that begins with "__GFP_" is looked up among the bits, one that begins
 *      with "GFP_" among the sums, any other among the sums first: ATOMIC is
 *      GFP_ATOMIC, HIGH is __GFP_HIGH.
 *   2. A part that begins with "0x" is a number in hexadecimal.
 *   3. NOWAIT says "this request never waits", so it removes __GFP_DIRECT_RECLAIM from
 *      the whole sum: NOWAIT|HIGHUSER_MOVABLE is a movable request that does not
 *      reclaim. Without this rule the word would say nothing beside KERNEL or USER.
 *
 * What gfp_text() prints, gfp_parse() reads back to the same word: NOWAIT is printed
 * only when the waiting bit is absent, so that rule 3 has nothing to remove.
 *
 * No state, no locks, any context. Used by the monitor, the tests and the host's
 * oracle program.
 */
#include "report_gfp.h"

#include <string.h>
#include <zonal/gfp.h>

#include "lib/assert.h"
#include "lib/printf.h"

struct gfp_name {
	const char *name;
	gfp_t bits;
};

static const struct gfp_name sums[] = {
	{ "TRANSHUGE", GFP_TRANSHUGE },
	{ "TRANSHUGE_LIGHT", GFP_TRANSHUGE_LIGHT },
	{ "HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE },
	{ "HIGHUSER", GFP_HIGHUSER },
	{ "USER", GFP_USER },
	{ "KERNEL_ACCOUNT", GFP_KERNEL_ACCOUNT },
	{ "KERNEL", GFP_KERNEL },
	{ "NOFS", GFP_NOFS },
	{ "ATOMIC", GFP_ATOMIC },
	{ "NOIO", GFP_NOIO },
	{ "NOWAIT", GFP_NOWAIT },
};

static const struct gfp_name bits[] = {
	{ "RECLAIM", __GFP_RECLAIM },
	{ "DMA", __GFP_DMA },
	{ "HIGHMEM", __GFP_HIGHMEM },
	{ "DMA32", __GFP_DMA32 },
	{ "MOVABLE", __GFP_MOVABLE },
	{ "RECLAIMABLE", __GFP_RECLAIMABLE },
	{ "HIGH", __GFP_HIGH },
	{ "IO", __GFP_IO },
	{ "FS", __GFP_FS },
	{ "ZERO", __GFP_ZERO },
	{ "ATOMIC", __GFP_ATOMIC },
	{ "DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM },
	{ "KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM },
	{ "WRITE", __GFP_WRITE },
	{ "NOWARN", __GFP_NOWARN },
	{ "RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL },
	{ "NOFAIL", __GFP_NOFAIL },
	{ "NORETRY", __GFP_NORETRY },
	{ "MEMALLOC", __GFP_MEMALLOC },
	{ "COMP", __GFP_COMP },
	{ "NOMEMALLOC", __GFP_NOMEMALLOC },
	{ "HARDWALL", __GFP_HARDWALL },
	{ "THISNODE", __GFP_THISNODE },
	{ "ACCOUNT", __GFP_ACCOUNT },
};

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(text, prefix, n) == 0;
}

static bool find_name(const struct gfp_name *table, size_t count, const char *text, size_t len,
		      gfp_t *out)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strlen(table[i].name) == len && memcmp(table[i].name, text, len) == 0) {
			*out = table[i].bits;
			return true;
		}
	}
	return false;
}

static bool parse_hex(const char *text, size_t len, gfp_t *out)
{
	uint64_t value = 0;
	size_t i;

	if (len == 0 || len > 8)
		return false;
	for (i = 0; i < len; i++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		const char *at = memchr(digits, text[i], sizeof(digits) - 1);
		unsigned digit;

		if (!at)
			return false;
		digit = (unsigned)(at - digits);
		value = value << 4 | (digit < 16 ? digit : digit - 6);
	}
	*out = (gfp_t)value;
	return !(value & ~(uint64_t)__GFP_BITS);
}

static bool parse_part(const char *text, size_t len, gfp_t *out)
{
	if (len == 1 && text[0] == '0') {
		*out = 0;
		return true;
	}
	if (starts_with(text, len, "0x"))
		return parse_hex(text + 2, len - 2, out);
	if (starts_with(text, len, "__GFP_"))
		return find_name(bits, ARRAY_SIZE(bits), text + 6, len - 6, out);
	if (starts_with(text, len, "GFP_")) {
		text += 4;
		len -= 4;
		/* GFP_DMA and GFP_DMA32 are sums of one bit. */
		return find_name(sums, ARRAY_SIZE(sums), text, len, out) ||
		       (starts_with(text, len, "DMA") &&
			find_name(bits, ARRAY_SIZE(bits), text, len, out));
	}
	return find_name(sums, ARRAY_SIZE(sums), text, len, out) ||
	       find_name(bits, ARRAY_SIZE(bits), text, len, out);
}

static bool is_nowait(const char *text, size_t len)
{
	return (len == 6 && memcmp(text, "NOWAIT", 6) == 0) ||
	       (len == 10 && memcmp(text, "GFP_NOWAIT", 10) == 0);
}

bool gfp_parse(const char *text, gfp_t *out)
{
	bool nowait = false;
	gfp_t sum = 0;

	ASSERT(text && out, "flags without a text or a place");
	for (;;) {
		const char *end = strchr(text, '|');
		size_t len = end ? (size_t)(end - text) : strlen(text);
		gfp_t part;

		if (!parse_part(text, len, &part))
			return false;
		sum |= part;
		nowait = nowait || is_nowait(text, len);
		if (!end)
			break;
		text = end + 1;
	}
	*out = nowait ? sum & ~__GFP_DIRECT_RECLAIM : sum;
	return true;
}

const char *gfp_name(unsigned n)
{
	if (n < ARRAY_SIZE(sums))
		return sums[n].name;
	n -= (unsigned)ARRAY_SIZE(sums);
	return n < ARRAY_SIZE(bits) ? bits[n].name : NULL;
}

/* Append to a text that may be full already. */
static size_t add_text(char *buf, size_t size, size_t at, const char *prefix, const char *name)
{
	int n;

	ASSERT(at < size, "%zu characters in a text of %zu", at, size);
	if (at + 1 >= size)
		return at;
	n = zn_snprintf(buf + at, size - at, "%s%s%s", at ? "|" : "", prefix, name);
	return ZN_MIN(at + (size_t)n, size - 1);
}

size_t gfp_text(gfp_t gfp, char *buf, size_t size)
{
	bool waits = gfp & __GFP_DIRECT_RECLAIM;
	char hex[16];
	size_t at = 0, i;

	if (size == 0)
		return 0;
	buf[0] = '\0';
	if (gfp == 0)
		return add_text(buf, size, 0, "", "0");
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		bool misleads = waits && sums[i].bits == GFP_NOWAIT;

		if ((gfp & sums[i].bits) == sums[i].bits && !misleads) {
			at = add_text(buf, size, at, "GFP_", sums[i].name);
			gfp &= ~sums[i].bits;
		}
	}
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if ((gfp & bits[i].bits) == bits[i].bits) {
			at = add_text(buf, size, at, "__GFP_", bits[i].name);
			gfp &= ~bits[i].bits;
		}
	}
	if (gfp) {
		zn_snprintf(hex, sizeof(hex), "0x%x", gfp);
		at = add_text(buf, size, at, "", hex);
	}
	return at;
}
