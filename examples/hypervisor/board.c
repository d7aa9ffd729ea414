/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device tree says: memory and cores by node, distances, the interrupt controller, where
 * the archive of guests' files lies, and the command line.
 *
 * The tree is QEMU's own, so it is read by plain libfdt, which trusts what it reads; a program for
 * boards that bring any tree checks it first, as this project's image does. What is missing is said
 * in one line, and nothing is started. Context: boot, core 0; afterwards hv_board does not change.
 */
#include "hv.h"
#include "tree.h"

#include <libfdt.h>

struct hv_board hv_board;

static const void *fdt;

static int add_cpu(uint64_t mpidr, unsigned node)
{
	struct hv_cpu *cpu = &hv_cpus[hv_board.cpus];

	if (hv_board.cpus == HV_CPUS) {
		hv_say("more than %u cores: the others stay off", HV_CPUS);
		return 0;
	}
	cpu->mpidr = mpidr;
	cpu->node = node;
	return zonal_add_cpu(&hv_board.info, hv_board.cpus++, node);
}

static int read_interrupts(void)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");
	uint64_t bytes;

	if (node >= 0 && tree_reg(fdt, node, 0, &hv_board.distributor, &bytes) &&
	    tree_reg(fdt, node, 1, &hv_board.redistributors, &hv_board.redistributors_bytes))
		return 0;
	hv_say("the board has no GICv3: start QEMU with -M virt,gic-version=3");
	return ZONAL_EINVAL;
}

static void read_chosen(void)
{
	int node = fdt_path_offset(fdt, "/chosen");
	uint64_t end = tree_number(fdt, node, "linux,initrd-end", 0);
	const char *arguments = fdt_getprop(fdt, node, "bootargs", NULL);

	hv_board.modules = tree_number(fdt, node, "linux,initrd-start", 0);
	hv_board.modules_bytes = end > hv_board.modules ? end - hv_board.modules : 0;
	hv_board.arguments = arguments ? arguments : "";
}

/* What is nobody's to hand out: this program, the tree, the archive. */
static int reserve(void)
{
	extern char image_start[], image_end[];
	int err = zonal_reserve(&hv_board.info, hv_address(image_start),
				(uint64_t)(image_end - image_start));

	err = err ? err : zonal_reserve(&hv_board.info, hv_board.tree, hv_board.tree_bytes);
	if (!err && hv_board.modules_bytes)
		err = zonal_reserve(&hv_board.info, hv_board.modules, hv_board.modules_bytes);
	return err;
}

int hv_board_read(const void *tree)
{
	static const struct tree_visitor visitor = { .memory = mmu_add, .cpu = add_cpu };
	int err;

	fdt = tree;
	if (hv_address(tree) < HV_RAM || fdt_check_header(tree)) {
		hv_say("no device tree at 0x%llx: QEMU gives one to an arm64 Image, not to ELF",
		       (unsigned long long)hv_address(tree));
		return ZONAL_EINVAL;
	}
	hv_board.tree = hv_address(tree);
	hv_board.tree_bytes = fdt_totalsize(tree);
	err = tree_read(fdt, &hv_board.info, &visitor);
	err = err ? err : read_interrupts();
	read_chosen();
	return err ? err : reserve();
}
