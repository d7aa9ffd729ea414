/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context and locks: rows T.
 *
 * T1 and T2 are seen from the outside: whatever a call does, it ends with the
 * interrupt mask as it was and with every zone lock free, on success, failure and
 * misuse alike. The races themselves are the matter of the stress program under the
 * thread sanitizer.
 */
#include <string.h>

#include "kt_instance.h"

#include "test/unit/monitor/monitor_capture.h"

static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + 2048, 2048 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static void expect_quiet(struct zonal *mm, bool masked, const char *after)
{
	for (unsigned n = 0; n < 2; n++)
		KT_OK(!lock_held(&kt_zone(mm, n, ZONE_DMA)->lock), "node %u is locked after %s", n,
		      after);
	KT_OK(port_irqs_masked() == masked, "the interrupt mask has changed after %s", after);
}

static void every_call(struct zonal *mm, bool masked)
{
	struct zonal_finding finding;
	struct page *page;

	for (unsigned order = 0; order <= 11; order++) {
		page = zonal_alloc(mm, GFP_ATOMIC | __GFP_NOWARN, order);
		expect_quiet(mm, masked, "an allocation");
		if (page)
			zonal_free(mm, page, order);
		expect_quiet(mm, masked, "a free");
	}
	page = zonal_alloc(mm, GFP_ATOMIC, 3);
	zonal_split(mm, page, 3);
	expect_quiet(mm, masked, "a split");
	for (unsigned i = 0; i < 8; i++)
		zonal_free(mm, page + i, 0);
	zonal_free(mm, page, 0);
	expect_quiet(mm, masked, "a double free");
	zonal_drain_local(mm);
	expect_quiet(mm, masked, "a drain");
	KT_TRUE(zonal_check(mm, &finding));
	expect_quiet(mm, masked, "a check");
}

KTEST(rows_t, t1_t2_locks_and_mask_are_as_before)
{
	struct zonal *mm = kt_instance(&two_nodes);
	port_irqflags_t irq;

	if (!mm)
		return;
	every_call(mm, false);
	irq = port_irq_save();
	every_call(mm, true);
	port_irq_restore(irq);
	KT_TRUE(!port_irqs_masked());
}

/* How often the lock of node 0's zone has been taken, modulo 2^16. */
static unsigned holds(struct zonal *mm)
{
	return ld_relaxed(&kt_zone(mm, 0, ZONE_DMA)->lock.next);
}

/* T1: what a theft changes under the zone lock, a tunable must not change without it, or
 * a boost of the same moment is folded into no mark, or out of it too late. */
KTEST(rows_t, t1_tunables_take_the_zone_lock)
{
	struct zonal *mm = kt_instance(&two_nodes);
	unsigned before;

	if (!mm)
		return;
	before = holds(mm);
	KT_EQ(zonal_set_watermark_scale(mm, 50), 0);
	KT_TRUE(holds(mm) >= before + 2); /* the marks, then what they fold into */
	before = holds(mm);
	KT_EQ(zonal_set_min_free_kbytes(mm, 200), 0);
	KT_TRUE(holds(mm) >= before + 2);
	before = holds(mm);
	KT_EQ(zonal_set_reserve_ratio(mm, ZONE_DMA, 100), 0);
	KT_TRUE(holds(mm) > before);
	expect_quiet(mm, false, "tunables");
	kt_check_all(mm);
}

/* T1: one zone's lock never waits for another's: with node 0 held, node 1 serves. */
KTEST(rows_t, t1_zones_do_not_share_a_lock)
{
	struct zonal *mm = kt_instance(&two_nodes);
	port_irqflags_t irq;
	struct page *page;

	if (!mm)
		return;
	irq = port_irq_save();
	kt_lock_elsewhere(kt_zone(mm, 0, ZONE_DMA));
	page = zonal_alloc_node(mm, 1, GFP_ATOMIC, 2);
	if (KT_TRUE(page))
		zonal_free(mm, page, 2);
	kt_unlock_elsewhere(kt_zone(mm, 0, ZONE_DMA));
	port_irq_restore(irq);
}

