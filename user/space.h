/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces, and the table of tasks at EL0 that they belong to. What the files of user/ share.
 *
 * Letters after a field name what guards it:
 *	(i) immutable once the task runs    (o) the task itself
 *	(s) process->lock                   (t) the table's lock     (a) atomic, any reader
 */
#ifndef USER_SPACE_H
#define USER_SPACE_H

#include <zonal/boot_info.h>
#include <zonal/user.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/lock.h"
#include "range.h"
#include "sched/sched.h"
#include "user_port.h"

struct user_process;

/* Of a task that is to end, and of who takes its memory from it: better than kswapd's, since very
 * many that wait for that memory want to run too, each every few milliseconds. */
#define USER_PRIORITY_ENDS (SCHED_PRIORITY_DEFAULT + 2)

/* One page. The port's part comes first, so that either can be had from the other. */
struct user_space {
	struct user_port port;
	struct user_process *process; /* i */
	_Atomic uint64_t pages;       /* a; changed under s: mapped, in units of 4 KiB */
	_Atomic uint64_t blocks;      /* a; changed under s: how many of them are blocks of 2 MiB */
	_Atomic uint64_t parked;      /* a; changed under s: places whose page is elsewhere */
	_Atomic uint64_t tables;      /* a; changed by o: pages that hold page tables */
	_Atomic uint64_t faults;      /* a; changed by o: pages and blocks that came by a fault */
	uint64_t lost;                /* o: where a page could not be read from swap; 0: nowhere */
	_Atomic bool busy;            /* a; changed by o: maps or cuts what it has not listed yet */
	struct user_ranges ranges;    /* o */
};

_Static_assert(sizeof(struct user_space) <= PAGE_SIZE, "a space is one page");

enum process_state { PROCESS_FREE, PROCESS_STARTS, PROCESS_RUNS, PROCESS_ENDED };

/* A slot of the table. It outlives the space: who comes with a page's handle finds the lock. */
struct user_process {
	struct ticket_lock lock;
	struct user_space *space;  /* s: NULL before and after */
	struct task *task;         /* t: while it can be interrupted and woken */
	const struct zonal_task *ending; /* t: from then on, until its memory is back */
	_Atomic uint32_t id;       /* a; changed under t: 0 in a free slot */
	uint32_t parent;           /* t: who may wait for it; 0: the kernel */
	bool waited;               /* t: somebody will; else its slot is free when it ends */
	_Atomic uint32_t state;    /* a; changed under t */
	_Atomic bool killed;       /* a */
	_Atomic int32_t adj;       /* a: of <zonal/oom.h> */
	_Atomic uint32_t doom;     /* a: ZONAL_OOM_VICTIM, ZONAL_OOM_REAPED */
	struct user_end end;       /* o; then read by who waits */
	struct wait_queue sleep;   /* where it sleeps; woken to be killed */
	_Atomic uint32_t releases; /* a; changed under s: places that were held and are no more */
	bool release_wanted;       /* s: it sleeps for the next of them */
	char name[16];             /* i */
	char label[40];            /* i: "name (user task 7)" */
	const struct user_program *program; /* i */
	uint64_t entry, arg;       /* i */
	uint32_t slot;             /* i: where it is in the table */
};

/* A program of the image, from the section "programs". */
struct user_program {
	const char *name;
	const void *file;
	const void *end;
};

static inline struct user_space *space_of(struct user_port *port)
{
	return (struct user_space *)(void *)port;
}

/* ---- space.c ------------------------------------------------------------ */

/* An empty space for that slot, or NULL: no memory. Context: task. */
struct user_space *space_make(struct user_process *process);
/* Nothing of it is left, in memory or in a TLB. The task itself, no longer at EL0. */
void space_drop(struct user_space *space);

/* Put the program into it; NULL, or why not. Nothing runs there yet, *entry is where it will. */
const char *space_load(struct user_space *space, const struct user_program *program,
		       uint64_t *entry);

/* Take page tables' lock; masked until the other. */
port_irqflags_t space_lock(struct user_space *space);
void space_unlock(struct user_space *space, port_irqflags_t flags);

/* No block goes on over either address from now on. 0 or USER_ENOMEM. The task itself. */
int space_cut(struct user_space *space, uint64_t start, uint64_t end);
/* What is mapped in [start, end), cut before, goes, memory and all; the ranges stay. Same rules. */
void space_clear(struct user_space *space, uint64_t start, uint64_t end);
/* Rights of the ranges there have changed. Same rules. */
int space_protect(struct user_space *space, uint64_t start, uint64_t end, uint32_t rights);
/* For the reaper, not the task itself: the next part of all that is mapped in sweep->start to
 * ->end goes, the tables stay. False: not now. Context: task. */
bool space_reap(struct user_process *process, struct user_sweep *sweep);
/* Pages of it that are mapped one by one go to that node, through reclaim's owner; how many went.
 * Ends early when the task is killed. The task itself, no lock held, sleeps. */
