/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the port arch/arm64 finds above it (arm64_board.h), in one table.
 *
 * The port includes nothing of drivers/, sched/ or platform/: whatever of them it needs in
 * an interrupt, a call to another core or a panic, it reaches through here. Nothing is
 * decided here; each entry is one call.
 *
 * Constant, so that a panic can rely on it. Contexts: see arm64_board.h.
 */
#include "arm64_board.h"

#include "platform.h"
#include "sched/sched.h"
#include "user/user.h"

static void cpu_call(unsigned cpu) { ipi_send(cpu, IPI_CALL); }

static void console_in_panic(enum board_console how)
{
	static void (*const step[])(void) = {
		[BOARD_CONSOLE_ALONE] = console_panic,
		[BOARD_CONSOLE_RESTORE] = console_restore,
		[BOARD_CONSOLE_LOST] = console_lost,
	};

	step[how]();
}

const struct board_ops board_ops = {
	.boot = platform_main,
	.secondary = platform_secondary,
	.irq = irq_serve,
	.irq_exit = sched_irq_exit,
	.preempt = sched_preempt,
	.cpu_online = cpu_is_online,
	.cpu_call = cpu_call,
	.user_call = user_port_call,
	.user_fault = user_port_fault,
	.user_work = user_port_work,
	.user_die = user_port_die,
	.user_name = user_port_name,
	.user_describe = user_port_describe,
	.console = console_in_panic,
	.stop_others = platform_stop_others,
	.stop_self = smp_stop_self,
	.report = platform_panic_report,
	.exit = platform_exit,
};
