/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test harness: finds the cases, runs those asked for, prints TAP 13.
 *
 * The linker gathers a pointer to every case between __start_ktests and
 * __stop_ktests. A run counts the matching cases first, because the plan must
 * be the first line: a reader that sees fewer results than planned knows that
 * the run died, also when nothing else was printed.
 *
 * State of the running case: how often it failed and why it was skipped. Cases
 * may check on several CPUs at once, so the failure count is atomic; everything
 * else changes only between cases, on the CPU that runs ktest_run().
 *
 * What is logged while a case runs, the reports that it provokes, is kept and shown only if
 * the case fails or the run dies in it: CPUs reserve their part of the buffer by adding.
 *
 * A case that ends with interrupts or the flags of its task other than it began fails: what it
 * called has left something undone, whatever the case looked at.
 *
 * A case's memory is kept in a table and freed after it, so that a case that
 * stops early leaks nothing into the next one, whose figures may depend on it.
 */
#include "ktest.h"

#include <string.h>

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/kprintf.h"
#include "lib/stop.h"

enum { BLOCKS_MAX = 512, REPORTS_MAX = 20, LOG_BYTES = 4096 };

struct block {
	void *memory;
	size_t bytes, align;
};

static struct {
	const struct ktest *test;
	_Atomic unsigned failures;
	const char *skip_reason;
	char name[96];
} current;

static struct block blocks[BLOCKS_MAX];
static _Atomic unsigned block_count;
static uint64_t run_seed;

static char log_text[LOG_BYTES];
static _Atomic unsigned log_used; /* may pass LOG_BYTES: lines that found no room */

/* Given by the linker because "ktests" is a C identifier. */
extern const struct ktest *const __start_ktests[] __attribute__((weak));
extern const struct ktest *const __stop_ktests[] __attribute__((weak));

/* Counts a failure; false when enough of this case have been printed already. */
static bool failure_report(void)
{
	unsigned before = fetch_add_relaxed(&current.failures, 1);

	if (before == REPORTS_MAX)
		kprintf("# more failures of %s are counted, not printed\n", current.name);
	return before < REPORTS_MAX;
}

bool kt_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	char text[192];
	va_list args;

	if (ok || !failure_report())
		return ok;
	va_start(args, fmt);
	zonal_vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	kprintf("# %s:%d: %s\n", file, line, text);
	return false;
}

bool kt_check_equal(unsigned long long a, unsigned long long b, const char *a_text,
		    const char *b_text, const char *file, int line)
{
	return kt_check(a == b, file, line, "%s is %lld (0x%llx), expected %s = %lld (0x%llx)",
			a_text, (long long)a, a, b_text, (long long)b, b);
}

bool kt_check_string(const char *a, const char *b, const char *a_text, const char *b_text,
		     const char *file, int line)
{
	bool equal = a && b && strcmp(a, b) == 0;

	return kt_check(equal, file, line, "%s is \"%s\", expected %s = \"%s\"", a_text,
			a ? a : "(null)", b_text, b ? b : "(null)");
}

void kt_skip(const char *reason)
{
	current.skip_reason = reason;
}

void kt_diag(const char *fmt, ...)
{
	char text[224];
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	kprintf("# %s\n", text);
}

uint64_t kt_seed(void)
{
	return run_seed;
}

/* xorshift64*: small, and good enough to choose operations. */
uint64_t kt_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

void *kt_alloc(size_t bytes, size_t align)
{
	unsigned slot = fetch_add_relaxed(&block_count, 1);
	void *memory;

	if (!KT_OK(slot < BLOCKS_MAX, "a case may take %d blocks (BLOCKS_MAX), not more",
		   BLOCKS_MAX))
		return NULL;
	memory = kt_port_alloc(bytes, align);
	blocks[slot] = (struct block){ memory, bytes, align };
	KT_OK(memory, "no memory for a case's block of %zu bytes, alignment %zu", bytes, align);
	return memory;
}

void kt_free_all(void)
{
	unsigned count = ZN_MIN(ld_relaxed(&block_count), (unsigned)BLOCKS_MAX);

	for (unsigned i = 0; i < count; i++)
		if (blocks[i].memory)
			kt_port_free(blocks[i].memory, blocks[i].bytes, blocks[i].align);
	st_relaxed(&block_count, 0);
}

/*
 * One glob, up to its end or a comma. On a mismatch behind a star the star
 * takes one character more; only the last star needs to be remembered.
 */
