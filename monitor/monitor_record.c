/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `record`: a run of the allocator, written so that it can be played again.
 *
 *	record               is one being written, and how much of it
 *	record start [FILE]  the state, and from now on what changes it
 *	record write         what the rings hold by now, to make room in them
 *	record stop          the rest, and the state at the end
 *
 * What is written are the lines of a frame record (test/oracle/frames/FORMAT.md; docs/look.md names
 * those of ours), to the console with "| " before each, or to a file of whoever runs the board.
 * The calls come out of the trace rings (<zonal/trace.h>) in order of time. Calls of two CPUs that
 * overlap are in the order in which they ended; where both took the zone's lock that may be wrong.
 *
 * A state is right only if nothing happens while it is written, and a console is slow. Nobody is
 * stopped for it: the points are on, and if a record has come in by its end, the state is thrown
 * away by the word "again" and written once more. At the end, what came in is written before that.
 *
 * A ring that is full loses what comes next (the oldest stay). Behind the last record that such a
 * CPU has, the play is not the whole truth any more, and ends there with a word: x lost.
 *
 * One record at a time; called by the one task that runs the monitor, as `trace` is.
 */
#include "monitor_command.h"

#include <string.h>

#include <zonal/port.h>
#include <zonal/trace.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/mm.h"
#include "monitor_record_text.h"
#include "monitor_trace_text.h"

typedef unsigned long long ull;

#define RING_BYTES (256u << 10)
#define TRIES 8u /* states that a busy board may spoil */

#define POINTS                                                                                     \
	(ZONAL_TRACE_BIT(PAGE_FREE) | ZONAL_TRACE_BIT(CALL_ALLOC) | ZONAL_TRACE_BIT(CALL_DRAIN) |  \
	 ZONAL_TRACE_BIT(CALL_LIST) | ZONAL_TRACE_BIT(CALL_OTHER))

static struct {
	bool on, ended; /* ended: the play has met its end, what follows would be wrong */
	unsigned cpu;
	uint64_t calls;
	uint64_t lost[ZONAL_MAX_CPUS]; /* before it began */
} record;

const char *monitor_record_word(unsigned n)
{
	static const char *const verbs[] = { "start", "write", "stop" };

	return n < ARRAY_SIZE(verbs) ? verbs[n] : NULL;
}

/* ---- a record as a line ---- */

static void line_of_alloc(const struct zonal_trace_record *r)
{
	record_text("a %x %u %u %llx %x %x\n", r->field[2], r->field[1], r->field[3],
		    (ull)r->field[5] << 32 | r->field[4], r->field[6], r->field[0]);
}

static void line_of_drain(const struct zonal_trace_record *r)
{
	record_text("D %u %u %u %u %u %u\n", r->field[0] * ZONE_TYPES + r->field[1], r->field[2],
		    r->field[3], r->field[4], r->field[5], r->field[6]);
}

static void line_of_other(const struct zonal_trace_record *r)
{
	static const char *const word[ZONAL_OTHERS] = { "highatomic", "boost", "marks", "isolated",
							"carved" };

	ASSERT(r->field[0] < ZONAL_OTHERS, "%u", r->field[0]);
	record_text("x %s %u\n", word[r->field[0]], r->field[1] * ZONE_TYPES + r->field[2]);
	record.ended = true;
}

static void write_line(const struct zonal_trace_record *r)
{
	ASSERT(!record.ended && POINTS >> r->point & 1, "point %u in a record", r->point);
	if (r->cpu != record.cpu)
		record_text("c %u\n", r->cpu);
	record.cpu = r->cpu;
	record.calls += r->point != ZONAL_TRACE_CALL_OTHER;
	switch (r->point) {
	case ZONAL_TRACE_CALL_ALLOC:
		line_of_alloc(r);
		break;
	case ZONAL_TRACE_PAGE_FREE:
		record_text("f %x %u\n", r->field[0], r->field[1]);
		break;
	case ZONAL_TRACE_CALL_LIST:
		record_text("l %x %u\n", r->field[0], r->field[1]);
		break;
	case ZONAL_TRACE_CALL_DRAIN:
		line_of_drain(r);
		break;
	default:
		line_of_other(r);
	}
}

/* ---- the rings ---- */

/* A CPU that answers has written what it was about to write. */
static void answer(void *arg) { (void)arg; }

static void ask_all(struct zonal *mm)
{
	ASSERT(!port_irqs_masked(), "%u CPUs are asked with interrupts masked", mm->cpu_count);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (mm->cpu[c] && ld_relaxed(&mm->cpu[c]->online))
			(void)port_call_cpu(c, answer, NULL);
}

static bool rings_empty(struct zonal *mm)
{
	struct zonal_trace_record r;

	for (unsigned c = 0; c < mm->cpu_count; c++)
		if (zonal_trace_peek(mm, c, &r))
			return false;
	return true;
}

static uint64_t lost_by(struct zonal *mm, unsigned c)
{
	ASSERT(c < ZONAL_MAX_CPUS, "CPU %u", c);
	return zonal_trace_lost(mm, c) - record.lost[c];
}

