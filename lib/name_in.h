/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_NAME_IN_H
#define LIB_NAME_IN_H

#include <zonal/names.h>

#include "assert.h"

/* What a table of names has for a value, or ZONAL_NO_NAME: a value may come from a damaged page. */
static inline const char *name_in(const char *const *table, size_t count, unsigned value)
{
	ASSERT(table && count, "a table of %zu names", count);
	return value < count && table[value] ? table[value] : ZONAL_NO_NAME;
}

#define NAME_IN(table, value) name_in(table, ARRAY_SIZE(table), value)

#endif
