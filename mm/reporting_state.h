/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an instance keeps for free page reporting (A14).
 */
#ifndef MM_REPORTING_STATE_H
#define MM_REPORTING_STATE_H

#include <zonal/reporting.h>

#include "lib/atomic.h"

/* Written by whoever calls <zonal/reporting.h>, one at a time. */
struct reporting_state {
	const struct zonal_reporter *reporter; /* NULL: none */
	uint64_t due_ns;                       /* 0: no run is due */
	_Atomic uint64_t pages;                /* reported so far */
};

#endif
