/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The optional port hooks on the host: the chain of calls, and the task's number.
 *
 * The program is compiled with frame pointers: the frame register points to a pair (the
 * caller's frame register, the return address), on x86-64 and arm64 alike. Libraries
 * need not be, and what a library function leaves in that register can be anything. So
 * the walk goes from a frame to the next only if the return address beside the
 * link lies in this program's own text: then the caller is a function of ours, and
 * the link is its frame. In main(), a thread's first function or a callback
 * of a library the walk ends, without a look at what lies behind. A fibre of the
 * scheduler starts with a frame register of 0 (host_sched.c).
 *
 * Sanitizer runtimes that are linked in are text of the program too, but perhaps without frame
 * pointers; therefore a link must also lead upwards, to an aligned place, and not
 * far. The sanitizers are told not to watch: the slots read belong to other functions.
 *
 * No locks, no memory, no system call; any context.
 */
#include <zonal/port.h>

/* No frame is larger; the stacks of threads are 8 MiB. */
#define FRAME_LIMIT 0x100000u

/* From the linker: the bounds of the program's text. */
extern const char __executable_start[], etext[];

static bool is_own_text(uintptr_t pc)
{
	return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

__attribute__((no_sanitize("address", "thread"))) unsigned port_backtrace(uintptr_t *pc,
									 unsigned max)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	unsigned count = 0;

	while (count < max) {
		const uintptr_t *pair = (const uintptr_t *)frame;

		if (!is_own_text(pair[1]))
			break;
		pc[count++] = pair[1];
		if (pair[0] <= frame || pair[0] - frame > FRAME_LIMIT || pair[0] % sizeof(frame))
			break;
		frame = pair[0];
	}
	return count;
}
