/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor: commands on the console and in the boot argument run=. */
#ifndef MONITOR_H
#define MONITOR_H

#include <zonal/types.h>

/*
 * Run "cmd;cmd" with '+' for a blank, as the boot argument run= has them. Returns
 * the exit status: 0 all good, 1 a command or test failed. Context: task.
 */
int monitor_run(const char *commands);

/* Read commands from the console until one of them turns the board off. Context: task. */
void monitor_loop(void) ZN_NORETURN;

/* The board is up: `boottime` prints the time of the first call. Called by the two above;
 * earlier by whoever runs something long before them. */
void monitor_mark_boot(void);

#endif
