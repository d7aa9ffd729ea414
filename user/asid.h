/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of address spaces for the TLB, and their rollover. See asid.c. */
#ifndef USER_ASID_H
#define USER_ASID_H

#include "lib/lock.h"

#define ASID_BITS_MAX 16

/* What a space keeps: generation above the lowest ASID_BITS_MAX bits, number below; 0: none yet. */
typedef _Atomic uint64_t asid_t;

struct asid_pool {
	struct ticket_lock lock;
	unsigned bits;                /* i; 8 or 16 on arm64 */
	unsigned hint;                /* lock: no free number below it */
	_Atomic uint64_t generation;  /* a; changed under lock */
	uint64_t used[1 << (ASID_BITS_MAX - 6)];   /* lock: bit n: number n belongs to a space */
	asid_t active[ZONAL_MAX_CPUS];             /* a; what the CPU runs; 0: a rollover took it */
	uint64_t reserved[ZONAL_MAX_CPUS];         /* lock: what it ran at the last rollover */
	bool flush[ZONAL_MAX_CPUS];                /* lock: its TLB holds older generations */
};

/* `pool` is nobody's yet. */
void asid_init(struct asid_pool *pool, unsigned bits);

/*
 * CPU `cpu`, the caller's, is about to run the space of `asid`: the number to use, never 0. *flush:
 * this CPU's whole TLB must be emptied before that. Masked.
 */
unsigned asid_use(struct asid_pool *pool, unsigned cpu, asid_t *asid, bool *flush);

/* The number that a space was given last, for invalidation; 0: none, and no TLB knows the space. */
static inline unsigned asid_number(asid_t *asid)
{
	return (unsigned)(ld_relaxed(asid) & ((1u << ASID_BITS_MAX) - 1));
}

#endif
