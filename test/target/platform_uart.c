/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UART drivers on a block of memory that plays their registers. QEMU's virt
 * board has no 16550; what that driver writes where, and that none ever
 * waits for ever, shows here. The PL011 else proves itself by every line printed.
 */
#include <string.h>

#include "drivers/uart/uart.h"
#include "platform/platform.h"
#include "test/ktest.h"

#define LSR 5u
#define LSR_READY 0x01u
#define LSR_FRAMING 0x08u
#define LSR_CAN_SEND 0x20u
#define LSR_IDLE 0x40u
#define REG_BYTES 64u
#define UNTOUCHED 0xa5u

static const struct {
	uint32_t shift, width;
} layout[] = { { 0, 1 }, { 1, 1 }, { 1, 2 }, { 2, 1 }, { 2, 4 }, { 3, 4 } };

/* A UART whose registers are `width` bytes each at their places, zero, and all else UNTOUCHED. */
static struct uart fake_make(uint8_t *block, unsigned which)
{
	struct uart uart = { .driver = &uart_16550, .base = block,
			     .reg_shift = layout[which].shift, .io_width = layout[which].width };

	memset(block, UNTOUCHED, REG_BYTES);
	for (unsigned reg = 0; reg < 8; reg++)
		memset(block + (reg << uart.reg_shift), 0, uart.io_width);
	return uart;
}

static uint8_t *reg_at(const struct uart *uart, unsigned reg)
{
	return (uint8_t *)uart->base + (reg << uart->reg_shift);
}

static bool gaps_untouched(const struct uart *uart)
{
	const uint8_t *block = uart->base;
	unsigned step = 1u << uart->reg_shift;

	for (unsigned i = 0; i < REG_BYTES; i++) {
		bool reg = i < 8 * step && i % step < uart->io_width;

		if (!reg && block[i] != UNTOUCHED)
			return false;
	}
	return true;
}

KTEST_F(uart, ns16550_registers_are_where_the_tree_says, KT_TARGET_ONLY)
{
	uint8_t *block = kt_alloc(REG_BYTES, 64);

	for (unsigned i = 0; block && i < ARRAY_SIZE(layout); i++) {
		struct uart uart = fake_make(block, i);

		*reg_at(&uart, LSR) = LSR_IDLE;
		uart.driver->start(&uart);
		KT_EQ(*reg_at(&uart, 1), 0);    /* no interrupts */
		KT_EQ(*reg_at(&uart, 2), 1);    /* FIFOs on */
		KT_EQ(*reg_at(&uart, 3), 3);    /* 8 bits, divisor hidden */
		KT_EQ(*reg_at(&uart, 4), 0x0b); /* lines up, interrupt gate open */
		uart.driver->send(&uart, 'Z');
		KT_EQ(*reg_at(&uart, 0), 'Z');
		uart.driver->receive_irq(&uart, true);
		KT_EQ(*reg_at(&uart, 1), 1);
		uart.driver->receive_irq(&uart, false);
		KT_EQ(*reg_at(&uart, 1), 0);
		KT_TRUE(gaps_untouched(&uart));
	}
}

KTEST_F(uart, ns16550_status_decides, KT_TARGET_ONLY)
{
	uint8_t *block = kt_alloc(REG_BYTES, 64);
	struct uart uart;

	if (!block)
		return;
	uart = fake_make(block, 4);
	KT_TRUE(!uart.driver->can_send(&uart));
	KT_TRUE(!uart.driver->idle(&uart));
	KT_EQ(uart.driver->receive(&uart), -1);
	*reg_at(&uart, LSR) = LSR_CAN_SEND | LSR_IDLE | LSR_READY;
	*reg_at(&uart, 0) = 0xfe;
	KT_TRUE(uart.driver->can_send(&uart));
	KT_TRUE(uart.driver->idle(&uart));
	KT_EQ(uart.driver->receive(&uart), 0xfe);
	*reg_at(&uart, LSR) = LSR_READY | LSR_FRAMING;
	KT_EQ(uart.driver->receive(&uart), UART_LOST);
}

KTEST_F(uart, ns16550_that_is_not_there_does_not_hang, KT_TARGET_ONLY)
{
	uint8_t *block = kt_alloc(REG_BYTES, 64);
	struct uart uart;

	if (!block)
		return;
	/* Absent hardware reads as all ones, a dead one as zeros. */
	uart = fake_make(block, 4);
	uart.driver->start(&uart); /* never idle */
	memset(block, 0xff, REG_BYTES);
	uart.driver->start(&uart);
	memset(block, 0xff, REG_BYTES);
	KT_EQ(uart.driver->receive(&uart), -1);
}

#define PL011_BYTES 0x1000u
#define PL011_FR 0x18u
#define PL011_FR_BUSY 0x08u
#define PL011_LCRH 0x2cu
#define PL011_LCRH_FEN 0x10u
#define PL011_DR_BREAK 0x400u

/* It says "busy" and "something received" for ever, and what it received is no character. */
KTEST_F(uart, pl011_that_is_stuck_does_not_hang, KT_TARGET_ONLY)
{
	uint32_t *block = kt_alloc(PL011_BYTES, 64);
	struct uart uart = { .driver = &uart_pl011, .base = block };

	if (!KT_TRUE(block))
		return;
	memset(block, 0, PL011_BYTES);
	block[0] = PL011_DR_BREAK;
	block[PL011_FR / 4] = PL011_FR_BUSY;
	uart_pl011.start(&uart);
	KT_EQ(block[PL011_LCRH / 4] & PL011_LCRH_FEN, PL011_LCRH_FEN);
	KT_EQ(uart_pl011.receive(&uart), UART_LOST);
}
