/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One UART for this program and all guests.
 *
 * Whoever writes has a whole line, so that lines of two guests and of the hypervisor never mix: a
 * lock is held from the first character to the newline. A guest's line begins with its name. The
 * allocator's lines come here too. QEMU's PL011 takes a character at once; one that does not has a
 * bit for it (TXFF), which is waited for.
 *
 * A crash takes no lock: the holder may be what crashed.
 */
#include "hv.h"

#include <stdarg.h>

#define UART 0x09000000u
#define UART_DATA 0x00u
#define UART_FLAGS 0x18u
#define UART_FULL (1u << 5)
#define PSCI_SYSTEM_OFF 0x84000008u

static hv_lock_t lock;

static void put(char c)
{
	volatile uint32_t *uart = hv_pointer(UART);

	while (uart[UART_FLAGS / 4] & UART_FULL)
		zonal_port_relax();
	uart[UART_DATA / 4] = (uint8_t)c;
}

static void put_text(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_line(const char *who, const char *text)
{
	if (who) {
		put_text(who);
		put_text(": ");
	}
	put_text(text);
	put('\n');
}

static void say(const char *who, const char *fmt, va_list args)
{
	char line[240];

	zonal_vsnprintf(line, sizeof(line), fmt, args);
	hv_lock(&lock);
	put_line(who, line);
	hv_unlock(&lock);
}

void hv_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("hypervisor", fmt, args);
	va_end(args);
}

void hv_say_guest(const char *name, const char *line)
{
	hv_lock(&lock);
	put_line(name, line);
	hv_unlock(&lock);
}

void zonal_port_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(NULL, fmt, args); /* it begins with "zonal: " */
	va_end(args);
}

void hv_power_off(void)
{
	hv_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		__asm__ volatile("wfi");
}

void zonal_port_panic(const char *fmt, ...)
{
	char line[240];
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	put_line("panic", line);
	hv_power_off();
}

/* Debian's libfdt was compiled with guards of the stack, whose word it takes from here. */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = 0x5afe57ac;
void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	zonal_port_panic("libfdt has overrun its stack");
}

void hv_crash(uint64_t esr, uint64_t elr, uint64_t far)
{
	zonal_port_panic("EL2 faults at 0x%llx: ESR 0x%llx, FAR 0x%llx", (unsigned long long)elr,
			 (unsigned long long)esr, (unsigned long long)far);
}
