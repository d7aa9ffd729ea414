/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that QEMU offers a guest (`-fw_cfg name=opt/…`): the boot arguments where no loader has
 * a command line, such as `-bios`. Portable; the registers are reached through two functions.
 */
#ifndef BOARD_FW_CFG_H
#define BOARD_FW_CFG_H

#include <zonal/types.h>

/* The file that holds further boot arguments. */
#define FW_CFG_BOOTARGS "opt/zonal/bootargs"

struct fw_cfg {
	void (*select)(void *base, uint16_t key); /* from here on bytes of this item are read */
	uint8_t (*next)(void *base);
	void *base;
};

/*
 * Read the file `name` to `to`. *bytes is its size; 0 if there is no such file. Returns NULL, or
 * a rule that the device or the file breaks; then *bytes is 0. Nothing that the device says is
 * believed. Context: any, one caller at a time.
 */
const char *fw_cfg_file(const struct fw_cfg *cfg, const char *name, char *to, size_t room,
			size_t *bytes) ZN_MUST_USE;

#endif
