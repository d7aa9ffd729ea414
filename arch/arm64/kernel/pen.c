/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cores that nobody but us can start: the pen, and the calls to what runs at EL3.
 *
 * A core in the pen (boot/el3.S) runs with its MMU off and reads memory past all caches. So what
 * it is told is written, cleaned to the point of coherency, and then announced with SEV:
 *
 *	slot[i].mpidr, then slot[i].context    it is whole when the context is there
 *	arm64_pen_count                        slots that may be looked at
 *
 * The two words of a slot share a cache line (16 bytes, aligned), and a store that is ordered
 * before another of its line reaches memory with it or before it. A slot is never taken
 * back: a core that leaves the pen never returns. Waiting cores write nothing, so the slots may
 * share their lines with anything.
 *
 * arm64_pen_count is in .data, because cores look at it before the boot core has cleared BSS.
 *
 * The SMC calls change x0 to x5 at most, and take no lock: EL3 keeps no state.
 */
#include "arm64_secure.h"

#include <zonal/port.h>

#include "arm64_cpu.h"
#include "arm64_memory.h"
#include "arm64_sysreg.h"
#include "lib/assert.h"

struct pen_slot {
	uint64_t mpidr;
	uint64_t context; /* physical address of its struct arm64_cpu; 0: nobody */
};

_Static_assert(offsetof(struct pen_slot, mpidr) == PEN_MPIDR, "used by el3.S");
_Static_assert(offsetof(struct pen_slot, context) == PEN_CONTEXT, "used by el3.S");
_Static_assert(sizeof(struct pen_slot) == PEN_BYTES, "used by el3.S");

struct pen_slot arm64_pen_slots[ZONAL_MAX_CPUS] ZN_ALIGNED(PEN_BYTES);
uint64_t arm64_pen_count __attribute__((section(".data")));
/* Written by start.S. */
uint64_t arm64_from_el3;

extern char arm64_pen[];

bool arm64_owns_secure(void) { return arm64_from_el3 != 0; }

uint64_t arm64_pen_entry_phys(void) { return virt_to_phys(arm64_pen); }

static uintptr_t line_bytes(void)
{
	return (uintptr_t)4 << ((sysreg_read(ctr_el0) >> 16) & 0xf);
}

static void clean(const void *va, size_t bytes)
{
	uintptr_t line = line_bytes(), end = (uintptr_t)va + bytes;

	for (uintptr_t at = (uintptr_t)va & ~(line - 1); at < end; at += line)
		__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
	arm64_dsb_sy();
}

void arm64_clean_and_wake(const void *va, size_t bytes)
{
	ASSERT(bytes, "nothing to clean at %p", va);
	clean(va, bytes);
	__asm__ volatile("sev" : : : "memory");
}

void arm64_pen_release(unsigned cpu)
{
	struct pen_slot *slot = &arm64_pen_slots[cpu];

	ASSERT(cpu < ZONAL_MAX_CPUS && !slot->context, "CPU %u is released twice", cpu);
	slot->mpidr = arm64_cpus[cpu].mpidr;
	__asm__ volatile("dmb ishst" : : : "memory");
	slot->context = arm64_cpu_context_phys(cpu);
	clean(slot, sizeof(*slot));
	if (arm64_pen_count <= cpu)
		arm64_pen_count = cpu + 1;
	arm64_clean_and_wake(&arm64_pen_count, sizeof(arm64_pen_count));
}

/* ---- EL3 ---------------------------------------------------------------------- */

static int64_t secure_call(uint64_t service, uint64_t a, uint64_t b, uint64_t *result)
{
	register uint64_t x0 __asm__("x0") = service;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;

	ASSERT(arm64_owns_secure(), "nobody of ours is at EL3 for 0x%llx",
	       (unsigned long long)service);
	/* EL3 reads past the caches and as another world: order is all that can be promised. */
	arm64_dsb_sy();
	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2)
			 :
			 : "x3", "x4", "x5", "memory");
	*result = x1;
	return (int64_t)x0;
}

bool arm64_secure_write(uint64_t phys, uint32_t value)
{
	uint64_t unused;

	ASSERT(!(phys & 3), "0x%llx", (unsigned long long)phys);
	return secure_call(SECURE_WRITE, phys, value, &unused) == 0;
}

bool arm64_secure_read(uint64_t phys, uint32_t *value)
{
	uint64_t word;

	ASSERT(!(phys & 3), "0x%llx", (unsigned long long)phys);
	if (secure_call(SECURE_READ, phys, 0, &word) != 0)
		return false;
	*value = (uint32_t)word;
	return true;
}

void arm64_secure_clock(uint64_t frequency_hz)
{
	uint64_t unused;

	(void)secure_call(SECURE_CLOCK, frequency_hz, 0, &unused);
	arm64_isb(); /* whoever reads the register next sees it */
}
