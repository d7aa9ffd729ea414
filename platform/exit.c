/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a run, in the order of what tells the runner most:
 *
 *   1. exit=semihosting: SYS_EXIT_EXTENDED hands over the status. Without a debugger or
 *      emulator behind it HLT traps; arm64_semihosting() comes back then and we go on.
 *      Also tried when no UART was found, as with a tree that was refused: then nobody has
 *      been told anything yet, and a debugger can show the text too (SYS_WRITE0).
 *   2. PSCI SYSTEM_OFF. QEMU ends with status 0.
 *   3. Neither: say so, and sleep for good.
 *
 * Called by any CPU in any state, also by the panic path with all others stopped.
 * Nothing waits for a lock but the console, and that only outside of a panic.
 */
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "console.h"
#include "drivers/power/psci.h"
#include "lib/printf.h"
#include "platform.h"

#define SYS_WRITE0 0x04u
#define SYS_EXIT_EXTENDED 0x20u
/* "The application ended by itself"; only with this reason is the status read. */
#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

static void semihosting_exit(int status)
{
	uint64_t block[2] = { ADP_STOPPED_APPLICATION_EXIT, (uint64_t)status };
	const char *text = console_held_back();
	uint64_t result;

	if (text)
		(void)arm64_semihosting(SYS_WRITE0, (uintptr_t)text, &result);
	(void)arm64_semihosting(SYS_EXIT_EXTENDED, (uintptr_t)block, &result);
	kprintf("exit: nobody answers semihosting; powering off instead\n");
}

void platform_exit(int status)
{
	console_flush();
	if (boot_args.semihosting || console_held_back())
		semihosting_exit(status);
	console_flush();
	psci_system_off();
	kprintf("exit: status %d; this board cannot be powered off, the CPU sleeps\n", status);
	console_flush();
	arm64_ipi_stop();
}
