/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text without floating point, memory allocation or locks: what the hooks
 * zonal_port_log() and zonal_port_panic() of a port without a printf of its own need.
 *
 * Conversions: d i u x X c s p %, with the lengths l, ll, z and h, a width and
 * a precision (number or *), and the flags 0, - and +. Anything else is printed
 * as it stands, so that a typing error shows in the output. Any context, also
 * in interrupt handlers and in a panic; 400 bytes of stack.
 */
#ifndef ZONAL_FORMAT_H
#define ZONAL_FORMAT_H

#include <zonal/types.h>

ZONAL_BEGIN_DECLS

/*
 * Write at most size - 1 characters and a NUL into `buffer` (nothing at all
 * when size is 0). Returns the length the whole text would have. `args` is a va_list, without its
 * header.
 */
int zonal_vsnprintf(char *buffer, size_t size, const char *fmt, __builtin_va_list args)
	ZONAL_PRINTF(3, 0);

ZONAL_END_DECLS

#endif
