/* SPDX-License-Identifier: BSD-2-Clause */
/* The disks of the board. */
#ifndef PLATFORM_DISKS_H
#define PLATFORM_DISKS_H

/* Find the disks, say which there are. Context: the task "main", during boot. */
void disks_start(void);
/* The task that writes back, if there are disks. Context: the same, when tasks are started. */
void disks_start_task(void);

#endif
