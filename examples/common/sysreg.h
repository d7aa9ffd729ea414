/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers and barriers by their names.
 */
#ifndef EXAMPLES_SYSREG_H
#define EXAMPLES_SYSREG_H

#include <stdint.h>

#define sysreg_read(name) __extension__({ \
	uint64_t value_; \
	__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory"); \
	value_; })
#define sysreg_write(name, value) \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define isb() __asm__ volatile("isb" : : : "memory")
#define dsb(domain) __asm__ volatile("dsb " #domain : : : "memory")

/* Of the core that asks: 1, 2 or 3. */
static inline unsigned exception_level(void) { return sysreg_read(CurrentEL) >> 2 & 3; }

#endif
