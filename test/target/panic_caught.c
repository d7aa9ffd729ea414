/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panics that a test wants to see, in the image: the call runs in a task of its own, and where it
 * panics that task ends.
 *
 * The linker puts __wrap_zonal_port_panic() before the panic path (TEST_WRAPS of tools/image.mk).
 * Unless a case waits for a panic it jumps on with every register as it was, so that reports and
 * backtraces are those of an image without tests. While one waits, a panic of its task is kept as
 * text; one of anybody else is a panic all the same.
 *
 * What the call had locked or begun stays so: only a panic in a task's context can be caught,
 * without interrupts masked and without a lock, and the instance it left is not used again.
 */
#include <stdarg.h>
#include <string.h>

#include <zonal/format.h>

#include "lib/atomic.h"
#include "sched/sched.h"
#include "test/ktest.h"

struct call {
	void (*fn)(void *arg);
	void *arg;
};

/* Both are named in the code below. */
_Atomic uint32_t kt_panic_awaited;
void kt_panic_caught(const char *fmt, ...) ZN_PRINTF(1, 2) ZN_NORETURN;
void __real_zonal_port_panic(const char *fmt, ...) ZN_PRINTF(1, 2) ZN_NORETURN;

static _Atomic(struct task *) caller;
static char text[160];

/* A varargs call must reach its end with x0-x7 and the stack untouched. */
__asm__(".pushsection .text.kt_panic, \"ax\"\n"
	".globl __wrap_zonal_port_panic\n"
	".type __wrap_zonal_port_panic, %function\n"
	"__wrap_zonal_port_panic:\n"
	"	adrp x16, kt_panic_awaited\n"
	"	ldr w16, [x16, :lo12:kt_panic_awaited]\n"
	"	cbz w16, 1f\n"
	"	b kt_panic_caught\n"
	"1:	b __real_zonal_port_panic\n"
	".size __wrap_zonal_port_panic, . - __wrap_zonal_port_panic\n"
	".popsection\n");

void kt_panic_caught(const char *fmt, ...)
{
	static char other[160];
	bool here = !port_irqs_masked() && task_current() == ld_relaxed(&caller);
	char *line = here ? text : other;
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(line, here ? sizeof(text) : sizeof(other), fmt, args);
	va_end(args);
	if (here)
		task_exit(1);
	__real_zonal_port_panic("%s", line);
}

static int call_it(void *arg)
{
	struct call *call = arg;

	st_relaxed(&caller, task_current());
	call->fn(call->arg);
	return 0;
}

/* Bound to the CPU of the case: its instance knows no other. */
bool kt_panics(void (*fn)(void *), void *arg, const char *says)
{
	struct call call = { fn, arg };
	struct cpumask self = cpumask_of(task_cpu());
	struct task_spec spec = { .name = "panics", .fn = call_it, .arg = &call,
				  .priority = SCHED_PRIORITY_DEFAULT, .cpus = &self };
	struct task *task;
	int ended = 0;

	text[0] = 0;
	st_relaxed(&kt_panic_awaited, 1);
	task = task_create(&spec);
	if (task)
		ended = task_join(task);
	st_relaxed(&caller, NULL);
	st_relaxed(&kt_panic_awaited, 0);
	return KT_OK(task, "no task") && KT_OK(ended == 1, "expected a panic with \"%s\"", says) &&
	       KT_OK(strstr(text, says), "expected a panic with \"%s\": %s", says, text);
}
