/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of address spaces: a machine of a few CPUs, each with a TLB that remembers for every
 * number whose entries it holds. Spaces are switched in at random until the numbers have run out
 * many times. What must never happen: a CPU runs a space while its TLB holds entries of another
 * one under that number.
 */
#include <string.h>

#include "test/ktest.h"
#include "user/asid.h"

enum { CPUS = 5, SPACES = 40, BITS = 3, NUMBERS = 1 << BITS, STEPS = 200000 };

struct machine {
	struct asid_pool pool;
	asid_t asid[SPACES];
	int runs[CPUS];                /* space, -1: none */
	uint64_t tlb[CPUS][NUMBERS];   /* bit s: entries of space s are there under that number */
	unsigned flushes;
	bool wrong;
};

static struct machine *machine_make(void)
{
	struct machine *machine = kt_alloc(sizeof(*machine), 64);

	if (!machine)
		return NULL;
	asid_init(&machine->pool, BITS);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		machine->runs[cpu] = -1;
	return machine;
}

static bool runs_elsewhere(const struct machine *machine, unsigned cpu, int space)
{
	for (unsigned other = 0; other < CPUS; other++)
		if (other != cpu && machine->runs[other] == space)
			return true;
	return false;
}

static void switch_in(struct machine *machine, unsigned cpu, int space)
{
	port_irqflags_t irq = port_irq_save();
	bool flush;
	unsigned number = asid_use(&machine->pool, cpu, &machine->asid[space], &flush);

	port_irq_restore(irq);
	machine->wrong |= !number || number >= NUMBERS;
	if (flush) {
		memset(machine->tlb[cpu], 0, sizeof(machine->tlb[cpu]));
		machine->flushes++;
	}
	machine->runs[cpu] = space;
	/* Programs run, and fill the TLBs of their CPUs under the numbers that they were given. */
	machine->tlb[cpu][number % NUMBERS] |= (uint64_t)1 << space;
	machine->wrong |= machine->tlb[cpu][number % NUMBERS] != (uint64_t)1 << space;
}

/* Two CPUs that run at the same time have different numbers: what one invalidates by its number on
 * all CPUs must not be the other's business, and is at least never missed. */
KTEST(asid, no_tlb_holds_entries_of_two_spaces_under_one_number)
{
	uint64_t random = kt_seed() | 1;
	struct machine *machine = machine_make();

	if (!machine)
		return;
	for (unsigned step = 0; step < STEPS && !machine->wrong; step++) {
		unsigned cpu = (unsigned)(kt_random(&random) % CPUS);
		int space = (int)(kt_random(&random) % SPACES);

		if (runs_elsewhere(machine, cpu, space))
			continue;
		switch_in(machine, cpu, space);
	}
	KT_TRUE(!machine->wrong);
	KT_TRUE(machine->flushes > STEPS / 100);
}

KTEST(asid, a_space_that_runs_keeps_its_number_over_rollovers)
{
	struct machine *machine = machine_make();
	unsigned number;

	if (!machine)
		return;
	switch_in(machine, 0, 0);
	number = asid_number(&machine->asid[0]);
	for (int turn = 0; turn < 5; turn++)
		for (int space = 1; space < SPACES; space++) {
			switch_in(machine, 1, space);
			KT_TRUE(asid_number(&machine->asid[space]) != number);
		}
	switch_in(machine, 0, 0);
	KT_EQ(asid_number(&machine->asid[0]), number);
	KT_TRUE(!machine->wrong);
}

KTEST(asid, no_flush_while_the_numbers_suffice)
{
	struct machine *machine = machine_make();

	if (!machine)
		return;
	for (int turn = 0; turn < 10; turn++)
		for (int space = 0; space < NUMBERS - 1; space++)
			switch_in(machine, (unsigned)(space + turn) % CPUS, space);
	KT_EQ(machine->flushes, 0);
	KT_EQ(asid_number(&machine->asid[SPACES - 1]), 0);
}
