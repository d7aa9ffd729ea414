/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of trace points: a ring, and what comes out of it. */
#ifndef TEST_UNIT_KT_TRACE_H
#define TEST_UNIT_KT_TRACE_H

#include "kt_cache.h"

#include "mm/trace.h"

static struct zonal_trace_record slots[64];

/* The caller's CPU has a ring, and these points are on. */
static inline bool trace_begin(struct zonal *mm, uint64_t points)
{
	if (!KT_EQ(zonal_trace_attach(mm, kt_cpu_id(0), slots, sizeof(slots)), 0))
		return false;
	zonal_trace_on(mm, points);
	return true;
}

/* The next record is of `point` with these fields. */
static inline bool next_is(struct zonal *mm, unsigned point, unsigned count, const uint32_t *field)
{
	struct zonal_trace_record record;

	if (!KT_OK(zonal_trace_read(mm, kt_cpu_id(0), &record, 1) == 1, "no record of %s",
		   zonal_trace_name(point)))
		return false;
	KT_OK(record.point == point, "%s where %s was expected", zonal_trace_name(record.point),
	      zonal_trace_name(point));
	KT_EQ(record.cpu, kt_cpu_id(0));
	for (unsigned i = 0; i < count; i++)
		KT_OK(record.field[i] == field[i], "%s: field %u is %u, not %u",
		      zonal_trace_name(point), i, record.field[i], field[i]);
	return true;
}

#define NEXT_IS(mm, id, ...)                                                                       \
	do {                                                                                       \
		const uint32_t want_[] = { __VA_ARGS__ };                                          \
		next_is(mm, ZONAL_TRACE_##id, ARRAY_SIZE(want_), want_);                           \
	} while (0)

static inline bool nothing_more(struct zonal *mm)
{
	struct zonal_trace_record record = { .point = 0 };

	return KT_OK(!zonal_trace_peek(mm, kt_cpu_id(0), &record), "a record of %s",
		     zonal_trace_name(record.point));
}

#endif