uint64_t space_to_node(struct user_space *space, uint64_t start, uint64_t end, unsigned nid);
/* A page more for tables. False: no memory. */
bool space_feed(struct user_space *space);

static inline void count_drop(_Atomic uint64_t *count, uint64_t by)
{
	DASSERT(ld_relaxed(count) >= by, "%llu of %llu", (unsigned long long)by,
		(unsigned long long)ld_relaxed(count));
	st_relaxed(count, ld_relaxed(count) - by);
}

/* ---- fault.c ------------------------------------------------------------ */

/* The task touches an address: bring what belongs there. `present`: something is there, and the
 * access failed all the same. 0, USER_EFAULT: it has no right to, USER_ENOMEM. */
int space_fault(struct user_space *space, uint64_t address, uint32_t access, bool present);

/* A cleared page for va under the policy there, or NULL; and its mapping: 0, or an error, and it is
 * freed. */
struct page *space_take_page(struct user_space *space, uint64_t va);
int space_place_page(struct user_space *space, uint64_t va, struct page *page, uint32_t rights);

/* Copies that bring what they touch. 0 or USER_EFAULT; then a part may be copied. */
int space_copy_in(struct user_space *space, void *to, uint64_t from, size_t bytes);
int space_copy_out(struct user_space *space, uint64_t to, const void *from, size_t bytes);

/* ---- page_back.c -------------------------------------------------------- */

/* Of a parked place at va: its page is there, or will be read. 0; 1: nothing is there; USER_ENOMEM,
 * USER_EIO. The task itself, no lock held, sleeps. */
int space_bring_back(struct user_space *space, uint64_t va);
/* Map that page at a parked place. Locked. */
void space_unpark(struct user_space *space, uint64_t va, const struct page *page);
/* Wait until some held place is no more: first, locked, say so; then, not locked, sleep. */
uint32_t space_expect(struct user_space *space);
void space_wait(struct user_space *space, uint32_t seen);

/* ---- owner.c ------------------------------------------------------------ */

/* A single page that was mapped at va / pages that no TLB knows any more. The task itself. */
void owner_page_add(struct user_space *space, struct page *page, uint64_t va);
void owner_pages_remove(struct page **page, unsigned count);
/* The token of a parked place that is no more: what swap has there goes. The task itself. */
void owner_place_drop(uint64_t token);
/* The callbacks, for tests. */
struct zonal_owner_ops;
const struct zonal_owner_ops *user_owner_ops(void);

/* ---- process_table.c ---------------------------------------------------- */

/* A table of so many slots; it stays as it is if there is no memory for more than the usual one.
 * While there is no task. Context: boot or task. */
void process_begin(unsigned tasks);
/* How many slots there are; the n-th, NULL behind the last; the one that a task of that id is in,
 * or was. */
unsigned process_slots(void);
struct user_process *process_slot(unsigned n);
struct user_process *process_place(uint64_t id);

/* ---- process.c ---------------------------------------------------------- */

struct user_process *process_current(void);
/* The n-th program of the image, NULL behind the last. */
const struct user_program *process_program(unsigned n);
/* The calling task, which has a space, ends here. */
void process_end(struct user_space *space, const struct user_end *end) ZN_NORETURN;
/* Start a program by name for that parent. Its id, or a negative error with *why it failed. */
int process_spawn(const char *name, uint64_t arg, uint32_t parent, const char **why);
/* 0, USER_ESRCH: no child of `parent`; sleeps until it has ended, or the caller is killed. */
int process_wait(uint32_t id, uint32_t parent, struct user_end *end);
/* Of that parent's, PARENT_ANY: of anybody's. */
#define PARENT_KERNEL 0u
#define PARENT_ANY UINT32_MAX
int process_kill(uint32_t id, uint32_t parent);
/* A copy for `user`; false: the slot is free. */
struct user_info;
bool process_look(struct user_process *process, struct user_info *out);
/* What the choice of a victim must know; false: nothing is to be had there. */
struct zonal_oom_candidate;
bool process_candidate(struct user_process *process, struct zonal_oom_candidate *out);
/* The same end as by process_kill(), for lack of memory. False: it is gone. */
bool process_doom(uint32_t id);
/* Its adjustment, -1000 to 1000. 0, USER_ESRCH: no such task of that parent's, or USER_EINVAL. */
int process_adjust(uint32_t id, uint32_t parent, int64_t adj);
/* Its allocator's state is given to fn() while it cannot end. False: no such task, or not yet. */
bool process_memory(uint32_t id, void (*fn)(struct zonal_task *memory, void *arg), void *arg);
/* Sleep until the deadline or until killed. */
void process_sleep(struct user_process *process, uint64_t deadline_ns);

/* ---- call.c ------------------------------------------------------------- */

/* A system call: x0 to x4 in `arg`, the answer is what x0 becomes. */
int64_t space_call(struct user_space *space, const uint64_t *arg, uint64_t number);

#endif
