/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: from the console's UART to whoever reads, one task, the monitor.
 *
 * Input comes by interrupt into a ring, written by the handler (on the boot CPU) and
 * read by the task. `head` and `tail` run freely; each has one writer, and release/acquire
 * pairs order the characters. A full ring drops what comes and counts it. A UART without
 * a usable interrupt is polled by the reader.
 *
 * Contexts: console_getc() any; console_wait_char() a task, it sleeps.
 */
#include <zonal/port.h>

#include "board/device.h"
#include "console.h"
#include "console_uart.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "platform.h"
#include "sched/sched.h"

#define RING_BYTES 256u /* power of two */
#define POLL_NS 10000000u

static char ring[RING_BYTES];
static _Atomic uint32_t ring_head; /* next to write; interrupt handler */
static _Atomic uint32_t ring_tail; /* next to read; reader */
static _Atomic uint64_t ring_lost;
static bool by_interrupt;
static struct wait_queue readers;

static bool ring_has(void *unused)
{
	(void)unused;
	return ld_acquire(&ring_head) != ld_relaxed(&ring_tail);
}

static void ring_put(char c)
{
	uint32_t head = ld_relaxed(&ring_head);

	DASSERT_MASKED();
	/* Acquire: the reader has taken the old character out of the slot. */
	if (head - ld_acquire(&ring_tail) == RING_BYTES) {
		own_add(&ring_lost, 1);
		return;
	}
	ring[head % RING_BYTES] = c;
	st_release(&ring_head, head + 1);
}

/* Bounded: a dead UART may say "more" for ever. */
void console_fill(struct uart *uart)
{
	for (unsigned i = 0; i < RING_BYTES; i++) {
		int c = uart->driver->receive(uart);

		if (c < 0)
			return;
		ring_put((char)c);
	}
}

static void receive(void *unused)
{
	struct uart *uart = console_uart();

	(void)unused;
	if (uart)
		console_fill(uart);
	(void)wait_wake(&readers, 1);
}

void console_start_input(void)
{
	struct uart *uart = console_uart();
	struct device_irq irq;

	if (!uart)
		return;
	if (!device_irq(console_uart_node(), 0, &irq)) {
		kprintf("console: the UART has no usable interrupt; input is polled\n");
		return;
	}
	ASSERT(!by_interrupt, "input is started twice");
	irq_attach(&irq, receive, NULL);
	uart->driver->receive_irq(uart);
	by_interrupt = true;
}

int console_getc(void)
{
	uint32_t tail = ld_relaxed(&ring_tail);
	struct uart *uart = console_uart();
	char c;

	if (!uart)
		return -1;
	if (!ring_has(NULL))
		return by_interrupt ? -1 : uart->driver->receive(uart);
	c = ring[tail % RING_BYTES];
	st_release(&ring_tail, tail + 1);
	return (unsigned char)c;
}

int console_wait_char(void)
{
	int c = console_getc();

	ASSERT(!port_irqs_masked(), "a masked caller waits for a key");
	for (; c < 0; c = console_getc()) {
		if (by_interrupt)
			(void)wait_until(&readers, ring_has, NULL, SCHED_NEVER);
		else
			task_sleep_ns(POLL_NS);
	}
	return c;
}
