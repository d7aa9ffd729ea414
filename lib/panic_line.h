/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_PANIC_LINE_H
#define LIB_PANIC_LINE_H

/* The panic of a build without texts (ZONAL_TEXTS=0): the line of the source that it stands on.
 * Context: any. */
void zn_panic_line(unsigned line) ZN_NORETURN;

#endif
