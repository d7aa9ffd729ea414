/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a UART driver offers to the console. Calls for one UART are serialised
 * by the console (its lock for output, interrupts masked on one CPU for input).
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <zonal/types.h>

#define UART_LOST (-2)

struct uart;

struct uart_driver {
	const char *name;
	const char *const *compatible; /* ended by NULL */
	/* Read what the driver wants of node `node`; false: unusable, said why. */
	bool (*probe)(struct uart *uart, int node);
	/* Is there a device: can its status be read without a fault? Changes nothing. */
	bool (*answers)(struct uart *uart);
	/* Make ready for polled use; the line's speed stays as firmware set it. */
	void (*start)(struct uart *uart);
	bool (*can_send)(struct uart *uart);
	void (*send)(struct uart *uart, char c);
	/* Everything sent has left the wire. */
	bool (*idle)(struct uart *uart);
	/* A received character, -1 if there is none, UART_LOST if one or more were lost or
	 * came damaged. Each call takes at most one out of the FIFO. */
	int (*receive)(struct uart *uart);
	/* Raise an interrupt for received characters, or leave them in the FIFO in peace. */
	void (*receive_irq)(struct uart *uart, bool on);
};

struct uart {
	const struct uart_driver *driver;
	void *base;
	uint32_t reg_shift; /* 16550 only: registers are 1 << reg_shift bytes apart */
	uint32_t io_width;  /* 16550 only: bytes of one access */
};

extern const struct uart_driver uart_pl011;
extern const struct uart_driver uart_16550;

#endif
