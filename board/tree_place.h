/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree moves out of the way of large blocks. Portable. */
#ifndef BOARD_TREE_PLACE_H
#define BOARD_TREE_PLACE_H

#include <zonal/boot_info.h>

/* From the header to the end of its last block: what a copy needs. The blob is checked. */
size_t tree_used(const void *dt);

/*
 * A place for `bytes` of the blob on its own node (else the nearest that has room), added to
 * info->reserved; false if there is none, or if moving it would give nothing back. Context:
 * boot, as early_take().
 */
bool tree_take_place(struct boot_info *info, size_t bytes, uint64_t *phys) ZN_MUST_USE;

/* Write the first `bytes` of the blob to `to`, on 8 bytes, as a blob of that size. */
void tree_copy(void *to, const void *dt, size_t bytes);

/* What was reserved for the blob alone is free. Context: boot; the old blob is read no more. */
void tree_give_back(struct boot_info *info);

#endif
