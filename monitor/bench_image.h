/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark inside the image. */
#ifndef MONITOR_BENCH_IMAGE_H
#define MONITOR_BENCH_IMAGE_H

#include <stdbool.h>

/* As bench_run() on the board's cores. Context: task. */
int bench_image(const char *glob, bool json);

#endif