static bool glob_match(const char *glob, const char *name)
{
	const char *star = NULL, *resume = NULL;

	for (;;) {
		bool end = *glob == '\0' || *glob == ',';

		if (*glob == '*') {
			star = glob++;
			resume = name;
		} else if (*name && !end && (*glob == '?' || *glob == *name)) {
			glob++;
			name++;
		} else if (!*name && end) {
			return true;
		} else if (star && *resume) {
			glob = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
}

bool ktest_match(const char *globs, const char *name)
{
	if (!globs || !*globs)
		return true;
	for (;;) {
		if (glob_match(globs, name))
			return true;
		globs = strchr(globs, ',');
		if (!globs)
			return false;
		globs++;
	}
}

static void name_set(const struct ktest *test)
{
	zn_snprintf(current.name, sizeof(current.name), "%s.%s", test->suite, test->name);
}

/* A case for the other world is not part of the plan here. */
static bool wanted(const struct ktest *test, const char *globs)
{
	unsigned other = kt_port_is_target() ? KT_HOST_ONLY : KT_TARGET_ONLY;

	name_set(test);
	return !(test->flags & other) && ktest_match(globs, current.name);
}

static void log_show(void)
{
	unsigned used = ZN_MIN(ld_relaxed(&log_used), (unsigned)LOG_BYTES);

	/* A line that another CPU is about to write may be empty or cut. */
	for (unsigned at = 0; at < used; at += (unsigned)strlen(log_text + at) + 1)
		if (log_text[at])
			kprintf("# log: %s\n", log_text + at);
	if (ld_relaxed(&log_used) > LOG_BYTES)
		kprintf("# log: and more\n");
	st_relaxed(&log_used, 0);
}

static bool log_keep(const char *line)
{
	size_t bytes;
	unsigned at;

	if (!line) {
		log_show();
		return true;
	}
	bytes = strlen(line) + 1;
	at = fetch_add_relaxed(&log_used, (unsigned)bytes);
	if (at + bytes < LOG_BYTES)
		memcpy(log_text + at, line, bytes);
	return true;
}

/* A case leaves the CPU and the task that runs it as they were, and so must all that it calls. */
static void case_call(void *arg)
{
	const struct ktest *test = arg;
	const struct zonal_port_cpu *cpu = zonal_port_this_cpu();
	const struct zonal_task *task = cpu->task;
	uint32_t flags = task ? task->flags : 0;
	bool masked = zonal_port_irqs_masked();

	test->fn();
	KT_OK(zonal_port_irqs_masked() == masked, "interrupts were %s, and are not any more",
	      masked ? "masked" : "open");
	cpu = zonal_port_this_cpu();
	KT_OK(cpu->task != task || !task || task->flags == flags,
	      "the task's flags were 0x%x and are 0x%x", flags, task ? task->flags : 0);
}

static void case_run(const struct ktest *test, int number)
{
	/* The cast drops const for the void * of the hook; case_call restores it. */
	void *arg = (void *)(uintptr_t)test;
	uint64_t start_ns = kt_port_time_ns();
	unsigned failures;

	current.test = test;
	current.skip_reason = NULL;
	st_relaxed(&current.failures, 0);
	memset(log_text, 0, sizeof(log_text));
	st_relaxed(&log_used, 0);
	zn_log_hook = log_keep;
	if ((test->flags & KT_EACH_CPU) && kt_on_each_cpu)
		kt_on_each_cpu(case_call, arg);
	else
		case_call(arg);
	kt_free_all();
	zn_log_hook = NULL;
	current.test = NULL;

	failures = ld_relaxed(&current.failures);
	if (failures)
		log_show();
	if ((test->flags & KT_EACH_CPU) && !kt_on_each_cpu)
		kprintf("# %s ran on one CPU only: there is no kt_on_each_cpu()\n", current.name);
	kprintf("%sok %d - %s%s%s\n", failures ? "not " : "", number, current.name,
		current.skip_reason && !failures ? " # SKIP " : "",
		current.skip_reason && !failures ? current.skip_reason : "");
	if (failures)
		kprintf("# %s failed %u times\n", current.name, failures);
	kprintf("# time_us %llu %s\n",
		(unsigned long long)(kt_port_time_ns() - start_ns) / 1000, current.name);
}

int ktest_run(const char *glob)
{
	int planned = 0, number = 0, failed = 0;

	for (const struct ktest *const *t = __start_ktests; t < __stop_ktests; t++)
		planned += wanted(*t, glob);
	kprintf("TAP version 13\n1..%d\n", planned ? planned : 1);
	if (!planned) {
		kprintf("not ok 1 - no test matches \"%s\"\n", glob ? glob : "*");
		return 1;
	}

	run_seed = kt_port_seed();
	kprintf("# seed %llu\n", (unsigned long long)run_seed);
	for (const struct ktest *const *t = __start_ktests; t < __stop_ktests; t++) {
		if (!wanted(*t, glob))
			continue;
		if (zn_stop_asked()) {
			kprintf("# stopped after %d of %d\n", number, planned);
			return failed + 1;
		}
		case_run(*t, ++number);
		failed += ld_relaxed(&current.failures) != 0;
	}
	kprintf("# %d of %d passed\n", planned - failed, planned);
	return failed;
}

unsigned ktest_list(const char *glob)
{
	unsigned count = 0;

	for (const struct ktest *const *t = __start_ktests; t < __stop_ktests; t++) {
		if (!wanted(*t, glob))
			continue;
		kprintf("# list %s\n", current.name);
		count++;
	}
	return count;
}

const char *ktest_name(unsigned n)
{
	unsigned other = kt_port_is_target() ? KT_HOST_ONLY : KT_TARGET_ONLY;

	for (const struct ktest *const *t = __start_ktests; t < __stop_ktests; t++) {
		if (((*t)->flags & other) || n--)
			continue;
		name_set(*t);
		return current.name;
	}
	return NULL;
}

const char *ktest_current(void)
{
	return current.test ? current.name : NULL;
}
