/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this image is: the first line of every boot, and the command `version`.
 *
 * The Makefile hands over what `git describe` says as BUILD_VERSION and the caller's
 * EXTRA_CFLAGS as BUILD_FLAGS, and builds this file anew when one of them changes; the
 * compiler names itself. So a log of the console says which source it came from and how it
 * was built. The options shown are those of config.h that change what the image can do.
 *
 * Constant text. Context: any.
 */
#include <zonal/config.h>

#include "lib/kprintf.h"
#include "platform.h"

#ifdef __clang__
#define BUILD_COMPILER "clang " __clang_version__
#else
#define BUILD_COMPILER "gcc " __VERSION__
#endif

void platform_print_version(void)
{
	kprintf("Zonal %s, %s, %u CPUs and %u nodes at most%s%s%s%s\n", BUILD_VERSION,
		BUILD_COMPILER, ZONAL_MAX_CPUS, ZONAL_MAX_NODES, ZONAL_DEBUG ? ", debug" : "",
		ZONAL_CMA ? "" : ", no CMA", *BUILD_FLAGS ? ", " : "", BUILD_FLAGS);
}
