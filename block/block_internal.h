/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of block/ share. */
#ifndef BLOCK_BLOCK_INTERNAL_H
#define BLOCK_BLOCK_INTERNAL_H

#include <zonal/port.h>

#include "block.h"

/*
 * Mask and take a lock, drop it and go back. Out of line, because a function that sleeps
 * between two of these goes on another CPU, which on the host is another thread.
 */
port_irqflags_t block_lock(struct ticket_lock *lock) ZN_NOINLINE LOCK_TAKES(*lock);
void block_unlock(struct ticket_lock *lock, port_irqflags_t flags) ZN_NOINLINE LOCK_DROPS(*lock);

/* May the caller sleep: is there a scheduler, and are interrupts open? */
bool block_may_sleep(void) ZN_NOINLINE;

/* From device.c: its name is free, its counters are 0. */
void block_queue_init(struct block_device *device);

#endif
