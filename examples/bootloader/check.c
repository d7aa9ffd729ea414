/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was written, read back as the next one reads it, and compared with what a kernel may rely
 * on.
 *
 * Of what place.c remembers only the kernel's and the list's places are taken: the tree is found by
 * the list, and all else by the tree. Every range that the tree claims lies
 * within one range of its memory, and no two of them overlap; the kernel lies on the node of the
 * core that enters it, and is one. The first thing that is wrong is a line, and nothing is started.
 */
#include "boot.h"
#include "sysreg.h"
#include "tree.h"

#include <libfdt.h>
#include <string.h>

#define CLAIMS 16u
#define MPIDR_AFFINITY 0xff00ffffffu

struct claim {
	const char *name;
	struct boot_range range;
};

static const void *fdt;
static struct claim claims[CLAIMS];
static unsigned claimed;

static bool claim(const char *name, uint64_t start, uint64_t bytes)
{
	if (claimed == CLAIMS)
		return boot_say("reads back wrong: more than %u ranges", CLAIMS);
	claims[claimed++] = (struct claim){ name, { start, bytes } };
	return true;
}

/* ---- the tree ---------------------------------------------------------------- */

static bool find_tree(void)
{
	const struct boot_range *list = &boot.keep[KEEP_LIST];
	size_t bytes = 0;

	fdt = boot_list_read(boot_pointer(list->start), list->bytes, &bytes);
	if (!fdt)
		return false;
	if (fdt_check_full(fdt, bytes))
		return boot_say("the tree reads back wrong: %s",
				fdt_strerror(fdt_check_full(fdt, bytes)));
	if ((uint64_t)fdt % 8 || bytes > TREE_MOST || boot.x[0] != (uint64_t)fdt)
		return boot_say("the tree is not where it should be: %zu bytes at 0x%llx, "
				"x0 0x%llx", bytes, (unsigned long long)(uint64_t)fdt,
				(unsigned long long)boot.x[0]);
	return true;
}

/* The node that the tree puts such a range on; -1: it is not within one range of memory. */
static int node_of(const struct boot_range *range)
{
	uint64_t start, bytes;

	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL)) {
		if (!tree_is_a(fdt, node, "memory") || fdt_getprop(fdt, node, "status", NULL))
			continue;
		for (int i = 0; tree_reg(fdt, node, i, &start, &bytes); i++)
			if (range->start >= start && range->bytes &&
			    range->bytes <= bytes && range->start - start <= bytes - range->bytes)
				return (int)tree_number(fdt, node, "numa-node-id", 0);
	}
	return -1;
}

/* Of the core that enters the kernel. */
static int node_here(void)
{
	uint64_t here = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;

	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL))
		if (tree_is_a(fdt, node, "cpu") &&
		    (tree_number(fdt, node, "reg", 0) & MPIDR_AFFINITY) == here)
			return (int)tree_number(fdt, node, "numa-node-id", 0);
	return -1;
}

/* ---- what it claims ----------------------------------------------------------- */

static bool claim_reserved(unsigned *no_map)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
	uint64_t start, bytes;

	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++)
		if (fdt_get_mem_rsv(fdt, i, &start, &bytes) ||
		    !claim("/memreserve/", start, bytes))
			return false;
	if (parent < 0)
		return true;
	fdt_for_each_subnode(node, fdt, parent) {
		if (fdt_getprop(fdt, node, "no-map", NULL))
			++*no_map;
		for (int i = 0; tree_reg(fdt, node, i, &start, &bytes); i++)
			if (!claim(fdt_get_name(fdt, node, NULL), start, bytes))
				return false;
	}
	return true;
}

static bool claim_all(unsigned *no_map)
{
	int chosen = fdt_path_offset(fdt, "/chosen");
	uint64_t start = tree_number(fdt, chosen, "linux,initrd-start", 0);
	uint64_t end = tree_number(fdt, chosen, "linux,initrd-end", 0);

	return claim("kernel", boot.kernel.start, boot.kernel.bytes) &&
	       claim("initramfs", start, end - start) && claim_reserved(no_map);
}

static bool apart(const struct claim *a, const struct claim *b)
{
	if (a->range.start + a->range.bytes <= b->range.start ||
	    b->range.start + b->range.bytes <= a->range.start)
		return true;
	return boot_say("reads back wrong: %s and %s overlap at 0x%llx", a->name, b->name,
			(unsigned long long)(a->range.start > b->range.start ? a->range.start :
									       b->range.start));
}

static bool claims_ok(void)
{
	for (unsigned i = 0; i < claimed; i++) {
		const struct boot_range *range = &claims[i].range;

		if (node_of(range) < 0)
			return boot_say("reads back wrong: %s, 0x%llx bytes at 0x%llx, is not "
					"in memory", claims[i].name,
					(unsigned long long)range->bytes,
					(unsigned long long)range->start);
		for (unsigned j = 0; j < i; j++)
			if (!apart(&claims[j], &claims[i]))
				return false;
	}
	return true;
}

static bool kernel_ok(void)
{
	uint64_t start = claims[0].range.start, window = start & ~(((uint64_t)1 << 30) - 1);
	const char *kernel = boot_pointer(start);

	if (boot_le(kernel + KERNEL_MAGIC_AT, 4) != KERNEL_MAGIC)
		return boot_say("reads back wrong: no kernel at 0x%llx", (unsigned long long)start);
	if (node_of(&claims[0].range) != (int)boot.home || node_here() != (int)boot.node)
		return boot_say("reads back wrong: the kernel is on node %d, this core on %d",
				node_of(&claims[0].range), node_here());
	if (claims[1].range.start < window ||
	    claims[1].range.start + claims[1].range.bytes - window > KERNEL_WINDOW)
		return boot_say("reads back wrong: the initramfs at 0x%llx is too far off",
				(unsigned long long)claims[1].range.start);
	return true;
}

/* What place.c took is all claimed: one that the tree forgot would be handed out. */
static bool kept(unsigned no_map)
{
	for (int i = 0; i < KEEPS; i++) {
		unsigned j = 0;

		while (j < claimed && memcmp(&claims[j].range, &boot.keep[i], sizeof(boot.keep[i])))
			j++;
		if (j == claimed)
			return boot_say("reads back wrong: 0x%llx is not kept",
					(unsigned long long)boot.keep[i].start);
	}
	return no_map ? true : boot_say("reads back wrong: nothing has no-map");
}

bool boot_check(void)
{
	unsigned no_map = 0;

	if (!find_tree() || !claim_all(&no_map) || !claims_ok() || !kernel_ok() || !kept(no_map))
		return false;
	boot_say("reads back right: %u ranges within memory and apart, the list adds up to 0",
		 claimed);
	return true;
}
