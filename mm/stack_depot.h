/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_STACK_DEPOT_H
#define MM_STACK_DEPOT_H

#include "lib/lock.h"

/* Return addresses that are kept of a stack, the innermost ones (D17). */
#define STACK_DEPTH 16

/* Handles. The first ones stand for what is no stack; equal stacks have equal handles. */
enum stack_handle {
	STACK_NONE,      /* nothing known: the port has no port_backtrace() */
	STACK_EARLY,     /* taken before recording began */
	STACK_RECURSION, /* taken by the recorder itself */
	STACK_FULL,      /* the depot had no room */
	STACK_FIRST      /* from here on: a stack */
};

struct stack {
	uint32_t hash;           /* i */
	uint32_t depth;          /* i: of pc[]; 0 for the handles below STACK_FIRST */
	uint64_t held;           /* pages, as counted by page_owner_tally(); its caller's */
	uintptr_t pc[STACK_DEPTH]; /* i: return addresses, innermost first */
};

struct stack_depot {
	struct ticket_lock lock;   /* innermost; taken masked */
	uint32_t capacity;         /* i: stacks that fit */
	uint32_t slot_mask;        /* i */
	_Atomic uint32_t used;     /* stacks kept; changed under lock */
	_Atomic uint64_t dropped;  /* stacks that found no room */
	_Atomic uint32_t *slot;    /* handle or STACK_NONE; filled under lock, never emptied */
	struct stack *stack;       /* by handle */
};

/* Bytes of the memory for stack_depot_init(), aligned to 64. capacity: at least 1. */
size_t stack_depot_bytes(uint32_t capacity);
/* `memory` is zeroed and outlives the depot. Context: boot. */
void stack_depot_init(struct stack_depot *depot, uint32_t capacity, void *memory);

/* The handle of a stack of 1..STACK_DEPTH addresses; STACK_NONE for depth 0, STACK_FULL,
 * counted, when there is no room. Context: masked. */
uint32_t stack_depot_save(struct stack_depot *depot, const uintptr_t *pc, unsigned depth);

/* Depth 0 and no addresses for a handle that stands for no stack. `handle` from save(). */
static inline struct stack *stack_depot_get(const struct stack_depot *depot, uint32_t handle)
{
	DASSERT(handle < STACK_FIRST + depot->capacity, "stack %u of %u", handle, depot->capacity);
	return &depot->stack[handle];
}

#endif
