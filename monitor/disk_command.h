/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's command `disk`. */
#ifndef MONITOR_DISK_COMMAND_H
#define MONITOR_DISK_COMMAND_H

#include "monitor_command.h"

int monitor_disk(struct zonal *mm, const struct monitor_args *args);
/* Its words, and the names of the disks. */
const char *monitor_disk_word(unsigned n);

#endif
