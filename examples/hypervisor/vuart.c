/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL011 that a guest can write to: the registers that Linux' driver touches.
 *
 * A character is taken at once, so the FIFO is always empty and its interrupt is up whenever it is
 * not masked. Characters are kept until a line is whole, and then shown with the guest's name.
 * Nothing ever comes in. Called on the guest's core alone.
 */
#include "hv.h"
#include "guest.h"

enum { DATA = 0x00, FLAGS = 0x18, MASK = 0x38, RAW = 0x3c, MASKED = 0x40, CLEAR = 0x44,
       IDS = 0xfe0 };
#define FLAG_EMPTY 0x90u    /* nothing to send, nothing received */
#define INTERRUPT_SEND 0x20u

void hv_vuart_flush(struct hv_guest *guest)
{
	struct hv_vuart *uart = &guest->uart;

	if (!uart->length)
		return;
	uart->line[uart->length] = '\0';
	uart->length = 0;
	hv_say_guest(guest->name, uart->line);
}

static void put(struct hv_guest *guest, char c)
{
	struct hv_vuart *uart = &guest->uart;

	if (c == '\n' || uart->length == sizeof(uart->line) - 1)
		hv_vuart_flush(guest);
	if (c >= ' ' || c == '\t')
		uart->line[uart->length++] = c;
}

uint64_t hv_vuart_read(struct hv_guest *guest, uint64_t offset)
{
	/* What the bus goes by: a PL011 of ARM's, and that it is a PrimeCell at all. */
	static const uint8_t ids[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	const uint32_t *reg = guest->uart.reg;

	if (offset >= IDS && offset < IDS + 4 * sizeof(ids))
		return ids[(offset - IDS) / 4];
	if (offset == FLAGS)
		return FLAG_EMPTY;
	if (offset == RAW)
		return INTERRUPT_SEND;
	if (offset == MASKED)
		return INTERRUPT_SEND & reg[MASK / 4];
	return offset < sizeof(guest->uart.reg) && offset != DATA ? reg[offset / 4] : 0;
}

void hv_vuart_write(struct hv_guest *guest, uint64_t offset, uint64_t value)
{
	if (offset == DATA)
		put(guest, (char)value);
	else if (offset < sizeof(guest->uart.reg))
		guest->uart.reg[offset / 4] = (uint32_t)value;
	hv_vgic_raise(&guest->vgic, GUEST_UART_IRQ, guest->uart.reg[MASK / 4] & INTERRUPT_SEND);
}
