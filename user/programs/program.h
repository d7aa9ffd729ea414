/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For programs at EL0: system calls, and where they begin.
 *
 *	PROGRAM(arg) { print("hello\n"); return 0; }
 *
 * A program is one file, without a C library. What it returns is its exit status.
 */
#ifndef USER_PROGRAMS_PROGRAM_H
#define USER_PROGRAMS_PROGRAM_H

#include <zonal/user.h>
#include <zonal/zonal.h>

static inline int64_t call5(enum user_call number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			    uint64_t e)
{
	register uint64_t x0 __asm__("x0") = a;
	register uint64_t x1 __asm__("x1") = b;
	register uint64_t x2 __asm__("x2") = c;
	register uint64_t x3 __asm__("x3") = d;
	register uint64_t x4 __asm__("x4") = e;
	register uint64_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8)
			 : "memory");
	return (int64_t)x0;
}

static inline int64_t call(enum user_call number, uint64_t a, uint64_t b, uint64_t c)
{
	return call5(number, a, b, c, 0, 0);
}

static inline void ZN_NORETURN leave(int status)
{
	call(USER_CALL_EXIT, (uint64_t)(int64_t)status, 0, 0);
	__builtin_unreachable();
}

static inline uint64_t address_of(const volatile void *p) { return (uintptr_t)p; }

static inline void print(const char *text)
{
	uint64_t bytes = 0;

	while (text[bytes])
		bytes++;
	call(USER_CALL_WRITE, address_of(text), bytes, 0);
}

/* Memory of whole pages, NULL if there is none. */
static inline volatile uint8_t *map(uint64_t bytes, uint64_t rights)
{
	int64_t start = call(USER_CALL_MAP, 0, bytes, rights);

	return start < 0 ? (volatile uint8_t *)0 : (volatile uint8_t *)(uintptr_t)start;
}

static inline int64_t unmap(volatile uint8_t *start, uint64_t bytes)
{
	return call(USER_CALL_UNMAP, address_of(start), bytes, 0);
}

int program(uint64_t arg);
void _start(uint64_t arg) ZN_NORETURN;

#define PROGRAM(arg_)                                                                              \
	void _start(uint64_t arg)                                                                  \
	{                                                                                          \
		leave(program(arg));                                                               \
	}                                                                                          \
	int program(uint64_t arg_)

#endif