/* A CPU has no record any more and has lost some: what others did later does not count. */
static void end_at_loss(struct zonal *mm)
{
	struct zonal_trace_record r;

	for (unsigned c = 0; !record.ended && c < mm->cpu_count; c++) {
		if (!lost_by(mm, c) || zonal_trace_peek(mm, c, &r))
			continue;
		record_text("x lost %u\n", c);
		record.ended = true;
	}
}

/* All that is older than now; behind the end of the play only out of the rings. */
static void write_rings(struct zonal *mm)
{
	struct zonal_trace_record r;
	uint64_t until;

	ask_all(mm);
	until = port_time_ns();
	end_at_loss(mm);
	while (trace_oldest(mm, until, &r)) {
		if (record.ended)
			continue;
		write_line(&r);
		end_at_loss(mm);
	}
}

static void forget_rings(struct zonal *mm)
{
	struct zonal_trace_record r;

	ask_all(mm);
	for (unsigned c = 0; c < mm->cpu_count; c++) {
		while (zonal_trace_read(mm, c, &r, 1))
			;
		record.lost[c] = zonal_trace_lost(mm, c);
	}
}

/* ---- the command ---- */

/* What makes frames that a record cannot foretell; NULL: nothing. */
static const char *unfit(struct zonal *mm)
{
	struct zone *zone;
	unsigned zid;

	if (zonal_trace_points(mm))
		return "trace is on, and both read the same rings";
	mm_for_each_zone(mm, zid, zone) {
		if (zone->shuffle)
			return "the free lists are shuffled (shuffle=on)";
		if (zone->guard_order)
			return "there are guard pages (debug_guardpage_minorder=)";
		if (ld_relaxed(&zone->deferred))
			return "not all pages are initialised yet (deferred=)";
	}
	return ld_relaxed(&mm->gates) & GATE_INJECT ? "requests are failed on purpose (inject)" :
						      NULL;
}

static int fail(const char *why)
{
	kprintf("record: %s\n", why);
	return 1;
}

static bool write_start(struct zonal *mm)
{
	record_head(mm);
	for (unsigned i = 0; i < TRIES; i++) {
		forget_rings(mm);
		record_state(mm, "start");
		ask_all(mm);
		if (rings_empty(mm))
			return true;
		record_text("again\n");
	}
	return false;
}

static int start(struct zonal *mm, const struct monitor_args *args)
{
	const char *file = args->count > 1 ? args->word[1] : NULL, *why = unfit(mm);

	if (record.on)
		return fail("one is being written; record stop ends it");
	if (why)
		return fail(why);
	if (file && !monitor_record_open)
		return fail("there are no files here");
	if (!trace_attach_all(mm, RING_BYTES))
		return 1;
	if (file && !monitor_record_open(file))
		return fail("the file cannot be written; is QEMU run with -semihosting?");
	memset(&record, 0, sizeof(record));
	record_to_file(file);
	zonal_trace_on(mm, POINTS);
	if (!write_start(mm)) {
		zonal_trace_on(mm, 0);
		(void)record_end_of_text();
		return fail("the board was never quiet while its state was written");
	}
	record_text("play 0\n");
	record.on = true;
	return 0;
}

static int write_more(struct zonal *mm)
{
	if (!record.on)
		return fail("none is being written; record start begins one");
	write_rings(mm);
	return 0;
}

/* The state at the end, written again until nothing came in between. */
static void write_end(struct zonal *mm)
{
	for (unsigned i = 0; i < TRIES; i++) {
		write_rings(mm);
		record_text("done\n");
		record_state(mm, "end");
		ask_all(mm);
		if (rings_empty(mm) || record.ended)
			return;
		record_text("again\n");
	}
	record_text("x busy 0\ndone\n");
	record_state(mm, "end");
}

static int stop(struct zonal *mm)
{
	uint64_t lost = 0;

	if (!record.on)
		return fail("none is being written; record start begins one");
	write_end(mm);
	zonal_trace_on(mm, 0);
	for (unsigned c = 0; c < mm->cpu_count; c++)
		lost += lost_by(mm, c);
	record_text("calls %llu\n", (ull)record.calls);
	forget_rings(mm);
	record.on = false;
	if (!record_end_of_text())
		return fail("not all of it could be written");
	kprintf("record: %llu calls, %llu lost\n", (ull)record.calls, (ull)lost);
	return 0;
}

int monitor_record(struct zonal *mm, const struct monitor_args *args)
{
	const char *verb = args->count ? args->word[0] : "";

	if (!strcmp(verb, "start"))
		return start(mm, args);
	if (!strcmp(verb, "stop") && args->count == 1)
		return stop(mm);
	if (!strcmp(verb, "write") && args->count == 1)
		return write_more(mm);
	if (args->count) {
		kprintf("record: %s: start [FILE], write, or stop\n", verb);
		return 1;
	}
	if (record.on)
		kprintf("record: %llu calls written by now\n", (ull)record.calls);
	else
		kprintf("record: none is being written\n");
	return 0;
}
