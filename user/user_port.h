/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tasks at EL0 ask of the port: page tables, the way to EL0, and copies across.
 *
 * A port supplies port_user.h with struct user_port, which lies at the start of each struct
 * user_space, and these functions. What it asks back goes through arm64_board.h's table. "Locked":
 * with the lock of the space held, masked. Addresses are those of programs, below USER_LIMIT;
 * physical ones are those of allocated pages. No function here takes memory.
 */
#ifndef USER_USER_PORT_H
#define USER_USER_PORT_H

#include <zonal/boot_info.h>
#include <zonal/user.h>
#include <zonal/zonal.h>

#include "port_user.h"

struct sched_context;

/* ---- page tables -------------------------------------------------------- */

/* `port` is zeroed; `root` is a cleared page. */
void user_port_make(struct user_port *port, uint64_t root);

/* A cleared page that the next mapping may use as a table. Locked. */
void user_port_feed(struct user_port *port, uint64_t table);

/*
 * Map a page (order 0) or a block of 2 MiB (order 9) with `rights`, as used just now. What it is to
 * execute is made visible to instruction fetches first. 0; USER_ENOMEM: feed a table, then try
 * again, at most three times; USER_EEXIST: the place holds something already, a swapped page
 * too. Locked.
 */
int user_port_map(struct user_port *port, uint64_t va, uint64_t phys, unsigned order,
		  uint32_t rights);

/* What is mapped at an address: its size as an order, its physical address. False: nothing.
 * Locked. */
bool user_port_look(const struct user_port *port, uint64_t va, uint64_t *phys, unsigned *order);

/* Is anything in the 2 MiB around va, a table for them among it? The task itself. */
bool user_port_holds(const struct user_port *port, uint64_t va);

/* The page at va is used: its access flag is set where hardware does not do that. Locked. */
void user_port_use(struct user_port *port, uint64_t va);

/* Was the page at va, if it is the single one at `phys`, used since the last call? Forgets it.
 * True: further uses may go unseen until user_port_see() was called with *stale; that needs no lock
 * and no space. Locked. */
bool user_port_used(struct user_port *port, uint64_t va, uint64_t phys, uint64_t *stale);
void user_port_see(uint64_t stale);

/* The block of 2 MiB at va becomes 512 pages. USER_ENOMEM: feed a table, try again. Locked. */
int user_port_split(struct user_port *port, uint64_t va);

/* Other rights for what is mapped in [va, end), which lies within 2 MiB and holds no part of
 * a block. Locked. */
void user_port_protect(struct user_port *port, uint64_t va, uint64_t end, uint32_t rights);

/* Leaves that a step of unmapping took out, and tables that are empty now. */
#define USER_BATCH 64u
#define USER_BATCH_ORDER 0xfull  /* bits of a word: order of the block */
#define USER_BATCH_TABLE 0x10ull /* it was a table */
#define USER_BATCH_PARKED 0x20ull /* it was a parked place: a token in place of the address */
struct user_sweep {
	uint64_t start, end; /* what goes; holds no part of a block */
	uint64_t next;       /* where to go on; begins at `start` */
	bool held;           /* the place at `next` is held: wait until it is not, then go on */
	bool keep_tables;    /* leaves only */
	unsigned count;
	uint64_t page[USER_BATCH]; /* physical address with the bits above */
	uint64_t va[USER_BATCH];   /* the port's */
};

/* Unmap the next part of it, at most USER_BATCH leaves and tables. When it returns no CPU can
 * reach any of them any more. Locked. Done when sweep->next == sweep->end. */
void user_port_unmap(struct user_port *port, struct user_sweep *sweep);

/* All is unmapped and nobody runs there: a table of it, the root last, then 0. Not locked. */
uint64_t user_port_drop_table(struct user_port *port);

/* ---- parked places ------------------------------------------------------ */

/*
 * A place whose page is elsewhere, in swap or under way to another frame. It keeps its rights and
 * a token, which is not 0 and has USER_TOKEN_BITS bits. One that is held waits for who holds it.
 */
#define USER_TOKEN_BITS 36

/* The page at va, which must be mapped, is out of reach of every CPU when this returns. Locked. */
void user_port_park(struct user_port *port, uint64_t va, uint64_t token, bool held);
/* The token of a parked place and whether it is held, 0: none is parked there. Locked; or the task
 * itself, to whom a held place may look different a moment later. */
uint64_t user_port_parked(const struct user_port *port, uint64_t va, bool *held);
/* Another token for a parked place, held or not. Locked. */
void user_port_repark(struct user_port *port, uint64_t va, uint64_t token, bool held);
/* A place that is parked and held is held no more: its token. Locked. */
uint64_t user_port_let_go(struct user_port *port, uint64_t va);
/* A page for a parked place: mapped with the rights of the place, as used just now. Locked. */
void user_port_unpark(struct user_port *port, uint64_t va, uint64_t phys);

/* ---- EL0 ---------------------------------------------------------------- */

/* The calling task, whose context that is, goes on at EL0. Task context. */
void user_port_enter(struct sched_context *context, struct user_port *port,
		     const uint64_t entry_sp_arg[3]) ZN_NORETURN;

/* The calling task is an ordinary one again, without addresses of programs. Task context. */
void user_port_leave(struct sched_context *context);

/* The one that runs here; NULL in a task that has no part at EL0. Any context. */
struct user_port *user_port_current(void);

/* ---- copies: from and to the running task's addresses, as EL0 may read and write them ---- */

/* Bytes that could not be copied: the first of them is not there, or not with that right.
 * Task context, open, no lock held. */
size_t user_port_copy_in(void *to, uint64_t from, size_t bytes);
size_t user_port_copy_out(uint64_t to, const void *from, size_t bytes);

/* ---- memory ------------------------------------------------------------- */

/* An allocated page as the kernel reads and writes it, and back. Any context. */
void *user_port_address(uint64_t phys);
uint64_t user_port_phys(const void *address);

/* The allocator that programs live on, and the board. Any context. */
struct zonal *user_port_memory(void);
const struct boot_info *user_port_board(void);

#endif
