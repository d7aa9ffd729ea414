/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on the board's UART, and the end.
 *
 * The UART is the PL011 of QEMU's virt, which takes a character at once; one that does not has a
 * bit for it (TXFF), which is waited for. The allocator's lines come here through the template
 * port. The end is PSCI's SYSTEM_OFF, by the instruction that the tree names; before the tree was
 * read, or where it names none, the core sleeps.
 */
#include "boot.h"
#include "sysreg.h"

#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

#define UART 0x09000000u
#define UART_DATA 0x00u
#define UART_FLAGS 0x18u
#define UART_FULL (1u << 5)
#define PSCI_SYSTEM_OFF 0x84000008u

static void put_text(const char *text)
{
	volatile uint32_t *uart = boot_pointer(UART);

	for (; *text; text++) {
		while (uart[UART_FLAGS / 4] & UART_FULL)
			;
		uart[UART_DATA / 4] = (uint8_t)*text;
	}
}

/* The allocator's begin with its name. */
static void put_line(const char *text)
{
	put_text(text);
	put_text("\n");
}

void boot_console_start(void)
{
	template_write = put_line;
	template_start();
}

bool boot_say(const char *fmt, ...)
{
	char line[240];
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	put_text("bootloader: ");
	put_line(line);
	return false;
}

void boot_text(char *to, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(to, size, fmt, args);
	va_end(args);
}

static bool method_is(const char *name)
{
	int node = boot.tree ? fdt_path_offset(boot.tree, "/psci") : -1;
	const char *method = node < 0 ? NULL : fdt_getprop(boot.tree, node, "method", NULL);

	return method && !strcmp(method, name);
}

void boot_power_off(void)
{
	uint64_t off = PSCI_SYSTEM_OFF;

	if (method_is("smc"))
		__asm__ volatile("mov x0, %0\n\tsmc #0" : : "r"(off) : "x0", "memory");
	else if (method_is("hvc"))
		__asm__ volatile("mov x0, %0\n\thvc #0" : : "r"(off) : "x0", "memory");
	for (;;)
		__asm__ volatile("wfi");
}

void boot_crash(uint64_t esr, uint64_t elr, uint64_t far)
{
	boot_say("fault at 0x%llx: ESR 0x%llx, FAR 0x%llx", (unsigned long long)elr,
		 (unsigned long long)esr, (unsigned long long)far);
	boot_power_off();
}

/* Debian's libfdt was compiled with guards of the stack, whose word it takes from here. */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = 0x5afe57ac;
void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	boot_say("libfdt has overrun its stack");
	boot_power_off();
}
