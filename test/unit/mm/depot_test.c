/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of call stacks by itself (row D17): different stacks are told apart by a number that
 * spreads them, and a new one that two CPUs bring at once is kept once.
 *
 * The second needs threads: both have looked for the stack in vain and wait for the lock, which the
 * test holds until each has drawn its ticket.
 */
#include <string.h>

#include "kt_instance.h"

#include "mm/stack_depot.h"

enum { STACKS = 64 };

static bool depot_of(struct stack_depot *depot, uint32_t stacks)
{
	void *memory = kt_alloc(stack_depot_bytes(stacks), 64);

	if (!memory)
		return false;
	memset(memory, 0, stack_depot_bytes(stacks));
	memset(depot, 0, sizeof(*depot));
	stack_depot_init(depot, stacks, memory);
	return true;
}

static bool depot_begin(struct stack_depot *depot) { return depot_of(depot, STACKS); }

static uint32_t save_masked(struct stack_depot *depot, const uintptr_t *pc, unsigned depth)
{
	port_irqflags_t irq = port_irq_save();
	uint32_t handle = stack_depot_save(depot, pc, depth);

	port_irq_restore(irq);
	return handle;
}

/* Else each search would meet all stacks of that depth. */
KTEST(page_owner, d17_stacks_that_differ_in_one_call_differ_in_their_number)
{
	static struct stack_depot depot;
	uintptr_t pc[STACK_DEPTH];

	if (!depot_begin(&depot))
		return;
	for (unsigned i = 0; i < STACK_DEPTH; i++)
		pc[i] = 0x40080000 + 0x124 * i;
	for (unsigned i = 0; i < STACK_DEPTH; i++) {
		uint32_t first = save_masked(&depot, pc, STACK_DEPTH);
		const struct stack *plain = stack_depot_get(&depot, first), *other;

		pc[i] += 4;
		other = stack_depot_get(&depot, save_masked(&depot, pc, STACK_DEPTH));
		pc[i] -= 4;
		KT_OK(plain != other && plain->hash != other->hash,
		      "call %u: 0x%x for both", i, plain->hash);
	}
	KT_EQ(ld_relaxed(&depot.used), STACK_DEPTH + 1);
	KT_EQ(ld_relaxed(&depot.dropped), 0);
}

/* The table of numbers and what it leads to have each their own part of the memory. */
KTEST(page_owner, d17_a_full_store_has_every_stack_and_no_other)
{
	static uint32_t handle[STACKS];
	static struct stack_depot depot;
	unsigned places = 0;
	bool filled[64] = { false };

	if (!depot_begin(&depot))
		return;
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < STACKS; i++) {
			uintptr_t pc[STACK_DEPTH + 1] = { 0x40080000, 0x40080000 + 4 * i };
			uint32_t now;

			for (unsigned k = 2; k <= STACK_DEPTH; k++)
				pc[k] = 0x400c0000 + 16 * k;
			now = save_masked(&depot, pc, STACK_DEPTH);
			KT_TRUE(!turn || now == handle[i]);
			KT_EQ(stack_depot_get(&depot, now)->pc[1], pc[1]);
			filled[stack_depot_get(&depot, now)->hash % ARRAY_SIZE(filled)] = true;
			handle[i] = now;
		}
	KT_EQ(ld_relaxed(&depot.used), STACKS);
	KT_EQ(save_masked(&depot, &(const uintptr_t){ 4 }, 1), STACK_FULL);
	KT_EQ(ld_relaxed(&depot.dropped), 1);
	/* Their numbers spread them: chance fills two thirds of as many places. */
	for (unsigned i = 0; i < ARRAY_SIZE(filled); i++)
		places += filled[i];
	KT_TRUE(places > 20);
}

/* Code that lies far apart may differ in high bits alone, and the low ones choose the place. */
KTEST(page_owner, d17_stacks_that_differ_in_high_bits_alone_are_spread)
{
	static struct stack_depot depot;
	unsigned places = 0;
	bool filled[64] = { false };

	if (!depot_begin(&depot))
		return;
	for (uintptr_t i = 0; i < STACKS; i++) {
		const uintptr_t pc[] = { 0x40080000 + (i << 36), 0x400c0000 };
		uint32_t handle = save_masked(&depot, pc, ARRAY_SIZE(pc));

		filled[stack_depot_get(&depot, handle)->hash % ARRAY_SIZE(filled)] = true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(filled); i++)
		places += filled[i];
	KT_OK(places > 20, "%u places", places);
}

/* Two stacks may have one number: made so here by changing what is kept under it. */
KTEST(page_owner, d17_a_stack_is_another_one_if_any_call_differs)
{
	static const uintptr_t pc[] = { 0x40080000, 0x40081000, 0x40082000 };
	static struct stack_depot depot;

	for (unsigned i = 0; i < ARRAY_SIZE(pc); i++) {
		uint32_t first;

		if (!depot_begin(&depot))
			return;
		first = save_masked(&depot, pc, ARRAY_SIZE(pc));
		stack_depot_get(&depot, first)->pc[i] += 4;
		KT_TRUE(save_masked(&depot, pc, ARRAY_SIZE(pc)) != first);
		KT_EQ(ld_relaxed(&depot.used), 2);
	}
}

