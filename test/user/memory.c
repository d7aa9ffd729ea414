/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of a task at EL0: each case of `arg` maps, writes, changes and checks.
 *
 * Exit status 0, or the line of the check that failed. Words that are written hold their own
 * address, so that a page in a wrong place is noticed.
 */
#include "user/programs/program.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__;                                                           \
	} while (0)

#define RW (USER_READ | USER_WRITE)
#define BLOCK 0x200000ull

/* Every eighth byte's word holds its address, or is zero. */
static void fill(volatile uint8_t *from, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 512)
		*(volatile uint64_t *)(uintptr_t)(address_of(from) + at) = address_of(from) + at;
}

static bool filled(volatile uint8_t *from, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 512)
		if (*(volatile uint64_t *)(uintptr_t)(address_of(from) + at) !=
		    address_of(from) + at)
			return false;
	return true;
}

static bool zero(volatile uint8_t *from, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 8)
		if (*(volatile uint64_t *)(uintptr_t)(address_of(from) + at))
			return false;
	return true;
}

static int64_t advise(volatile uint8_t *from, uint64_t bytes)
{
	return call(USER_CALL_ADVISE, address_of(from), bytes, USER_DROP);
}

static int64_t protect(volatile uint8_t *from, uint64_t bytes, uint64_t rights)
{
	return call(USER_CALL_PROTECT, address_of(from), bytes, rights);
}

static int anonymous(void)
{
	uint64_t bytes = 300 * PAGE_SIZE;
	volatile uint8_t *a = map(bytes, RW);

	CHECK(a && zero(a, bytes));
	fill(a, bytes);
	CHECK(filled(a, bytes));
	CHECK(!unmap(a + 100 * PAGE_SIZE, 50 * PAGE_SIZE));
	CHECK(call(USER_CALL_WRITE, address_of(a) + 100 * PAGE_SIZE, 8, 0) == USER_EFAULT);
	CHECK(filled(a, 100 * PAGE_SIZE) && filled(a + 150 * PAGE_SIZE, 150 * PAGE_SIZE));
	CHECK(call(USER_CALL_MAP, address_of(a) + 100 * PAGE_SIZE, 51 * PAGE_SIZE, RW) ==
	      USER_EEXIST);
	CHECK(call(USER_CALL_MAP, address_of(a) + 100 * PAGE_SIZE, 50 * PAGE_SIZE, RW) ==
	      (int64_t)address_of(a) + 100 * (int64_t)PAGE_SIZE);
	CHECK(zero(a + 100 * PAGE_SIZE, 50 * PAGE_SIZE));
	CHECK(!advise(a, 10 * PAGE_SIZE) && zero(a, 10 * PAGE_SIZE));
	CHECK(filled(a + 10 * PAGE_SIZE, 90 * PAGE_SIZE));
	CHECK(!unmap(a, bytes) && !unmap(a, bytes));
	CHECK(advise(a, PAGE_SIZE) == USER_EINVAL);
	return 0;
}

static int blocks(void)
{
	volatile uint8_t *a = map(6 * BLOCK, RW | USER_HUGE);

	CHECK(a && !(address_of(a) & (BLOCK - 1)) && zero(a, 6 * BLOCK));
	fill(a, 6 * BLOCK);
	CHECK(!unmap(a + PAGE_SIZE, PAGE_SIZE));
	CHECK(filled(a, PAGE_SIZE) && filled(a + 2 * PAGE_SIZE, 6 * BLOCK - 2 * PAGE_SIZE));
	CHECK(!advise(a + BLOCK + 5 * PAGE_SIZE, BLOCK));
	CHECK(zero(a + BLOCK + 5 * PAGE_SIZE, BLOCK));
	CHECK(filled(a + BLOCK, 5 * PAGE_SIZE) && filled(a + 2 * BLOCK + 5 * PAGE_SIZE, BLOCK));
	CHECK(!protect(a + 3 * BLOCK, 2 * BLOCK, USER_READ));
	CHECK(filled(a + 3 * BLOCK, 3 * BLOCK));
	CHECK(call(USER_CALL_GET_POLICY, address_of(a) + 3 * BLOCK, 0, 0) == USER_EFAULT);
	CHECK(!protect(a + 3 * BLOCK, BLOCK, RW));
	fill(a + 3 * BLOCK, BLOCK);
	CHECK(filled(a + 3 * BLOCK, 3 * BLOCK));
	CHECK(!advise(a + 5 * BLOCK, BLOCK) && zero(a + 5 * BLOCK, BLOCK));
	CHECK(!unmap(a, 6 * BLOCK));
	return 0;
}

