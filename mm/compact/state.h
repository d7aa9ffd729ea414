/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a zone and a node keep for compaction. Hints and counts of attempts: whoever compacts
 * reads and writes them as they are, several at once, and nothing but effort depends on them.
 *
 *	a  atomic, relaxed
 */
#ifndef MM_COMPACT_STATE_H
#define MM_COMPACT_STATE_H

#include "lib/atomic.h"

struct zone_compact {
	/* X6: where the scanners begin. a: pfns; outside of the zone: at its ends. */
	_Atomic uint32_t used_at[2]; /* a: of asynchronous runs, of the others */
	_Atomic uint32_t free_at;    /* a */
	/* X3, X4 */
	_Atomic uint8_t considered;  /* a: requests since the last deferral */
	_Atomic uint8_t shift;       /* a: of 2^shift requests one goes */
	_Atomic uint8_t failed;      /* a: the lowest order that failed */
	_Atomic uint8_t flush;       /* a: the skip hints are to go when kswapd sleeps (X9) */
};

struct node_compact {
	_Atomic uint8_t wanted_order; /* a: what kcompactd is asked for; 0: nothing */
	_Atomic uint8_t wanted_zones; /* a: highest zone type + 1 */
	_Atomic uint8_t asleep;       /* a: it may be woken */
	uint8_t pause;                /* its kcompactd: rounds without working ahead (X15) */
};

#endif
