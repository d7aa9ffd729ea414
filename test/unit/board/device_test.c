/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What drivers ask of a device tree, on trees made here: compatible and status,
 * addresses through buses, interrupts, stdout-path. On the target the board's
 * own tree is put back after each case.
 */
#include <string.h>

#include <libfdt.h>

#include "board/device.h"
#include "test/ktest.h"
#include "topology_blob.h"

#define GIC 0x10u

static const void *boards_own;

/* A root with a GIC, left open. NULL without memory. */
static struct blob *tree_begin(void)
{
	struct blob *b = blob_new();

	if (!b)
		return NULL;
	blob_root(b);
	blob_cells(b, "interrupt-parent", 1, GIC);
	blob_begin(b, "intc");
	blob_text(b, "compatible", "arm,gic-v3");
	blob_cells(b, "phandle", 1, GIC);
	blob_cells(b, "#interrupt-cells", 1, 3);
	blob_bytes(b, "interrupt-controller", "", 0);
	blob_end(b);
	return b;
}

static void tree_use(struct blob *b)
{
	blob_end(b);
	blob_finish(b);
	boards_own = device_tree();
	device_tree_set(b->out);
}

static void tree_leave(void) { device_tree_set(boards_own); }

static void device_begin(struct blob *b, const char *name, const char *compatible)
{
	blob_begin(b, name);
	blob_text(b, "compatible", compatible);
}

KTEST(device, found_by_compatible_unless_disabled)
{
	struct blob *b = tree_begin();
	static const char several[] = "a,first\0b,second";

	if (!b)
		return;
	device_begin(b, "one", "x,uart");
	blob_text(b, "status", "disabled");
	blob_end(b);
	device_begin(b, "two", "x,uart2");
	blob_end(b);
	device_begin(b, "three", "x,uart");
	blob_text(b, "status", "okay");
	blob_end(b);
	blob_begin(b, "four");
	blob_bytes(b, "compatible", several, sizeof(several));
	blob_text(b, "status", "ok");
	blob_end(b);
	device_begin(b, "five", "x,uart");
	blob_bytes(b, "status", "okay", 4); /* no NUL: not okay */
	blob_end(b);
	tree_use(b);
	KT_TRUE(device_find("x,uart", -1) == fdt_path_offset(b->out, "/three"));
	KT_TRUE(device_find("x,uart", device_find("x,uart", -1)) < 0);
	KT_TRUE(device_find("b,second", -1) == fdt_path_offset(b->out, "/four"));
	KT_TRUE(device_find("x,uar", -1) < 0);
	KT_TRUE(!device_is(fdt_path_offset(b->out, "/one"), "x,uart"));
	KT_TRUE(!device_is(-1, "x,uart"));
	tree_leave();
}

/* A bus at 0x1000 of its parent that maps [0x100, 0x200) to 0x40000000. */
static void bus_begin(struct blob *b)
{
	blob_begin(b, "bus");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 1);
	blob_cells(b, "ranges", 8, 0x100, 0, 0x40000000, 0x100, 0x200, 1, 0, 0x1000);
}

KTEST(device, address_goes_through_the_ranges_of_each_bus)
{
	struct blob *b = tree_begin();
	struct device_range range;
	int node;

	if (!b)
		return;
	bus_begin(b);
	blob_begin(b, "inner");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 1);
	blob_bytes(b, "ranges", "", 0);
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "reg", 8, 0x110, 0x10, 0x200, 0x1000, 0x1f8, 0x10, 0x90, 8);
	blob_end(b);
	blob_end(b);
	blob_end(b);
	tree_use(b);
	node = device_find("x,dev", -1);
	KT_TRUE(device_reg(node, 0, &range));
	KT_EQ(range.phys, 0x40000010);
	KT_EQ(range.bytes, 0x10);
	KT_TRUE(device_reg(node, 1, &range));
	KT_EQ(range.phys, 0x100000000);
	/* Over the end of a window, outside of all, and no such entry. */
	KT_TRUE(!device_reg(node, 2, &range));
	KT_TRUE(!device_reg(node, 3, &range));
	KT_TRUE(!device_reg(node, 4, &range));
	KT_TRUE(!device_reg(node, 0x40000000, &range));
	tree_leave();
}

KTEST(device, bus_without_ranges_hides_its_devices)
{
	struct blob *b = tree_begin();
	struct device_range range;

	if (!b)
		return;
	blob_begin(b, "i2c");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 1);
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "reg", 2, 0x50, 1);
	blob_end(b);
	blob_end(b);
	tree_use(b);
	KT_TRUE(!device_reg(device_find("x,dev", -1), 0, &range));
	tree_leave();
}

