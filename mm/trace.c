/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace points: records of what happens, a ring for each CPU.
 *
 * A ring has one writer, its CPU with interrupts masked, and one reader. The writer owns `head`,
 * the reader `tail`; both run freely, and a record's slot is its number modulo the size. The
 * writer fills a slot before it publishes the head (release), the reader copies one out before it
 * gives it back by the tail (release); each reads the other's index with acquire. So a slot is
 * never written and read at once, nobody waits, and what finds the ring full is counted and gone:
 * the oldest records are kept, since those say how it began.
 *
 * What the points cost while all are off: those on cold paths test a bit of mm->tracing, a refill
 * and a return of a per-CPU list once for all of their pages. Those that every page passes are
 * behind a test that is there anyway: an allocation goes past the lanes if any gate is set
 * (GATE_TRACE), and a free takes the careful way if mm->plain has no pages.
 *
 * Locks: none; a point may be passed with any lock of the core held.
 */
#include "trace.h"

#include "lib/assert.h"
#include "page_check.h"

_Static_assert(ZONAL_TRACE_POINTS <= 64, "one bit each");

#define NAME(id, name, fields) [ZONAL_TRACE_##id] = (name),
#define FIELDS(id, name, fields) [ZONAL_TRACE_##id] = (fields),
static const char *const point_name[ZONAL_TRACE_POINTS] = { ZONAL_TRACE_TABLE(NAME) };
static const char *const point_fields[ZONAL_TRACE_POINTS] = { ZONAL_TRACE_TABLE(FIELDS) };
#undef NAME
#undef FIELDS

const char *zonal_trace_name(unsigned point)
{
	return point < ZONAL_TRACE_POINTS ? point_name[point] : "?";
}

const char *zonal_trace_fields(unsigned point)
{
	return point < ZONAL_TRACE_POINTS ? point_fields[point] : "?";
}

static struct trace_ring *ring_of(const struct zonal *mm, unsigned cpu)
{
	return cpu < mm->cpu_count && mm->cpu[cpu] ? &mm->cpu[cpu]->trace : NULL;
}

int zonal_trace_attach(struct zonal *mm, unsigned cpu, void *slots, size_t bytes)
{
	struct trace_ring *ring = ring_of(mm, cpu);
	size_t size = 2;

	if (!ring || ring->slot || bytes < 2 * sizeof(*ring->slot) || (uintptr_t)slots % 8) {
		port_log("zonal: trace ring of %llu bytes at %p for CPU %u: a CPU of the instance "
			 "that has none, two records or more, aligned to 8",
			 (unsigned long long)bytes, slots, cpu);
		return ZONAL_EINVAL;
	}
	ASSERT(!ld_relaxed(&mm->tracing), "points 0x%llx are on",
	       (unsigned long long)ld_relaxed(&mm->tracing));
	while (size * 2 * sizeof(*ring->slot) <= bytes && size < 1u << 30)
		size *= 2;
	ring->mask = (uint32_t)(size - 1);
	ring->slot = slots;
	return 0;
}

bool zonal_trace_attached(const struct zonal *mm, unsigned cpu)
{
	const struct trace_ring *ring = ring_of(mm, cpu);

	return ring && ring->slot;
}

void zonal_trace_on(struct zonal *mm, uint64_t points)
{
	ASSERT(!(points >> ZONAL_TRACE_POINTS), "points 0x%llx of %u", (unsigned long long)points,
	       ZONAL_TRACE_POINTS);
	/* Release: who sees a point on sees the rings that were attached before. */
	st_release(&mm->tracing, points);
	gate_set(mm, GATE_TRACE,
		 points & (ZONAL_TRACE_BIT(PAGE_ALLOC) | ZONAL_TRACE_BIT(ZONE_LOCKED) |
			   ZONAL_TRACE_BIT(CALL_ALLOC)));
	gate_set(mm, GATE_TRACE_FREE, points & ZONAL_TRACE_BIT(PAGE_FREE));
}

uint64_t zonal_trace_points(const struct zonal *mm)
{
	return ld_relaxed(&((struct zonal *)(uintptr_t)mm)->tracing);
}

void trace_write(struct zonal *mm, enum zonal_trace_point point, const uint32_t *field,
		 unsigned count)
{
	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm_this_cpu(mm);
	struct trace_ring *ring = &cpu->trace;
	uint32_t head = ld_relaxed(&ring->head);
	struct zonal_trace_record *record;

	ASSERT(count <= ZONAL_TRACE_FIELDS, "%u fields of point %u", count, point);
	/* Acquire: the reader is done with the slot. */
	if (!ring->slot || head - ld_acquire(&ring->tail) > ring->mask) {
		own_add(&ring->lost, 1);
		port_irq_restore(irq);
		return;
	}
	record = &ring->slot[head & ring->mask];
	*record = (struct zonal_trace_record){
		.time_ns = port_time_ns(),
		.point = (uint16_t)point,
		.cpu = (uint16_t)port_this_cpu()->id,
		.task = port_task_id ? (uint32_t)port_task_id() : 0,
	};
	for (unsigned i = 0; i < count; i++)
		record->field[i] = field[i];
	/* Release: the record before its number. */
	st_release(&ring->head, head + 1);
	port_irq_restore(irq);
}

bool zonal_trace_peek(struct zonal *mm, unsigned cpu, struct zonal_trace_record *out)
{
	struct trace_ring *ring = ring_of(mm, cpu);
	uint32_t tail;

	if (!ring || !ring->slot)
		return false;
	tail = ld_relaxed(&ring->tail);
	/* Acquire: the record is written. */
	if (tail == ld_acquire(&ring->head))
		return false;
	*out = ring->slot[tail & ring->mask];
	return true;
}

size_t zonal_trace_read(struct zonal *mm, unsigned cpu, struct zonal_trace_record *out, size_t max)
{
	struct trace_ring *ring = ring_of(mm, cpu);
	size_t count = 0;
	uint32_t tail;

	if (!ring || !ring->slot)
		return 0;
	tail = ld_relaxed(&ring->tail);
	/* Acquire: the records up to the head are written. */
	for (uint32_t head = ld_acquire(&ring->head); count < max && tail != head; tail++)
		out[count++] = ring->slot[tail & ring->mask];
	/* Release: they are copied before their slots are given back. */
	st_release(&ring->tail, tail);
	return count;
}

uint64_t zonal_trace_lost(const struct zonal *mm, unsigned cpu)
{
	struct trace_ring *ring = ring_of(mm, cpu);

	return ring ? ld_relaxed(&ring->lost) : 0;
}
