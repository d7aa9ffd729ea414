/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panics that a test wants to see, on the host: the call runs in a child process.
 *
 * The child is a copy of this process with the calling thread alone, so whatever state the
 * case has built is there, and what the call breaks is gone with it. A panic prints a line
 * and aborts; the child's output comes back through a pipe. A call that returns, that
 * dies in another way or whose panic says something else fails the case, and the output is
 * shown. The alarm ends a child that waits for ever.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktest.h"

enum { OUTPUT_BYTES = 4096, CHILD_SECONDS = 20 };

static void ZN_NORETURN child_run(int output, void (*fn)(void *), void *arg)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	alarm(CHILD_SECONDS);
	dup2(output, STDOUT_FILENO);
	fn(arg);
	fflush(stdout);
	_exit(0);
}

static void read_all(int from, char *text)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(from, text + used, OUTPUT_BYTES - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = 0;
}

bool kt_panics(void (*fn)(void *), void *arg, const char *says)
{
	char text[OUTPUT_BYTES];
	int ends[2], status = 0;
	pid_t child;

	fflush(stdout);
	if (!KT_OK(!pipe(ends), "no pipe"))
		return false;
	child = fork();
	if (child == 0)
		child_run(ends[1], fn, arg);
	close(ends[1]);
	read_all(ends[0], text);
	close(ends[0]);
	return KT_OK(child > 0 && waitpid(child, &status, 0) == child, "no child process") &&
	       KT_OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		     "expected a panic, the child's status is %#x: %s", (unsigned)status, text) &&
	       KT_OK(strstr(text, "panic: ") && strstr(text, says),
		     "expected a panic with \"%s\": %s", says, text);
}
