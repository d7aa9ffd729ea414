/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's `user`, for its table. */
#ifndef MONITOR_USER_COMMAND_H
#define MONITOR_USER_COMMAND_H

#include "monitor_command.h"

int monitor_user(struct zonal *mm, const struct monitor_args *args);
/* What may come behind it: its words, then the programs of the image. */
const char *monitor_user_word(unsigned n);
/* Start the program of word `at`, with the argument behind it, and print its id. Exit status. */
int monitor_user_start(const struct monitor_args *args, unsigned at);
/* fn() for the task whose id is word `at`; false: there is none, which was said. */
bool monitor_user_memory(const struct monitor_args *args, unsigned at,
			 void (*fn)(struct zonal_task *memory, void *arg), void *arg);

#endif
