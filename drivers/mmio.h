/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers. Each access is one plain load or store: a volatile access in
 * C may become one with write-back, which a hypervisor cannot decode when it
 * emulates the device. Device-nGnRE memory keeps accesses to one device in
 * program order; order against normal memory is the caller's (mmio_barrier).
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <stdint.h>

static inline void *mmio_at(void *base, uintptr_t offset) { return (char *)base + offset; }

static inline uint32_t mmio_read32(void *base, uintptr_t offset)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(mmio_at(base, offset)) : "memory");
	return value;
}

static inline void mmio_write32(void *base, uintptr_t offset, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "rZ"(value), "r"(mmio_at(base, offset)) : "memory");
}

static inline uint64_t mmio_read64(void *base, uintptr_t offset)
{
	uint64_t value;

	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(mmio_at(base, offset)) : "memory");
	return value;
}

static inline void mmio_write64(void *base, uintptr_t offset, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" : : "rZ"(value), "r"(mmio_at(base, offset)) : "memory");
}

static inline uint16_t mmio_read16(void *base, uintptr_t offset)
{
	uint32_t value;

	__asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(mmio_at(base, offset)) : "memory");
	return (uint16_t)value;
}

static inline void mmio_write16(void *base, uintptr_t offset, uint16_t value)
{
	__asm__ volatile("strh %w0, [%1]"
			 :
			 : "rZ"((uint32_t)value), "r"(mmio_at(base, offset))
			 : "memory");
}

static inline uint8_t mmio_read8(void *base, uintptr_t offset)
{
	uint32_t value;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(mmio_at(base, offset)) : "memory");
	return (uint8_t)value;
}

static inline void mmio_write8(void *base, uintptr_t offset, uint8_t value)
{
	__asm__ volatile("strb %w0, [%1]"
			 :
			 : "rZ"((uint32_t)value), "r"(mmio_at(base, offset))
			 : "memory");
}

/* What this CPU wrote to memory is there for all before its next device access. */
static inline void mmio_barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

#endif
