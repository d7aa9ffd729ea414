/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device tree says, and the instance that is built of it.
 *
 * The tree is looked through first, for libfdt trusts what it reads. Memory, cores and distances
 * are read as the other example does (../common/tree.c). Reserved is
 * what must live until the kernel runs (this program, the tree, the archive) and what firmware
 * has reserved in the tree, which stays in the tree that the kernel gets.
 *
 * The command line is in two parts, apart by "--": words for this program, and the kernel's.
 * Context: boot, the only core that runs; `boot` does not change afterwards but by place.c.
 */
#include "boot.h"
#include "mmu.h"
#include "sysreg.h"
#include "tree.h"
#include "words.h"

#include <libfdt.h>
#include <string.h>

#define MPIDR_AFFINITY 0xff00ffffffu

struct boot boot;

static uint64_t room[(ZONAL_MAX_NODES + ZONAL_MAX_CPUS) * 1024 / 8]; /* for struct zonal */

static int add_cpu(uint64_t mpidr, unsigned node)
{
	if (mpidr == (sysreg_read(mpidr_el1) & MPIDR_AFFINITY))
		boot.node = node;
	if (boot.cpus == ZONAL_MAX_CPUS) /* they are the kernel's, and allocate nothing here */
		return 0;
	return zonal_add_cpu(&boot.info, boot.cpus++, node);
}

/* An address is where it is. */
static void *map(void *ctx, uint64_t start, size_t bytes)
{
	(void)ctx, (void)bytes;
	return boot_pointer(start);
}

/* ---- what is nobody's to hand out ------------------------------------------- */

static int reserve_of_tree(void)
{
	int parent = fdt_path_offset(boot.tree, "/reserved-memory"), node, err = 0;
	uint64_t start, bytes;

	for (int i = 0; !err && i < fdt_num_mem_rsv(boot.tree); i++)
		if (!fdt_get_mem_rsv(boot.tree, i, &start, &bytes) && bytes)
			err = zonal_reserve(&boot.info, start, bytes);
	if (parent < 0)
		return err;
	fdt_for_each_subnode(node, boot.tree, parent)
		for (int i = 0; !err && tree_reg(boot.tree, node, i, &start, &bytes); i++)
			err = zonal_reserve(&boot.info, start, bytes);
	return err;
}

static int reserve(void)
{
	extern char image_start[], image_end[];
	int err = zonal_reserve(&boot.info, (uint64_t)image_start,
				(uint64_t)(image_end - image_start));

	err = err ? err : zonal_reserve(&boot.info, (uint64_t)boot.tree, fdt_totalsize(boot.tree));
	if (!err && boot.archive_bytes)
		err = zonal_reserve(&boot.info, (uint64_t)boot.archive, boot.archive_bytes);
	return err ? err : reserve_of_tree();
}

/* ---- the command line ------------------------------------------------------- */

/* One that is misspelt would be left out in silence. */
static bool words_known(void)
{
	char word[32];

	for (unsigned n = 0; words_value(boot.words, "", n, word, sizeof(word)); n++)
		if (strncmp(word, "initramfs=", 10) && strncmp(word, "registers=", 10) &&
		    strncmp(word, "spoil=", 6))
			return boot_say("%s: not a word of this program; the kernel's come "
					"behind --", word);
	return true;
}

static bool read_words(const char *arguments)
{
	const char *end = strstr(arguments, "-- ");
	size_t length = end ? (size_t)(end - arguments) : strlen(arguments);
	char value[8];
	const char *text = value;
	uint64_t node;

	if (length >= sizeof(boot.words))
		return boot_say("the words before -- are too long: %zu bytes", length);
	memcpy(boot.words, arguments, length);
	boot.kernel_words = end ? end + 3 : "console=ttyAMA0";
	boot.initramfs_node = boot.home;
	if (!words_known())
		return false;
	if (!words_value(boot.words, "initramfs=", 0, value, sizeof(value)))
		return true;
	if (!words_number(&text, &node) || *text || node >= ZONAL_MAX_NODES ||
	    !(boot.info.nodes >> node & 1))
		return boot_say("initramfs=%s: there is no such node", value);
	boot.initramfs_node = (unsigned)node;
	return true;
}

