/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two symbols that objects compiled with a stack protector refer to.
 *
 * Debian's libfdt.a is such an object. The guard is a fixed value until boot mixes the
 * counter into it: functions that are active at that moment are not protected (our own are
 * compiled without), so none sees it change. A mismatch ends the run.
 */
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_sysreg.h"

extern uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) ZN_NORETURN;

uintptr_t __stack_chk_guard = 0x7a6f6e616cff0a00;

/* The low byte stays 0, so that a string that runs over ends before the guard. */
void arm64_stack_guard_seed(void)
{
	__stack_chk_guard ^= sysreg_read(cntvct_el0) * 0x9e3779b97f4a7c00;
}

void __stack_chk_fail(void)
{
	port_panic("stack protector: %p returned over a damaged stack",
		   __builtin_return_address(0));
}
