/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0 as programs see them: memory, calls, families, floating point, and what they must
 * not do. The programs are in test/user/; how each must end is known here. Every case checks that
 * all memory is back when its tasks are gone.
 */
#include "arm64_exception.h"
#include "arm64_memory.h"
#include "arm64_user.h"
#include "platform/platform.h"
#include "test/unit/sched/sched_world.h"
#include "test/user/probes.h"
#include "user/user.h"
#include "user_world.h"

enum { CLASS_UNKNOWN = 0x00, CLASS_WFI = 0x01, CLASS_SYSTEM = 0x18, CLASS_BRK = 0x3c };
enum { CLASS_HVC = 0x16, CLASS_SMC = 0x17 };
enum { ANY_CLASS = 0x40 };

static bool run(const char *program, uint64_t arg, struct user_end *end)
{
	int id = user_world_start(program, arg);

	return id > 0 && KT_TRUE(user_join(id, end));
}

/* It exits with 0; else the status is the line of its check. */
static void succeeds(const char *program, uint64_t arg)
{
	struct user_end end;

	if (run(program, arg, &end))
		KT_OK(end.reason == USER_EXITED && end.status == 0, "%s %llu: reason %u, status %d",
		      program, (unsigned long long)arg, end.reason, end.status);
}

KTEST_F(user, memory_is_what_was_written, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();

	for (uint64_t part = 0; part < 5; part++)
		succeeds("memory", part);
	user_world_is_back(before);
}

KTEST_F(user, families_end_as_they_should, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();

	succeeds("family", 0);
	user_world_is_back(before);
}

KTEST_F(user, nodes_and_policies_from_el0, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before(), memory = 0, cores = 0;

	for (unsigned i = 0; i < boot_info.range_count; i++)
		if (boot_range_usable(&boot_info.range[i]))
			memory |= node_bit((unsigned)boot_info.range[i].nid);
	for (unsigned cpu = 0; cpu < boot_info.cpu_count; cpu++)
		if (sched_cpu_online(cpu))
			cores |= node_bit((unsigned)boot_info.cpu[cpu].nid);
	succeeds("nodes", memory | cores << 16);
	user_world_is_back(before);
}

/* More of them than cores, so that they take turns and move. */
KTEST_F(user, floating_point_registers_are_each_ones_own, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	struct user_end end;
	int id[12];

	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		id[i] = user_start("float", i, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(id); i++) {
		if (!KT_TRUE(id[i] > 0) || !KT_TRUE(user_join(id[i], &end)))
			continue;
		KT_OK(end.reason == USER_EXITED && end.status == 0, "task %u: reason %u, status %d",
		      i, end.reason, end.status);
	}
	user_world_is_back(before);
}

/* At once, on all cores, with different contents at the same addresses. */
static void turns(unsigned count)
{
	struct user_end end;
	int id[64];

	count = ZN_MIN(count, (unsigned)ARRAY_SIZE(id));
	for (unsigned i = 0; i < count; i++)
		id[i] = user_start("turns", i, NULL);
	for (unsigned i = 0; i < count; i++) {
		if (!KT_TRUE(id[i] > 0) || !KT_TRUE(user_join(id[i], &end)))
			continue;
		KT_OK(end.reason == USER_EXITED && end.status == 0, "task %u: reason %u, status %d",
		      i, end.reason, end.status);
	}
}

KTEST_F(user, tasks_take_turns_and_see_their_own_memory, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();

	turns(4 * sched_world_cpus());
	user_world_is_back(before);
}

/* With hardly more numbers than cores, nearly every switch is to a space without one. No more
 * tasks than that takes: each page of theirs that goes makes all cores stop, which is long under an
 * emulator. */
KTEST_F(user, numbers_of_spaces_roll_over_under_load, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	unsigned bits = 2;

	while (1u << bits < sched_world_cpus() + 2)
		bits++;
	arm64_user_asid_bits(bits);
	turns(3 * sched_world_cpus() + 2);
	user_world_is_back(before);
	arm64_user_asid_bits(0);
}

/* ---- what must not be done ------------------------------------------------ */

