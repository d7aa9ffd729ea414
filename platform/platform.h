/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board under the image: console, CPUs, exit; with the drivers of interrupts and time.
 *
 * Everything here is found in the device tree by `compatible`. arch/arm64 calls in
 * through board_ops alone (board_ops.c), sched/ through sched_glue.c; the monitor and
 * the tests use the rest. "Any context" includes interrupt handlers and a panic.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <zonal/boot_info.h>
#include <zonal/types.h>

#include "board/board_facts.h"
#include "board/bootargs.h"
#include "drivers/irq/irq.h"
#include "drivers/timer/timer.h"

/* The board, filled at boot and constant from then on. */
extern struct boot_info boot_info;
extern struct board_facts board_facts;
/* The boot arguments as understood. */
extern struct bootargs boot_args;

/* Value of an accepted word of the boot arguments ("" if it has none), or NULL. */
const char *platform_arg(const char *name);

/* Read the arguments from all places that have some; how many words were refused. Boot, or one
 * task at a time, which gets the same again. */
unsigned platform_read_arguments(struct bootargs *args, bootargs_report_fn report);

/* ---- entry, by way of board_ops ----------------------------------------- */

/* The boot CPU, MMU on, on its boot stack, interrupts masked. */
void platform_main(uint64_t dt_phys) ZN_NORETURN;
/* Any other CPU, MMU on, on its own stack, interrupts masked. */
void platform_secondary(unsigned cpu) ZN_NORETURN;

/* One line: version, compiler, build options. Any context. */
void platform_print_version(void);

/* ---- console ------------------------------------------------------------ */

/* Stands for characters that the line lost. */
#define CONSOLE_LOST 0x100
/* The next character typed, CONSOLE_LOST, or -1. One task reads. */
int console_getc(void);
/* Wait for a character. Context: the task that reads; sleeps. */
int console_wait_char(void);
/* Is there something typed and not yet read? The reader. */
bool console_has_input(void);
/* The same, waiting for so long at most. Context: the reader; sleeps. */
bool console_key_within(uint64_t ns);
/* Is there a Ctrl-C among what was typed and not yet read? Any task. */
bool console_stop_asked(void);
/* Forget what was typed up to the last Ctrl-C; how many characters besides. The reader. */
unsigned console_drop_to_break(void);
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

/* ---- interrupts between CPUs --------------------------------------------- */

/* irq_send_ipi(), and an offline CPU is ignored. Any context. */
void ipi_send(unsigned cpu, enum ipi kind);

/* ---- background reclaim --------------------------------------------------- */

/* A task for each node with memory. Once, when all CPUs are there. Context: task. */
void kswapds_start(void);
/* A task of a node, on the node's CPUs if it has some, its name KIND and the node's number; its
 * end is nobody's concern. False, and a line that says so: no memory. Context: task. */
bool platform_node_task(unsigned nid, const char *kind, int (*fn)(void *), void *arg,
			unsigned priority);

/* ---- per-CPU lists -------------------------------------------------------- */

/* The task that has pages given back that a CPU keeps of other nodes. Context: task. */
void vmstat_start(void);

/* ---- the device tree -------------------------------------------------------- */

/* A place for it beside what boot takes, if it is in the way. Boot, before RAM is mapped. */
void tree_home_take(struct boot_info *info);
/* It moves there, and its old pages are free. Boot, RAM is mapped and no seed is left in it. */
void tree_home_move(struct boot_info *info);

/* ---- pages that are initialised later -------------------------------------- */

/* Whether the board leaves some for later: deferred=, or its size. Boot. */
bool page_init_wanted(void);
/* A task for each node that has such pages; they end when all are there. Context: task. */
void page_init_start(void);

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
/* Index of the CPU that booted, in boot_info.cpu and board_facts.cpu. */
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

/* What page_poison asks of pages (page_contents.c). */
extern const struct zonal_contents page_contents;

/* A file of whoever runs the board (record_file.c): begun, false if it cannot be; then text, false
 * if it is not all written; NULL ends the file. One at a time. Context: task. */
bool platform_file_open(const char *name) ZN_MUST_USE;
bool platform_file_write(const char *text, size_t length) ZN_MUST_USE;

#endif
