/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's command `group`. */
#ifndef MONITOR_GROUP_COMMAND_H
#define MONITOR_GROUP_COMMAND_H

#include "monitor_command.h"

/* The instance has a map of groups from here on; false: no memory for one, which was said. */
bool group_command_begin(struct zonal *mm);
int monitor_group(struct zonal *mm, const struct monitor_args *args);
/* Its words, and the names of the groups. */
const char *monitor_group_word(unsigned n);

#endif
