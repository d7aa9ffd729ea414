/* SPDX-License-Identifier: BSD-2-Clause */
/* The disks of the board. */
#ifndef PLATFORM_DISKS_H
#define PLATFORM_DISKS_H

/* Find the disks, say which there are. Context: the task "main", during boot. */
void disks_start(void);

#endif
