/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer on every core: the condition comes at the deadline and not
 * before, the interrupt arrives, and all cores read one clock.
 *
 * The scheduler owns the timer. A case takes it masked and ends with a deadline that
 * is past: the tick that follows makes the scheduler set its own again.
 */
#include <zonal/port.h>

#include "arm64_sysreg.h"
#include "platform/platform.h"
#include "test/ktest.h"

#define CTL_CONDITION 4u /* CNTV_CTL_EL0.ISTATUS */
#define SECOND_NS 1000000000u
#define WAIT_NS 2000000u

static bool condition_by(uint64_t limit_ns)
{
	while (!(sysreg_read(cntv_ctl_el0) & CTL_CONDITION)) {
		if (timer_now_ns() > limit_ns)
			return false;
	}
	return true;
}

KTEST_F(timer, condition_holds_at_the_deadline_and_not_before, KT_EACH_CPU | KT_TARGET_ONLY)
{
	port_irqflags_t flags = port_irq_save();
	uint64_t deadline = timer_now_ns() + WAIT_NS;
	uint64_t met;
	bool came;

	timer_set_deadline(deadline);
	came = condition_by(deadline + SECOND_NS);
	met = timer_now_ns();
	timer_set_deadline(1);
	port_irq_restore(flags);
	KT_TRUE(came);
	KT_OK(met >= deadline, "%llu ns early", (unsigned long long)(deadline - met));
}

KTEST_F(timer, interrupt_arrives, KT_EACH_CPU | KT_TARGET_ONLY)
{
	port_irqflags_t flags = port_irq_save();
	unsigned cpu = port_this_cpu()->id;
	uint64_t before = timer_fired_count(cpu);
	uint64_t limit = timer_now_ns() + SECOND_NS;

	timer_set_deadline(timer_now_ns() + WAIT_NS);
	KT_EQ(timer_fired_count(cpu), before); /* masked: not yet */
	port_irq_restore(flags);
	while (timer_fired_count(cpu) == before && timer_now_ns() < limit)
		port_relax();
	KT_OK(timer_fired_count(cpu) != before, "no timer interrupt on CPU %u", cpu);
}

KTEST_F(timer, past_deadline_fires_at_once_and_0_turns_it_off, KT_EACH_CPU | KT_TARGET_ONLY)
{
	port_irqflags_t flags = port_irq_save();
	uint64_t start = timer_now_ns();
	bool at_once, off;

	timer_set_deadline(start);
	at_once = condition_by(start + WAIT_NS);
	timer_set_deadline(0);
	off = !condition_by(timer_now_ns() + WAIT_NS);
	timer_set_deadline(1);
	port_irq_restore(flags);
	KT_TRUE(at_once);
	KT_TRUE(off);
}

static void read_clock(void *arg) { *(uint64_t *)arg = timer_now_ns(); }

KTEST_F(timer, all_cores_read_one_clock, KT_TARGET_ONLY)
{
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++) {
		uint64_t before = timer_now_ns();
		uint64_t there = 0;

		if (!cpu_is_online(cpu))
			continue;
		KT_TRUE(port_call_cpu(cpu, read_clock, &there));
		KT_OK(before <= there && there <= timer_now_ns(), "CPU %u read %llu after %llu",
		      cpu, (unsigned long long)there, (unsigned long long)before);
	}
}

KTEST_F(timer, ticks_round_up_and_do_not_overflow, KT_TARGET_ONLY)
{
	KT_EQ(timer_ticks_for(0, 62500000), 0);
	KT_EQ(timer_ticks_for(1, 62500000), 1);
	KT_EQ(timer_ticks_for(16, 62500000), 1);
	KT_EQ(timer_ticks_for(17, 62500000), 2);
	KT_EQ(timer_ticks_for(1000000000, 62500000), 62500000);
	KT_EQ(timer_ticks_for(1999999999, 1), 2);
	KT_EQ(timer_ticks_for(UINT64_MAX, 1000000000), UINT64_MAX);
	KT_EQ(timer_ticks_for(UINT64_MAX, 1), 18446744074);
	KT_EQ(timer_ticks_for(999999999, UINT32_MAX), 4294967291);
	KT_EQ(timer_ticks_for(UINT64_MAX, UINT32_MAX), UINT64_MAX); /* more than can be counted */
}
