/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases that fail, skip, leak and crash on purpose: build/host/harness, run by
 * test/t/harness.t, which checks that each is reported as what it is. They are in
 * no other program. A harness that could not fail would prove nothing.
 */
#include <signal.h>

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "test/ktest.h"

KTEST(good, passes)
{
	KT_TRUE(true);
	KT_EQ(2 + 2, 4);
	KT_STR_EQ("node", "node");
}

KTEST(bad, equality)
{
	kt_diag("goes on: %d", KT_EQ(2 + 2, 5));
}

KTEST(bad, truth)
{
	KT_TRUE(2 > 3);
}

KTEST(bad, message)
{
	KT_OK(false, "zone %s has %u pages", "DMA32", 17u);
}

KTEST(bad, string)
{
	KT_STR_EQ("node", (const char *)NULL);
}

KTEST(bad, many)
{
	for (int i = 0; i < 100; i++)
		KT_TRUE(i < 0);
}

KTEST(bad, skip_after_failure)
{
	KT_TRUE(false);
	kt_skip("too late");
}

KTEST(odd, skipped)
{
	kt_skip("no such board");
}

KTEST_F(odd, never_here, KT_TARGET_ONLY)
{
	KT_TRUE(false);
}

KTEST(log, fails)
{
	port_log("the line before");
	KT_TRUE(false);
}

KTEST(log, passes)
{
	port_log("a provoked report");
}

KTEST(log, dies)
{
	port_log("the last words");
	raise(SIGSEGV);
}

KTEST(odd, seed)
{
	kt_diag("seen seed %llu", (unsigned long long)kt_seed());
}

KTEST(memory, takes_too_many_blocks)
{
	for (int i = 0; i < 600; i++)
		if (!kt_alloc(1, 1))
			return;
}

KTEST(memory, is_there_again)
{
	KT_TRUE(kt_alloc(1, 1) != NULL);
}

KTEST(crash, signal)
{
	raise(SIGSEGV);
}

KTEST(crash, abort)
{
	raise(SIGABRT);
}

KTEST(left, masked)
{
	(void)zonal_port_irq_save();
}

KTEST(left, flag)
{
	zonal_port_this_cpu()->task->flags |= ZONAL_TASK_MEMALLOC;
}
