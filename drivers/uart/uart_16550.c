/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16550 and its descendants (Synopsys DesignWare among them).
 *
 * Reference: the National Semiconductor PC16550D data sheet.
 *
 * Eight byte-wide registers, spread by `reg-shift` and reached with accesses
 * of `reg-io-width` bytes (device tree properties; 0 and 1 by default). As with the PL011 the
 * divisor stays as firmware set it: DLAB is cleared, nothing more. FIFOs are turned on,
 * interrupts are off until receive_irq().
 *
 * The DesignWare part raises a "busy" interrupt when LCR is written while it
 * sends, so start() waits (bounded) until the line is idle.
 */
#include "arm64_exception.h"
#include "board/device.h"
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "drivers/mmio.h"
#include "uart.h"

#define REG_DATA 0 /* RBR, THR */
#define REG_IER 1
#define REG_FCR 2
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5

#define IER_RECEIVE 0x01u
#define FCR_ON 0x01u
#define LCR_8BITS 0x03u
#define MCR_DTR_RTS_OUT2 0x0bu /* OUT2 gates the interrupt line on many boards */
#define LSR_READY 0x01u
#define LSR_ABSENT 0xffu
#define LSR_ERRORS 0x1eu
#define LSR_CAN_SEND 0x20u
#define LSR_IDLE 0x40u

#define IDLE_POLLS 100000u

static uint32_t reg_read(struct uart *uart, unsigned reg)
{
	uintptr_t offset = (uintptr_t)reg << uart->reg_shift;

	switch (uart->io_width) {
	case 4:
		return mmio_read32(uart->base, offset) & 0xff;
	case 2:
		return mmio_read16(uart->base, offset) & 0xff;
	default:
		return mmio_read8(uart->base, offset);
	}
}

static void reg_write(struct uart *uart, unsigned reg, uint32_t value)
{
	uintptr_t offset = (uintptr_t)reg << uart->reg_shift;

	switch (uart->io_width) {
	case 4:
		mmio_write32(uart->base, offset, value);
		break;
	case 2:
		mmio_write16(uart->base, offset, (uint16_t)value);
		break;
	default:
		mmio_write8(uart->base, offset, (uint8_t)value);
		break;
	}
}

static bool ns16550_probe(struct uart *uart, int node)
{
	uart->reg_shift = 0;
	uart->io_width = 1;
	(void)device_u32(node, "reg-shift", &uart->reg_shift);
	(void)device_u32(node, "reg-io-width", &uart->io_width);
	if (uart->reg_shift > 3) {
		kprintf("uart: reg-shift %u: at most 3 is known\n", uart->reg_shift);
		return false;
	}
	if (uart->io_width != 1 && uart->io_width != 2 && uart->io_width != 4) {
		kprintf("uart: reg-io-width %u: only 1, 2 and 4 are known\n", uart->io_width);
		return false;
	}
	/* A wide access to a narrow register would also touch its neighbours. */
	if (uart->io_width > 1u << uart->reg_shift) {
		kprintf("uart: reg-io-width %u is wider than the step of reg-shift %u\n",
			uart->io_width, uart->reg_shift);
		return false;
	}
	return true;
}

/* With accesses of the width that the device takes. */
static bool ns16550_answers(struct uart *uart)
{
	uintptr_t status = (uintptr_t)mmio_at(uart->base, (uintptr_t)REG_LSR << uart->reg_shift);
	struct arm64_fault fault;

	if (uart->io_width == 4)
		return arm64_probe_read(status, &fault);
	return uart->io_width == 2 ? arm64_probe_read16(status, &fault) :
				     arm64_probe_read8(status, &fault);
}

static bool ns16550_idle(struct uart *uart)
{
	return (reg_read(uart, REG_LSR) & LSR_IDLE) != 0;
}

static void ns16550_start(struct uart *uart)
{
	ASSERT(uart->base && uart->io_width <= 1u << uart->reg_shift, "width %u, shift %u",
	       uart->io_width, uart->reg_shift);
	for (unsigned i = 0; i < IDLE_POLLS && !ns16550_idle(uart); i++)
		;
	reg_write(uart, REG_IER, 0);
	/* Outside of DLAB, and 8 bits, no parity, one stop bit. */
	reg_write(uart, REG_LCR, LCR_8BITS);
	reg_write(uart, REG_FCR, FCR_ON);
	reg_write(uart, REG_MCR, MCR_DTR_RTS_OUT2);
}

static bool ns16550_can_send(struct uart *uart)
{
	return (reg_read(uart, REG_LSR) & LSR_CAN_SEND) != 0;
}

static void ns16550_send(struct uart *uart, char c)
{
	reg_write(uart, REG_DATA, (unsigned char)c);
}

static int ns16550_receive(struct uart *uart)
{
	uint32_t status = reg_read(uart, REG_LSR);
	uint32_t data;

	/* All ones: nothing is there. */
	if (!(status & LSR_READY) || status == LSR_ABSENT)
		return -1;
	data = reg_read(uart, REG_DATA);
	return status & LSR_ERRORS ? UART_LOST : (int)data;
}

static void ns16550_receive_irq(struct uart *uart, bool on)
{
	reg_write(uart, REG_IER, on ? IER_RECEIVE : 0);
}

static const char *const ns16550_compatible[] = { "ns16550a", "ns16550", "snps,dw-apb-uart", NULL };

const struct uart_driver uart_16550 = {
	.name = "16550",
	.compatible = ns16550_compatible,
	.probe = ns16550_probe,
	.answers = ns16550_answers,
	.start = ns16550_start,
	.can_send = ns16550_can_send,
	.send = ns16550_send,
	.idle = ns16550_idle,
	.receive = ns16550_receive,
	.receive_irq = ns16550_receive_irq,
};