KTEST(device, register_ranges_that_wrap_are_refused)
{
	struct blob *b = tree_begin();
	struct device_range range;
	int node;

	if (!b)
		return;
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "reg", 12, 0xffffffff, 0xfffff000, 0, 0x2000, 0, 0x1000, 0, 0, 0, 0x9000000,
		   0, 0x1000);
	blob_end(b);
	tree_use(b);
	node = device_find("x,dev", -1);
	KT_TRUE(!device_reg(node, 0, &range));
	KT_TRUE(!device_reg(node, 1, &range)); /* of no size */
	KT_TRUE(device_reg(node, 2, &range));
	KT_EQ(range.phys, 0x9000000);
	tree_leave();
}

KTEST(device, interrupts_are_those_of_the_gic)
{
	struct blob *b = tree_begin();
	struct device_irq irq;
	int node;

	if (!b)
		return;
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "interrupts", 14, 0, 1, 4, 1, 11, 0xf08, 0, 7, 1, 2, 0, 4, 0, 988);
	blob_bytes(b, "interrupt-names", "a\0virt\0c", 9);
	blob_end(b);
	tree_use(b);
	node = device_find("x,dev", -1);
	KT_TRUE(device_irq(node, 0, &irq));
	KT_EQ(irq.intid, 33);
	KT_EQ(irq.edge, 0);
	KT_TRUE(device_irq(node, 1, &irq));
	KT_EQ(irq.intid, 27);
	KT_EQ(irq.edge, 0);
	KT_TRUE(device_irq(node, 2, &irq));
	KT_EQ(irq.intid, 39);
	KT_EQ(irq.edge, 1);
	KT_TRUE(!device_irq(node, 3, &irq)); /* type 2 */
	KT_TRUE(!device_irq(node, 4, &irq)); /* cut short */
	KT_TRUE(device_irq_named(node, "virt", &irq));
	KT_EQ(irq.intid, 27);
	KT_TRUE(!device_irq_named(node, "phys", &irq));
	tree_leave();
}

KTEST(device, interrupt_beyond_the_gic_is_refused)
{
	struct blob *b = tree_begin();
	struct device_irq irq;

	if (!b)
		return;
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "interrupts", 6, 0, 988, 4, 1, 16, 4);
	blob_end(b);
	tree_use(b);
	KT_TRUE(!device_irq(device_find("x,dev", -1), 0, &irq));
	KT_TRUE(!device_irq(device_find("x,dev", -1), 1, &irq));
	tree_leave();
}

KTEST(device, extended_interrupts_name_their_controller)
{
	struct blob *b = tree_begin();
	struct device_irq irq;
	int node;

	if (!b)
		return;
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "interrupts-extended", 10, GIC, 0, 1, 4, GIC, 1, 13, 8, 0x77, 1);
	blob_end(b);
	tree_use(b);
	node = device_find("x,dev", -1);
	KT_TRUE(device_irq(node, 1, &irq));
	KT_EQ(irq.intid, 29);
	KT_TRUE(!device_irq(node, 2, &irq)); /* no such controller */
	tree_leave();
}

/* A Raspberry Pi's timer: two cells, and no more than four lines. */
KTEST(device, interrupts_of_a_bcm2836_are_its_timers)
{
	struct blob *b = tree_begin();
	struct device_irq irq;
	int node;

	if (!b)
		return;
	device_begin(b, "local", "brcm,bcm2836-l1-intc");
	blob_cells(b, "phandle", 1, 0x20);
	blob_cells(b, "#interrupt-cells", 1, 2);
	blob_bytes(b, "interrupt-controller", "", 0);
	blob_end(b);
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "interrupt-parent", 1, 0x20);
	blob_cells(b, "interrupts", 6, 0, 4, 3, 4, 4, 4);
	blob_end(b);
	tree_use(b);
	node = device_find("x,dev", -1);
	if (KT_TRUE(device_irq(node, 1, &irq)))
		KT_OK(irq.intid == 19 && !irq.edge, "INTID %u", irq.intid);
	if (KT_TRUE(device_irq(node, 0, &irq)))
		KT_EQ(irq.intid, 16);
	KT_TRUE(!device_irq(node, 2, &irq)); /* no such timer */
	KT_TRUE(!device_irq(node, 3, &irq)); /* no such entry */
	tree_leave();
}

