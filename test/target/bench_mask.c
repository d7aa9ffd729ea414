/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long interrupts are masked, for the benchmark: a timer of its own that comes again and again,
 * and how late it is each time.
 *
 * The handler finds in ELR_EL1 where interrupts were opened: nothing has changed that register
 * since the exception, as they are masked in here. It belongs to the core that begins it.
 */
#include "arm64_exception.h"
#include "arm64_sysreg.h"
#include "counted.h"
#include "lib/assert.h"
#include "test/bench/bench.h"

static struct {
	uint64_t looks, most, pc; /* pc: of `most` */
	uint64_t last, idle;      /* where the last look was, and steps that the next one waits */
	unsigned step;            /* 0: it is over */
} masked;

/* A core that sleeps is always met at the same place. Ever rarer, or seconds that a program sleeps
 * would be hundreds of thousands of looks. */
#define IDLE_STEPS 64u

static void look(void)
{
	uint64_t late = counted_late(), pc = sysreg_read(elr_el1);

	masked.looks++;
	masked.idle = pc == masked.last ? ZN_MIN(masked.idle * 2, (uint64_t)IDLE_STEPS) : 1;
	masked.last = pc;
	if (late > masked.most) {
		masked.most = late;
		masked.pc = pc;
	}
	if (masked.step)
		counted_set(masked.step * masked.idle, look);
}

void bench_mask_begin(unsigned step)
{
	ASSERT(step && !masked.step, "two of them at once, or every %u ns", step);
	masked.looks = masked.most = masked.pc = masked.last = 0;
	masked.idle = 1;
	masked.step = step;
	counted_set(step, look);
}

void bench_mask_end(struct bench_masked *out)
{
	const char *name;

	masked.step = 0;
	counted_set(0, NULL);
	out->offset = 0;
	name = arm64_symbol(masked.pc, &out->offset);
	out->at = name ? name : "a program";
	out->looks = masked.looks;
	out->most = masked.most;
}
