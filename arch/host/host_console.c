/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console of the host port: kprintf() writes to standard output.
 *
 * It replaces the weak default of lib/printf.c, so that every host program has
 * a console without a call. fwrite() locks the stream, hence lines of several
 * threads do not mix as long as each comes from one kprintf().
 */
#include <stdio.h>

#include "lib/kprintf.h"

void console_write_default(const char *text, size_t length)
{
	if (fwrite(text, 1, length, stdout) != length)
		perror("standard output");
}
