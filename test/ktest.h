/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test harness: one source of tests for the host and for the image.
 *
 *	KTEST(buddy, merges_upward)
 *	{
 *		if (!KT_TRUE(page != NULL))
 *			return;
 *		KT_EQ(zone_free(zone), 512);
 *	}
 *
 * A case registers itself through the section "ktests". ktest_run() prints TAP
 * 13: `1..N` first, one `ok` or `not ok N - suite.case` a case, `#` before what
 * is only for people. A case that crashes ends in "Bail out!", printed by the
 * panic path of the image or by the signal handler on the host.
 *
 * The KT_ macros record a failure with file and line and return the outcome;
 * none of them returns from the case. All may be called on any CPU.
 */
#ifndef TEST_KTEST_H
#define TEST_KTEST_H

#include <zonal/types.h>

enum ktest_flags {
	KT_EACH_CPU = 1,    /* runs once on every online CPU, in a task pinned there */
	KT_TARGET_ONLY = 2, /* needs the image */
	KT_HOST_ONLY = 4,   /* needs a host process */
};

struct ktest {
	const char *suite;
	const char *name;
	void (*fn)(void);
	unsigned flags;
};

/*
 * The section holds pointers, not the structs: a compiler may align a struct
 * more strictly than its size, and the array would get gaps.
 */
#define KTEST_F(suite_, name_, flags_)                                                          \
	static void ktest_##suite_##_##name_(void);                                             \
	static const struct ktest ktest_case_##suite_##_##name_ = { #suite_, #name_,            \
								    ktest_##suite_##_##name_,   \
								    (flags_) };                 \
	static const struct ktest *const ktest_entry_##suite_##_##name_                         \
		__attribute__((section("ktests"), used)) = &ktest_case_##suite_##_##name_;      \
	static void ktest_##suite_##_##name_(void)
#define KTEST(suite_, name_) KTEST_F(suite_, name_, 0)

#define KT_TRUE(cond) kt_check((cond), __FILE__, __LINE__, "expected: %s", #cond)
#define KT_OK(cond, ...) kt_check((cond), __FILE__, __LINE__, __VA_ARGS__)
#define KT_EQ(a, b)                                                                             \
	kt_check_equal((unsigned long long)(a), (unsigned long long)(b), #a, #b, __FILE__, __LINE__)
#define KT_STR_EQ(a, b) kt_check_string((a), (b), #a, #b, __FILE__, __LINE__)

bool kt_check(bool ok, const char *file, int line, const char *fmt, ...) ZN_PRINTF(4, 5);
bool kt_check_equal(unsigned long long a, unsigned long long b, const char *a_text,
		    const char *b_text, const char *file, int line);
bool kt_check_string(const char *a, const char *b, const char *a_text, const char *b_text,
		     const char *file, int line);

/* Mark this case as skipped; the case returns by itself. Failures before it still count. */
void kt_skip(const char *reason);
/* One diagnostic line. */
void kt_diag(const char *fmt, ...) ZN_PRINTF(1, 2);

/*
 * fn(arg), run in a process of its own, ends in a panic whose line contains `says`; anything
 * else fails the case. What it changes is not seen here. In the image it is a task of its own,
 * which must not panic masked or with a lock, and an instance it was called for is not used any
 * more.
 */
bool kt_panics(void (*fn)(void *arg), void *arg, const char *says) __attribute__((weak));

/* The seed of this run; printed at its start, set by `seed=` or the environment's KT_SEED. */
uint64_t kt_seed(void);
/* The next number of a small generator; `state` must start different from 0. */
uint64_t kt_random(uint64_t *state);

/*
 * Memory for a case, aligned to `align` (a power of two) and zeroed; freed when
 * the case is over. NULL when there is none, which also fails the case.
 */
void *kt_alloc(size_t bytes, size_t align);
void kt_free_all(void);

/*
 * Run the cases whose "suite.case" matches the glob (* and ?; several patterns
 * are separated by commas; NULL or "" means all). Returns how many failed; a glob
 * that matches nothing counts as one failure. Ends between two cases, as failed, when
 * somebody asks to stop.
 */
int ktest_run(const char *glob);
/* Whether a name matches one of the comma separated globs. */
bool ktest_match(const char *globs, const char *name);
/* Print the names of the cases that exist here and match, one a line, as
 * "# list suite.case". Returns how many there are. */
unsigned ktest_list(const char *glob);
/* The n-th name of those, in a buffer of its own; NULL behind the last. */
const char *ktest_name(unsigned n);
/* "suite.case" that runs now, or NULL: for the panic path. */
const char *ktest_current(void);

/* ---- what the place that runs the tests supplies (ktest_image.c, host_main.c) ---- */

bool kt_port_is_target(void);
uint64_t kt_port_seed(void);
uint64_t kt_port_time_ns(void);
/* Zeroed memory; NULL when there is none. Freed with the same size and alignment. */
void *kt_port_alloc(size_t bytes, size_t align);
void kt_port_free(void *memory, size_t bytes, size_t align);

/* From ktest_sched.c: run fn(arg) in a task pinned to each online CPU, one after the other. */
void kt_on_each_cpu(void (*fn)(void *), void *arg) __attribute__((weak));

#endif
