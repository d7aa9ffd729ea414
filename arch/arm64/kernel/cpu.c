/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores: from start.S to the board, on the boot core and on the others.
 *
 * start.S has turned the MMU on, set the vectors and stacks and TPIDR_EL1 before it calls
 * arm64_boot() or arm64_secondary(). What is left here: what this core can do (it must be
 * able to do what the boot core can, because text was patched for that one), privileged
 * access never, the clock, and the device tree.
 *
 * Finding the device tree. The boot protocol passes its physical address in x0.
 * QEMU does so for an Image only; for an ELF file, a loader device or firmware x0 is 0 and the
 * tree lies at the base of RAM, 0x40000000 on that board. x0 may also be left over from
 * something else, so nothing is believed: a candidate must be 8-byte aligned and outside of
 * the image; one page is mapped there, read-only, and its first bytes are read in a way that
 * survives a bus error; only with the magic number and a size of at most 2 MiB, the
 * protocol's limit, is the whole blob mapped. It stays read-only. An x0 that is not 0 and
 * leads to no tree is reported, with the reason and what is used instead.
 */
#include <zonal/port.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/mpidr.h"
#include "arm64_board.h"
#include "arm64_cpu.h"
#include "arm64_exception.h"
#include "arm64_mmu.h"
#include "arm64_sysreg.h"
#include "arm64_user.h"

#define RAM_BASE_VIRT 0x40000000
#define DT_MAGIC 0xd00dfeed
#define DT_HEADER_BYTES 40
#define DT_LIMIT_BYTES 0x200000

_Static_assert(offsetof(struct arm64_cpu, irq_stack_top) == CPU_IRQ_STACK_TOP, "used by vectors.S");
_Static_assert(offsetof(struct arm64_cpu, task_stack_top) == CPU_TASK_STACK_TOP, "used by start.S");
_Static_assert(offsetof(struct arm64_cpu, user_stack_top) == CPU_USER_STACK_TOP,
	       "used by vectors.S");
_Static_assert(offsetof(struct arm64_cpu, scratch) == CPU_SCRATCH, "used by vectors.S");
_Static_assert(sizeof(struct arm64_frame) == FRAME_BYTES, "used by vectors.S");
_Static_assert(offsetof(struct arm64_frame, sp) == FRAME_SP, "used by vectors.S");
_Static_assert(offsetof(struct arm64_frame, elr) == FRAME_ELR, "used by vectors.S");
_Static_assert(offsetof(struct arm64_frame, esr) == FRAME_ESR, "used by vectors.S");

struct arm64_cpu arm64_cpus[ZONAL_MAX_CPUS];
/* The atomic helpers are LSE instructions: every core must have them. Set at boot. */
bool arm64_lse;

extern char arm64_secondary_entry[];
void arm64_boot(uint64_t dt_hint) ZN_NORETURN;
void arm64_secondary(void) ZN_NORETURN;

static unsigned id_field(uint64_t id, unsigned shift) { return (id >> shift) & 0xf; }

/* Can this core run text that was patched to LSE atomics? */
static bool has_lse(void) { return id_field(sysreg_read(id_aa64isar0_el1), 20) >= 2; }

/*
 * Privileged access never: EL1 cannot touch EL0's pages by accident, only by LDTR and STTR
 * (copy.S). Needs Armv8.1.
 */
static void pan_enable(void)
{
	if (!id_field(sysreg_read(id_aa64mmfr1_el1), 20))
		return;
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~(uint64_t)SCTLR_SPAN);
	__asm__ volatile(".inst 0xd500419f" : : : "memory"); /* MSR PAN, #1 */
	arm64_isb(); /* accesses after this are checked */
}

/* ---- the device tree ---------------------------------------------------- */

/* Device trees are big-endian. */
static bool read_be32(uint64_t phys, uint32_t *value)
{
	const void *va = phys_to_virt(phys);
	struct arm64_fault fault;

	if (!arm64_probe_read((uintptr_t)va, &fault))
		return false;
	*value = __builtin_bswap32(*(const volatile uint32_t *)va);
	return true;
}

static bool dt_header_good(uint64_t phys, uint32_t *bytes)
{
	uint32_t magic;

	return read_be32(phys, &magic) && magic == DT_MAGIC && read_be32(phys + 4, bytes) &&
	       *bytes >= DT_HEADER_BYTES && *bytes <= DT_LIMIT_BYTES;
}

static bool outside_image(uint64_t phys, uint64_t bytes)
{
	return phys + bytes <= virt_to_phys(_start) || phys >= virt_to_phys(_end);
}

