/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host port: out-of-line hooks for a Linux process whose threads are CPUs.
 *
 * Calls between CPUs. Each CPU has one mailbox (fn, arg, done) guarded by its
 * mutex. port_call_cpu(c, fn, arg):
 *   1. c is the caller itself: fn runs at once as an interrupt would.
 *   2. no thread owns c: the caller puts c's mask on, runs fn, takes it off.
 *   3. c has stopped: nothing runs.
 *   4. a thread owns c: the call is posted and that thread runs it when it
 *      unmasks, relaxes or detaches; the caller serves its own mailbox meanwhile,
 *      so that two CPUs that call each other do not wait for ever.
 * The mutex orders what fn touched before and after, so the thread sanitizer
 * sees the same hand-over that an interrupt acknowledge gives on hardware.
 *
 * Each CPU has a default task for what runs before or without a scheduler.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <zonal/port.h>
#include <zonal/zonal.h>

#include "lib/assert.h"
#include "lib/log.h"
#include "lib/kprintf.h"

struct mailbox {
	pthread_mutex_t mutex;
	bool owned;         /* mutex: a thread serves this CPU */
	bool stopped;       /* mutex: it is offline, no call is taken */
	void (*fn)(void *); /* mutex: posted call, NULL if none */
	void *arg;          /* mutex */
	_Atomic bool done;  /* the posted call has run */
};

static struct host_cpu host_cpus[ZONAL_MAX_CPUS];
static struct zonal_task host_tasks[ZONAL_MAX_CPUS];
static struct mailbox host_mail[ZONAL_MAX_CPUS];
_Thread_local struct host_cpu *host_self = &host_cpus[0];
_Atomic uint64_t host_clock_ns;

__attribute__((constructor)) static void host_port_init(void)
{
	for (unsigned i = 0; i < ZONAL_MAX_CPUS; i++) {
		zonal_task_init(&host_tasks[i]);
		host_cpus[i].port.id = i;
		host_cpus[i].port.task = &host_tasks[i];
		pthread_mutex_init(&host_mail[i].mutex, NULL);
	}
}

struct host_cpu *host_cpu_get(unsigned id)
{
	if (id >= ZONAL_MAX_CPUS)
		port_panic("host: CPU %u, ZONAL_MAX_CPUS is %u", id, ZONAL_MAX_CPUS);
	return &host_cpus[id];
}

void host_set_cpu(unsigned id)
{
	host_self = host_cpu_get(id);
	host_self->masked = false;
}

/* Run fn on `cpu` as its interrupt handler would, from whatever thread. */
static void host_run_as(struct host_cpu *cpu, void (*fn)(void *), void *arg)
{
	struct host_cpu *self = host_self;
	bool masked = cpu->masked;

	ASSERT(fn, "CPU %u is called for nothing", cpu->port.id);
	host_self = cpu;
	cpu->masked = true;
	cpu->port.irq_depth++;
	fn(arg);
	ASSERT(cpu->masked && cpu->port.irq_depth && host_self == cpu,
	       "a handler on CPU %u left mask %d, depth %u", cpu->port.id, cpu->masked,
	       (unsigned)cpu->port.irq_depth);
	cpu->port.irq_depth--;
	cpu->masked = masked;
	host_self = self;
}

/* Run what is posted to this CPU, if anything; its mutex is held. */
static void run_posted(struct mailbox *mail)
{
	if (!mail->fn)
		return;
	host_run_as(host_self, mail->fn, mail->arg);
	mail->fn = NULL;
	atomic_store(&host_self->pending, false);
	atomic_store(&mail->done, true);
}

void host_serve_calls(void)
{
	struct mailbox *mail = &host_mail[host_self->port.id];

	pthread_mutex_lock(&mail->mutex);
	run_posted(mail);
	pthread_mutex_unlock(&mail->mutex);
}

void host_cpu_attach(unsigned id)
{
	ASSERT(id < ZONAL_MAX_CPUS, "CPU %u", id);
	/* Under the mutex: a caller may be running as this CPU by proxy right now. */
	pthread_mutex_lock(&host_mail[id].mutex);
	ASSERT(!host_mail[id].owned, "CPU %u has a thread already", id);
	host_set_cpu(id);
	host_mail[id].owned = true;
	host_mail[id].stopped = false;
	pthread_mutex_unlock(&host_mail[id].mutex);
}

static void leave(bool stop)
{
	struct mailbox *mail = &host_mail[host_self->port.id];

	pthread_mutex_lock(&mail->mutex);
	ASSERT(mail->owned, "CPU %u has no thread", host_self->port.id);
	mail->owned = false;
	mail->stopped = stop;
	run_posted(mail);
	pthread_mutex_unlock(&mail->mutex);
	host_self = &host_cpus[0];
}

void host_cpu_detach(void) { leave(false); }

void host_cpu_stop(void) { leave(true); }

enum call { CALL_RAN, CALL_POSTED, CALL_AGAIN, CALL_OFFLINE };

/* Post to an owned CPU, or run by proxy; CALL_AGAIN: its mailbox is taken. */
static enum call host_try_call(unsigned cpu, void (*fn)(void *), void *arg)
{
	struct mailbox *mail = &host_mail[cpu];
	enum call call = CALL_AGAIN;

	pthread_mutex_lock(&mail->mutex);
	if (mail->stopped) {
		call = CALL_OFFLINE;
	} else if (!mail->owned) {
		host_run_as(&host_cpus[cpu], fn, arg);
		call = CALL_RAN;
	} else if (!mail->fn) {
		mail->fn = fn;
		mail->arg = arg;
		atomic_store(&mail->done, false);
		atomic_store(&host_cpus[cpu].pending, true);
		call = CALL_POSTED;
	}
	pthread_mutex_unlock(&mail->mutex);
	return call;
}

bool port_call_cpu(unsigned cpu, void (*fn)(void *), void *arg)
{
	enum call call;

	if (cpu >= ZONAL_MAX_CPUS)
		return false;
	if (&host_cpus[cpu] == host_self) {
		host_run_as(host_self, fn, arg);
		return true;
	}
	while ((call = host_try_call(cpu, fn, arg)) == CALL_AGAIN)
		port_relax();
	/* One caller at a time has its call in the mailbox, so `done` is ours. */
	while (call == CALL_POSTED && !atomic_load(&host_mail[cpu].done))
		port_relax();
	return call != CALL_OFFLINE;
}

/* Through the console's sink, in one piece, so that tests can catch a line. */
void zonal_port_log(const char *fmt, ...)
{
	char text[240];
	va_list args;

	va_start(args, fmt);
	zonal_vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!zn_log_kept(text))
		kprintf("# %s\n", text);
}

void zonal_port_panic(const char *fmt, ...)
{
	va_list args;

	(void)zn_log_kept(NULL);
	va_start(args, fmt);
	fflush(stdout);
	fputs("Bail out! panic: ", stdout);
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
	abort();
}
