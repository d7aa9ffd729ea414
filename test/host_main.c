/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main() of build/host/test: runs the cases that match the globs given.
 *
 *	build/host/test [--list] [GLOB…]
 *	KT_SEED=n build/host/test 'model.*'
 *
 * Exit status: 0 all passed, 1 some failed, 2 the process died (then the TAP
 * ends in "Bail out!"). Death is seen in one of two ways. A sanitizer calls us
 * before it ends the process; without one we catch the fatal signals ourselves.
 * The handler prints with write(), because after a fault the stream may be
 * locked or broken.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/printf.h"
#include "ktest.h"

enum { GLOBS_MAX = 4096 };

/* Present only in a program linked with a sanitizer. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void bail_out(const char *why)
{
	const char *name = ktest_current();
	char line[256];
	int length = zn_snprintf(line, sizeof(line), "\nBail out! %s in %s\n", why,
				 name ? name : "no test");

	(void)zn_log_kept(NULL);
	/* The cases before this one are still in the stream's buffer. */
	fflush(stdout);
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(3);
}

static void on_signal(int number)
{
	char why[32];

	signal(SIGABRT, SIG_DFL);
	zn_snprintf(why, sizeof(why), "signal %d", number);
	bail_out(why);
	_exit(2);
}

static void on_sanitizer_death(void)
{
	bail_out("sanitizer report");
}

static void death_watch(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };

	signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(on_sanitizer_death);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		signal(fatal[i], on_signal);
}

bool kt_port_is_target(void)
{
	return false;
}

uint64_t kt_port_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t kt_port_seed(void)
{
	const char *text = getenv("KT_SEED");
	char *end;
	uint64_t seed;

	if (!text)
		return kt_port_time_ns() | 1;
	errno = 0;
	seed = strtoull(text, &end, 0);
	if (errno || end == text || *end || !seed) {
		fprintf(stderr, "KT_SEED=%s: a seed is a number from 1 to 2^64-1\n", text);
		exit(1);
	}
	return seed;
}

void *kt_port_alloc(size_t bytes, size_t align)
{
	/* aligned_alloc() takes sizes that are a multiple of the alignment. */
	size_t size = (size_t)align_up(bytes ? bytes : 1, ZN_MAX(align, sizeof(void *)));
	void *memory = aligned_alloc(ZN_MAX(align, sizeof(void *)), size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

void kt_port_free(void *memory, size_t bytes, size_t align)
{
	(void)bytes;
	(void)align;
	free(memory);
}

/* The arguments as one comma separated glob list; NULL when there are none. */
static const char *globs_join(int argc, char **argv)
{
	static char globs[GLOBS_MAX];
	size_t used = 0;

	for (int i = 1; i < argc; i++) {
		int length = snprintf(globs + used, sizeof(globs) - used, "%s%s", used ? "," : "",
				      argv[i]);

		used += (size_t)length;
		if (used >= sizeof(globs)) {
			fprintf(stderr, "the globs take over %d characters (GLOBS_MAX)\n",
				GLOBS_MAX);
			exit(1);
		}
	}
	return used ? globs : NULL;
}

int main(int argc, char **argv)
{
	int failed;

	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return ktest_list(globs_join(argc - 1, argv + 1)) ? 0 : 1;
	/* Who reads along, tools/mutant.py, ends at the first line that says "not ok". */
	setvbuf(stdout, NULL, _IOLBF, 0);
	death_watch();
	failed = ktest_run(globs_join(argc, argv));
	return failed || fflush(stdout) ? 1 : 0;
}