/* The same of one that is shorter by its last call, and has the number of the longer one. */
KTEST(page_owner, d17_a_stack_is_another_one_if_it_has_fewer_calls)
{
	static const uintptr_t pc[] = { 0x40080000, 0x40081000, 0x40082000 };
	static struct stack_depot depot;
	uint32_t first;

	if (!depot_begin(&depot))
		return;
	first = save_masked(&depot, pc, ARRAY_SIZE(pc));
	stack_depot_get(&depot, first)->depth--;
	KT_TRUE(save_masked(&depot, pc, ARRAY_SIZE(pc)) != first);
	KT_EQ(ld_relaxed(&depot.used), 2);
}

/* Of four places two are taken, one behind the other: each of the others is looked at in turn. */
KTEST(page_owner, d17_stacks_that_want_one_place_have_all_others_to_go_to)
{
	static struct stack_depot depot, scratch;
	uintptr_t same[3];
	uint32_t handle[2];
	unsigned count = 0;

	if (!depot_begin(&scratch) || !depot_of(&depot, 2))
		return;
	for (uintptr_t pc = 0x40080000; count < 3 && pc < 0x40080000 + 4 * STACKS; pc += 4)
		if (!(stack_depot_get(&scratch, save_masked(&scratch, &pc, 1))->hash &
		      depot.slot_mask))
			same[count++] = pc;
	if (!KT_EQ(count, 3))
		return;
	for (unsigned i = 0; i < 2; i++)
		handle[i] = save_masked(&depot, &same[i], 1);
	KT_EQ(save_masked(&depot, &same[2], 1), STACK_FULL);
	for (unsigned i = 0; i < 2; i++)
		KT_EQ(save_masked(&depot, &same[i], 1), handle[i]);
}

/* The table has two places or more for each stack, as few as a power of two allows. */
KTEST(page_owner, d17_the_table_is_the_least_power_of_two_that_stays_half_empty)
{
	static const struct {
		uint32_t stacks, places;
	} want[] = { { 1, 2 }, { 2, 4 }, { 3, 8 }, { 64, 128 }, { 65, 256 }, { 1000, 2048 } };

	for (unsigned i = 0; i < ARRAY_SIZE(want); i++)
		KT_EQ(stack_depot_bytes(want[i].stacks),
		      (STACK_FIRST + want[i].stacks) * sizeof(struct stack) +
			      want[i].places * sizeof(uint32_t));
}

/* What is known is found without the lock: here whoever waited for it would wait for ever. */
KTEST(page_owner, d17_a_known_stack_is_found_without_the_lock)
{
	static const uintptr_t pc[] = { 0x40080000, 0x40081000 };
	static struct stack_depot depot;
	port_irqflags_t irq;
	uint32_t first;

	if (!depot_begin(&depot))
		return;
	first = save_masked(&depot, pc, ARRAY_SIZE(pc));
	irq = port_irq_save();
	lock_take(&depot.lock);
	KT_EQ(stack_depot_save(&depot, pc, ARRAY_SIZE(pc)), first);
	lock_drop(&depot.lock);
	port_irq_restore(irq);
}

#ifdef HOST_PORT_IMPL_H
#include <pthread.h>

static struct stack_depot both;
static const uintptr_t way[] = { 0x40080000, 0x40081000 };

struct saver {
	unsigned cpu;
	uint32_t handle;
};

static void *save_on(void *arg)
{
	struct saver *saver = arg;

	host_cpu_attach(saver->cpu);
	saver->handle = save_masked(&both, way, ARRAY_SIZE(way));
	host_cpu_detach();
	return NULL;
}

KTEST_F(page_owner, d17_a_stack_that_two_cpus_bring_at_once_is_kept_once, KT_HOST_ONLY)
{
	struct saver saver[2] = { { .cpu = 1 }, { .cpu = 2 } };
	port_irqflags_t irq;
	pthread_t thread[2];
	uint16_t next;

	if (!depot_begin(&both))
		return;
	irq = port_irq_save();
	lock_take(&both.lock);
	next = ld_relaxed(&both.lock.next);
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, save_on, &saver[i]))
			port_panic("no thread");
	while ((uint16_t)(ld_acquire(&both.lock.next) - next) < 2)
		port_relax();
	lock_drop(&both.lock);
	port_irq_restore(irq);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	KT_TRUE(saver[0].handle >= STACK_FIRST);
	KT_EQ(saver[0].handle, saver[1].handle);
	KT_EQ(ld_relaxed(&both.used), 1);
}
#endif
