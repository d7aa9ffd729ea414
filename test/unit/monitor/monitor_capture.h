/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Catch what kprintf() prints, for tests of text. Host only: in the image the console
 * is where the test results go.
 */
#ifndef TEST_UNIT_MONITOR_CAPTURE_H
#define TEST_UNIT_MONITOR_CAPTURE_H

#include <zonal/types.h>

/* From here on text is kept, not printed. */
void capture_begin(void);
/* Print again; the text since capture_begin(), valid until the next one. */
const char *capture_end(void);
/* Keep more, behind what is kept already. */
void capture_more(void);
/* Does the text have a line that equals `line`? */
bool capture_has_line(const char *text, const char *line);

#endif
