/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: their words, their registers, and symbols.
 *
 * A trap on purpose shows that the entry and exit of a handler keep every register of the
 * interrupted code, and an interrupt whose handler changes all it may, that they come
 * back. The texts are checked against syndromes as the manual encodes them.
 */
#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "lib/atomic.h"
#include "platform/platform.h"
#include "sched/sched.h"
#include "test/ktest.h"

static void trap_is(enum arm64_trap trap, uint64_t esr)
{
	struct arm64_fault fault;

	KT_TRUE(!arm64_probe_trap(trap, &fault));
	KT_EQ(fault.esr, esr);
	KT_EQ(fault.vector, 0);
}

KTEST_F(exception, instructions_trap_with_their_class, KT_EACH_CPU | KT_TARGET_ONLY)
{
	trap_is(ARM64_TRAP_UDF, 0x02000000);
	trap_is(ARM64_TRAP_BRK, 0xf2000001);
	trap_is(ARM64_TRAP_SVC, 0x56000000);
}

/* Nothing saves these registers across a switch, so nothing may use them. */
KTEST_F(exception, floating_point_is_trapped, KT_EACH_CPU | KT_TARGET_ONLY)
{
	trap_is(ARM64_TRAP_FP, 0x1fe00000);
}

static void fault_in_handler(void *arg)
{
	(void)arm64_probe_read(0, arg);
}

/* In an interrupt handler, on the interrupt stack: through the vectors at +0x200. */
KTEST_F(exception, fault_inside_a_handler_comes_back, KT_EACH_CPU | KT_TARGET_ONLY)
{
	unsigned self = port_this_cpu()->id;
	unsigned called = 0;

	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		struct arm64_fault fault = { 0 };

		if (cpu == self || !cpu_is_online(cpu))
			continue;
		KT_TRUE(port_call_cpu(cpu, fault_in_handler, &fault));
		KT_EQ(fault.esr, 0x96000007);
		KT_EQ(fault.vector, 0x200);
		KT_EQ(arm64_cpus[cpu].fault_depth, 0);
		called++;
	}
	if (!called)
		kt_skip("one CPU: nobody to interrupt");
}

#define FOR_REGISTERS(body)                                                                        \
	".irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,20,21,22,23,24,25,26,27,28\n\t" body       \
	".endr\n\t"

/* Fill x3..x28 with values of their own, trap, and count those that changed. */
static uint64_t registers_changed_by_trap(void)
{
	uint64_t changed;

	__asm__ volatile("mov	%0, #0\n\t"
			 FOR_REGISTERS("mov	x\\n, #(\\n + 0x100)\n\t")
			 "bl	probe_svc\n\t"
			 FOR_REGISTERS("sub	x\\n, x\\n, #(\\n + 0x100)\n\t"
				       "cmp	x\\n, #0\n\t"
				       "cinc	%0, %0, ne\n\t")
			 : "=&r"(changed)
			 :
			 : "x0", "x1", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23",
			   "x24", "x25", "x26", "x27", "x28", "x30", "memory", "cc");
	return changed;
}

KTEST_F(exception, handler_keeps_all_registers, KT_EACH_CPU | KT_TARGET_ONLY)
{
	port_irqflags_t flags = port_irq_save();
	struct arm64_cpu *cpu = arm64_this_cpu();
	uint64_t changed;

	cpu->probe_armed = 1;
	changed = registers_changed_by_trap();
	KT_EQ(cpu->probe_armed, 0);
	port_irq_restore(flags);
	KT_EQ(changed, 0);
}

/* ready: the registers are filled; hit: the handler ran. Offsets are used below. */
struct ambush {
	_Atomic uint64_t hit;
	_Atomic uint64_t ready;
	unsigned victim;
};

/* In the handler: leave nothing in the registers that a function may change. */
static void clobber(void *arg)
{
	struct ambush *ambush = arg;

	__asm__ volatile(".irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n\t"
			 "mov	x\\n, #-1\n\t"
			 ".endr"
			 :
			 :
			 : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
			   "x14", "x15", "x16", "x17");
	st_release(&ambush->hit, 1);
}

static int ambush_task(void *arg)
{
	struct ambush *ambush = arg;

	while (!ld_acquire(&ambush->ready))
		port_relax();
	(void)port_call_cpu(ambush->victim, clobber, ambush);
	return 0;
}

