/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MONITOR_TRACE_TEXT_H
#define MONITOR_TRACE_TEXT_H

#include <zonal/trace.h>

/* The fields of a record with their names: " pfn=0x40000 order=3", or, as JSON,
 * ",\"pfn\":262144,\"order\":3". */
void trace_print_fields(const struct zonal_trace_record *record, bool json);

#endif
