/* SPDX-License-Identifier: BSD-2-Clause */
/* Turning the board off by a line of its own, where no firmware does it. */
#ifndef DRIVERS_GPIO_POWER_H
#define DRIVERS_GPIO_POWER_H

/* Return only if the board has no such line that we can drive. Any context. */
void gpio_power_off(void);
void gpio_power_reset(void);

#endif
