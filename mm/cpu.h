/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the instance has for each CPU. Letters behind the fields: as in zone.h.
 */
#ifndef MM_CPU_H
#define MM_CPU_H

#include "event.h"
#include "group_state.h"
#include "zone.h"

/* Where this CPU's plain requests go first; zone NULL: not on its own node. i */
struct fast_lane {
	struct zone *zone;
	struct pcp *pcp;
};

/* Records of the trace points: slots [tail, head), each a number modulo the size. */
struct trace_ring {
	struct zonal_trace_record *slot; /* set once, before points are on; NULL: none */
	uint32_t mask;
	_Atomic uint32_t head; /* c */
	_Atomic uint32_t tail; /* the reader's */
	_Atomic uint64_t lost; /* c: records without room */
};

struct mm_cpu {
	struct fast_lane lane[2]; /* requests for NORMAL, for MOVABLE */
	uint8_t node;
	_Atomic uint8_t online;
	bool recording;     /* c: page_owner asks the port for the stack */
	struct pcp *pcp; /* one per zone id */
	struct zonal_failure failure; /* c: newest on this CPU */
	_Atomic uint64_t fallback_steals; /* c: M14 */
	_Atomic uint64_t kswapd_wakes;    /* c: requests for background reclaim */
	_Atomic uint64_t event[VM_EVENTS]; /* c */
	struct group_store store; /* c */
	struct trace_ring trace;
};

#endif
