/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which UART is the console, and whether it is there.
 *
 * /chosen stdout-path names it; without one, or if it names something else, the first
 * UART of the tree that we know is taken. A tree may be wrong about the address: then an
 * access takes an external abort, and who prints the report would take it again. So the
 * driver reads a status register in a way that survives a fault (`answers`), and only a
 * UART that has answered and has been started is given to console.c.
 *
 * No UART is no reason not to boot: a board may have none that we know. One that is named
 * and does not answer is an error of the tree, and nobody would see anything of this run;
 * boot ends there and tells the reason by what is left (exit.c).
 *
 * Boot only, one CPU.
 */
#include <zonal/port.h>

#include "arm64_memory.h"
#include "board/device.h"
#include "console.h"
#include "console_uart.h"
#include "lib/assert.h"
#include "lib/kprintf.h"

static const struct uart_driver *const drivers[] = { &uart_pl011, &uart_16550 };
static struct uart found;
static int found_node = -1;

int console_uart_node(void) { return found_node; }

static const struct uart_driver *driver_for(int node)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		for (const char *const *name = drivers[i]->compatible; *name; name++) {
			if (device_is(node, *name))
				return drivers[i];
		}
	}
	return NULL;
}

/* Without stdout-path: the first UART in the tree that we know. */
static int any_uart(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		for (const char *const *name = drivers[i]->compatible; *name; name++) {
			int node = device_find(*name, -1);

			if (node >= 0)
				return node;
		}
	}
	return -1;
}

static int uart_node(void)
{
	int node = device_stdout();

	if (node >= 0 && driver_for(node))
		return node;
	kprintf("console: stdout-path names no UART that we know; looking for any\n");
	return any_uart();
}

enum console_found console_start(void)
{
	int node = uart_node();
	struct device_range range;

	ASSERT(!console_uart(), "the console is started twice");
	if (node < 0 || !device_reg(node, 0, &range))
		return CONSOLE_NONE;
	found.base = arm64_map_device(range.phys, range.bytes);
	found.driver = driver_for(node);
	if (!found.base || !found.driver->probe(&found, node))
		return CONSOLE_NONE;
	if (!found.driver->answers(&found)) {
		kprintf("console: nothing answers at 0x%llx, the reg of the UART\n",
			(unsigned long long)range.phys);
		return CONSOLE_DEAD;
	}
	found_node = node;
	console_use(&found);
	return CONSOLE_FOUND;
}
