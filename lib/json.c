/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text as a JSON string, for every report.
 *
 * A quote and a backslash get a backslash, and whatever is not printable ASCII is written
 * as \u and four digits, one for each byte: the console may be seven bits wide, and a name
 * may hold anything. So a line stays a line, and what is read back has the same bytes.
 *
 * No state, no locks, any context.
 */
#include "json.h"

#include "assert.h"
#include "kprintf.h"

void zn_print_json(const char *text)
{
	ASSERT(text, "a string that is not there");
	kprintf("\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			kprintf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			kprintf("\\u%04x", c);
		else
			kprintf("%c", c);
	}
	kprintf("\"");
}
