/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's `user`, for its table. */
#ifndef MONITOR_USER_COMMAND_H
#define MONITOR_USER_COMMAND_H

#include "monitor_command.h"

int monitor_user(struct zonal *mm, const struct monitor_args *args);
/* What may come behind it: its words, then the programs of the image. */
const char *monitor_user_word(unsigned n);

#endif
