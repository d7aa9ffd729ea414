/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks at EL0, for those above: start a program, wait for it, look.
 */
#ifndef USER_USER_H
#define USER_USER_H

#include <zonal/user.h>

/* There may be so many programs at a time (0: the usual number), and their pages can be on the
 * lists of reclaim from now on. Once, before the first program. Context: boot or task; the
 * allocator serves. */
void user_begin(unsigned tasks);

/* The most programs at a time. */
unsigned user_most(void);

/* From now on programs are ended when memory runs out. Once, in a task. */
void user_oom_begin(void);

/* The n-th program of the image, NULL behind the last. */
const char *user_program_name(unsigned n);

/*
 * Start the program of that name with `arg` in x0. It inherits the caller's memory policy and
 * allowed nodes. Returns its id; or USER_ENOENT, USER_ENOMEM, USER_EAGAIN, USER_EINVAL (the file is
 * refused), and *why (may be NULL) says it in words. Context: task.
 */
int user_start(const char *name, uint64_t arg, const char **why) ZN_MUST_USE;

/* Until it has ended; once for each id that user_start() gave. False: no such task. Context: task,
 * sleeps. */
bool user_join(int id, struct user_end *end) ZN_MUST_USE;

/* End it, wherever it is. False: no such task. Context: task. */
bool user_kill(int id);

/* Its place in the choice of whom to end when memory runs out, -1000 (never) to 1000. False: no
 * such task, or no such value. Context: task. */
bool user_adjust(int id, int64_t adj);

/* fn(what the allocator knows of it, arg), while it cannot end: masked, under the lock of the table
 * of tasks. False: no such task, or it has not begun. Context: task. */
struct zonal_task;
bool user_memory(int id, void (*fn)(struct zonal_task *memory, void *arg), void *arg);

/* A copy of what `user` prints of one. */
struct user_info {
	uint32_t id, parent;
	bool ended;
	char name[16];
	int adj; /* user_adjust() */
	uint64_t pages, blocks, tables, faults;
};

/* The tasks from slot *next on, at most `count`; returns how many, and where to go on in *next.
 * Values of running tasks are a moment old. Context: task. */
unsigned user_list(unsigned *next, struct user_info *out, unsigned count);

/* The same of the one task of that id. False: it has ended, or there never was one. */
bool user_look(int id, struct user_info *out);

/* What the port calls; contracts: arm64_board.h. */
struct user_port;
int64_t user_port_call(struct user_port *port, const uint64_t *arg, uint64_t number);
int user_port_fault(struct user_port *port, uint64_t address, uint32_t access, bool present);
void user_port_work(struct user_port *port);
void user_port_die(struct user_port *port, uint64_t detail, uint64_t address) ZN_NORETURN;
const char *user_port_name(const struct user_port *port);
void user_port_describe(struct user_port *port, uint64_t address, char *text, size_t size);

#endif
