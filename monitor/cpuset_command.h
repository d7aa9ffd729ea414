/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's command `cpuset`. */
#ifndef MONITOR_CPUSET_COMMAND_H
#define MONITOR_CPUSET_COMMAND_H

#include "monitor_command.h"

int monitor_cpuset(struct zonal *mm, const struct monitor_args *args);
/* Its words, and the names of the sets. */
const char *monitor_cpuset_word(unsigned n);

#endif
