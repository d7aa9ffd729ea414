/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree that a guest gets, made with libfdt's sequential writer.
 *
 * It names what the guest has and nothing else: one core, PSCI by HVC, the timer, the interrupt
 * controller, the UART, the balloon, its memory, where its initramfs lies, and its command line.
 * The numbers are those of guest.h. Interrupts have three cells: kind (0: of a device, 1: of the
 * core), number from the first of that kind, trigger (4: level, high).
 */
#include "hv.h"
#include "guest.h"

#include <libfdt.h>

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK };

static void *fdt;
static int err;

static void begin(const char *name) { err = err ? err : fdt_begin_node(fdt, name); }
static void end(void) { err = err ? err : fdt_end_node(fdt); }

static void text(const char *name, const char *value)
{
	err = err ? err : fdt_property(fdt, name, value, (int)strlen(value) + 1);
}

static void cell(const char *name, uint32_t value)
{
	err = err ? err : fdt_property_u32(fdt, name, value);
}

static void cells(const char *name, const uint32_t *value, size_t count)
{
	uint32_t big[16];

	for (size_t i = 0; i < count; i++)
		big[i] = cpu_to_fdt32(value[i]);
	err = err ? err : fdt_property(fdt, name, big, (int)count * (int)sizeof(*big));
}

#define CELLS(name, ...) \
	cells(name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define HIGH(value) (uint32_t)((uint64_t)(value) >> 32)
#define LOW(value) (uint32_t)(value)

static void put_core(void)
{
	begin("cpus");
	cell("#address-cells", 1);
	cell("#size-cells", 0);
	begin("cpu@0");
	text("device_type", "cpu");
	text("compatible", "arm,armv8");
	text("enable-method", "psci");
	cell("reg", 0);
	end();
	end();
	begin("psci");
	text("compatible", "arm,psci-1.0");
	text("method", "hvc");
	end();
	begin("timer");
	text("compatible", "arm,armv8-timer");
	/* Secure, not secure, virtual, hypervisor: of which a guest has the third. */
	CELLS("interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	end();
}

static void put_gic(void)
{
	begin("intc@8000000");
	text("compatible", "arm,gic-v3");
	cell("#interrupt-cells", 3);
	cells("interrupt-controller", NULL, 0);
	cell("phandle", PHANDLE_GIC);
	CELLS("reg", 0, GUEST_GICD, 0, GUEST_GICD_BYTES, 0, GUEST_GICR, 0, GUEST_GICR_BYTES);
	end();
}

static void put_uart(void)
{
	static const char clocks[] = "uartclk\0apb_pclk", kinds[] = "arm,pl011\0arm,primecell";

	begin("clock");
	text("compatible", "fixed-clock");
	cell("#clock-cells", 0);
	cell("clock-frequency", 24000000);
	cell("phandle", PHANDLE_CLOCK);
	end();
	begin("uart@9000000");
	err = err ? err : fdt_property(fdt, "compatible", kinds, sizeof(kinds));
	CELLS("reg", 0, GUEST_UART, 0, GUEST_PAGE_BYTES);
	CELLS("interrupts", 0, GUEST_UART_IRQ - 32, 4);
	CELLS("clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	err = err ? err : fdt_property(fdt, "clock-names", clocks, sizeof(clocks));
	end();
}

static void put_balloon(void)
{
	begin("virtio_mmio@a000000");
	text("compatible", "virtio,mmio");
	CELLS("reg", 0, GUEST_BALLOON, 0, GUEST_PAGE_BYTES);
	CELLS("interrupts", 0, GUEST_BALLOON_IRQ - 32, 4);
	end();
}

static void put_chosen(const struct hv_guest *guest)
{
	char line[160] = "console=ttyAMA0 quiet panic=-1 rdinit=/init ";

	memcpy(line + strlen(line), guest->word, strlen(guest->word) + 1);
	begin("chosen");
	text("bootargs", line);
	text("stdout-path", "/uart@9000000");
	err = err ? err : fdt_property_u64(fdt, "linux,initrd-start", guest->initrd_ipa);
	err = err ? err : fdt_property_u64(fdt, "linux,initrd-end",
					   guest->initrd_ipa + guest->initrd_bytes);
	end();
}

static void put_memory(const struct hv_guest *guest)
{
	begin("memory@40000000");
	text("device_type", "memory");
	CELLS("reg", 0, GUEST_RAM, HIGH(guest->bytes), LOW(guest->bytes));
	end();
}

int hv_guest_tree(const struct hv_guest *guest, void *buffer)
{
	fdt = buffer;
	err = fdt_create(fdt, HV_TREE_BYTES);
	err = err ? err : fdt_finish_reservemap(fdt);
	begin("");
	text("compatible", "linux,dummy-virt");
	cell("#address-cells", 2);
	cell("#size-cells", 2);
	cell("interrupt-parent", PHANDLE_GIC);
	put_core();
	put_gic();
	put_uart();
	put_balloon();
	put_memory(guest);
	put_chosen(guest);
	end();
	return err ? err : fdt_finish(fdt);
}
