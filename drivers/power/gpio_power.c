/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board that is turned off or reset by a line of a GPIO controller ("gpio-poweroff",
 * "gpio-restart"), where the controller is a PL061.
 *
 * Such lines may belong to the secure world: status says disabled, secure-status okay. Who was
 * entered at EL3 owns that world too, and reaches the registers by way of EL3 (arm64_secure.h).
 * Else only what is open to everybody is used, which no tree that we know has; hence only the
 * secure kind is here.
 *
 * A PL061 has 8 lines. The address of its data register holds the mask of the lines that a
 * write changes, in bits 9 to 2. Reference: PrimeCell GPIO (PL061), DDI 0190. The line is driven
 * to its active level, which the third cell of `gpios` tells (0 high, 1 low), after the
 * other one, as a device may look at the edge.
 *
 * Called by any CPU in any state, takes no lock.
 */
#include "gpio_power.h"

#include <libfdt.h>
#include <string.h>

#include <zonal/port.h>

#include "arm64_secure.h"
#include "board/device.h"
#include "lib/assert.h"

#define GPIO_CELLS 3
#define PL061_DIR 0x400
#define PL061_LINES 8u
#define WAIT_NS 1000000000u
#define WAIT_LOOPS 1000000000u

struct line {
	uint64_t phys;
	uint32_t mask;
	bool active_low;
};

static bool secure_only(int node)
{
	const char *status = device_string(node, "secure-status");

	return status && strcmp(status, "okay") == 0;
}

/* The line that node `node` names; false if it is none that we can drive. */
static bool line_of(int node, struct line *line)
{
	const void *fdt = device_tree();
	int length, controller;
	const fdt32_t *gpios = fdt_getprop(fdt, node, "gpios", &length);
	struct device_range range;
	uint32_t number;

	if (!gpios || length != GPIO_CELLS * (int)sizeof(*gpios))
		return false;
	controller = fdt_node_offset_by_phandle(fdt, fdt32_ld(gpios));
	number = fdt32_ld(gpios + 1);
	if (controller < 0 || number >= PL061_LINES || !secure_only(controller) ||
	    fdt_node_check_compatible(fdt, controller, "arm,pl061") ||
	    !device_reg(controller, 0, &range))
		return false;
	*line = (struct line){ range.phys, 1u << number, (fdt32_ld(gpios + 2) & 1) != 0 };
	return true;
}

static bool drive(const struct line *line, bool active)
{
	uint32_t level = active != line->active_low ? line->mask : 0;

	ASSERT(line->mask && line->mask < 1u << PL061_LINES, "mask 0x%x", line->mask);
	return arm64_secure_write(line->phys + (uint64_t)line->mask * 4, level);
}

/* The line has been pulled, and whatever hangs on it takes its time. The loop ends too where the
 * counter stands still. */
static void wait(void)
{
	uint64_t deadline = port_time_ns() + WAIT_NS;

	for (unsigned i = 0; i < WAIT_LOOPS && port_time_ns() < deadline; i++)
		port_relax();
}

/* Returns if there is no such line, or if it does nothing. */
static void pull(const char *compatible)
{
	struct line line;
	uint32_t direction;
	int node;

	if (!arm64_owns_secure() || !device_tree())
		return;
	node = fdt_node_offset_by_compatible(device_tree(), -1, compatible);
	if (node < 0 || !secure_only(node) || !line_of(node, &line))
		return;
	if (!drive(&line, false) || !arm64_secure_read(line.phys + PL061_DIR, &direction) ||
	    !arm64_secure_write(line.phys + PL061_DIR, direction | line.mask))
		return;
	if (drive(&line, true))
		wait();
}

void gpio_power_off(void) { pull("gpio-poweroff"); }

void gpio_power_reset(void) { pull("gpio-restart"); }
