/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands `test` and `bench` of an image without tests (make TESTS=0): they say so.
 *
 * Such an image has nothing of test/ and is for use, not for proof. The commands stay in
 * the list, so that who knows them learns why they do nothing, and a run= that relies
 * on them ends with status 1.
 */
#include "monitor_tests.h"

#include "lib/kprintf.h"

static int none_here(const char *what)
{
	kprintf("%s: this image is built without tests (TESTS=0)\n", what);
	return 1;
}

int monitor_tests(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	return none_here("test");
}

int monitor_bench(struct zonal *mm, const struct monitor_args *args)
{
	(void)mm;
	(void)args;
	return none_here("bench");
}

const char *monitor_test_name(unsigned n)
{
	(void)n;
	return NULL;
}

const char *monitor_bench_name(unsigned n)
{
	(void)n;
	return NULL;
}
