/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of whoever runs the board, for the monitor's `record`: by semihosting, as QEMU with
 * -semihosting or a debugger offers it.
 *
 *	SYS_OPEN with mode "w"   a new file, or an old one emptied
 *	SYS_WRITE                answers how many bytes it did not write
 *	SYS_CLOSE
 *
 * Without somebody behind it the call traps and arm64_semihosting() says no, which looks like a
 * file that cannot be opened. One file at a time, by the task that runs the monitor; no lock.
 */
#include <string.h>

#include "arm64_exception.h"
#include "lib/assert.h"
#include "platform.h"

#define SYS_OPEN 0x01u
#define SYS_CLOSE 0x02u
#define SYS_WRITE 0x05u
#define MODE_WRITE 4u

static uint64_t handle;

bool platform_file_open(const char *name)
{
	uint64_t block[3] = { (uintptr_t)name, MODE_WRITE, strlen(name) };

	return arm64_semihosting(SYS_OPEN, (uintptr_t)block, &handle) && (int32_t)handle >= 0;
}

bool platform_file_write(const char *text, size_t length)
{
	uint64_t block[3] = { handle, (uintptr_t)text, length }, result = 1;

	ASSERT((int32_t)handle >= 0, "handle %lld", (long long)handle);
	if (!text)
		return arm64_semihosting(SYS_CLOSE, (uintptr_t)block, &result) && !result;
	return arm64_semihosting(SYS_WRITE, (uintptr_t)block, &result) && !result;
}