static bool has_memory(unsigned node)
{
	for (unsigned i = 0; i < boot.info.range_count; i++)
		if (boot.info.range[i].nid == (int)node)
			return true;
	return false;
}

/* Where what this core will use lies: a node may have cores and no memory. */
static void find_home(void)
{
	const uint8_t *distance = boot.info.distance[boot.node];
	unsigned best = ZONAL_MAX_NODES;

	for (unsigned node = 0; node < ZONAL_MAX_NODES; node++)
		if (has_memory(node) &&
		    (best == ZONAL_MAX_NODES || distance[node] < distance[best]))
			best = node;
	boot.home = best;
}

static bool read_chosen(void)
{
	int node = fdt_path_offset(boot.tree, "/chosen");
	uint64_t start = tree_number(boot.tree, node, "linux,initrd-start", 0);
	uint64_t end = tree_number(boot.tree, node, "linux,initrd-end", 0);
	const char *arguments = fdt_getprop(boot.tree, node, "bootargs", NULL);

	boot.archive = boot_pointer(start);
	boot.archive_bytes = end > start ? end - start : 0;
	return read_words(arguments ? arguments : "");
}

/* ---- the instance ----------------------------------------------------------- */

static bool start_allocator(void)
{
	static struct zonal_config config = { .info = &boot.info };

	if (zonal_abi() != ZONAL_ABI || zonal_sizeof() > sizeof(room))
		return boot_say("the library was built with other values: %llu bytes",
				(unsigned long long)zonal_sizeof());
	zonal_options_default(&config.options);
	boot.mm = (struct zonal *)room;
	if (zonal_build_inside(boot.mm, &config, &boot.info, map, NULL))
		return boot_say("no instance: the line above says why");
	zonal_cpu_online(boot.mm, 0);
	zonal_boot_done(boot.mm);
	return true;
}

static bool names_nodes(void)
{
	for (int node = fdt_next_node(boot.tree, -1, NULL); node >= 0;
	     node = fdt_next_node(boot.tree, node, NULL))
		if (fdt_getprop(boot.tree, node, "numa-node-id", NULL))
			return true;
	return false;
}

static void say_board(void)
{
	unsigned nodes = 0;

	for (uint64_t left = boot.info.nodes; left; left &= left - 1)
		nodes++;
	if (!names_nodes())
		boot_say("the tree names no NUMA nodes: all memory counts as node 0");
	boot_say("EL%u, %u cores, %u nodes, this core is on node %u", exception_level(), boot.cpus,
		 nodes, boot.node);
	if (boot.home != boot.node)
		boot_say("node %u has no memory: node %u is the nearest", boot.node, boot.home);
}

bool boot_read(const void *tree)
{
	static const struct tree_visitor visitor = { .memory = mmu_add, .cpu = add_cpu };

	if ((uint64_t)tree < 0x40000000u || fdt_check_header(tree))
		return boot_say("no device tree at 0x%llx: QEMU gives one to an arm64 Image, "
				"not to ELF", (unsigned long long)(uint64_t)tree);
	if (fdt_totalsize(tree) > TREE_MOST)
		return boot_say("the device tree at 0x%llx has %u bytes: at most 2 MiB are mapped",
				(unsigned long long)(uint64_t)tree, fdt_totalsize(tree));
	if (fdt_check_full(tree, fdt_totalsize(tree)))
		return boot_say("the device tree at 0x%llx is broken: %s",
				(unsigned long long)(uint64_t)tree,
				fdt_strerror(fdt_check_full(tree, fdt_totalsize(tree))));
	boot.tree = tree;
	if (tree_read(tree, &boot.info, &visitor))
		return boot_say("the tree's memory is not to be used: the line above says why");
	if (!boot.info.range_count)
		return boot_say("the tree has no memory");
	find_home();
	if (!read_chosen())
		return false;
	if (reserve())
		return boot_say("what the tree reserves cannot be: the line above says why");
	say_board();
	return start_allocator();
}
