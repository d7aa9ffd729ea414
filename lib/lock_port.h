/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port's own lock in place of tickets: ZONAL_PORT_LOCK in its port_impl.h, the contract is in
 * <zonal/port.h>. For lock.h alone. `owner` counts, so that a walk over lists sees that somebody
 * had the lock since it looked last.
 */
#ifndef LIB_LOCK_PORT_H
#define LIB_LOCK_PORT_H

/* Whether somebody else had it: see lock_ticket.h. */
static inline bool lock_raw_take(struct ticket_lock *lock)
{
	if (ZONAL_LOCKSTAT && zonal_port_lock_try(&lock->port))
		return false;
	zonal_port_lock_take(&lock->port);
	return true;
}

static inline bool lock_raw_try(struct ticket_lock *lock)
{
	return zonal_port_lock_try(&lock->port);
}

static inline void lock_raw_drop(struct ticket_lock *lock)
{
	st_relaxed(&lock->owner, (uint16_t)(ld_relaxed(&lock->owner) + 1));
	zonal_port_lock_drop(&lock->port);
}

static inline bool lock_raw_held(struct ticket_lock *lock)
{
	return zonal_port_lock_held(&lock->port);
}

#endif
