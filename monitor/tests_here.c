/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands `test` and `bench` of an image that has both.
 *
 * The one file of the monitor that knows the test harness, with bench_image.c. An image
 * that is built with TESTS=0 has tests_none.c in its place, and nothing of test/.
 *
 * Context: the task that called.
 */
#include "monitor_tests.h"

#include <string.h>

#include "bench_image.h"
#include "lib/assert.h"
#include "lib/printf.h"
#include "monitor_line.h"
#include "test/bench/bench.h"
#include "test/ktest.h"

int monitor_tests(struct zonal *mm, const struct monitor_args *args)
{
	char globs[MONITOR_LINE_BYTES];
	bool list = args->count && strcmp(args->word[0], "--list") == 0;
	size_t used = 0;

	(void)mm;
	/* The words were cut out of one line, so together they fit. */
	globs[0] = '\0';
	for (unsigned i = list; i < args->count; i++)
		used += (size_t)zn_snprintf(globs + used, sizeof(globs) - used, "%s%s",
					    used ? "," : "", args->word[i]);
	ASSERT(used < sizeof(globs), "%zu characters", used);
	if (list)
		return ktest_list(globs) ? 0 : 1;
	return ktest_run(globs) ? 1 : 0;
}

int monitor_bench(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	return bench_image(args->count ? args->word[0] : NULL, args->json);
}

const char *monitor_test_name(unsigned n) { return ktest_name(n); }

const char *monitor_bench_name(unsigned n) { return bench_case_name(n); }
