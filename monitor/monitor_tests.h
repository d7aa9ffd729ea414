/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands `test` and `bench`: tests_here.c, or tests_none.c in an image without tests. */
#ifndef MONITOR_MONITOR_TESTS_H
#define MONITOR_MONITOR_TESTS_H

#include "monitor_command.h"

int monitor_tests(struct zonal *mm, const struct monitor_args *args);
int monitor_bench(struct zonal *mm, const struct monitor_args *args);
/* The n-th test or case, NULL behind the last: what Tab and help offer. */
const char *monitor_test_name(unsigned n);
const char *monitor_bench_name(unsigned n);

#endif
