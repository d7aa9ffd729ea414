/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests' single pages on the allocator's lists, from where compaction moves them.
 */
#ifndef HV_MOVE_H
#define HV_MOVE_H

#include "guest.h"

int hv_move_start(void); /* boot; 0 or it has said why not */
void hv_move_add(struct hv_guest *guest, zonal_page_t *page, uint64_t ipa);
void hv_move_remove(zonal_page_t *page);
/* The guest ran into an entry that was being moved: true, and by now it is not. */
bool hv_move_wait(struct hv_guest *guest, uint64_t ipa);

#endif
