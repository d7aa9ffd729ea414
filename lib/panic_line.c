/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A panic that says a line number and nothing else.
 *
 * A build without texts is one that must be small, and an assertion there is a comparison and a
 * call. Out of line, so that each of its many places has the number alone to load and not the
 * address of a format as well: two instructions instead of four. Which file the line is of shows
 * in the address that it was called from; in the pair of files there is one file.
 *
 * No state, no locks.
 */
#include "panic_line.h"

#include <zonal/port.h>

void zn_panic_line(unsigned line) { zonal_port_panic("zonal: line %u", line); }