KTEST(rows_t, t3_interrupt_allocates_and_frees)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct page *page[11];
	port_irqflags_t irq;

	if (!mm)
		return;
	irq = kt_irq_enter();
	for (unsigned order = 0; order < 11; order++)
		page[order] = zonal_alloc(mm, order % 2 ? GFP_ATOMIC : GFP_NOWAIT, order % 9);
	for (unsigned order = 0; order < 11; order++)
		if (KT_TRUE(page[order]))
			zonal_free(mm, page[order], order % 9);
	kt_irq_exit(irq);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)) + kt_free(kt_zone(mm, 1, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

static struct zonal *call_mm;
static struct page *call_page;

static void free_there(void *arg)
{
	zonal_free(call_mm, call_page, *(unsigned *)arg);
}

/* A page taken here is freed in the interrupt handler of another CPU. */
KTEST_F(rows_t, t3_free_in_another_cpus_interrupt, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm)
		return;
	call_mm = mm;
	for (unsigned order = 0; order < 4; order++) {
		call_page = zonal_alloc(mm, GFP_KERNEL, order);
		KT_TRUE(port_call_cpu(kt_cpu_id(1), free_there, &order));
	}
	zonal_drain_all(mm, NULL);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)), 2048);
	KT_EQ(zonal_bad_count(mm), 0);
	kt_check_all(mm);
}

/* T4: a change of the allowed nodes moves the sequence by two and takes no lock. */
KTEST(rows_t, t4_allowed_nodes_by_sequence)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zonal_task saved, *task = kt_task_save(&saved);
	uint32_t seq = task->mems_seq;
	struct page *page;

	if (!mm)
		return;
	for (unsigned i = 0; i < 10; i++) {
		KT_EQ(zonal_task_set_mems(mm, task, node_bit(i % 2)), 0);
		seq += 2;
		KT_EQ(task->mems_seq, seq);
		page = zonal_alloc(mm, GFP_USER, i % 3);
		if (KT_TRUE(page)) {
			KT_EQ(zonal_page_node(page), i % 2);
			zonal_free(mm, page, i % 3);
		}
	}
	kt_task_restore(&saved);
}

/* G11: waiting in an interrupt is reported, the request is served all the same. */
KTEST(rows_g, g11_sleep_in_interrupt_is_reported)
{
	struct zonal *mm = kt_instance(&two_nodes);
	port_irqflags_t irq;
	struct page *page;

	if (!mm)
		return;
	irq = kt_irq_enter();
	page = zonal_alloc(mm, GFP_KERNEL, 1);
	kt_irq_exit(irq);
	KT_EQ(ld_relaxed(&mm->sleep_reports), 1);
	if (page)
		zonal_free(mm, page, 1);
	kt_check_all(mm);
}

/* Once, however often it happens and whoever does it; a task that may sleep is no matter. */
KTEST_F(rows_g, g11_sleep_in_interrupt_is_said_once, KT_HOST_ONLY)
{
	static const gfp_t gfp[] = { GFP_KERNEL, GFP_USER, __GFP_DIRECT_RECLAIM, GFP_KERNEL };
	struct zonal *mm = kt_instance(&two_nodes);
	port_irqflags_t irq;
	const char *text;

	if (!mm)
		return;
	capture_begin();
	KT_TRUE(kt_served_by(mm, 0, GFP_KERNEL, 1) >= 0);
	irq = kt_irq_enter();
	KT_TRUE(kt_served_by(mm, 0, GFP_ATOMIC, 1) >= 0);
	KT_TRUE(kt_served_by(mm, 0, GFP_NOWAIT, 0) >= 0);
	kt_irq_exit(irq);
	text = capture_end();
	KT_STR_EQ(text, "");
	capture_begin();
	irq = kt_irq_enter();
	for (unsigned i = 0; i < ARRAY_SIZE(gfp); i++)
		KT_TRUE(kt_served_by(mm, 0, gfp[i], i) >= 0);
	kt_irq_exit(irq);
	text = capture_end();
	KT_OK(strstr(text, "__GFP_DIRECT_RECLAIM (gfp 0x") != NULL, "%s", text);
	KT_OK(strchr(text, '\n') && strchr(text, '\n')[1] == '\0', "more than one line: %s", text);
}

