/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must be true of every board once it has booted: which cores run, at which
 * exception level and under which number, that the conduit is the tree's, that the
 * image and the tree are not up for allocation, and that all RAM is mapped where
 * the calls of <zonal/linux.h> say. What the boards must have beyond that is known to
 * the runner (tools/check_boot.py) and to test/t/odd_boards.t.
 */
#include <libfdt.h>
#include <string.h>

#include <zonal/linux.h>
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_memory.h"
#include "arm64_secure.h"
#include "arm64_sysreg.h"
#include "board/device.h"
#include "drivers/power/psci.h"
#include "drivers/power/start_cpu.h"
#include "board/fdt_walk.h"
#include "lib/mpidr.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/ktest.h"

extern char _start[], _end[];


KTEST_F(boot, every_core_that_may_run_is_online, KT_TARGET_ONLY)
{
	unsigned usable = 0;

	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
		/* The boot core needs nobody to start it; alone on its board it has no method. */
		usable += cpu == cpu_boot_index() || !start_cpu_refusal(&board_facts.cpu[cpu]);
	if (boot_args.maxcpus)
		usable = ZN_MIN(usable, boot_args.maxcpus);
	KT_EQ(cpu_online_count(), usable);
	KT_TRUE(cpu_is_online(cpu_boot_index()));
}

KTEST_F(boot, core_runs_at_el1_under_its_own_number, KT_EACH_CPU | KT_TARGET_ONLY)
{
	unsigned cpu = task_cpu();

	KT_EQ(sysreg_read(currentel) >> 2 & 3, 1);
	KT_EQ(sysreg_read(spsel), 0); /* tasks run on SP_EL0 */
	KT_TRUE(cpu < boot_info.cpu_count);
	KT_EQ(sysreg_read(mpidr_el1) & MPIDR_AFFINITY, board_facts.cpu[cpu].mpidr);
	KT_EQ(arm64_cpus[cpu].mpidr, board_facts.cpu[cpu].mpidr);
	KT_EQ(port_this_cpu()->id, cpu);
	KT_TRUE(cpu_is_online(cpu));
	KT_EQ(port_this_cpu()->irq_depth, 0);
	KT_TRUE(!port_irqs_masked());
}

/* Who has no firmware below has written the register himself (el3.cntfrq_is_written). */
KTEST_F(boot, core_reads_the_frequency_of_its_counter, KT_EACH_CPU | KT_TARGET_ONLY)
{
	if (arm64_owns_secure())
		KT_EQ(sysreg_read(cntfrq_el0), timer_frequency_hz());
	else
		kt_skip("firmware's part");
}

/* Each core's own EL3 comes back from the fault, and serves on. No board has anything there. */
KTEST_F(boot, secure_access_to_nothing_is_refused, KT_EACH_CPU | KT_TARGET_ONLY)
{
	const uint64_t nothing = 0x7f0000000000;
	uint32_t value = 7;
	int node;
	struct device_range gic;

	if (!arm64_owns_secure()) {
		kt_skip("firmware has EL3");
		return;
	}
	KT_TRUE(!arm64_secure_read(nothing, &value));
	KT_EQ(value, 7);
	KT_TRUE(!arm64_secure_write(nothing, 1));
	node = device_find("arm,gic-v3", -1);
	if (node >= 0 && KT_TRUE(device_reg(node, 0, &gic)))
		KT_TRUE(arm64_secure_read(gic.phys, &value));
}

KTEST_F(boot, no_two_online_cores_have_one_mpidr, KT_TARGET_ONLY)
{
	for (unsigned a = 0; a < boot_info.cpu_count; a++) {
		for (unsigned b = 0; b < a; b++)
			KT_TRUE(!cpu_is_online(a) || !cpu_is_online(b) ||
				board_facts.cpu[a].mpidr != board_facts.cpu[b].mpidr);
	}
}

KTEST_F(boot, conduit_is_the_one_of_the_tree, KT_TARGET_ONLY)
{
	int node = device_find("arm,psci-0.2", -1);
	const char *method;

	if (node < 0)
		node = device_find("arm,psci-1.0", -1);
	if (node < 0) {
		kt_skip("no PSCI 0.2 or later on this board");
		return;
	}
	method = device_string(node, "method");
	if (KT_TRUE(method != NULL))
		KT_STR_EQ(psci_method(), method);
	KT_OK(psci_version() >= 2, "PSCI version 0x%x", psci_version());
}

/* Reserved for good: in boot_info.reserved, and no page of it free. */
static void expect_reserved(const char *what, uint64_t start, uint64_t end)
{
	bool found = false;

	for (unsigned i = 0; i < boot_info.reserved_count; i++) {
		const struct boot_range *r = &boot_info.reserved[i];

		found |= r->start <= start && end <= r->start + r->size;
	}
	KT_OK(found, "%s [0x%llx, 0x%llx) is not reserved", what, (unsigned long long)start,
	      (unsigned long long)end);
	for (pfn_t pfn = start >> PAGE_SHIFT; pfn < align_up(end, PAGE_SIZE) >> PAGE_SHIFT; pfn++) {
		if (!KT_OK(!zonal_is_free(&zonal_image, pfn), "%s: page 0x%llx is free", what,
			   (unsigned long long)pfn))
			return;
	}
}

