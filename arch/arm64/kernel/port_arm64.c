/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port hooks that are not inline. Contracts: <zonal/port.h>.
 *
 * Calls on another CPU. The caller pushes a request, which lies on its own stack, onto the target's
 * list with a compare-and-swap, sends IPI_CALL and waits for `done`. The target takes the
 * whole list with one exchange, so that no element can be pushed back while it
 * is looked at (no ABA), and runs it oldest first. A request's memory is gone as
 * soon as `done` is set: its `next` is read before.
 *
 * The clock. Nanoseconds are ticks times a 32.32 fixed-point number, so that no
 * division is in the way; at 62.5 MHz that is exact, at other rates it is off by less
 * than one part in 2^32 and the same on all CPUs.
 */
#include <zonal/port.h>
#include <zonal/linux.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/kprintf.h"
#include "arm64_board.h"
#include "arm64_cpu.h"
#include "arm64_memory.h"

#define NS_PER_SECOND 1000000000ull

uint64_t arm64_ns_per_tick;

void arm64_clock_set(uint64_t frequency_hz)
{
	if (frequency_hz)
		arm64_ns_per_tick = (NS_PER_SECOND << 32) / frequency_hz;
}

void zonal_port_log(const char *fmt, ...)
{
	char line[256];
	size_t length;
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (zn_log_kept(line))
		return;
	/* One call, so that lines of several CPUs do not mix. */
	for (length = 0; line[length]; length++)
		;
	line[length] = '\n';
	line[length + 1] = '\0';
	kprintf("%s", line);
}

/* ---- calls on another CPU ----------------------------------------------- */

static void call_push(struct arm64_cpu *target, struct arm64_call *call)
{
	struct arm64_call *head = ld_relaxed(&target->calls);

	/* Release: the target sees the request complete. Pairs with the exchange below. */
	ASSERT(call != head && !ld_relaxed(&call->done), "a call is made twice");
	do {
		call->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&target->calls, &head, call, memory_order_release, memory_order_relaxed));
}

static struct arm64_call *list_reverse(struct arm64_call *call)
{
	struct arm64_call *reversed = NULL;

	while (call) {
		struct arm64_call *next = call->next;

		call->next = reversed;
		reversed = call;
		call = next;
	}
	return reversed;
}

void arm64_ipi_call(void)
{
	struct arm64_cpu *cpu = arm64_this_cpu();
	struct arm64_call *call = list_reverse(
		atomic_exchange_explicit(&cpu->calls, NULL, memory_order_acquire));

	DASSERT_MASKED();
	ASSERT(cpu->port.irq_depth, "calls are run outside of a handler on CPU %u", cpu->port.id);
	while (call) {
		struct arm64_call *next = call->next;

		call->fn(call->arg);
		/* Release: the caller sees what fn did; pairs with port_call_cpu(). */
		st_release(&call->done, 1);
		call = next;
	}
}

/* On the CPU that asks: as a handler would run it. */
static void call_here(void (*fn)(void *), void *arg)
{
	struct port_cpu *cpu = port_this_cpu();

	DASSERT_MASKED();
	cpu->irq_depth++;
	fn(arg);
	cpu->irq_depth--;
}

bool port_call_cpu(unsigned id, void (*fn)(void *), void *arg)
{
	struct arm64_call call = { .fn = fn, .arg = arg };
	port_irqflags_t flags;
	bool here;

	ASSERT(fn, "CPU %u is to call nothing", id);
	if (id >= ZONAL_MAX_CPUS || !board_ops.cpu_online(id))
		return false;
	flags = port_irq_save();
	here = port_this_cpu()->id == id;
	if (here)
		call_here(fn, arg);
	port_irq_restore(flags);
	if (here)
		return true;
	if (port_irqs_masked())
		port_panic("port_call_cpu: CPU %u called with interrupts masked on CPU %u", id,
			   port_this_cpu()->id);
	call_push(&arm64_cpus[id], &call);
	board_ops.cpu_call(id);
	while (!ld_acquire(&call.done))
		port_relax();
	return true;
}

/* ---- pages for page tables, once there is an allocator ------------------ */

uint64_t arm64_table_from_allocator(void)
{
	/* Called with interrupts masked: nothing that waits. */
	struct page *page = alloc_pages(GFP_ATOMIC, 0);

	return page ? page_to_pfn(page) << PAGE_SHIFT : 0;
}

void arm64_table_to_allocator(uint64_t phys)
{
	ASSERT(phys && !(phys & (PAGE_SIZE - 1)), "a table at 0x%llx", (unsigned long long)phys);
	__free_page(pfn_to_page(phys >> PAGE_SHIFT));
}
