/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests: spoil=WHAT on the command line damages one thing of what was written, so that check.c
 * has something to find.
 *
 *	list      a byte of the list          nodes     the core's memory is on another node
 *	tree      the first word of the tree  range     a reservation where no memory is
 *	kernel    the kernel's magic          overlap   a reservation within the kernel
 *	no-map    is gone                     forgotten a reservation is gone
 *
 * All but the first are sealed again with a checksum that is right: the list says nothing of them.
 * In place, and without moving anything: nothing needs room.
 */
#include "boot.h"
#include "tree.h"
#include "words.h"

#include <libfdt.h>
#include <string.h>

static void move_log(void *fdt, uint64_t to)
{
	char path[48];
	fdt64_t reg[2] = { cpu_to_fdt64(to), cpu_to_fdt64(boot.keep[KEEP_LOG].bytes) };

	boot_text(path, sizeof(path), "/reserved-memory/log@%llx",
		  (unsigned long long)boot.keep[KEEP_LOG].start);
	(void)fdt_setprop_inplace(fdt, fdt_path_offset(fdt, path), "reg", reg, sizeof(reg));
}

static void drop_no_map(void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;

	fdt_for_each_subnode(node, fdt, parent)
		(void)fdt_nop_property(fdt, node, "no-map");
}

static void change_nodes(void *fdt)
{
	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL))
		if (tree_is_a(fdt, node, "memory"))
			(void)fdt_setprop_inplace_u32(fdt, node, "numa-node-id", 3);
}

bool boot_spoil(void)
{
	uint8_t *list = boot_pointer(boot.keep[KEEP_LIST].start);
	void *fdt = list + LIST_HEADER + LIST_ENTRY;
	char what[16];

	if (!words_value(boot.words, "spoil=", 0, what, sizeof(what)))
		return true;
	if (!strcmp(what, "tree"))
		memset((uint8_t *)fdt + fdt_off_dt_struct(fdt), 0xff, 4);
	else if (!strcmp(what, "kernel"))
		memset((uint8_t *)boot_pointer(boot.kernel.start) + KERNEL_MAGIC_AT, 0, 4);
	else if (!strcmp(what, "nodes"))
		change_nodes(fdt);
	else if (!strcmp(what, "range"))
		move_log(fdt, 0x10000000);
	else if (!strcmp(what, "overlap"))
		move_log(fdt, boot.kernel.start + MIB);
	else if (!strcmp(what, "no-map"))
		drop_no_map(fdt);
	else if (!strcmp(what, "forgotten"))
		(void)fdt_del_mem_rsv(fdt, fdt_num_mem_rsv(fdt) - 1);
	else if (strcmp(what, "list"))
		return boot_say("spoil=%s: there is nothing of that name", what);
	boot_list_seal(list);
	if (!strcmp(what, "list"))
		list[LIST_HEADER + LIST_ENTRY + 100] ^= 4;
	return true;
}
