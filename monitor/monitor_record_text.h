/* SPDX-License-Identifier: BSD-2-Clause */
/* A record's lines, and the state of an instance as such lines. */
#ifndef MONITOR_RECORD_TEXT_H
#define MONITOR_RECORD_TEXT_H

#include "mm/mm.h"

/* From now on lines go to the file that monitor_record_open() opened, or to the console. */
void record_to_file(bool file);
/* The end of all lines. False: some of them could not be written. */
bool record_end_of_text(void);
/* Text of a line; its '\n' is the last character, or comes with a later piece. */
void record_text(const char *fmt, ...) ZN_PRINTF(1, 2);

/* What ran on which board: all lines before the first state. */
void record_head(struct zonal *mm);
/* "state start" to its "end start", or "end". What changes meanwhile makes it wrong, and not
 * endless. */
void record_state(struct zonal *mm, const char *which);

#endif
