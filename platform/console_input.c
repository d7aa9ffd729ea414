/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: from the console's UART to whoever reads, one task, the monitor.
 *
 * Input comes by interrupt into a ring, written by the handler (on the boot CPU) and
 * read by the task. `head` and `tail` run freely; each has one writer, and release/acquire
 * pairs order the characters. A UART without a usable interrupt is polled by the
 * reader, which is then the writer as well.
 *
 * Nothing is dropped for want of room. When the ring is full the handler turns the receive
 * interrupt off and leaves the rest in the UART, whose full FIFO makes a sender with flow
 * control wait; `held_back` says so, and the reader turns the interrupt on again once half
 * of the ring is free. What the line lost all the same, an overrun or a damaged character,
 * is a CONSOLE_LOST in the place where it is missing: half a line is worse than none.
 *
 * `breaks` counts the Ctrl-C in the ring, so that a command that runs for long can see that
 * one waits behind it (console_stop_asked).
 *
 * Contexts: console_getc() the reader; console_wait_char() the reader, it sleeps.
 */
#include <zonal/port.h>

#include "board/device.h"
#include "console.h"
#include "console_uart.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/kprintf.h"
#include "platform.h"
#include "sched/sched.h"

#define RING_CHARS 4096u /* power of two */
#define KEY_BREAK 0x03
#define POLL_NS 10000000u

static uint16_t ring[RING_CHARS];
static _Atomic uint32_t ring_head; /* next to write; interrupt handler */
static _Atomic uint32_t ring_tail; /* next to read; reader */
static _Atomic uint32_t breaks;    /* Ctrl-C in the ring */
static _Atomic uint32_t held_back; /* the ring was full, the interrupt is off */
static bool by_interrupt;
static struct wait_queue readers;

static uint32_t ring_used(void)
{
	/* Acquire: the characters are there, or out of their slots. */
	return ld_acquire(&ring_head) - ld_acquire(&ring_tail);
}

static void ring_put(int c)
{
	uint32_t head = ld_relaxed(&ring_head);

	ASSERT(ring_used() < RING_CHARS, "%u characters are in the ring", ring_used());
	/* One mark is enough for a row of losses; a broken line brings them for ever. */
	if (c == CONSOLE_LOST && ring_used() && ring[(head - 1) % RING_CHARS] == c)
		return;
	ring[head % RING_CHARS] = (uint16_t)c;
	if (c == KEY_BREAK)
		(void)fetch_add_relaxed(&breaks, 1);
	st_release(&ring_head, head + 1);
}

/* Bounded: a dead UART may say "more" for ever. */
void console_fill(struct uart *uart)
{
	for (unsigned i = 0; i < RING_CHARS && ring_used() < RING_CHARS; i++) {
		int c = uart->driver->receive(uart);

		if (c == -1)
			return;
		ring_put(c == UART_LOST ? CONSOLE_LOST : c);
	}
}

static void receive(void *unused)
{
	struct uart *uart = console_uart();

	(void)unused;
	if (uart)
		console_fill(uart);
	if (uart && ring_used() == RING_CHARS) {
		uart->driver->receive_irq(uart, false);
		/* Release: whoever sees it may turn the interrupt on. */
		st_release(&held_back, 1);
	}
	(void)wait_wake(&readers, 1);
}

/* The handler cannot run while it is held back, so this is the only one at the UART. */
static void let_in(struct uart *uart)
{
	if (!ld_acquire(&held_back) || ring_used() > RING_CHARS / 2)
		return;
	st_relaxed(&held_back, 0);
	uart->driver->receive_irq(uart, true);
}

static bool ring_has(void *unused)
{
	(void)unused;
	return ring_used() || ld_acquire(&held_back);
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
	uart->driver->receive_irq(uart, true);
	by_interrupt = true;
}

int console_getc(void)
{
	uint32_t tail = ld_relaxed(&ring_tail);
	struct uart *uart = console_uart();
	int c;

	if (!uart)
		return -1;
	if (!by_interrupt)
		console_fill(uart);
	let_in(uart);
	if (!ring_used())
		return -1;
	c = ring[tail % RING_CHARS];
	if (c == KEY_BREAK)
		(void)fetch_sub_acq_rel(&breaks, 1);
	st_release(&ring_tail, tail + 1);
	return c;
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

bool console_has_input(void)
{
	struct uart *uart = console_uart();

	if (uart && !by_interrupt)
		console_fill(uart);
	return ring_used() != 0;
}

bool console_key_within(uint64_t ns)
{
	uint64_t end = port_time_ns() + ns;

	ASSERT(!port_irqs_masked(), "a masked caller waits for a key");
	if (!console_has_input() && by_interrupt)
		(void)wait_until(&readers, ring_has, NULL, end);
	while (!console_has_input() && port_time_ns() < end)
		task_sleep_ns(POLL_NS);
	return console_has_input();
}

bool console_stop_asked(void)
{
	struct uart *uart = console_uart();

	if (uart && !by_interrupt)
		console_fill(uart);
	return ld_relaxed(&breaks) != 0;
}

unsigned console_drop_to_break(void)
{
	unsigned dropped = 0;

	while (ld_relaxed(&breaks)) {
		int c = console_getc();

		/* It is counted a moment before it can be read. */
		if (c >= 0 && c != KEY_BREAK)
			dropped++;
	}
	return dropped;
}
