/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MONITOR_TRACE_TEXT_H
#define MONITOR_TRACE_TEXT_H

#include <zonal/trace.h>

/* The fields of a record with their names: " pfn=0x40000 order=3", or, as JSON,
 * ",\"pfn\":262144,\"order\":3". */
void trace_print_fields(const struct zonal_trace_record *record, bool json);

/* monitor_trace.c, for who reads the rings: a ring of so many bytes for each CPU that has none
 * yet; false, and said, if there is no memory. The points are off. */
bool trace_attach_all(struct zonal *mm, unsigned bytes);
/* Takes the oldest record that is older than `until`. False: there is none. */
bool trace_oldest(struct zonal *mm, uint64_t until, struct zonal_trace_record *out);

#endif
