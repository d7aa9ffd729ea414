/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <stdlib.h> of the image: libfdt's headers include it. The one function that
 * libfdt may call from it (overlays, which we do not use) is declared, not
 * defined, so that a call fails at link time.
 */
#ifndef FREESTANDING_STDLIB_H
#define FREESTANDING_STDLIB_H

#include <stddef.h>

unsigned long strtoul(const char *text, char **end, int base);

#endif
