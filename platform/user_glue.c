/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What user/ asks of the board: the allocator that programs live on, and where nodes and cores
 * are. Contracts: user/user_port.h; the rest of them is arch/arm64/user/.
 *
 * No state of its own.
 */
#include <zonal/linux.h>

#include "platform.h"
#include "user/user_port.h"

struct zonal *user_port_memory(void) { return &zonal_image; }
const struct boot_info *user_port_board(void) { return &boot_info; }
