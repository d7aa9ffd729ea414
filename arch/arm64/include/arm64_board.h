/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the port asks of the board it runs on: the one way from arch/ upwards.
 *
 * arch/arm64 knows cores and memory; what devices there are, who schedules and how a
 * run ends is known above it. Who links the port supplies the one `board_ops`
 * (platform/board_ops.c). Every entry is there. Each is called on the CPU it acts on.
 */
#ifndef ARM64_BOARD_H
#define ARM64_BOARD_H

#include <zonal/types.h>

struct user_port;

/* How a panic may use the console, from the gentlest to the last. */
enum board_console {
	BOARD_CONSOLE_ALONE,   /* this CPU prints, without a lock; no other does */
	BOARD_CONSOLE_RESTORE, /* printing brought a fault: by the console's own function again */
	BOARD_CONSOLE_LOST,    /* and another one: into memory only */
};

struct board_ops {
	/* The boot core, MMU on, on its boot stack, interrupts masked; where the tree is, or 0. */
	void (*boot)(uint64_t dt_phys) ZN_NORETURN;
	/* Any other core, MMU on, on its own stack, interrupts masked. */
	void (*secondary)(unsigned cpu) ZN_NORETURN;
	/* Serve every pending interrupt. Interrupt context. */
	void (*irq)(void);
	/* The handler is done: must what it interrupted leave the CPU? Masked. */
	bool (*irq_exit)(void);
	/* Give the CPU away for what was interrupted, on its stack; masked. */
	void (*preempt)(void);
	/* Does this CPU serve calls? Any context. */
	bool (*cpu_online)(unsigned cpu);
	/* Let that CPU run arm64_ipi_call() soon. Any context. */
	void (*cpu_call)(unsigned cpu);
	/* ---- a task at EL0: on its kernel stack, as a task, open ---- */
	/* A system call: its arguments from x0 on, its number; what x0 becomes. */
	int64_t (*user_call)(struct user_port *port, const uint64_t *arg, uint64_t number);
	/* It read (USER_READ), wrote or fetched an address; `present`: something is mapped there.
	 * 0: it may try again. */
	int (*user_fault)(struct user_port *port, uint64_t address, uint32_t access, bool present);
	/* port->work is set. May not return. */
	void (*user_work)(struct user_port *port);
	/* It did what it must not, and that was reported: syndrome, address. */
	void (*user_die)(struct user_port *port, uint64_t detail, uint64_t address) ZN_NORETURN;
	/* What to call it, and what lies at an address, in a report. */
	const char *(*user_name)(const struct user_port *port);
	void (*user_describe)(struct user_port *port, uint64_t address, char *text, size_t size);
	/* ---- a panic: no lock is taken, nothing returns to what went on before ---- */
	void (*console)(enum board_console how);
	/* Stop every other CPU, for a bounded time; how many did not stop. */
	unsigned (*stop_others)(void);
	/* This CPU counts as stopped and sleeps for good. */
	void (*stop_self)(void) ZN_NORETURN;
	/* Print the state of what is above, from counters alone. */
	void (*report)(void);
	/* End the run: 0 good, 1 failed, 2 panic. */
	void (*exit)(int status) ZN_NORETURN;
};

extern const struct board_ops board_ops;

#endif
