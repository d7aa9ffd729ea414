/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where kprintf() writes to.
 *
 * One pointer, the sink. Until somebody sets it, it is console_write_default(), which each
 * program may define for itself: standard output on the host, nothing in an image that has not
 * found its UART yet. Apart from printf.c, because the core formats text and has no console.
 *
 * Any context. No lock: the sink is read once a call, so that a text goes to one place, and pieces
 * of two texts that CPUs print at once are the sink's to keep apart.
 */
#include "kprintf.h"

#include <stdatomic.h>

/* Read by every CPU, changed at boot when the UART driver is found. */
static _Atomic(zn_sink_fn) console_sink = console_write_default;

/* The weak default for an image without a console; arch/host replaces it. */
__attribute__((weak)) void console_write_default(const char *text, size_t length)
{
	(void)text;
	(void)length;
}

void kvprintf(const char *fmt, va_list list)
{
	/* Acquire pairs with the release in console_set_sink(): the driver's
	 * state is visible before its write function is called. */
	zn_sink_fn sink = atomic_load_explicit(&console_sink, memory_order_acquire);

	if (sink)
		zn_vprint_to(sink, fmt, list);
}

void kprintf(const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	kvprintf(fmt, list);
	va_end(list);
}

void console_set_sink(zn_sink_fn write)
{
	atomic_store_explicit(&console_sink, write, memory_order_release);
}
