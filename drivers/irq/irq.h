/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt dispatch: set-up calls, for the platform only. See platform.h for the rest. */
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

#endif
