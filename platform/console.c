/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's output: text of all CPUs to one UART.
 *
 * Text goes into a ring and from there to the UART, which is polled. A call puts its text
 * in whole (up to TEXT_BYTES, longer ones in such parts), then sends until its last
 * character is out. So the text of one call is kept together, and a message is out before
 * the next line of code runs.
 *
 * `lock` guards the ring and the UART's transmitter. It is held, with interrupts masked,
 * to put one text in or to send PIECE_CHARS at most, never while the UART is waited for:
 * about 5,000 instructions. Whoever waits sends what is first in the ring, whosever text
 * that is, so nobody depends on a task that was preempted or interrupted halfway. A caller
 * that is masked itself stays so for its whole text.
 *
 * A line that does not take characters (flow control, no clock) is given up after
 * STALL_NS: what waits is dropped, and later texts are dropped at once until it takes one
 * again.
 *
 * In a panic nobody waits for the lock: its holder may be the CPU that died. A CPU that
 * is waiting when a panic begins gives up its text, so that it can be stopped. What is
 * printed in a panic is kept in memory too; if the UART itself brings a fault,
 * console_lost() gives it up, and exit.c has the text.
 *
 * Until the UART is found, and on a board without one, text is kept in `kept` (beginning
 * and end, lib/text_keep.h), and printed when there is one.
 */
#include "console.h"

#include <string.h>

#include <zonal/port.h>

#include "arm64_cpu.h"
#include "console_uart.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/lock.h"
#include "lib/kprintf.h"
#include "lib/text_keep.h"
#include "platform.h"

#define RING_BYTES 4096u /* power of two */
#define TEXT_BYTES 512u
#define PIECE_CHARS 64u
#define STALL_NS 100000000u
/* The same for a board whose clock stands still. */
#define STALL_POLLS 10000000u

_Static_assert(2 * TEXT_BYTES < RING_BYTES, "a text of line ends alone fits");

static _Atomic(struct uart *) active; /* NULL until there is one, and after it is lost */
static const char *active_name = "none";

static struct ticket_lock lock = LOCK_INIT(LOCK_CONSOLE);
static _Atomic uint32_t panic_cpu = ZONAL_MAX_CPUS; /* the one that prints in a panic */
static char ring[RING_BYTES];        /* lock */
static _Atomic uint32_t put_at;      /* lock: next to write; runs freely */
static _Atomic uint32_t sent_at;     /* lock: next to send */
static uint64_t moved_ns;            /* lock: when a character left last */
static unsigned stall_polls;         /* lock: looks at the UART since */
static bool stalled;                 /* lock: the line was given up */
static struct text_keep kept;        /* lock */

struct uart *console_uart(void) { return ld_acquire(&active); }

static bool in_panic_here(void) { return ld_relaxed(&panic_cpu) == port_this_cpu()->id; }

/* Masked and alone; false if a panic began while waiting: print nothing. */
static bool output_take(port_irqflags_t *flags)
{
	for (;;) {
		*flags = port_irq_save();
		if (arm64_panicking() ? in_panic_here() : lock_try(&lock))
			return true;
		port_irq_restore(*flags);
		if (arm64_panicking() && !in_panic_here())
			return false;
		port_relax();
	}
}

LOCK_UNSAID static void output_drop(port_irqflags_t flags)
{
	/* In a panic the lock is not ours, and nobody will want it any more. */
	if (!arm64_panicking())
		lock_drop(&lock);
	port_irq_restore(flags);
}

/* The whole text into the ring, if it has room; where it ends. Under the lock. */
static bool ring_put_text(const char *text, size_t length, uint32_t *end)
{
	uint32_t at = ld_relaxed(&put_at), waiting = at - ld_relaxed(&sent_at);

	/* In a panic a CPU that was stopped may have left it halfway. */
	ASSERT(arm64_panicking() || waiting <= RING_BYTES, "%u waiting, %zu more", waiting,
	       length);
	if (RING_BYTES - waiting < 2 * length)
		return false;
	if (!waiting) {
		moved_ns = timer_now_ns();
		stall_polls = 0;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			ring[at++ % RING_BYTES] = '\r';
		ring[at++ % RING_BYTES] = text[i];
	}
	st_relaxed(&put_at, at);
	*end = at;
	return true;
}

