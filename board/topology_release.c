/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May an address be written to where the tree says that a CPU of a spin table looks for it
 * (cpu-release-addr)?
 *
 * The device tree specification and the arm64 boot protocol want one 64-bit word, naturally
 * aligned, and the memory around it reserved. When CPUs are started the allocator serves
 * already, so a word in memory that nobody reserved could be anybody's by then. What lies in
 * RAM must lie in a reserved range, but not in the image or the tree, which are reserved too;
 * outside of RAM there is nobody to contradict the tree. Several CPUs may have one word.
 *
 * Runs when all reservations of the tree are known and nothing else is reserved yet. A CPU
 * whose word is refused keeps 0, and is left off later (platform/smp.c); a note tells why.
 */
#include "topology_internal.h"

#include "lib/assert.h"

#define RELEASE_BYTES 8u

static bool loader_took(const struct topology *t, uint64_t release)
{
	for (unsigned i = 0; i < t->request->taken_count; i++) {
		const struct boot_range *taken = &t->request->taken[i];

		if (release + RELEASE_BYTES > taken->start && release < range_end(taken))
			return true;
	}
	return false;
}

static const char *refusal(const struct topology *t, uint64_t release)
{
	if (!release || release % RELEASE_BYTES)
		return "a cpu-release-addr must lie on 8 bytes, and not at 0";
	if (release > UINT64_MAX - RELEASE_BYTES || loader_took(t, release))
		return "a cpu-release-addr must lie outside of the image and the tree";
	if (ranges_overlap(t->memory, release, RELEASE_BYTES) &&
	    !ranges_hold(t->reserved, release, RELEASE_BYTES))
		return "a cpu-release-addr must lie in memory that the tree reserves";
	return NULL;
}

void topology_check_releases(struct topology *t)
{
	ASSERT(t->info->cpu_count <= ZONAL_MAX_CPUS, "%u CPUs", t->info->cpu_count);
	for (unsigned i = 0; i < t->info->cpu_count; i++) {
		struct board_cpu *cpu = &t->facts->cpu[i];
		const char *rule = cpu->spin_table ? refusal(t, cpu->release) : NULL;

		if (!rule)
			continue;
		topology_note(t, 0, NULL, rule, "CPU %u: 0x%llx", i,
			      (unsigned long long)cpu->release);
		cpu->release = 0;
	}
}
