/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL011 of a guest: the registers that Linux' driver touches.
 *
 * A character is taken at once, so the FIFO to send is always empty and its interrupt is up
 * whenever it is not masked. Characters are kept until a line is whole, and then shown with the
 * guest's name. What is typed comes from core 0 by a ring (input.c). All else is called on the
 * guest's core.
 */
#include "hv.h"
#include "guest.h"

#include <stdatomic.h>

enum { DATA = 0x00, FLAGS = 0x18, MASK = 0x38, RAW = 0x3c, MASKED = 0x40, CLEAR = 0x44,
       IDS = 0xfe0 };
#define FLAG_ALL_SENT 0x80u
#define FLAG_NOTHING 0x10u   /* received */
#define INTERRUPT_SEND 0x20u
#define INTERRUPT_RECEIVE 0x10u
#define ROOM (uint32_t)sizeof(((struct hv_vuart *)0)->typed)

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

/* ---- what is typed ------------------------------------------------------------------ */

bool hv_vuart_room(struct hv_guest *guest)
{
	struct hv_vuart *uart = &guest->uart;

	/* The mask is the guest's core's to write: seen late, a character comes late. */
	return *(volatile uint32_t *)&uart->reg[MASK / 4] & INTERRUPT_RECEIVE &&
	       uart->put - atomic_load_explicit(&uart->taken, memory_order_acquire) < ROOM;
}

void hv_vuart_type(struct hv_guest *guest, uint8_t c)
{
	struct hv_vuart *uart = &guest->uart;
	uint32_t put = uart->put;

	uart->typed[put % ROOM] = c;
	atomic_store_explicit(&uart->put, put + 1, memory_order_release);
}

static bool any_typed(struct hv_vuart *uart)
{
	return uart->taken != atomic_load_explicit(&uart->put, memory_order_acquire);
}

static uint8_t take(struct hv_vuart *uart)
{
	uint32_t taken = uart->taken;
	uint8_t c = 0;

	if (any_typed(uart)) {
		c = uart->typed[taken % ROOM];
		atomic_store_explicit(&uart->taken, taken + 1, memory_order_release);
	}
	return c;
}

/* ---- registers ------------------------------------------------------------------------- */

static uint32_t interrupts(struct hv_vuart *uart)
{
	return INTERRUPT_SEND | (any_typed(uart) ? INTERRUPT_RECEIVE : 0);
}

void hv_vuart_signal(struct hv_guest *guest)
{
	hv_vgic_raise(&guest->vgic, GUEST_UART_IRQ,
		      guest->uart.reg[MASK / 4] & interrupts(&guest->uart));
}

uint64_t hv_vuart_read(struct hv_guest *guest, uint64_t offset)
{
	/* What the bus goes by: a PL011 of ARM's, and that it is a PrimeCell at all. */
	static const uint8_t ids[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	struct hv_vuart *uart = &guest->uart;

	if (offset >= IDS && offset < IDS + 4 * sizeof(ids))
		return ids[(offset - IDS) / 4];
	if (offset == FLAGS)
		return FLAG_ALL_SENT | (any_typed(uart) ? 0 : FLAG_NOTHING);
	if (offset == RAW)
		return interrupts(uart);
	if (offset == MASKED)
		return interrupts(uart) & uart->reg[MASK / 4];
	if (offset == DATA)
		return take(uart);
	return offset < sizeof(uart->reg) ? uart->reg[offset / 4] : 0;
}

void hv_vuart_write(struct hv_guest *guest, uint64_t offset, uint64_t value)
{
	if (offset == DATA)
		put(guest, (char)value);
	else if (offset < sizeof(guest->uart.reg))
		guest->uart.reg[offset / 4] = (uint32_t)value;
}
