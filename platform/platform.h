/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board under the image: console, time, interrupts, CPUs, exit.
 *
 * Everything here is found in the device tree by `compatible`. arch/arm64 calls
 * in through platform_main(), platform_secondary() and platform_irq(); sched/, the
 * monitor and the tests use the rest. "Any context" includes interrupt handlers
 * and a panic. Deadlines are absolute nanoseconds of timer_now_ns().
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <zonal/boot_info.h>
#include <zonal/types.h>

#include "board/bootargs.h"

/* The board, filled at boot and constant from then on. */
extern struct boot_info boot_info;
/* The boot arguments as understood. */
extern struct bootargs boot_args;

/* Value of an accepted word of the boot arguments ("" if it has none), or NULL. */
const char *platform_arg(const char *name);

/* ---- entry, called by arch/arm64 ---------------------------------------- */

/* The boot CPU, MMU on, on its boot stack, interrupts masked. */
void platform_main(uint64_t dt_phys) ZN_NORETURN;
/* Any other CPU, MMU on, on its own stack, interrupts masked. */
void platform_secondary(unsigned cpu) ZN_NORETURN;
/* Serve every pending interrupt of this CPU. Interrupt context. */
void platform_irq(void);

/* ---- console ------------------------------------------------------------ */

/* The next character typed, or -1. Any context. */
int console_getc(void);
/* Wait for a character. Context: task; sleeps. */
int console_wait_char(void);
/* Print; text of one call, up to 512 characters, is not mixed with that of other CPUs. It is
 * out on return. Any context; interrupts are masked for short pieces of the work only. */
void console_write(const char *text, size_t length);
/* A panic has begun on this CPU: it prints without the console's lock, no other does. */
void console_panic(void);
/* kprintf() shall write here again, whatever it was told since. Any context. */
void console_restore(void);
/* The UART brings faults: keep what is printed in memory from now on. Any context. */
void console_lost(void);
/* Wait until the last character has left the UART, for a bounded time. */
void console_flush(void);

/* ---- time --------------------------------------------------------------- */

/* Nanoseconds since the counter started. Any context, any CPU. */
uint64_t timer_now_ns(void);
/* Call sched_timer_tick() on this CPU at `deadline_ns`; 0: not at all. Masked. */
void timer_set_deadline(uint64_t deadline_ns);
/* How often the timer of `cpu` has fired. */
uint64_t timer_fired_count(unsigned cpu);
uint32_t timer_frequency_hz(void);

/* ---- interrupts --------------------------------------------------------- */

/* The number is the SGI that carries it. Secure firmware may keep SGIs 8-15. */
enum ipi { IPI_CALL, IPI_RESCHED, IPI_STOP, IPI_KINDS };

/* Interrupt `cpu`; what this CPU wrote before is visible to its handler. An
 * offline CPU is ignored. Any context. */
void ipi_send(unsigned cpu, enum ipi kind);
/* How many interrupts of this kind `cpu` has served. */
uint64_t ipi_count(unsigned cpu, enum ipi kind);
/* Call fn(arg) for interrupt `intid` and enable it (PPI: on this CPU). Boot or task. */
void irq_register(unsigned intid, void (*fn)(void *), void *arg);
/* Raise an SPI by software; false if the GIC has no such SPI. Any context. */
bool irq_trigger(unsigned intid) ZN_MUST_USE;

/* ---- CPUs --------------------------------------------------------------- */

enum cpu_state {
	CPU_UNUSED,   /* not started: maxcpus, disabled, unusable enable-method */
	CPU_STARTING, /* asked of the firmware */
	CPU_UP,       /* runs, waits to be let in */
	CPU_ONLINE,   /* serves */
	CPU_FAILED,   /* did not come up in time, or the firmware refused */
	CPU_STOPPED   /* took IPI_STOP */
};

enum cpu_state cpu_state(unsigned cpu);
bool cpu_is_online(unsigned cpu);
unsigned cpu_online_count(void);
/* Index of the CPU that booted, in boot_info.cpu. */
unsigned cpu_boot_index(void);
/* "online", "failed", ... */
const char *cpu_state_name(enum cpu_state state);
/* What IPI_STOP does: this CPU sleeps for good and counts as stopped. Any context. */
void smp_stop_self(void) ZN_NORETURN;
/* Stop every other CPU, wait a bounded time; returns how many did not stop. Any context. */
unsigned platform_stop_others(void);
/* The state of every zone, as text, for a panic: takes no lock, reads counters only. */
void platform_panic_report(void);

/* ---- the end ------------------------------------------------------------ */

/* 0 all good, 1 a command or test failed, 2 panic. Any context. */
void platform_exit(int status) ZN_NORETURN;

#endif
