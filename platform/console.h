/* SPDX-License-Identifier: BSD-2-Clause */
/* Console set-up: for the platform only. See platform.h for the rest. */
#ifndef PLATFORM_CONSOLE_H
#define PLATFORM_CONSOLE_H

#include <zonal/types.h>

enum console_found {
	CONSOLE_FOUND,
	CONSOLE_NONE, /* the tree has none that we know */
	CONSOLE_DEAD, /* it has one, and nothing answers there; said so */
};

/* Find the UART and print on it from now on. Boot. */
enum console_found console_start(void);
/* Input by interrupt from now on. After irq_start(). Boot. */
void console_start_input(void);
/* Nobody can have read what was printed: there is no UART, or it was lost in a panic. */
bool console_is_silent(void);
/* The text that nobody could read, in pieces. */
void console_read_kept(void (*piece)(const char *text, size_t length));
/* "PL011", ... or "none". */
const char *console_name(void);

#endif
