/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named things that tasks are in: what the monitor's `group` and `cpuset` have in common. See
 * members.c. Context: task; one task runs the monitor.
 */
#ifndef MONITOR_MEMBERS_H
#define MONITOR_MEMBERS_H

#include "monitor_command.h"

enum { MEMBERS_MOST = 16, MEMBERS_NAME_BYTES = 16 };

struct zonal_task;

struct members {
	const char *command, *things;          /* of messages: "group", "groups" */
	bool (*reserved)(const char *name);    /* NULL: any name will do */
	const char *names;                     /* what else a name may not be; "": nothing */
	void (*enter)(struct zonal_task *memory, int n); /* it is in the n-th; -1: in none */
	bool (*drop)(unsigned n);              /* false: not yet, for `kept` */
	const char *kept;
	char name[MEMBERS_MOST][MEMBERS_NAME_BYTES]; /* empty: there is none */
};

/* The number of that name; -1: there is none, which was said. */
int members_find(const struct members *members, const char *name);
/* A number that is free for a new name; -1: there can be none, and why was said. */
int members_place(const struct members *members, const char *name);
/* It is there. */
void members_add(struct members *members, int n, const char *name);

/* The status of `start NAME PROGRAM [N]`, `add NAME ID`, `leave ID` or `drop NAME`; -1: the command
 * is none of these. */
int members_run(struct members *members, const struct monitor_args *args);
/* The n-th name that there is, NULL behind the last: for completion. */
const char *members_name(const struct members *members, unsigned n);

#endif
