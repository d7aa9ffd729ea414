/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text to the console. Any context, as in printf.h; the core itself has no console and does
 * without.
 */
#ifndef LIB_KPRINTF_H
#define LIB_KPRINTF_H

#include "printf.h"

/* Print to the console sink. Text up to 256 characters reaches it in one call. */
void kprintf(const char *fmt, ...) ZN_PRINTF(1, 2);
void kvprintf(const char *fmt, va_list args) ZN_PRINTF(1, 0);

/*
 * Where kprintf() writes to from now on; NULL drops the text. Without a call it
 * is console_write_default(): standard output on the host, nowhere in the image.
 */
void console_set_sink(zn_sink_fn write);
void console_write_default(const char *text, size_t length);

#endif
