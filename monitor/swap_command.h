/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's `swap`, for its table, and the boot argument of that name. */
#ifndef MONITOR_SWAP_COMMAND_H
#define MONITOR_SWAP_COMMAND_H

#include "monitor_command.h"

int monitor_swap(struct zonal *mm, const struct monitor_args *args);
const char *monitor_swap_word(unsigned n);

/* Add the areas of a list: ram:SIZE or disk:NAME, parted by commas. One line for each that is
 * refused; how many were. Context: boot or task. */
unsigned swap_add_list(const char *list);

#endif
