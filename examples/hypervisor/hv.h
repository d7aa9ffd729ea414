/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the hypervisor know of each other: cores, the board, the console, the
 * allocator.
 *
 * Core 0 manages: it builds guests, moves their memory, and takes them down. Every other core runs
 * at most one guest, which has one vCPU and stays there. EL2 is never preempted; it maps all RAM to
 * where it is, so an address of memory and a pointer are the same number.
 */
#ifndef HV_H
#define HV_H

#define ZONAL_PORT
#include "mmu.h"
#include "sysreg.h"
#include "words.h"
#include "zonal.h"
#include <string.h>

#define HV_CPUS 8u
#define HV_STACK 0x4000u
#define HV_RAM 0x40000000u /* what lies below is devices */
#define MIB ((uint64_t)1 << 20)
#define BLOCK_ORDER 9u /* of a stage-2 block, 2 MiB */
#define BLOCK_BYTES ((uint64_t)ZONAL_PAGE_SIZE << BLOCK_ORDER)

struct hv_guest;

/* A core. TPIDR_EL2 points to its own; another's fields are written before it starts, or are
 * atomic. */
struct hv_cpu {
	struct hv_port_cpu port; /* first: what the allocator's hooks see */
	uint64_t stack;          /* start.S takes it from here */
	struct zonal_task task;
	uint64_t mpidr;
	unsigned node;
	void *redistributor;
	_Atomic bool online;
	struct hv_guest *_Atomic guest;    /* what it shall run; it clears this at the end */
	_Atomic bool calling;              /* somebody's call is under way: */
	void (*_Atomic fn)(void *);        /* not NULL: and not served yet */
	void *arg;
};

/* What the device tree and the command line say. */
struct hv_board {
	struct zonal_boot_info info;
	uint64_t tree, tree_bytes;
	uint64_t modules, modules_bytes;   /* the archive given as -initrd; 0: none */
	uint64_t distributor, redistributors, redistributors_bytes;
	unsigned cpus;
	const char *arguments;
};

extern struct hv_cpu hv_cpus[HV_CPUS];
extern struct hv_board hv_board;
extern struct zonal *hv_mm;

static inline struct hv_cpu *this_cpu(void) { return (struct hv_cpu *)sysreg_read(tpidr_el2); }
static inline void *hv_pointer(uint64_t address) { return (void *)address; }
static inline uint64_t hv_address(const void *pointer) { return (uint64_t)pointer; }

/* ---- console.c: lines of whole text, each core's apart ---- */
void hv_say(const char *fmt, ...) ZONAL_PRINTF(1, 2); /* "hypervisor: " and a newline added */
void hv_say_guest(const char *name, const char *line);
void hv_crash(uint64_t esr, uint64_t elr, uint64_t far) ZONAL_NORETURN;
void hv_power_off(void) ZONAL_NORETURN;

/* ---- cpu.c ---- */
typedef _Atomic unsigned hv_lock_t;
void hv_lock(hv_lock_t *lock);     /* serves calls while it waits */
void hv_unlock(hv_lock_t *lock);
void hv_cpus_start(void);          /* all that the board has */
void hv_cpu_wake(struct hv_cpu *cpu);
void hv_cpu_serve(void);           /* run what another core asked of this one */
void hv_cpu_wait(uint64_t ticks);  /* until an interrupt, or a time; 0: no time */
void hv_secondary_main(struct hv_cpu *cpu) ZONAL_NORETURN;
uint64_t hv_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* ---- board.c ---- */
int hv_board_read(const void *tree); /* 0, or it has said what is wrong */

/* ---- gic.c: the interrupt controller as it is ---- */
#define HV_SGI_CALL 0u
#define HV_PPI_MAINTENANCE 25u
#define HV_PPI_HYP_TIMER 26u
#define HV_PPI_VIRTUAL_TIMER 27u
void hv_gic_start(void);
void hv_gic_start_cpu(struct hv_cpu *cpu);
void hv_gic_signal(const struct hv_cpu *cpu);
void hv_gic_serve(void); /* all that is pending */
void hv_gic_end_timer(void); /* the virtual timer's, which a guest may have left active */

#endif
