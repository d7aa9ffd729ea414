/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_FAILURE_TEXT_H
#define MM_FAILURE_TEXT_H

#include "mm.h"

#include "lib/printf.h"

/* Text that grows, and is cut where the buffer ends. Begins with length 0 and a NUL. */
struct text {
	char *at;
	size_t size;
	size_t length;
};

#define TEXT_ADD(t, ...)                                                                           \
	do {                                                                                       \
		size_t room_ = (t)->size - (t)->length;                                            \
		int n_ = zn_snprintf((t)->at + (t)->length, room_, __VA_ARGS__);                   \
		(t)->length += ZN_MIN((size_t)(n_ < 0 ? 0 : n_), room_ ? room_ - 1 : 0);           \
	} while (0)

#endif
