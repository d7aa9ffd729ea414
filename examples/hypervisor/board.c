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

#include <libfdt.h>

#define MPIDR_AFFINITY 0xff00ffffffu

struct hv_board hv_board;

static const void *fdt;

static uint64_t cells(const void *from, int count)
{
	const uint8_t *byte = from;
	uint64_t value = 0;

	for (int i = 0; i < count * 4; i++)
		value = value << 8 | byte[i];
	return value;
}

static uint64_t number(int node, const char *name, uint64_t otherwise)
{
	int length;
	const void *value = fdt_getprop(fdt, node, name, &length);

	return value && length >= 4 ? cells(value, length >= 8 ? 2 : 1) : otherwise;
}

static bool is_a(int node, const char *type)
{
	int length;
	const char *value = fdt_getprop(fdt, node, "device_type", &length);

	return value && (size_t)length == strlen(type) + 1 && !memcmp(value, type, (size_t)length);
}

/* Entry `index` of a reg with two cells for each of address and size; false: there are fewer. */
static bool reg(int node, int index, uint64_t *start, uint64_t *bytes)
{
	int length;
	const uint8_t *value = fdt_getprop(fdt, node, "reg", &length);

	if (!value || length < (index + 1) * 16)
		return false;
	*start = cells(value + index * 16, 2);
	*bytes = cells(value + index * 16 + 8, 2);
	return true;
}

static int read_memory(int node)
{
	uint64_t start, bytes;
	int err = 0;

	if (fdt_getprop(fdt, node, "status", NULL)) /* secram: "disabled" */
		return 0;
	for (int i = 0; !err && reg(node, i, &start, &bytes); i++) {
		hv_mmu_add(start, bytes);
		err = zonal_add_memory(&hv_board.info,
				       (unsigned)number(node, "numa-node-id", 0), start, bytes);
	}
	return err;
}

static int read_cpu(int node)
{
	struct hv_cpu *cpu = &hv_cpus[hv_board.cpus];

	if (hv_board.cpus == HV_CPUS) {
		hv_say("more than %u cores: the others stay off", HV_CPUS);
		return 0;
	}
	cpu->mpidr = number(node, "reg", 0) & MPIDR_AFFINITY;
	cpu->node = (unsigned)number(node, "numa-node-id", 0);
	return zonal_add_cpu(&hv_board.info, hv_board.cpus++, cpu->node);
}

static int read_distances(void)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "numa-distance-map-v1");
	int length = 0, err = 0;
	const uint8_t *triple = NULL;

	if (node >= 0)
		triple = fdt_getprop(fdt, node, "distance-matrix", &length);
	for (; triple && !err && length >= 12; triple += 12, length -= 12)
		err = zonal_set_distance(&hv_board.info, (unsigned)cells(triple, 1),
					 (unsigned)cells(triple + 4, 1),
					 (unsigned)cells(triple + 8, 1));
	return err;
}

static int read_nodes(void)
{
	int err = 0;

	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0 && !err;
	     node = fdt_next_node(fdt, node, NULL)) {
		if (is_a(node, "memory"))
			err = read_memory(node);
		if (is_a(node, "cpu"))
			err = read_cpu(node);
	}
	return err ? err : read_distances();
}

static int read_interrupts(void)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");
	uint64_t bytes;

	if (node >= 0 && reg(node, 0, &hv_board.distributor, &bytes) &&
	    reg(node, 1, &hv_board.redistributors, &hv_board.redistributors_bytes))
		return 0;
	hv_say("the board has no GICv3: start QEMU with -M virt,gic-version=3");
	return ZONAL_EINVAL;
}

static void read_chosen(void)
{
	int node = fdt_path_offset(fdt, "/chosen");
	uint64_t end = number(node, "linux,initrd-end", 0);
	const char *arguments = fdt_getprop(fdt, node, "bootargs", NULL);

	hv_board.modules = number(node, "linux,initrd-start", 0);
	hv_board.modules_bytes = end > hv_board.modules ? end - hv_board.modules : 0;
	hv_board.arguments = arguments ? arguments : "";
}

/* What is nobody's to hand out: this program, the tree, the archive. */
static int reserve(void)
{
	extern char hv_image_start[], hv_image_end[];
	int err = zonal_reserve(&hv_board.info, hv_address(hv_image_start),
				(uint64_t)(hv_image_end - hv_image_start));

	err = err ? err : zonal_reserve(&hv_board.info, hv_board.tree, hv_board.tree_bytes);
	if (!err && hv_board.modules_bytes)
		err = zonal_reserve(&hv_board.info, hv_board.modules, hv_board.modules_bytes);
	return err;
}

int hv_board_read(const void *tree)
{
	int err;

	fdt = tree;
	if (hv_address(tree) < HV_RAM || fdt_check_header(tree)) {
		hv_say("no device tree at 0x%llx: QEMU gives one to an arm64 Image, not to ELF",
		       (unsigned long long)hv_address(tree));
		return ZONAL_EINVAL;
	}
	hv_board.tree = hv_address(tree);
	hv_board.tree_bytes = fdt_totalsize(tree);
	zonal_info_begin(&hv_board.info);
	err = read_nodes();
	err = err ? err : read_interrupts();
	read_chosen();
	return err ? err : reserve();
}

/* ---- the command line ----------------------------------------------------------- */

bool hv_argument(const char *name, unsigned n, char *value, size_t size)
{
	const char *at = hv_board.arguments;

	for (;;) {
		size_t length = 0;

		while (*at == ' ')
			at++;
		if (!*at)
			return false;
		while (at[length] && at[length] != ' ')
			length++;
		if (length >= strlen(name) && !memcmp(at, name, strlen(name)) && !n--) {
			length -= strlen(name);
			length = length < size ? length : size - 1;
			memcpy(value, at + strlen(name), length);
			value[length] = '\0';
			return true;
		}
		at += length;
	}
}

bool hv_number(const char **text, uint64_t *value)
{
	const char *from = *text;

	for (*value = 0; **text >= '0' && **text <= '9'; (*text)++) {
		if (*value > UINT32_MAX)
			return false;
		*value = *value * 10 + (uint64_t)(**text - '0');
	}
	return *text != from;
}
