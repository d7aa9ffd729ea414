/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL011, the UART of Arm's own boards and of QEMU's virt.
 *
 * Reference: "PrimeCell UART (PL011) Technical Reference Manual", DDI 0183.
 *
 * The line's speed and format are left as firmware set them: the clock that
 * the divisor needs is rarely described well, and a console that firmware
 * has printed on works as it is. QEMU ignores both. What we set: FIFOs on, 8 data
 * bits if nothing is set yet, transmitter, receiver and UART on, all
 * interrupts masked until receive_irq().
 *
 * Receive interrupts: RXIM fires when the FIFO holds its trigger level, RTIM when
 * characters wait for 32 bit times without reaching it; both are needed for
 * single key strokes. Draining the FIFO clears both.
 */
#include "lib/assert.h"
#include "arm64_exception.h"
#include "drivers/mmio.h"
#include "uart.h"

#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_LCRH 0x2c
#define PL011_CR 0x30
#define PL011_IMSC 0x38
#define PL011_ICR 0x44

#define DR_ERRORS 0xf00u /* overrun, break, parity, framing: what came is not a character */

#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)

#define LCRH_FEN (1u << 4)
#define LCRH_WLEN_MASK (3u << 5)
#define LCRH_WLEN_8 (3u << 5)

#define CR_UARTEN (1u << 0)
#define CR_TXE (1u << 8)
#define CR_RXE (1u << 9)

#define INT_RX (1u << 4)
#define INT_RT (1u << 6)
#define INT_ALL 0x7ffu

#define IDLE_POLLS 100000u

static bool pl011_probe(struct uart *uart, int node)
{
	(void)uart;
	(void)node;
	return true;
}

static bool pl011_answers(struct uart *uart)
{
	struct arm64_fault fault;

	return arm64_probe_read((uintptr_t)mmio_at(uart->base, PL011_FR), &fault);
}

static bool pl011_idle(struct uart *uart)
{
	return !(mmio_read32(uart->base, PL011_FR) & FR_BUSY);
}

static void pl011_start(struct uart *uart)
{
	uint32_t line = mmio_read32(uart->base, PL011_LCRH);
	uint32_t control = mmio_read32(uart->base, PL011_CR);

	ASSERT(uart->base, "a UART without registers");
	mmio_write32(uart->base, PL011_IMSC, 0);
	mmio_write32(uart->base, PL011_ICR, INT_ALL);
	/* The manual forbids a change of LCRH while the UART is on; firmware's own settings
	 * are kept, so a change is only needed when it left the FIFOs off. */
	if (!(line & LCRH_FEN)) {
		mmio_write32(uart->base, PL011_CR, control & ~CR_UARTEN);
		/* It finishes the character that it is sending. */
		for (unsigned i = 0; i < IDLE_POLLS && !pl011_idle(uart); i++)
			;
		if (!(line & LCRH_WLEN_MASK))
			line |= LCRH_WLEN_8;
		mmio_write32(uart->base, PL011_LCRH, line | LCRH_FEN);
	}
	mmio_write32(uart->base, PL011_CR, control | CR_UARTEN | CR_TXE | CR_RXE);
}

static bool pl011_can_send(struct uart *uart)
{
	return !(mmio_read32(uart->base, PL011_FR) & FR_TXFF);
}

static void pl011_send(struct uart *uart, char c)
{
	mmio_write32(uart->base, PL011_DR, (unsigned char)c);
}

static int pl011_receive(struct uart *uart)
{
	uint32_t data;

	if (mmio_read32(uart->base, PL011_FR) & FR_RXFE)
		return -1;
	data = mmio_read32(uart->base, PL011_DR);
	return data & DR_ERRORS ? UART_LOST : (int)(data & 0xff);
}

static void pl011_receive_irq(struct uart *uart, bool on)
{
	mmio_write32(uart->base, PL011_IMSC, on ? INT_RX | INT_RT : 0);
}

static const char *const pl011_compatible[] = { "arm,pl011", NULL };

const struct uart_driver uart_pl011 = {
	.name = "PL011",
	.compatible = pl011_compatible,
	.probe = pl011_probe,
	.answers = pl011_answers,
	.start = pl011_start,
	.can_send = pl011_can_send,
	.send = pl011_send,
	.idle = pl011_idle,
	.receive = pl011_receive,
	.receive_irq = pl011_receive_irq,
};
