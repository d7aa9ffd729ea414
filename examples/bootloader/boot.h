/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the bootloader know of each other.
 *
 * One core, interrupts masked for good, all RAM mapped to where it is: an address of memory and a
 * pointer are the same number. Whatever fails says so in one line, and returns false.
 */
#ifndef BOOT_H
#define BOOT_H

#include "template_port.h"

#define MIB ((uint64_t)1 << 20)

struct boot_range {
	uint64_t start, bytes; /* 0: none */
};

/* What another program than Linux has in RAM, or might have; kept by three means. */
enum boot_keep {
	KEEP_FIRMWARE, /* /reserved-memory, no-map: never mapped by Linux, not even looked at */
	KEEP_LOG,      /* /reserved-memory: mapped, and nobody's to hand out */
	KEEP_LIST,     /* /memreserve/: the transfer list itself */
	KEEPS
};

struct boot {
	const void *tree;                   /* as firmware gave it */
	struct zonal_boot_info info;
	struct zonal *mm;
	unsigned node;                      /* of the core that runs, */
	unsigned home;                      /* or the nearest one that has memory */
	unsigned cpus;
	const char *archive;                /* kernel and initrd */
	uint64_t archive_bytes;
	char words[160];                    /* of the command line: for this program, */
	const char *kernel_words;           /* and for the kernel */
	unsigned initramfs_node;
	struct boot_range kernel, initramfs, keep[KEEPS];
	uint64_t x[4];                      /* registers of the hand-over */
};

extern struct boot boot;

static inline void *boot_pointer(uint64_t address) { return (void *)address; }

/* ---- console.c: lines ---- */
void boot_console_start(void);
/* "bootloader: " and a newline added. False, so that who fails can return it. */
bool boot_say(const char *fmt, ...) ZONAL_PRINTF(1, 2);
void boot_text(char *to, size_t size, const char *fmt, ...) ZONAL_PRINTF(3, 4);
void boot_power_off(void) ZONAL_NORETURN;
void boot_crash(uint64_t esr, uint64_t elr, uint64_t far) ZONAL_NORETURN;

/* ---- board.c: what there is ---- */
bool boot_read(const void *tree);

/* ---- place.c: memory for what is handed over, filled ---- */
#define KERNEL_MAGIC 0x644d5241u /* "ARM\x64" */
#define KERNEL_MAGIC_AT 56u
#define KERNEL_ALIGN (2 * MIB)
/* Kernel and initramfs lie in one such window, aligned to a GiB. */
#define KERNEL_WINDOW ((uint64_t)32 << 30)
bool boot_place(void);
/* What is behind `bytes` goes back. */
void boot_trim(struct boot_range *range, uint64_t bytes);
uint64_t boot_le(const void *from, unsigned bytes);

/* ---- tree.c: the tree for the kernel; its bytes, 0: it has said why ---- */
#define TREE_ROOM 0x4000u /* for what is added */
#define TREE_MOST (2 * MIB)
size_t boot_tree_room(void);
size_t boot_tree_work(void); /* while it is written */
size_t boot_tree_write(void *to, size_t work, size_t room);

/* ---- list.c: a transfer list ---- */
#define LIST_HEADER 24u
#define LIST_ENTRY 8u
void boot_list_write(uint8_t *list, size_t tree_bytes, size_t room);
void boot_list_seal(uint8_t *list); /* its checksum */
/* The tree of the list, and its bytes; NULL: a line says what is wrong. */
const void *boot_list_read(const uint8_t *list, size_t room, size_t *tree_bytes);

/* ---- spoil.c: for tests, spoil=WHAT damages what was written ---- */
bool boot_spoil(void);

/* ---- check.c: what was written, read back ---- */
bool boot_check(void);

/* ---- start.S: MMU and data cache off, x[] into x0 to x3, and away ---- */
void boot_leave(uint64_t kernel, const uint64_t *x) ZONAL_NORETURN;
void boot_main(const void *tree) ZONAL_NORETURN;

#endif
