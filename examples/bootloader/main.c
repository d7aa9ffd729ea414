/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small bootloader at EL1 or EL2 whose memory is the allocator's. It starts Linux.
 *
 *	make bootloader                   builds it, and the archive of what it starts
 *	qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a57 \
 *		-smp 4 -m 1G -object memory-backend-ram,id=m0,size=512M \
 *		-object memory-backend-ram,id=m1,size=512M \
 *		-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
 *		-display none -monitor none -serial stdio -nic none \
 *		-kernel build/bootloader/bootloader.img -initrd build/bootloader/boot.cpio \
 *		-append 'initramfs=1 -- console=ttyAMA0'
 *
 * Words before "--": initramfs=NODE, registers=list (below), spoil=WHAT (spoil.c); those behind it
 * are the kernel's. The archive (cpio, newc) has two files, `kernel` and `initrd`.
 *
 *	start.S board.c console.c   entered, what the board has, lines; ../common/ is shared
 *	place.c                     memory on the right nodes, and what goes there
 *	tree.c list.c               the hand-over, written
 *	check.c spoil.c             and read back
 *
 * The hand-over. Linux takes the tree in x0, and zeroes in x1 to x3. A next stage of firmware takes
 * the transfer list, which holds the same tree: registers=list gives it the list in x3 and its
 * signature with the version of this convention (1) in x1. Kernel, initramfs and list are cleaned
 * to the point of coherency, for they are read with the caches off.
 */
#include "boot.h"
#include "mmu.h"
#include "words.h"

#include <string.h>

#define REGISTERS_LIST 0x14a0fb10bu /* bits 31-0: the list's signature; 39-32: convention 1 */

static bool write_all(void)
{
	struct boot_range *list = &boot.keep[KEEP_LIST], work = *list;
	uint8_t *to = boot_pointer(list->start);
	size_t before = LIST_HEADER + LIST_ENTRY, bytes;
	char value[8];

	/* The reservation in the tree is of what remains, which is known before it is written. */
	list->bytes = before + boot_tree_room();
	list->bytes = (list->bytes + ZONAL_PAGE_SIZE - 1) & ~(uint64_t)(ZONAL_PAGE_SIZE - 1);
	bytes = boot_tree_write(to + before, work.bytes - before, list->bytes - before);
	if (!bytes)
		return false;
	boot_trim(&work, list->bytes);
	boot_say("list %08llx-%08llx is what remains", (unsigned long long)list->start,
		 (unsigned long long)(list->start + list->bytes - 1));
	boot_list_write(to, bytes, list->bytes);
	boot.x[0] = list->start + before;
	if (words_value(boot.words, "registers=", 0, value, sizeof(value))) {
		if (strcmp(value, "list"))
			return boot_say("registers=%s: it is list, or not there", value);
		boot.x[1] = REGISTERS_LIST;
		boot.x[3] = list->start;
	}
	return true;
}

static void clean(const struct boot_range *range)
{
	cache_clean(boot_pointer(range->start), range->bytes);
}

void boot_main(const void *tree)
{
	boot_console_start();
	if (!boot_read(tree) || !boot_place() || !write_all() || !boot_spoil() || !boot_check())
		boot_power_off();
	boot_say("starts the kernel at 0x%llx", (unsigned long long)boot.kernel.start);
	clean(&boot.kernel);
	clean(&boot.initramfs);
	for (int i = 0; i < KEEPS; i++)
		clean(&boot.keep[i]);
	boot_leave(boot.kernel.start, boot.x);
}