/* T3: a handler stays a handler, masked, over every call; the policy and the allowed nodes of the
 * task below are not its own, and its counts are those of its CPU. */
KTEST(rows_t, t3_handler_is_masked_and_nobodys)
{
	struct zonal *mm = kt_instance(&two_nodes);
	struct zonal_task saved, *task = kt_task_save(&saved);
	port_irqflags_t irq;

	if (!mm)
		return;
	kt_no_marks(mm);
	KT_EQ(zonal_set_policy(mm, task, MPOL_BIND, 0, node_bit(1)), 0);
	KT_EQ(zonal_task_set_mems(mm, task, node_bit(1)), 0);
	irq = kt_irq_enter();
	for (unsigned i = 0; i < 40; i++) {
		gfp_t gfp = (i % 2 ? GFP_ATOMIC : GFP_NOWAIT) | (i % 3 ? 0 : __GFP_COMP);
		struct page *page = zonal_alloc(mm, gfp, i % 5);

		KT_TRUE(port_irqs_masked());
		KT_EQ(port_this_cpu()->irq_depth, 1);
		if (!KT_TRUE(page))
			break;
		KT_EQ(zonal_page_node(page), 0);
		zonal_get(page);
		zonal_put(mm, page);
		zonal_free(mm, page, i % 5);
		KT_TRUE(port_irqs_masked());
	}
	zonal_drain_local(mm);
	KT_TRUE(port_irqs_masked());
	kt_irq_exit(irq);
	KT_EQ(kt_local(kt_zone(mm, 0, ZONE_DMA)), 40);
	kt_task_restore(&saved);
	KT_EQ(kt_free(kt_zone(mm, 0, ZONE_DMA)) + kt_free(kt_zone(mm, 1, ZONE_DMA)), 4096);
	kt_check_all(mm);
}

/* ---- a CPU that the instance does not know ---- */

static void do_alloc(void *mm) { zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 0), 0); }
static void do_block(void *mm) { zonal_free(mm, zonal_alloc(mm, GFP_KERNEL, 3), 3); }
static void do_dma(void *mm) { zonal_free(mm, zonal_alloc(mm, GFP_DMA, 0), 0); }
static void do_node(void *mm) { zonal_free(mm, zonal_alloc_node(mm, 0, GFP_KERNEL, 0), 0); }
static void do_mask(void *mm) { (void)!zonal_alloc_mask(mm, NODE_NONE, GFP_KERNEL, 0, NULL); }
static void do_refused(void *mm) { (void)!zonal_alloc(mm, GFP_KERNEL, 99); }
static void do_drain(void *mm) { zonal_drain_local(mm); }

static void do_failure(void *mm)
{
	struct zonal_failure failure;

	zonal_last_failure(mm, &failure);
}

static struct page *foreign_single, *foreign_block;
static void do_free(void *mm) { zonal_free(mm, foreign_single, 0); }
static void do_free_block(void *mm) { zonal_free(mm, foreign_block, 3); }
static void do_put(void *mm) { zonal_put(mm, foreign_block); }

/* One clear panic on every path, and no NULL dereference on any. */
KTEST_F(rows_t, t2_a_cpu_that_init_was_not_told_of_panics_by_name, KT_HOST_ONLY)
{
	static void (*const calls[])(void *) = { do_alloc,   do_block, do_dma,	do_node,
						 do_mask,    do_drain, do_free, do_free_block,
						 do_failure, do_put,   do_refused };
	struct zonal *mm = kt_instance(&two_nodes);

	if (!mm)
		return;
	foreign_single = zonal_alloc(mm, GFP_KERNEL, 0);
	foreign_block = zonal_alloc(mm, GFP_KERNEL, 3);
	mm->cpu[5] = NULL;
	if (!KT_TRUE(kt_cpu(5)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		KT_OK(kt_panics(calls[i], mm, "on CPU 5, but zonal_init() was told of CPUs 0 to 1"),
		      "call %u does not panic by name", i);
	}
	kt_cpu(0);
	zonal_free(mm, foreign_single, 0);
	zonal_free(mm, foreign_block, 3);
	kt_check_all(mm);
}