static const struct {
	enum probe number;
	unsigned class;
} privileged[] = {
	{ PROBE_UDF, CLASS_UNKNOWN },
	{ PROBE_BRK, CLASS_BRK },
	{ PROBE_HVC, CLASS_UNKNOWN },
	{ PROBE_SMC, CLASS_UNKNOWN },
	{ PROBE_HLT, CLASS_UNKNOWN },
	{ PROBE_ERET, CLASS_UNKNOWN },
	{ PROBE_READ_SCTLR, CLASS_UNKNOWN },
	{ PROBE_WRITE_TTBR0, CLASS_UNKNOWN },
	{ PROBE_WRITE_VBAR, CLASS_UNKNOWN },
	{ PROBE_READ_TPIDR_EL1, CLASS_UNKNOWN },
	{ PROBE_MASK, CLASS_SYSTEM },
	{ PROBE_READ_DAIF, CLASS_SYSTEM },
	{ PROBE_SPSEL, CLASS_UNKNOWN },
	{ PROBE_WFI, CLASS_WFI },
	{ PROBE_TLBI, CLASS_UNKNOWN },
	{ PROBE_AT, CLASS_UNKNOWN },
	{ PROBE_DC_CIVAC, CLASS_SYSTEM },
	{ PROBE_DC_CVAU, CLASS_SYSTEM },
	{ PROBE_DC_ZVA, CLASS_SYSTEM },
	{ PROBE_IC_IVAU, CLASS_SYSTEM },
	{ PROBE_READ_CTR, CLASS_SYSTEM },
	{ PROBE_CNTVCT, CLASS_SYSTEM },
	{ PROBE_CNTPCT, CLASS_SYSTEM },
	{ PROBE_CNTV_CTL, CLASS_SYSTEM },
	{ PROBE_CNTP_TVAL, CLASS_SYSTEM },
	{ PROBE_PMCCNTR, CLASS_SYSTEM },
	{ PROBE_PMCR, CLASS_SYSTEM },
	/* MDSCR_EL1.TDCC traps; to an emulator without that register it is undefined. */
	{ PROBE_DBGDTR, ANY_CLASS },
	{ PROBE_WRITE_TPIDRRO, CLASS_UNKNOWN },
};

static void faults(uint64_t arg, unsigned class, struct user_end *end)
{
	if (!run("probe", arg, end))
		return;
	KT_OK(end->reason == USER_FAULTED &&
		      (class == ANY_CLASS || ESR_CLASS(end->detail) == class),
	      "probe %llu: reason %u, status %d, syndrome 0x%llx, expected class 0x%x",
	      (unsigned long long)PROBE_NUMBER(arg), end->reason, end->status,
	      (unsigned long long)end->detail, class);
}

/* A class with fewer cores behind it: some count an instruction as undefined that others trap. */
KTEST_F(user, privileged_instructions_end_the_task_alone, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();

	for (unsigned i = 0; i < ARRAY_SIZE(privileged); i++) {
		struct user_end end = { 0 };

		faults(privileged[i].number, privileged[i].class, &end);
	}
	user_world_is_back(before);
}

static void reaches_not(uint64_t address)
{
	struct user_end end = { 0 };

	faults(address | PROBE_READ, ESR_DATA_EL0, &end);
	KT_EQ(end.address, address);
	faults(address | PROBE_WRITE, ESR_DATA_EL0, &end);
	KT_EQ(end.address, address);
	faults(address | PROBE_CALL, ESR_FETCH_EL0, &end);
	KT_EQ(end.address, address);
	if (run("probe", address | PROBE_SYSCALL_POINTER, &end))
		KT_OK(end.reason == USER_EXITED && end.status == PROBE_SURVIVED,
		      "calls with 0x%llx: reason %u, status %d", (unsigned long long)address,
		      end.reason, end.status);
}

KTEST_F(user, kernel_memory_is_out_of_reach, KT_TARGET_ONLY)
{
	static const uint64_t fixed[] = { 0, PAGE_SIZE, USER_LIMIT, 0x0000ffffffffff00,
					  0x0001000000000000, 0x8000000000000000,
					  0xfffeffffffffff00, ARM64_STACK_WINDOW,
					  0xffffffffffffff00 };
	static const char text[256] __attribute__((aligned(256))) = "read-only";
	static char data[256] __attribute__((aligned(256)));
	uint64_t before = user_world_before();

	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		reaches_not(fixed[i]);
	reaches_not((uintptr_t)text);
	reaches_not((uintptr_t)data);
	reaches_not(align_down((uintptr_t)arm64_symbol, 256));
	reaches_not(align_down((uintptr_t)__builtin_frame_address(0), 256));
	reaches_not((uintptr_t)data & ~ARM64_LINEAR_OFFSET);
	user_world_is_back(before);
}

KTEST_F(user, own_memory_keeps_its_rights, KT_TARGET_ONLY)
{
	uint64_t before = user_world_before();
	struct user_end end = { 0 };

	faults(PROBE_WRITE_TEXT, ESR_DATA_EL0, &end);
	faults(PROBE_CALL_DATA, ESR_FETCH_EL0, &end);
	faults(PROBE_CALL_STACK, ESR_FETCH_EL0, &end);
	faults(PROBE_DEEP, ESR_DATA_EL0, &end);
	KT_TRUE(end.address < USER_STACK_TOP - USER_STACK_BYTES);
	faults(PROBE_UNALIGNED, ESR_DATA_EL0, &end);
	faults(PROBE_ODD_PC, ESR_PC_ALIGNMENT, &end);
	if (run("probe", PROBE_READ_TPIDRRO, &end))
		KT_EQ(end.status, PROBE_SURVIVED);
	user_world_is_back(before);
}

KTEST_F(user, a_program_that_is_none_is_refused, KT_TARGET_ONLY)
{
	const char *why = NULL;

	KT_EQ(user_start("no such program", 0, &why), USER_ENOENT);
	KT_STR_EQ(why, "no program has that name");
	KT_TRUE(!user_kill(0) && !user_kill(-1) && !user_kill(12345678));
}
