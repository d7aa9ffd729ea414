/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART behind the console: for the files console*.c alone. */
#ifndef PLATFORM_CONSOLE_UART_H
#define PLATFORM_CONSOLE_UART_H

#include "drivers/uart/uart.h"

/* The UART that has proved itself, or NULL. Any context. */
struct uart *console_uart(void);
/* Its node in the device tree. */
int console_uart_node(void);
/* Start this one and trust it from now on; what was printed so far comes out. Boot. */
void console_use(struct uart *uart);
/* Everything that it holds into the ring of typed characters. Boot, or its handler. */
void console_fill(struct uart *uart);

#endif
