/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: the UART that /chosen stdout-path names, for print and for keys.
 *
 * Output is polled: a character is written when the UART has room, whatever else the
 * machine does, so a message is out before the next line of code runs. Text of one
 * call is kept together by a lock, taken with interrupts masked. In a panic nobody
 * waits for that lock: its holder may be the CPU that died. A CPU that is waiting when
 * a panic begins gives up its text, so that it can be stopped.
 *
 * Until the UART is found text goes into `early`, and is printed then. Should none be found
 * it stays there for a debugger, and exit.c offers it to one.
 *
 * Input comes by interrupt into a ring, written by the handler (on the boot CPU) and
 * read by one task, the monitor. `head` and `tail` run freely; each has one writer, and
 * release/acquire pairs order the characters. A full ring drops what
 * comes and counts it. A UART without a usable interrupt is polled by the reader.
 */
#include "console.h"

#include <string.h>

#include "arm64_cpu.h"
#include "arm64_memory.h"
#include "board/device.h"
#include "drivers/irq/irq.h"
#include "drivers/uart/uart.h"
#include "lib/atomic.h"
#include "lib/lock.h"
#include "lib/printf.h"
#include "platform.h"
#include "sched/sched.h"

#define EARLY_BYTES 8192u
#define RING_BYTES 256u /* power of two */
#define POLL_NS 10000000u
/* The line may be dead (flow control, no clock): a character is given up after this. */
#define SEND_LIMIT_NS 100000000u

static const struct uart_driver *const drivers[] = { &uart_pl011, &uart_16550 };
static struct uart uart; /* driver is NULL until console_start() */
static int uart_node;

static struct ticket_lock lock; /* output */
static _Atomic uint32_t panic_cpu = ZONAL_MAX_CPUS; /* the one that prints in a panic */
static char early[EARLY_BYTES];
static size_t early_used;

static char ring[RING_BYTES];
static _Atomic uint32_t ring_head; /* next to write; interrupt handler */
static _Atomic uint32_t ring_tail; /* next to read; reader */
static _Atomic uint64_t ring_lost;
static bool by_interrupt;
static struct wait_queue readers;

/* False if a panic began while waiting: print nothing. */
static bool output_take(bool *held)
{
	*held = false;
	while (!arm64_panicking()) {
		*held = lock_try(&lock);
		if (*held)
			return true;
		port_relax();
	}
	return ld_relaxed(&panic_cpu) == port_this_cpu()->id;
}

static void send(char c)
{
	uint64_t limit = timer_now_ns() + SEND_LIMIT_NS;

	while (!uart.driver->can_send(&uart)) {
		if (timer_now_ns() > limit)
			return;
	}
	uart.driver->send(&uart, c);
}

static void put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			send('\r');
		send(text[i]);
	}
}

void console_write(const char *text, size_t length)
{
	port_irqflags_t flags = port_irq_save();
	bool held;

	if (output_take(&held))
		put(text, length);
	if (held)
		lock_drop(&lock);
	port_irq_restore(flags);
}

/* What kprintf() writes to from the start, and on a board without a UART for good: all CPUs
 * then, so under the lock. */
void console_write_default(const char *text, size_t length)
{
	port_irqflags_t flags = port_irq_save();
	bool held;

	if (output_take(&held)) {
		size_t room = ZN_MIN(length, EARLY_BYTES - 1 - early_used);

		memcpy(early + early_used, text, room);
		early_used += room;
	}
	if (held)
		lock_drop(&lock);
	port_irq_restore(flags);
}

void console_panic(void) { st_relaxed(&panic_cpu, port_this_cpu()->id); }

void console_flush(void)
{
	uint64_t limit = timer_now_ns() + SEND_LIMIT_NS;

	while (uart.driver && !uart.driver->idle(&uart) && timer_now_ns() < limit)
		port_relax();
}

static const struct uart_driver *driver_for(int node)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		for (const char *const *name = drivers[i]->compatible; *name; name++) {
			if (device_is(node, *name))
				return drivers[i];
		}
	}
	return NULL;
}

/* Without stdout-path: the first UART in the tree that we know. */
static int any_uart(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++) {
		for (const char *const *name = drivers[i]->compatible; *name; name++) {
			int node = device_find(*name, -1);

			if (node >= 0)
				return node;
		}
	}
	return -1;
}

static bool ring_has(void *unused)
{
	(void)unused;
	return ld_acquire(&ring_head) != ld_relaxed(&ring_tail);
}

static void ring_put(char c)
{
	uint32_t head = ld_relaxed(&ring_head);

	/* Acquire: the reader has taken the old character out of the slot. */
	if (head - ld_acquire(&ring_tail) == RING_BYTES) {
		own_add(&ring_lost, 1);
		return;
	}
	ring[head % RING_BYTES] = c;
	st_release(&ring_head, head + 1);
}

/* Everything that the UART holds into the ring. Bounded: a dead one may say "more" for ever. */
static void ring_fill(void)
{
	for (unsigned i = 0; i < RING_BYTES; i++) {
		int c = uart.driver->receive(&uart);

		if (c < 0)
			return;
		ring_put((char)c);
	}
}

static void receive(void *unused)
{
	(void)unused;
	ring_fill();
	(void)wait_wake(&readers, 1);
}

bool console_start(void)
{
	int node = device_stdout();
	struct device_range range;

	if (node < 0 || !driver_for(node)) {
		kprintf("console: stdout-path names no UART that we know; looking for any\n");
		node = any_uart();
	}
	if (node < 0 || !device_reg(node, 0, &range))
		return false;
	uart.base = arm64_map_device(range.phys, range.bytes);
	if (!uart.base || !driver_for(node)->probe(&uart, node))
		return false;
	uart_node = node;
	uart.driver = driver_for(node);
	ring_fill(); /* what was typed before; turning FIFOs on drops it */
	uart.driver->start(&uart);
	put(early, early_used);
	console_set_sink(console_write);
	return true;
}

const char *console_held_back(void) { return uart.driver ? NULL : early; }

const char *console_name(void) { return uart.driver ? uart.driver->name : "none"; }

void console_start_input(void)
{
	struct device_irq irq;

	if (!uart.driver)
		return;
	if (!device_irq(uart_node, 0, &irq)) {
		kprintf("console: the UART has no usable interrupt; input is polled\n");
		return;
	}
	irq_attach(&irq, receive, NULL);
	uart.driver->receive_irq(&uart);
	by_interrupt = true;
}

int console_getc(void)
{
	uint32_t tail = ld_relaxed(&ring_tail);
	char c;

	if (!uart.driver)
		return -1;
	if (!ring_has(NULL))
		return by_interrupt ? -1 : uart.driver->receive(&uart);
	c = ring[tail % RING_BYTES];
	st_release(&ring_tail, tail + 1);
	return (unsigned char)c;
}

int console_wait_char(void)
{
	int c = console_getc();

	for (; c < 0; c = console_getc()) {
		if (by_interrupt)
			(void)wait_until(&readers, ring_has, NULL, SCHED_NEVER);
		else
			task_sleep_ns(POLL_NS);
	}
	return c;
}
