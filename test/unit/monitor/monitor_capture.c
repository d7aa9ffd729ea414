/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Catch what kprintf() prints.
 *
 * The console sink is replaced by one that appends to a buffer. Text beyond the
 * buffer is dropped, and then the last bytes say so, so that a comparison fails
 * rather than passes. Lines of log are caught as well. Checks of the harness print through
 * the same sink, so a test ends the capture before it checks anything. One test runs at a
 * time: no lock.
 */
#include "monitor_capture.h"

#include <string.h>

#include "lib/log.h"
#include "lib/kprintf.h"
#include "test/ktest.h"

#define CAPTURE_BYTES 32768u

static char captured[CAPTURE_BYTES];
static size_t length;
static bool (*log_hook)(const char *line); /* the harness's, put aside */

static void keep(const char *text, size_t bytes)
{
	static const char overflow[] = "<capture is full>";

	if (length + bytes >= sizeof(captured)) {
		memcpy(captured + sizeof(captured) - sizeof(overflow), overflow, sizeof(overflow));
		length = sizeof(captured) - 1;
		return;
	}
	memcpy(captured + length, text, bytes);
	length += bytes;
	captured[length] = '\0';
}

/* The image's console would have no way back: a case that asks for it there fails instead. */
static bool can_capture(void)
{
	return KT_OK(!kt_port_is_target(), "the console can be caught on the host only");
}

void capture_begin(void)
{
	length = 0;
	captured[0] = '\0';
	if (!can_capture())
		return;
	if (zn_log_hook)
		log_hook = zn_log_hook;
	zn_log_hook = NULL;
	console_set_sink(keep);
}

void capture_more(void)
{
	zn_log_hook = NULL;
	console_set_sink(keep);
}

const char *capture_end(void)
{
	if (kt_port_is_target())
		return captured;
	zn_log_hook = log_hook;
	console_set_sink(console_write_default);
	return captured;
}

bool capture_has_line(const char *text, const char *line)
{
	size_t want = strlen(line);

	while (*text) {
		const char *end = strchr(text, '\n');
		size_t len = end ? (size_t)(end - text) : strlen(text);

		if (len == want && memcmp(text, line, len) == 0)
			return true;
		text += len + (end ? 1 : 0);
	}
	return false;
}
