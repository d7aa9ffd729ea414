/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which function an address belongs to, and the chain of calls.
 *
 * The image is compiled with frame pointers: x29 points to a pair (the caller's x29,
 * the return address), and 0 ends the chain. The stacks may be damaged when this runs, so
 * each pair is read only after the MMU said that it is mapped, and a chain that
 * does not end is cut. A handler's chain leads from the interrupt stack to
 * the stack of the task it interrupted.
 *
 * The symbol table is made by tools/symtab from a first link of the image; without it
 * (that first link itself) addresses are printed bare.
 *
 * No locks, no memory; any context.
 */
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "arm64_exception.h"
#include "arm64_mmu.h"

/* A chain may be long, as after a recursion without end, or run in a circle. */
#define DEPTH_LIMIT 2000
#define LINE_LIMIT 32

struct symbol {
	uint32_t offset; /* from _start */
	uint32_t name;   /* from the first name */
};

struct symbol_table {
	uint32_t count;
	uint32_t unused;
	struct symbol symbol[];
};

extern const struct symbol_table __start_symbols;
extern const char __stop_symbols[];

/* The last symbol at or below `offset`; there is one, as the first is at 0. */
static const struct symbol *symbol_search(const struct symbol_table *table, uint64_t offset)
{
	uint32_t low = 0, high = table->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->symbol[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &table->symbol[low];
}

const char *arm64_symbol(uint64_t address, uint64_t *offset)
{
	const struct symbol_table *table = &__start_symbols;
	const struct symbol *symbol;

	if ((const char *)table == __stop_symbols || !table->count)
		return NULL;
	if (address < (uintptr_t)_start || address >= (uintptr_t)_end_text)
		return NULL;
	symbol = symbol_search(table, address - (uintptr_t)_start);
	*offset = address - (uintptr_t)_start - symbol->offset;
	return (const char *)&table->symbol[table->count] + symbol->name;
}

/* `back` is 4 for return addresses: the call is what to name, not what follows it. */
static void print_frame(unsigned depth, uint64_t address, uint64_t back)
{
	uint64_t offset;
	const char *name = arm64_symbol(address - back, &offset);

	if (name)
		kprintf("#   %2u  %016llx  %s+0x%llx\n", depth, (unsigned long long)address, name,
			(unsigned long long)(offset + back));
	else
		kprintf("#   %2u  %016llx  (not in the image's text)\n", depth,
			(unsigned long long)address);
}

static bool pair_readable(uint64_t frame_pointer)
{
	const char *pair = (const char *)(uintptr_t)frame_pointer;

	return frame_pointer && !(frame_pointer & 7) && arm64_translate(pair) != UINT64_MAX &&
	       arm64_translate(pair + 15) != UINT64_MAX;
}

unsigned port_backtrace(uintptr_t *pc, unsigned max)
{
	uint64_t frame_pointer = (uintptr_t)__builtin_frame_address(0);
	unsigned count = 0;

	ASSERT(pc && max, "room for %u addresses", max);
	while (count < max && pair_readable(frame_pointer)) {
		const uint64_t *pair = (const uint64_t *)(uintptr_t)frame_pointer;

		if (!pair[1] || pair[0] == frame_pointer)
			break;
		pc[count++] = pair[1];
		frame_pointer = pair[0];
	}
	return count;
}

/* Collapse what a recursion leaves behind; `same` counts frames like the one printed last. */
static void print_repeats(unsigned same)
{
	if (same)
		kprintf("#       ... and %u more of the same\n", same);
}

void arm64_backtrace(uint64_t pc, uint64_t frame_pointer)
{
	uint64_t last = 0;
	unsigned same = 0;

	kprintf("# backtrace:\n");
	print_frame(0, pc, 0);
	for (unsigned depth = 1, lines = 1; depth < DEPTH_LIMIT; depth++) {
		const uint64_t *pair = (const uint64_t *)(uintptr_t)frame_pointer;

		if (!pair_readable(frame_pointer) || !pair[1] || pair[0] == frame_pointer) {
			print_repeats(same);
			return;
		}
		frame_pointer = pair[0];
		if (pair[1] == last) {
			same++;
			continue;
		}
		print_repeats(same);
		same = 0;
		last = pair[1];
		if (lines++ == LINE_LIMIT)
			break;
		print_frame(depth, last, 4);
	}
	kprintf("#   ... cut\n");
}