/* Memory becomes code, and memory again. */
static int code(void)
{
	volatile uint8_t *a = map(2 * PAGE_SIZE, RW);
	volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)address_of(a);
	int (*function)(void) = (int (*)(void))(uintptr_t)address_of(a);

	CHECK(a);
	for (unsigned i = 0; i < 50; i++) {
		word[0] = 0x52800000 | i << 5; /* MOV W0, #i */
		word[1] = 0xd65f03c0;          /* RET */
		CHECK(!protect(a, 2 * PAGE_SIZE, USER_READ | USER_EXEC));
		CHECK(function() == (int)i);
		CHECK(call(USER_CALL_GET_POLICY, address_of(a), 0, 0) == USER_EFAULT);
		CHECK(!protect(a, 2 * PAGE_SIZE, RW));
	}
	CHECK(protect(a, PAGE_SIZE, RW | USER_EXEC) == USER_EINVAL);
	return 0;
}

static int arguments(void)
{
	uint64_t page = PAGE_SIZE, a = address_of(map(4 * PAGE_SIZE, RW));
	struct user_end end;
	uint64_t bad[] = { 0, 1, page + 1, USER_BASE - page, USER_LIMIT, USER_LIMIT - page + 8,
			   0xffff000040200000, ~0ull, ~0xfffull, 1ull << 63 };

	CHECK(a);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(call(USER_CALL_UNMAP, bad[i], page, 0) < 0);
		CHECK(call(USER_CALL_ADVISE, bad[i], page, USER_DROP) < 0);
		CHECK(call(USER_CALL_PROTECT, bad[i], page, USER_READ) < 0);
		CHECK(call5(USER_CALL_BIND, bad[i], page, MPOL_LOCAL, 0, 0) < 0);
		CHECK(call(USER_CALL_WRITE, bad[i], 8, 0) == USER_EFAULT);
		CHECK(call(USER_CALL_GET_POLICY, bad[i], 0, 0) == USER_EFAULT);
		CHECK(call(USER_CALL_SPAWN, bad[i], 5, 0) == USER_EFAULT);
		CHECK(call(USER_CALL_WAIT, bad[i], address_of(&end), 0) == USER_ESRCH);
		CHECK(call(USER_CALL_KILL, bad[i], 0, 0) == USER_ESRCH);
		CHECK(i == 0 || call(USER_CALL_MAP, bad[i], page, RW) < 0);
		/* One of them is a good size, though no good address. */
		CHECK(i == 3 || call(USER_CALL_MAP, 0, bad[i], RW) < 0);
		CHECK(i == 3 || call(USER_CALL_UNMAP, a, bad[i], 0) < 0);
		CHECK(i == 0 || call(USER_CALL_MOVE, bad[i] + 64, 0, 0) < 0);
		CHECK(call(USER_CALLS + (enum user_call)(bad[i] & 0xffffff), a, page, 0) ==
		      USER_ENOSYS);
	}
	CHECK(call(USER_CALL_MAP, 0, page, USER_WRITE) == USER_EINVAL);
	CHECK(call(USER_CALL_MAP, 0, page, 0) == USER_EINVAL);
	CHECK(call(USER_CALL_MAP, 0, page, RW | USER_EXEC) == USER_EINVAL);
	CHECK(call(USER_CALL_MAP, 0, page, RW | 1ull << 32) == USER_EINVAL);
	CHECK(call(USER_CALL_ADVISE, a, page, 2) == USER_EINVAL);
	CHECK(call(USER_CALL_PROTECT, a, 5 * page, USER_READ) == USER_EINVAL);
	CHECK(call(USER_CALL_SET_POLICY, MPOL_BIND, 0, 0) == USER_EINVAL);
	CHECK(call(USER_CALL_SET_POLICY, 99, 0, 1) == USER_EINVAL);
	CHECK(call(USER_CALL_SET_POLICY, MPOL_BIND + (1ull << 32), 0, 1) == USER_EINVAL);
	CHECK(call(USER_CALL_SET_MEMS, 0, 0, 0) == USER_EINVAL);
	CHECK(call(USER_CALL_SET_MEMS, 1ull << 63, 0, 0) == USER_EINVAL);
	CHECK(call(USER_CALL_SPAWN, a, 16, 0) == USER_ENOENT);
	CHECK(call(USER_CALL_SPAWN, a, 5, 0) == USER_ENOENT);
	/* A wait for one's child, with nowhere to put the answer, leaves it to be waited for. */
	CHECK(zero((volatile uint8_t *)(uintptr_t)a, 4 * page));
	return 0;
}

/* Far apart, so that each page has tables of its own; all of it goes by one call. */
static int sparse(void)
{
	volatile uint8_t *a = map(1ull << 40, RW);

	CHECK(a);
	for (uint64_t at = 0; at < 1ull << 40; at += 1ull << 36)
		a[at] = 7;
	for (uint64_t at = 0; at < 1ull << 40; at += 1ull << 36)
		CHECK(a[at] == 7);
	CHECK(!advise(a, 1ull << 39));
	CHECK(!a[0] && a[15ull << 36] == 7);
	CHECK(!unmap(a, 1ull << 40));
	return 0;
}

PROGRAM(arg)
{
	switch (arg) {
	case 0:
		return anonymous();
	case 1:
		return blocks();
	case 2:
		return code();
	case 3:
		return arguments();
	case 4:
		return sparse();
	default:
		return -1;
	}
}
