/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a run, in the order of what tells the runner most:
 *
 *   1. exit=semihosting: SYS_EXIT_EXTENDED hands over the status. Without a debugger or
 *      emulator behind it HLT traps; arm64_semihosting() comes back then and we go on.
 *      Also tried when there is no UART, as with a tree that was refused or a UART that
 *      does not answer: then nobody has been told anything yet, and a debugger can show
 *      the text too (SYS_WRITE0).
 *   2. PSCI SYSTEM_OFF, or without firmware the board's own line. QEMU ends with status 0.
 *   3. Neither: say so, and sleep for good.
 *
 * Called by any CPU in any state, also by the panic path with all others stopped.
 * Nothing waits for a lock but the console, and that only outside of a panic.
 */
#include <string.h>

#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "console.h"
#include "drivers/power/gpio_power.h"
#include "drivers/power/psci.h"
#include "lib/kprintf.h"
#include "platform.h"

#define SYS_WRITE0 0x04u
#define SYS_EXIT_EXTENDED 0x20u
/* "The application ended by itself"; only with this reason is the status read. */
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

/* Characters of text that one call hands over. */
#define PIECE_BYTES 128u

/* False if nobody answers. */
static bool semihosting_call(uint32_t operation, const void *parameter)
{
	uint64_t result;

	return arm64_semihosting(operation, (uintptr_t)parameter, &result);
}

/* SYS_WRITE0 wants a NUL behind the text. */
static void semihosting_text(const char *text, size_t length)
{
	char piece[PIECE_BYTES + 1];

	while (length) {
		size_t part = ZN_MIN(length, PIECE_BYTES);

		memcpy(piece, text, part);
		piece[part] = '\0';
		if (!semihosting_call(SYS_WRITE0, piece))
			return;
		text += part;
		length -= part;
	}
}

static void semihosting_exit(int status)
{
	uint64_t block[2] = { ADP_STOPPED_APPLICATION_EXIT, (uint64_t)status };

	if (console_is_silent())
		console_read_kept(semihosting_text);
	(void)semihosting_call(SYS_EXIT_EXTENDED, block);
	kprintf("exit: nobody answers semihosting; powering off instead\n");
}

void platform_exit(int status)
{
	console_flush();
	if (boot_args.semihosting || console_is_silent())
		semihosting_exit(status);
	console_flush();
	psci_system_off();
	gpio_power_off();
	kprintf("exit: status %d; this board cannot be powered off, the CPU sleeps\n", status);
	console_flush();
	arm64_ipi_stop();
}
