/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What firmware with a memory map of its own (UEFI) hands over besides the device tree. The EFI
 * stub fills it in the copy of the image that it is about to enter; without such firmware it is
 * as it was linked: nothing. Constant once the image runs.
 */
#ifndef BOARD_HANDOVER_H
#define BOARD_HANDOVER_H

#include <zonal/types.h>

/* More ranges than these are lost; what is in no range is not used, so nothing is corrupted. */
#define HANDOVER_RANGES 256u
#define HANDOVER_TEXT 4096u

enum firmware_kind {
	FIRMWARE_FREE,  /* RAM, ours since firmware has left */
	FIRMWARE_KEPT,  /* RAM that firmware's tables lie in: may be read */
	FIRMWARE_NOMAP, /* firmware's own, or bad: not to be mapped */
};

struct firmware_range {
	uint64_t start, size; /* whole pages */
	uint32_t kind;
};

struct handover {
	uint32_t map_given;   /* firmware has told all RAM there is, in range[] */
	uint32_t range_count; /* sorted, disjoint */
	uint32_t ranges_lost;
	uint32_t text_bytes;  /* of the command line, in the place of the tree's; 0: none */
	struct firmware_range range[HANDOVER_RANGES];
	char text[HANDOVER_TEXT];
};

extern struct handover boot_handover;

#endif
