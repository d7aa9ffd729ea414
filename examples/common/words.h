/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command line of words apart by blanks.
 */
#ifndef EXAMPLES_WORDS_H
#define EXAMPLES_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows `name` in word number `n` of `text` that begins with it, cut to `size` with its NUL;
 * false: there are fewer. */
bool words_value(const char *text, const char *name, unsigned n, char *value, size_t size);
/* Digits at *text, which then is behind them; false: none, or too many. */
bool words_number(const char **text, uint64_t *value);

#endif