/* NULL, and the blob is mapped, if a device tree starts at phys; else why it is none. */
static const char *dt_map(uint64_t phys)
{
	uint32_t bytes;

	if (phys & 7)
		return "it must lie on 8 bytes";
	if (phys >= ARM64_PHYS_LIMIT - DT_LIMIT_BYTES)
		return "no such address";
	if (!outside_image(phys, DT_HEADER_BYTES))
		return "it must lie outside of the image";
	if (!arm64_map_readonly(phys, DT_HEADER_BYTES))
		return "it cannot be mapped";
	if (dt_header_good(phys, &bytes) && outside_image(phys, bytes))
		return arm64_map_readonly(phys, bytes) ? NULL : "it cannot be mapped";
	if (!arm64_protect(phys_to_virt(phys), DT_HEADER_BYTES, ARM64_MAP_NONE))
		return "no header of a tree can be read there, and the page stays mapped";
	return "no header of a tree of at most 2 MiB, outside of the image, can be read there";
}

/* What x0 says, or else the start of RAM, or 0. Only an x0 of 0 is passed over in silence. */
static uint64_t dt_find(uint64_t hint)
{
	const char *fault = hint ? dt_map(hint) : "x0 is 0";
	uint64_t found = hint;

	if (!fault)
		return found;
	found = dt_map(RAM_BASE_VIRT) ? 0 : RAM_BASE_VIRT;
	if (hint)
		port_log("boot: no device tree at 0x%llx, where x0 points: %s; %s",
			 (unsigned long long)hint, fault,
			 found ? "the one at 0x40000000 is used" : "and none at 0x40000000");
	return found;
}

/* ---- the boot core ------------------------------------------------------ */

static void cpu_init(struct arm64_cpu *cpu, unsigned id, uint64_t mpidr)
{
	ASSERT(cpu == &arm64_cpus[id] && id < ZONAL_MAX_CPUS, "CPU %u at %p", id, (void *)cpu);
	cpu->port.id = id;
	cpu->mpidr = mpidr & MPIDR_AFFINITY;
	cpu->port.task = &cpu->boot_task;
	zonal_task_init(&cpu->boot_task);
}

void arm64_boot(uint64_t dt_hint)
{
	struct arm64_cpu *cpu = arm64_this_cpu();

	pan_enable();
	arm64_user_lockdown();
	cpu_init(cpu, 0, sysreg_read(mpidr_el1));
	arm64_lse = has_lse();
	arm64_stack_guard_seed();
	arm64_clock_set(sysreg_read(cntfrq_el0));
	board_ops.boot(dt_find(dt_hint));
}

void arm64_boot_cpu_set(unsigned id)
{
	struct arm64_cpu *old = arm64_this_cpu();
	port_irqflags_t flags = port_irq_save();

	if (id >= ZONAL_MAX_CPUS || old->port.id != 0)
		port_panic("cpu: the boot core, CPU %u, cannot become CPU %u", old->port.id, id);
	ASSERT(!id || !arm64_cpus[id].irq_stack_top, "CPU %u is prepared already", id);
	if (id) {
		arm64_cpus[id].irq_stack_top = old->irq_stack_top;
		arm64_cpus[id].task_stack_top = old->task_stack_top;
		cpu_init(&arm64_cpus[id], id, old->mpidr);
		sysreg_write(tpidr_el1, (uintptr_t)&arm64_cpus[id]);
		*old = (struct arm64_cpu){ 0 };
	}
	port_irq_restore(flags);
}

/* ---- the other cores ---------------------------------------------------- */

uint64_t arm64_secondary_entry_phys(void) { return virt_to_phys(arm64_secondary_entry); }

uint64_t arm64_cpu_context_phys(unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS && arm64_cpus[cpu].task_stack_top,
	       "CPU %u is not prepared", cpu);
	return virt_to_phys(&arm64_cpus[cpu]);
}

static void *stack_top(void *stack) { return stack ? (char *)stack + ARM64_STACK_BYTES : NULL; }

bool arm64_cpu_prepare(unsigned id, uint64_t mpidr)
{
	struct arm64_cpu *cpu;

	if (id >= ZONAL_MAX_CPUS) {
		port_log("cpu %u: at most %u CPUs (ZONAL_MAX_CPUS)", id, ZONAL_MAX_CPUS);
		return false;
	}
	ASSERT(id != port_this_cpu()->id, "CPU %u prepares itself", id);
	cpu = &arm64_cpus[id];
	cpu_init(cpu, id, mpidr);
	if (!cpu->irq_stack_top)
		cpu->irq_stack_top = stack_top(mmu_stack_create());
	if (!cpu->task_stack_top)
		cpu->task_stack_top = stack_top(mmu_stack_create());
	if (cpu->irq_stack_top && cpu->task_stack_top)
		return true;
	port_log("cpu %u: no memory for its stacks", id);
	return false;
}

/* The core turned its MMU on before it read or wrote any of this: no cleaning of caches. */
void arm64_secondary(void)
{
	struct arm64_cpu *cpu = arm64_this_cpu();

	pan_enable();
	arm64_user_lockdown();
	if (arm64_lse && !has_lse()) {
		/* No message from here: the console's lock would be such an atomic. */
		st_release(&cpu->unfit, 1);
		arm64_ipi_stop();
	}
	ASSERT(cpu == &arm64_cpus[cpu->port.id] && port_irqs_masked(), "CPU %u at %p", cpu->port.id,
	       (void *)cpu);
	board_ops.secondary(cpu->port.id);
}
