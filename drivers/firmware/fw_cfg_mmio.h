/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that QEMU offers (board/fw_cfg.h), through the registers that the tree names. */
#ifndef DRIVERS_FW_CFG_MMIO_H
#define DRIVERS_FW_CFG_MMIO_H

#include <zonal/types.h>

/*
 * The file `name`, at most `room` bytes of it at `to`; returns its size. 0 without a device or
 * without the file, and also, with one line that says why, for a device or a file that breaks a
 * rule. Context: boot, once the tree may be searched.
 */
size_t fw_cfg_mmio_file(const char *name, char *to, size_t room);

#endif
