/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The place where firmware's memory map and command line arrive (handover.h).
 *
 * It lies in .data and not in .bss, because the EFI stub writes it into the copy of the image
 * before that is entered, and the image clears .bss after. So it costs some 10 KiB of the file.
 * There is one writer, before the image runs; afterwards it is constant, and no lock is needed.
 */
#include "handover.h"

struct handover boot_handover __attribute__((section(".data.handover"))) = { .map_given = 0 };
