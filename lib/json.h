/* SPDX-License-Identifier: BSD-2-Clause */
/* The one piece of JSON that needs care: a text as a string. */
#ifndef LIB_JSON_H
#define LIB_JSON_H

/* Print `text` as a JSON string, quotes included. Any context. */
void zn_print_json(const char *text);

#endif
