/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree that the kernel gets: firmware's, with the reservations, the initramfs and the
 * kernel's words.
 *
 * What must be kept is said in the two ways that a tree has. /memreserve/ is a table of addresses
 * and sizes behind the header, without names: the kernel takes them out of what it hands out. A
 * child of /reserved-memory has a name, and may say no-map: the kernel does not even map it, so
 * that no load by speculation ever goes there. Memory nodes, cores and distances stay as they are.
 *
 * Written in place with libfdt, which moves what is behind each addition; all errors come out as
 * one, at the end. The caller's buffer is where the tree stays: within the transfer list.
 */
#include "boot.h"

#include <libfdt.h>
#include <string.h>

/* What the tree takes in the end: without the padding, QEMU's is up to 1 MiB. */
size_t boot_tree_room(void)
{
	size_t used = fdt_size_dt_struct(boot.tree) + fdt_size_dt_strings(boot.tree) +
		      ((size_t)fdt_num_mem_rsv(boot.tree) + 2) * sizeof(struct fdt_reserve_entry);

	return used + strlen(boot.kernel_words) + TREE_ROOM;
}

/* What libfdt wants to begin with: it moves the padding along. */
size_t boot_tree_work(void)
{
	return fdt_totalsize(boot.tree) + boot_tree_room();
}

static int put_reg(void *fdt, int node, const struct boot_range *range)
{
	fdt64_t reg[2] = { cpu_to_fdt64(range->start), cpu_to_fdt64(range->bytes) };

	return fdt_setprop(fdt, node, "reg", reg, sizeof(reg));
}

static int put_kept(void *fdt, int parent, const char *name, const struct boot_range *range,
		    bool no_map)
{
	char full[40];
	int node;

	boot_text(full, sizeof(full), "%s@%llx", name, (unsigned long long)range->start);
	node = fdt_add_subnode(fdt, parent, full);
	if (node < 0)
		return node;
	if (no_map && fdt_setprop(fdt, node, "no-map", NULL, 0))
		return -FDT_ERR_NOSPACE;
	return put_reg(fdt, node, range);
}

/* Its cells are the root's, two and two: a reg of it is read and written so here. */
static int open_reserved(void *fdt)
{
	int node = fdt_path_offset(fdt, "/reserved-memory"), err;

	if (node >= 0)
		return fdt_address_cells(fdt, node) == 2 && fdt_size_cells(fdt, node) == 2 ?
			node : -FDT_ERR_BADNCELLS;
	node = fdt_add_subnode(fdt, 0, "reserved-memory");
	if (node < 0)
		return node;
	err = fdt_setprop_u32(fdt, node, "#address-cells", 2);
	err = err ? err : fdt_setprop_u32(fdt, node, "#size-cells", 2);
	err = err ? err : fdt_setprop(fdt, node, "ranges", NULL, 0);
	return err ? err : node;
}

static int put_reserved(void *fdt)
{
	int parent = open_reserved(fdt), err;

	if (parent < 0)
		return parent;
	err = put_kept(fdt, parent, "firmware", &boot.keep[KEEP_FIRMWARE], true);
	err = err ? err : put_kept(fdt, parent, "log", &boot.keep[KEEP_LOG], false);
	return err ? err : fdt_add_mem_rsv(fdt, boot.keep[KEEP_LIST].start,
					   boot.keep[KEEP_LIST].bytes);
}

static int put_chosen(void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen"), err;

	if (node < 0)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	err = fdt_setprop(fdt, node, "bootargs", boot.kernel_words,
			  (int)strlen(boot.kernel_words) + 1);
	err = err ? err : fdt_setprop_u64(fdt, node, "linux,initrd-start", boot.initramfs.start);
	return err ? err : fdt_setprop_u64(fdt, node, "linux,initrd-end",
					   boot.initramfs.start + boot.initramfs.bytes);
}

size_t boot_tree_write(void *to, size_t work, size_t room)
{
	int err = fdt_open_into(boot.tree, to, (int)work);

	err = err ? err : put_chosen(to);
	err = err ? err : put_reserved(to);
	err = err ? err : fdt_pack(to);
	if (!err && fdt_totalsize(to) > room)
		err = -FDT_ERR_NOSPACE;
	if (err)
		boot_say("the tree cannot be written into %zu bytes: %s", room, fdt_strerror(err));
	return err ? 0 : fdt_totalsize(to);
}
