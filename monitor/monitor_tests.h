/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands `test` and `bench`: tests_here.c, or tests_none.c in an image without tests. */
#ifndef MONITOR_MONITOR_TESTS_H
#define MONITOR_MONITOR_TESTS_H

#include "monitor_command.h"

int monitor_tests(struct zonal *mm, const struct monitor_args *args);
int monitor_bench(struct zonal *mm, const struct monitor_args *args);

#endif