KTEST(device, other_interrupt_controllers_are_refused)
{
	struct blob *b = tree_begin();
	struct device_irq irq;

	if (!b)
		return;
	blob_begin(b, "gpio");
	blob_cells(b, "phandle", 1, 0x20);
	blob_cells(b, "#interrupt-cells", 1, 2);
	blob_bytes(b, "interrupt-controller", "", 0);
	device_begin(b, "dev", "x,dev");
	blob_cells(b, "interrupt-parent", 1, 0x20);
	blob_cells(b, "interrupts", 6, 0, 1, 4, 0, 1, 4);
	blob_end(b);
	blob_end(b);
	tree_use(b);
	KT_TRUE(!device_irq(device_find("x,dev", -1), 0, &irq));
	tree_leave();
}

/* The device that this stdout-path names, with two UARTs and three aliases around it. */
static int stdout_of(const char *property, const void *path, uint32_t bytes)
{
	struct blob *b = tree_begin();
	int node, result = 0;

	if (!b)
		return 0;
	blob_begin(b, "aliases");
	blob_text(b, "serial0", "/soc/uart@1000");
	blob_text(b, "loop", "loop");
	blob_bytes(b, "open", "/soc/uart@1000", 14); /* no NUL */
	blob_end(b);
	blob_begin(b, "soc");
	device_begin(b, "uart@1000", "x,one");
	blob_end(b);
	device_begin(b, "uart@2000", "x,two");
	blob_end(b);
	blob_end(b);
	blob_begin(b, "chosen");
	blob_bytes(b, property, path, bytes);
	blob_end(b);
	tree_use(b);
	node = device_stdout();
	if (node >= 0)
		result = device_is(node, "x,one") ? 1 : device_is(node, "x,two") ? 2 : 3;
	tree_leave();
	return result;
}

#define STDOUT(path) stdout_of("stdout-path", path, sizeof(path))

KTEST(device, stdout_path_is_a_path_or_one_alias)
{
	KT_EQ(STDOUT("/soc/uart@2000"), 2);
	KT_EQ(STDOUT("/soc/uart@2000:115200n8"), 2);
	KT_EQ(STDOUT("serial0"), 1);
	KT_EQ(STDOUT("serial0:115200n8"), 1);
	KT_EQ(stdout_of("linux,stdout-path", "/soc/uart@1000", 15), 1);
	KT_EQ(STDOUT("serial1"), 0);
	KT_EQ(STDOUT("/soc/uart@3000"), 0);
	KT_EQ(STDOUT(""), 0);
	KT_EQ(STDOUT(":115200"), 0);
	KT_EQ(stdout_of("stdout-path", "/soc/uart@2000", 14), 0); /* no NUL */
	/* libfdt 1.6.1 would follow this one until its stack is gone. */
	KT_EQ(STDOUT("loop"), 0);
	KT_EQ(STDOUT("loop/uart@1000"), 0);
	KT_EQ(STDOUT("open"), 1);
}

/* Sixteen boards have an /axi behind an /axi@0, and a stdout-path that names the former. */
KTEST(device, stdout_path_prefers_the_exact_name)
{
	struct blob *b = tree_begin();
	size_t bytes;

	if (!b)
		return;
	device_begin(b, "axi@0", "x,bus");
	device_begin(b, "uart", "x,wrong");
	blob_end(b);
	blob_end(b);
	device_begin(b, "axi", "x,bus");
	device_begin(b, "uart@0", "x,other");
	blob_end(b);
	device_begin(b, "uart", "x,right");
	blob_end(b);
	blob_end(b);
	blob_begin(b, "chosen@0");
	blob_text(b, "bootargs", "of another");
	blob_end(b);
	blob_begin(b, "chosen");
	blob_text(b, "stdout-path", "/axi/uart");
	blob_bytes(b, "bootargs", "no end", 6);
	blob_end(b);
	tree_use(b);
	KT_TRUE(device_is(device_stdout(), "x,right"));
	KT_EQ(memcmp(device_bootargs(&bytes), "no end", 6), 0);
	KT_EQ(bytes, 6);
	tree_leave();
}

KTEST(device, tree_without_chosen_has_no_stdout)
{
	struct blob *b = tree_begin();
	size_t bytes = 1;

	if (!b)
		return;
	tree_use(b);
	KT_TRUE(device_stdout() < 0);
	KT_TRUE(device_chosen() < 0);
	KT_TRUE(device_bootargs(&bytes) == NULL && bytes == 0);
	tree_leave();
}
