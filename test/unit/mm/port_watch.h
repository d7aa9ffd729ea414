/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core asks of its port while memory is short, counted: naps, that others may run, that
 * kswapd or kcompactd wakes.
 *
 * From watch_port() to unwatch_port() a nap of the caller's task is counted and lasts no time, and
 * what others would do in it is done by kt_on_nap(); the same where it lets others run. What other
 * tasks of the image ask of its port meanwhile is theirs. In the host program, whose port has
 * nothing to do for either, all is counted at all times.
 *
 * Wakes are counted by instance: of the one that is watched none is passed on.
 */
#ifndef TEST_UNIT_PORT_WATCH_H
#define TEST_UNIT_PORT_WATCH_H

#include <zonal/zonal.h>

#include "lib/atomic.h"

extern _Atomic unsigned kt_naps, kt_ways; /* threads of one test may nap */
extern _Atomic uint64_t kt_nap_ns;        /* what the last one was asked to last */
/* What others do in each of them; NULL: nothing. */
extern void (*kt_on_nap)(void);
extern void (*kt_on_way)(void);

/* From here on, with both counts 0. */
void watch_port(void);
void unwatch_port(void);

struct watched_wakes {
	struct zonal *mm;
	unsigned count;
	nodemask_t nodes;
};
extern struct watched_wakes wakes;

/* Of this instance, from here on; NULL: of none. */
void watch_wakes(struct zonal *mm);

#endif
