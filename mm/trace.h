/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_TRACE_H
#define MM_TRACE_H

#include <zonal/trace.h>

#include "mm.h"

/* Is anybody interested? One load and one branch. */
static inline bool trace_wants(const struct zonal *mm, enum zonal_trace_point point)
{
	return ZONAL_AIDS &&
	       unlikely(ld_relaxed(&((struct zonal *)(uintptr_t)mm)->tracing) >> point & 1);
}

/* One record on this CPU. Any context, locks of the core may be held. */
void trace_write(struct zonal *mm, enum zonal_trace_point point, const uint32_t *field,
		 unsigned count);

/* trace(mm, PAGE_FREE, pfn, order): the fields in the order of the table. */
#define trace(mm, id, ...)                                                                         \
	do {                                                                                       \
		if (trace_wants(mm, ZONAL_TRACE_##id)) {                                           \
			const uint32_t field_[] = { __VA_ARGS__ };                                 \
			trace_write(mm, ZONAL_TRACE_##id, field_, ARRAY_SIZE(field_));             \
		}                                                                                  \
	} while (0)

#endif
