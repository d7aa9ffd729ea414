/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the console keeps interrupts out: a timer comes again and again while a long
 * text is printed, and looks how late it is. In counted instructions, so that the answer
 * is the same on every machine.
 */
#include <string.h>

#include <zonal/port.h>

#include "counted.h"
#include "lib/printf.h"
#include "platform/platform.h"
#include "test/ktest.h"

#define LINE_CHARS 100u
#define LINES 20u
#define EVERY 1200u /* instructions between two looks */
#define MOST_MASKED 15000u

static uint64_t latest;
static unsigned looks;

static void look(void)
{
	uint64_t late = counted_late();

	latest = ZN_MAX(latest, late);
	looks++;
	counted_set(EVERY, look);
}

KTEST_F(console, long_text_masks_interrupts_for_short_pieces_only, KT_TARGET_ONLY)
{
	static char text[LINES * LINE_CHARS];

	if (!counted()) {
		kt_skip("instructions are not counted (-icount)");
		return;
	}
	memset(text, '.', sizeof(text));
	for (unsigned i = 0; i < LINES; i++) {
		text[i * LINE_CHARS] = '#';
		text[(i + 1) * LINE_CHARS - 1] = '\n';
	}
	latest = looks = 0;
	counted_set(EVERY, look);
	console_write(text, sizeof(text));
	counted_set(0, NULL);
	KT_OK(looks >= LINES, "the timer came %u times only", looks);
	KT_OK(latest <= MOST_MASKED, "interrupts were masked for %llu instructions",
	      (unsigned long long)latest);
	kt_diag("masked for %llu instructions at most", (unsigned long long)latest);
}
