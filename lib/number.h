/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers out of text: boot arguments, monitor commands, test seeds. */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Read a number at `text`: decimal digits, or hexadecimal ones after 0x. False if there is no
 * digit or the value needs more than 64 bits. *rest is the first character behind it.
 * Any context.
 */
bool number_read(const char *text, uint64_t *value, const char **rest);

/* The same for a text that is a number and nothing else, at most `most`. */
bool number_read_all(const char *text, uint64_t most, uint64_t *value);

/* The same for a number of bytes, with K, M, G or T behind it or nothing. */
bool number_read_bytes(const char *text, uint64_t *bytes);

/*
 * Read a list like "0,2-3" and nothing else: numbers below `limit` (1 to 64), a bit of *mask each.
 * False: a part is none, a range runs downwards, or a number is too large; *mask is as it was.
 */
bool number_list(const char *text, unsigned limit, uint64_t *mask);

#endif