/* What the UART takes at once, PIECE_CHARS at most. Under the lock. */
static unsigned send_piece(struct uart *uart)
{
	uint32_t from = ld_relaxed(&sent_at), end = ld_relaxed(&put_at), at = from;

	end = from + ZN_MIN(end - from, PIECE_CHARS);
	while (at != end && uart->driver->can_send(uart)) {
		uart->driver->send(uart, ring[at % RING_BYTES]);
		/* Each at once: whoever prints in a panic goes on from here. */
		st_relaxed(&sent_at, ++at);
	}
	return at - from;
}

/* Nothing could be sent: give the line up if that lasts. Under the lock. */
static void note_stall(void)
{
	if (!stalled && timer_now_ns() - moved_ns < STALL_NS && ++stall_polls < STALL_POLLS)
		return;
	stalled = true;
	st_relaxed(&sent_at, ld_relaxed(&put_at));
}

/* Send a piece of what waits. False: a panic began, or the UART is lost. */
static bool send_some(void)
{
	struct uart *uart = console_uart();
	port_irqflags_t flags;

	if (!uart || !output_take(&flags))
		return false;
	if (send_piece(uart)) {
		moved_ns = timer_now_ns();
		stall_polls = 0;
		stalled = false;
	} else if (ld_relaxed(&sent_at) != ld_relaxed(&put_at)) {
		note_stall();
	}
	output_drop(flags);
	return true;
}

static bool is_sent(uint32_t end) { return (int32_t)(end - ld_relaxed(&sent_at)) <= 0; }

/* One text, at most TEXT_BYTES. */
static void write_text(const char *text, size_t length)
{
	port_irqflags_t flags;
	uint32_t end = 0;
	bool fits;

	do {
		if (!output_take(&flags))
			return;
		fits = ring_put_text(text, length, &end);
		if (fits && arm64_panicking())
			text_keep_add(&kept, text, length);
		output_drop(flags);
	} while (!fits && send_some());
	while (fits && !is_sent(end) && send_some())
		;
}

void console_write(const char *text, size_t length)
{
	while (length) {
		size_t part = ZN_MIN(length, TEXT_BYTES);

		write_text(text, part);
		text += part;
		length -= part;
	}
}

/* What kprintf() writes to from the start, and on a board without a UART for good. */
void console_write_default(const char *text, size_t length)
{
	port_irqflags_t flags;

	if (!output_take(&flags))
		return;
	text_keep_add(&kept, text, length);
	output_drop(flags);
}

void console_panic(void) { st_relaxed(&panic_cpu, port_this_cpu()->id); }

void console_restore(void)
{
	console_set_sink(console_uart() ? console_write : console_write_default);
}

void console_lost(void)
{
	st_release(&active, NULL);
	console_set_sink(console_write_default);
}

void console_flush(void)
{
	struct uart *uart = console_uart();
	uint64_t limit;

	while (!is_sent(ld_relaxed(&put_at)) && send_some())
		;
	limit = timer_now_ns() + STALL_NS;
	for (unsigned i = 0; uart && !uart->driver->idle(uart) && i < STALL_POLLS &&
	     timer_now_ns() < limit; i++)
		port_relax();
}

void console_use(struct uart *uart)
{
	uint64_t lost = text_keep_lost(&kept);

	ASSERT(uart && uart->driver, "a console without a driver");
	console_fill(uart); /* what was typed before; turning FIFOs on drops it */
	uart->driver->start(uart);
	active_name = uart->driver->name;
	st_release(&active, uart);
	console_set_sink(console_write);
	text_keep_read(&kept, console_write);
	if (lost)
		kprintf("console: %llu characters of boot text are lost\n",
			(unsigned long long)lost);
	memset(&kept, 0, sizeof(kept));
}

bool console_is_silent(void) { return !console_uart(); }

void console_read_kept(void (*piece)(const char *text, size_t length))
{
	text_keep_read(&kept, piece);
}

const char *console_name(void) { return active_name; }
