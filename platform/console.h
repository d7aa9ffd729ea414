/* SPDX-License-Identifier: BSD-2-Clause */
/* Console set-up: for the platform only. See platform.h for the rest. */
#ifndef PLATFORM_CONSOLE_H
#define PLATFORM_CONSOLE_H

#include <zonal/types.h>

/* Find the UART and print on it from now on. False: none that we know. Boot. */
bool console_start(void);
/* Input by interrupt from now on. After irq_start(). Boot. */
void console_start_input(void);
/* The text printed so far while there is no UART; NULL if there is one. */
const char *console_held_back(void);
/* "PL011", ... or "none". */
const char *console_name(void);

#endif
