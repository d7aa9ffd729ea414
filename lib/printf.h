/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output without floating point, memory allocation or locks.
 *
 * Conversions: d i u x X c s p %, with the lengths l, ll, z and h, a width and
 * a precision (number or *), and the flags 0, - and +. Anything else is printed
 * as it stands, so that a typing error shows in the output. Any context, also
 * in interrupt handlers and in a panic.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

#include <zonal/types.h>

/*
 * Write at most size - 1 characters and a NUL into `buffer` (nothing at all
 * when size is 0). Returns the length the whole text would have.
 */
int zn_snprintf(char *buffer, size_t size, const char *fmt, ...) ZN_PRINTF(3, 4);
int zn_vsnprintf(char *buffer, size_t size, const char *fmt, va_list args) ZN_PRINTF(3, 0);

/* Print to the console sink. Text up to 256 characters reaches it in one call. */
void kprintf(const char *fmt, ...) ZN_PRINTF(1, 2);
void kvprintf(const char *fmt, va_list args) ZN_PRINTF(1, 0);

/*
 * Where kprintf() writes to from now on; NULL drops the text. Without a call it
 * is console_write_default(): standard output on the host, nowhere in the image.
 */
void console_set_sink(void (*write)(const char *text, size_t length));
void console_write_default(const char *text, size_t length);

#endif
