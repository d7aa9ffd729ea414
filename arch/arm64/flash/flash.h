/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are on the board that build/flash.img is for, QEMU's `virt`, and within the file.
 *
 *	0x0000  start-up code (start.S, flash.c)
 *	0x3ff0  header: the text ZONALFL1, CRC-32 of the image, its bytes
 *	0x4000  the image, build/zonal.img
 */
#ifndef BOARD_FLASH_H
#define BOARD_FLASH_H

#define FLASH_BYTES 0x4000000
#define FLASH_HEADER 0x3ff0
#define FLASH_PAYLOAD 0x4000

/* QEMU leaves the tree at the start of RAM; it has 2 MiB at most. The stack of the start-up code
 * ends where the image begins. */
#define FLASH_RAM 0x40000000
#define FLASH_IMAGE 0x40400000
#define FLASH_UART 0x09000000

/* With secure=on a PL061 of the secure world turns the board off by its line 0. Its line 7 is
 * connected to nothing, and reset makes an input of it: as an output it tells the other cores
 * that the image is there. RAM would not do, as it outlives a reset. */
#define FLASH_GPIO 0x090b0000
#define FLASH_GPIO_DIR 0x400
#define FLASH_GPIO_GO 7

#endif
