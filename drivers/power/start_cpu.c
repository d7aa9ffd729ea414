/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a CPU is started: by PSCI, by a spin table, or out of our own pen.
 *
 * Who was entered at EL3 has no firmware, whatever the tree says: QEMU's still names psci as
 * the method of each CPU, without a /psci. Its CPUs came to the pen by themselves (boot/el3.S).
 * A spin table is obeyed all the same, for then somebody else holds the CPUs.
 *
 * Spin table (the device tree specification; the arm64 boot protocol). The CPU waits for a 64-bit
 * little-endian address to appear in one word, and goes there with its MMU off and nothing
 * in its registers. So it is sent to the pen, where a slot with its MPIDR says the rest; CPUs that
 * share a word do no harm then. It reads past the caches: the word is cleaned to
 * the point of coherency before SEV wakes it.
 *
 * One CPU at a time calls; no state.
 */
#include "start_cpu.h"

#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_memory.h"
#include "arm64_secure.h"
#include "lib/assert.h"
#include "psci.h"

const char *start_cpu_refusal(const struct board_cpu *cpu)
{
	if (cpu->disabled)
		return "its status says disabled";
	if (cpu->spin_table)
		return cpu->release ? NULL : "it has no cpu-release-addr that can be used";
	if (arm64_owns_secure())
		return NULL;
	return cpu->psci ? NULL : "its enable-method is neither psci nor spin-table";
}

/* False if the word cannot be reached. */
static bool release(uint64_t word)
{
	uint64_t *at = phys_to_virt(word);

	ASSERT(word && !(word & 7), "0x%llx", (unsigned long long)word);
	/* Memory that the tree keeps off the map is not there yet. */
	if (!arm64_map_ram(word, sizeof(*at)))
		return false;
	*(volatile uint64_t *)at = arm64_pen_entry_phys();
	arm64_clean_and_wake(at, sizeof(*at));
	return true;
}

int start_cpu(unsigned id, const struct board_cpu *cpu)
{
	ASSERT(!start_cpu_refusal(cpu), "CPU %u: %s", id, start_cpu_refusal(cpu));
	if (!cpu->spin_table && !arm64_owns_secure())
		return psci_cpu_on(cpu->mpidr, arm64_secondary_entry_phys(),
				   arm64_cpu_context_phys(id));
	arm64_pen_release(id);
	if (cpu->spin_table && !release(cpu->release))
		return PSCI_INVALID_ADDRESS;
	return PSCI_SUCCESS;
}
