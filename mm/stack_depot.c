/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store of call stacks in which each different stack is kept once.
 *
 * A board has few places that allocate and millions of pages, so a page keeps the
 * number of its stack and not the stack. Memory is fixed at the start
 * (ZONAL_OWNER_STACKS): a recorder of allocations must not allocate.
 *
 *	slot[]    open hash table of handles, at least twice as long as stacks fit in,
 *	          so that a search always ends at an empty slot
 *	stack[]   the stacks, by handle; the first few handles stand for no stack
 *
 * Nothing is ever removed, hence a search needs no lock: a slot goes from empty to
 * a handle once, by a store with release after the stack is written, and is read
 * with acquire. Who finds an empty slot takes the lock and goes on from there,
 * because another CPU may have filled it meanwhile; still empty, it is his.
 *
 * A full store is no error: the page is recorded without its stack, and the loss is
 * counted.
 *
 * Any context, masked. The lock is innermost: nothing is called while it is held.
 */
#include "stack_depot.h"

#include "lib/assert.h"
static uint32_t slots_for(uint32_t capacity)
{
	uint32_t slots = 2;

	while (slots < 2 * capacity)
		slots *= 2;
	return slots;
}

size_t stack_depot_bytes(uint32_t capacity)
{
	return (STACK_FIRST + (size_t)capacity) * sizeof(struct stack) +
	       slots_for(capacity) * sizeof(uint32_t);
}

void stack_depot_init(struct stack_depot *depot, uint32_t capacity, void *memory)
{
	ASSERT(capacity && memory, "a depot of %u stacks", capacity);
	lock_set_rank(&depot->lock, LOCK_STACK_DEPOT);
	depot->capacity = capacity;
	depot->slot_mask = slots_for(capacity) - 1;
	depot->stack = memory;
	depot->slot = (void *)(depot->stack + STACK_FIRST + capacity);
}

static uint32_t hash_of(const uintptr_t *pc, unsigned depth)
{
	uint64_t hash = depth;

	for (unsigned i = 0; i < depth; i++) {
		hash = (hash ^ pc[i]) * 0x9e3779b97f4a7c15ull; /* 2^64 by the golden ratio, odd */
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 16);
}

static bool stack_equal(const struct stack *stack, uint32_t hash, const uintptr_t *pc,
			unsigned depth)
{
	if (stack->hash != hash || stack->depth != depth)
		return false;
	for (unsigned i = 0; i < depth; i++)
		if (stack->pc[i] != pc[i])
			return false;
	return true;
}

/* From *at on: the handle of that stack, or STACK_NONE and *at is an empty slot. */
static uint32_t search(const struct stack_depot *depot, uint32_t hash, const uintptr_t *pc,
		       unsigned depth, uint32_t *at)
{
	for (;; *at = (*at + 1) & depot->slot_mask) {
		/* Acquire: the stack was written before its handle. Pairs with insert(). */
		uint32_t handle = ld_acquire(&depot->slot[*at]);

		if (handle == STACK_NONE ||
		    stack_equal(stack_depot_get(depot, handle), hash, pc, depth))
			return handle;
	}
}

/* Into the empty slot `at`; the lock is held. */
static uint32_t insert(struct stack_depot *depot, uint32_t hash, const uintptr_t *pc,
		       unsigned depth, uint32_t at)
{
	uint32_t used = ld_relaxed(&depot->used);
	uint32_t handle = STACK_FIRST + used;
	struct stack *stack = &depot->stack[handle];

	DASSERT_HELD(&depot->lock);
	DASSERT(at <= depot->slot_mask && ld_relaxed(&depot->slot[at]) == STACK_NONE,
		"slot %u of %u", at, depot->slot_mask);
	if (used == depot->capacity) {
		fetch_add_relaxed(&depot->dropped, 1);
		return STACK_FULL;
	}
	stack->hash = hash;
	stack->depth = depth;
	for (unsigned i = 0; i < depth; i++)
		stack->pc[i] = pc[i];
	st_relaxed(&depot->used, used + 1);
	/* Release: who sees the handle sees the stack. */
	st_release(&depot->slot[at], handle);
	return handle;
}

uint32_t stack_depot_save(struct stack_depot *depot, const uintptr_t *pc, unsigned depth)
{
	uint32_t hash = hash_of(pc, depth), at = hash & depot->slot_mask;
	uint32_t handle;

	DASSERT_MASKED();
	ASSERT(depth <= STACK_DEPTH, "a stack of %u calls, at most %d are kept", depth,
	       STACK_DEPTH);
	if (!depth)
		return STACK_NONE;
	handle = search(depot, hash, pc, depth, &at);
	if (handle != STACK_NONE)
		return handle;
	lock_take(&depot->lock);
	handle = search(depot, hash, pc, depth, &at);
	if (handle == STACK_NONE)
		handle = insert(depot, hash, pc, depth, at);
	lock_drop(&depot->lock);
	return handle;
}