/* Fill x3..x28, say so, wait for the handler, and count the registers that changed. */
static uint64_t registers_changed_by_interrupt(struct ambush *ambush)
{
	uint64_t changed = 0;

	__asm__ volatile(FOR_REGISTERS("mov	x\\n, #(\\n + 0x100)\n\t")
			 "mov	x0, #1\n\t"
			 "str	x0, [%1, #8]\n"
			 "1:	ldar	x0, [%1]\n\t"
			 "cbz	x0, 1b\n\t"
			 FOR_REGISTERS("sub	x\\n, x\\n, #(\\n + 0x100)\n\t"
				       "cmp	x\\n, #0\n\t"
				       "cinc	%0, %0, ne\n\t")
			 : "+&r"(changed)
			 : "r"(ambush)
			 : "x0", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24",
			   "x25", "x26", "x27", "x28", "memory", "cc");
	return changed;
}

KTEST_F(exception, interrupt_keeps_what_its_handler_changes, KT_EACH_CPU | KT_TARGET_ONLY)
{
	static struct ambush ambush;
	struct cpumask cpus = cpumask_of(port_this_cpu()->id);
	struct task_spec spec = { .name = "ambush", .fn = ambush_task, .arg = &ambush,
				  .priority = SCHED_PRIORITY_DEFAULT, .cpus = &cpus };
	struct task *task;

	ambush = (struct ambush){ .victim = port_this_cpu()->id };
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		if (cpu != ambush.victim && cpu_is_online(cpu))
			cpus = cpumask_of(cpu);
	}
	if (cpumask_has(&cpus, ambush.victim)) {
		kt_skip("one CPU: nobody to interrupt it");
		return;
	}
	if (!KT_EQ(task_spawn(&spec, &task), 0))
		return;
	KT_EQ(registers_changed_by_interrupt(&ambush), 0);
	KT_EQ(task_join(task), 0);
}

static void text_is(uint64_t esr, const char *class, const char *details)
{
	char text[96];

	KT_STR_EQ(arm64_class_name(esr), class);
	arm64_syndrome_text(esr, text, sizeof(text));
	KT_STR_EQ(text, details);
}

KTEST_F(exception, syndromes_are_told_in_words, KT_TARGET_ONLY)
{
	text_is(0x96000047, "data abort at EL1", "translation fault, level 3, write");
	text_is(0x96000005, "data abort at EL1", "translation fault, level 1, read");
	text_is(0x9600004f, "data abort at EL1", "permission fault, level 3, write");
	text_is(0x8600000f, "instruction abort at EL1", "permission fault, level 3, fetch");
	text_is(0x9200000e, "data abort at EL0", "permission fault, level 2, read");
	text_is(0x96000010, "data abort at EL1", "external abort, read");
	text_is(0x96000410, "data abort at EL1", "external abort, read, address unknown");
	text_is(0x96000021, "data abort at EL1", "alignment fault, read");
	text_is(0x96000061, "data abort at EL1", "alignment fault, write");
	text_is(0x9600003f, "data abort at EL1", "reserved fault status, read");
	text_is(0x02000000, "undefined instruction", "details 0x0");
	text_is(0xf2000001, "BRK instruction", "details 0x1");
	text_is(0xfc000000, "exception of a reserved class", "details 0x0");
}

KTEST_F(exception, addresses_have_names, KT_TARGET_ONLY)
{
	uint64_t offset = 1;
	const char *name = arm64_symbol((uintptr_t)arm64_syndrome_text + 8, &offset);

	KT_STR_EQ(name ? name : "(none)", "arm64_syndrome_text");
	KT_EQ(offset, 8);
	name = arm64_symbol((uintptr_t)_start, &offset);
	KT_STR_EQ(name ? name : "(none)", "_start");
	KT_TRUE(arm64_symbol(0, &offset) == NULL);
	KT_TRUE(arm64_symbol((uintptr_t)_end_text, &offset) == NULL);
	KT_TRUE(arm64_symbol((uintptr_t)_start - 1, &offset) == NULL);
}

KTEST_F(exception, reports_say_what_lies_at_an_address, KT_TARGET_ONLY)
{
	const char *guard = "guard below a stack (stack overflow)";

	KT_STR_EQ(mmu_describe(8), "page 0 (NULL pointer)");
	KT_STR_EQ(mmu_describe((uintptr_t)arm64_boot_guard), guard);
	KT_STR_EQ(mmu_describe(ARM64_STACK_WINDOW + 8), guard);
	KT_STR_EQ(mmu_describe(ARM64_STACK_WINDOW + ARM64_STACK_BYTES), "a stack");
	KT_STR_EQ(mmu_describe((uintptr_t)_start), "text of the image");
	KT_STR_EQ(mmu_describe((uintptr_t)_end_text), "read-only data of the image");
	KT_STR_EQ(mmu_describe((uintptr_t)_end_rodata), "data of the image");
}
