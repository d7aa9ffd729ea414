/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output, with the conversions of <zonal/format.h>.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include <zonal/format.h>

/* As zonal_vsnprintf(). */
int zn_snprintf(char *buffer, size_t size, const char *fmt, ...) ZN_PRINTF(3, 4);

/* What takes the characters of a text, a piece a call; not ended by a NUL. */
typedef void (*zn_sink_fn)(const char *text, size_t length);
/* The whole text to `sink`, up to 256 characters a call. */
void zn_vprint_to(zn_sink_fn sink, const char *fmt, va_list args) ZN_PRINTF(2, 0);

#endif
