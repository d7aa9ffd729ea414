/* SPDX-License-Identifier: BSD-2-Clause */
/* The ranges of an address space: what is mapped where, with which rights. See range.c. */
#ifndef USER_RANGE_H
#define USER_RANGE_H

#include <zonal/user.h>
#include <zonal/zonal.h>

struct user_range {
	uint64_t start, end; /* whole pages, start < end */
	uint32_t rights;     /* USER_READ, _WRITE, _EXEC, and USER_HUGE */
	struct mempolicy policy; /* MPOL_DEFAULT: the task's */
};

/* Ascending, apart; two that touch differ. The task's own. */
struct user_ranges {
	uint32_t count;
	struct user_range range[ZONAL_USER_RANGES];
};

/* [start, start + bytes) as whole pages inside of the addresses of programs. False: it is not, and
 * *end is not written. */
bool range_sound(uint64_t start, uint64_t bytes, uint64_t *end);

/* The range that holds an address, NULL if there is none. */
struct user_range *range_find(struct user_ranges *ranges, uint64_t address);

/* True if [start, end) is mapped from end to end. */
bool range_covers(const struct user_ranges *ranges, uint64_t start, uint64_t end);

/* Lowest address with `bytes` unmapped behind it, aligned to `align`; 0 if there is none. */
uint64_t range_gap(const struct user_ranges *ranges, uint64_t bytes, uint64_t align);

/* 0, USER_EEXIST if any of it is mapped, USER_ENOMEM if the table is full. */
int range_add(struct user_ranges *ranges, uint64_t start, uint64_t end, uint32_t rights);

/* Nothing is mapped there from now on. 0, or USER_ENOMEM: cutting needs an entry too many. */
int range_remove(struct user_ranges *ranges, uint64_t start, uint64_t end);

/* [start, end), which must be mapped, gets other rights (USER_HUGE stays) or another policy (NULL:
 * not). 0, USER_EINVAL for a hole, USER_ENOMEM as above; then nothing has changed. */
int range_protect(struct user_ranges *ranges, uint64_t start, uint64_t end, uint32_t rights);
int range_bind(struct user_ranges *ranges, uint64_t start, uint64_t end,
	       const struct mempolicy *policy);

/* True if the table keeps its rules; for tests. */
bool range_check(const struct user_ranges *ranges);

#endif
