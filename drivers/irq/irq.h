/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: the controller, handlers, and interrupts between CPUs.
 *
 * Set-up (irq_start to irq_controller_name) is for the platform. "Any context" includes
 * interrupt handlers and a panic.
 */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include "board/device.h"

/* Find the GIC of the tree and start it, this CPU's part too; false, said why, if that fails. */
bool irq_start(void);
/* This CPU's part: SGIs enabled, PPIs by irq_enable(). */
bool irq_start_cpu(unsigned cpu);
/* As irq_register(), with the trigger that the tree names. */
void irq_attach(const struct device_irq *irq, void (*fn)(void *), void *arg);
/* Enable an attached PPI on this CPU too. */
void irq_enable_ppi(const struct device_irq *irq);
/* "GICv3", ... or "none". */
const char *irq_controller_name(void);

/* Serve every pending interrupt of this CPU. Interrupt context. */
void irq_serve(void);
/* Call fn(arg) for interrupt `intid` and enable it (PPI: on this CPU). Boot or task. */
void irq_register(unsigned intid, void (*fn)(void *), void *arg);
/* Raise an SPI by software; false if the GIC has no such SPI. Any context. */
bool irq_trigger(unsigned intid) ZN_MUST_USE;

/* The number is the SGI that carries it. Secure firmware may keep SGIs 8-15. */
enum ipi { IPI_CALL, IPI_RESCHED, IPI_STOP, IPI_KINDS };

/* What a CPU does when it gets this one; without, it only looks up. Before irq_start(). */
void irq_on_ipi(enum ipi kind, void (*fn)(void));
/* Interrupt `cpu`, which has done irq_start_cpu(); what this CPU wrote before is visible to
 * its handler. Any context. */
void irq_send_ipi(unsigned cpu, enum ipi kind);
/* How many interrupts of this kind `cpu` has served. */
uint64_t ipi_count(unsigned cpu, enum ipi kind);

#endif
