/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's own lock, with -DHOST_PARKS: who waits is put to sleep by the C library's mutex.
 *
 * A ticket lock hands on in the order of arrival. Where threads outnumber processors the next in
 * line is often one that does not run, and everybody waits for the scheduler at each hand-over; a
 * mutex lets whoever runs have it. So programs that measure on the host have this one. Tests do
 * not: there it is the ticket lock, the one that ships, that is to be tried. For port_impl.h alone.
 */
#ifndef HOST_LOCK_H
#define HOST_LOCK_H

#include <pthread.h>

#define ZONAL_PORT_LOCK 1

/* Zeroed memory is a free one: PTHREAD_MUTEX_INITIALIZER is all zeroes with glibc and musl. */
typedef struct {
	pthread_mutex_t mutex;
	_Atomic bool held; /* written by the holder, read by anybody */
} zonal_port_lock_t;

static inline void zonal_port_lock_take(zonal_port_lock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	atomic_store_explicit(&lock->held, true, memory_order_relaxed);
}

static inline bool zonal_port_lock_try(zonal_port_lock_t *lock)
{
	if (pthread_mutex_trylock(&lock->mutex) != 0)
		return false;
	atomic_store_explicit(&lock->held, true, memory_order_relaxed);
	return true;
}

static inline void zonal_port_lock_drop(zonal_port_lock_t *lock)
{
	atomic_store_explicit(&lock->held, false, memory_order_relaxed);
	pthread_mutex_unlock(&lock->mutex);
}

static inline bool zonal_port_lock_held(zonal_port_lock_t *lock)
{
	return atomic_load_explicit(&lock->held, memory_order_relaxed);
}

#endif