KTEST_F(boot, image_and_tree_are_reserved, KT_TARGET_ONLY)
{
	const char *dt = device_tree();
	uint64_t dt_phys = virt_to_phys(dt);

	expect_reserved("image", virt_to_phys(_start), virt_to_phys(_end));
	expect_reserved("device tree", dt_phys, dt_phys + fdt_walk_load(dt + 4, 4));
}

KTEST_F(boot, ranges_are_sorted_disjoint_and_mapped, KT_TARGET_ONLY)
{
	for (unsigned i = 0; i < boot_info.range_count; i++) {
		const struct boot_range *r = &boot_info.range[i];
		uint64_t last = r->start + r->size - PAGE_SIZE;

		KT_TRUE(i == 0 || r[-1].start + r[-1].size <= r->start);
		if (!boot_range_usable(r))
			continue;
		KT_EQ(arm64_translate(phys_to_virt(r->start)), r->start);
		KT_EQ(arm64_translate(phys_to_virt(last)), last);
	}
}

KTEST_F(boot, arguments_are_those_that_were_given, KT_TARGET_ONLY)
{
	static struct bootargs again;

	(void)platform_read_arguments(&again, NULL);
	KT_EQ(memcmp(again.words, boot_args.words, sizeof(again.words)), 0);
	KT_EQ(boot_args.semihosting, platform_arg("exit") != NULL);
	KT_TRUE(platform_arg("no-such-word") == NULL);
}

KTEST_F(boot, addresses_and_pages_match, KT_TARGET_ONLY)
{
	unsigned long address = __get_free_pages(GFP_KERNEL, 2);
	unsigned char *zeroed = (unsigned char *)get_zeroed_page(GFP_KERNEL);
	bool clear = true;

	if (KT_TRUE(address != 0)) {
		KT_EQ(address % (4 * PAGE_SIZE), 0);
		KT_TRUE(page_address(virt_to_page((void *)address)) == (void *)address);
		KT_EQ(page_to_pfn(virt_to_page((void *)address)) << PAGE_SHIFT,
		      virt_to_phys((void *)address));
		memset((void *)address, 0xff, 4 * PAGE_SIZE);
		free_pages(address, 2);
	}
	for (unsigned i = 0; zeroed && i < PAGE_SIZE; i++)
		clear = clear && !zeroed[i];
	KT_TRUE(zeroed && clear);
	free_pages((unsigned long)zeroed, 0);
	KT_EQ(__get_free_pages(GFP_HIGHUSER, 0), 0); /* no address by contract */
	KT_TRUE(alloc_pages_exact(PAGE_SIZE, GFP_HIGHUSER) == NULL);
	free_pages(0, 0);
	free_pages_exact(NULL, PAGE_SIZE);
}

/* Trust item 117: whoever reads the tree later must not learn what was random at boot. */
KTEST_F(boot, seeds_are_gone_from_the_tree, KT_TARGET_ONLY)
{
	static const char *const names[] = { "kaslr-seed", "rng-seed" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		int bytes = 0;
		const uint8_t *seed = fdt_getprop(device_tree(), device_chosen(), names[i], &bytes);

		for (int b = 0; seed && b < bytes; b++)
			KT_OK(seed[b] == 0, "byte %d of %s is %u", b, names[i], seed[b]);
		if (seed)
			kt_diag("%s: %d bytes of zero", names[i], bytes);
	}
}

KTEST_F(boot, tree_is_read_only, KT_TARGET_ONLY)
{
	struct arm64_fault fault;
	const void *seed = fdt_getprop(device_tree(), device_chosen(), "rng-seed", NULL);

	if (!seed)
		seed = device_tree();
	/* On 4 bytes, as the probe stores them. */
	KT_TRUE(!arm64_probe_write(align_down((uintptr_t)seed, 4), &fault));
	KT_EQ(fault.esr, 0x9600004f);
}

/* Who wakes one is out of memory; one that ran at the end of its waker's slice would come late for
 * thousands of requests. */
KTEST_F(boot, kswapd_comes_before_ordinary_tasks, KT_TARGET_ONLY)
{
	struct task_info info;
	unsigned found = 0;

	for (uint64_t after = 0; sched_list(after, &info, 1); after = info.id) {
		if (strncmp(info.name, "kswapd", 6))
			continue;
		found++;
		KT_EQ(info.priority, SCHED_PRIORITY_DEFAULT + 1);
	}
	KT_TRUE(found > 0);
}
