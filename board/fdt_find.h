/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes of a checked device tree by name, and whether they may be used. */
#ifndef BOARD_FDT_FIND_H
#define BOARD_FDT_FIND_H

#include <zonal/types.h>

/*
 * All of these read a tree that fdt_walk_check() has passed, keep nothing and take no
 * lock. A node is its offset, as libfdt counts; negative means that there is none.
 */

/*
 * The child of `parent` with this name. If none has exactly this one, the first whose name
 * is `name` and a unit address, as 5.10's early code and libfdt take it; "name@unit" is
 * matched as a whole only.
 */
int fdt_find_child(const void *fdt, int parent, const char *name);

/* The node at the absolute path in the `length` characters at `path`. Never an alias. */
int fdt_find_path(const void *fdt, const char *path, size_t length);

/* No status, or "okay", or "ok". */
bool fdt_node_okay(const void *fdt, int node);

#endif
