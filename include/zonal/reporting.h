/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting (A14): large free blocks are shown to somebody who can use their memory as
 * long as they are free, such as a hypervisor, which gives it back by itself when it is touched.
 *
 *	static const struct zonal_reporter to_host = { .report = tell_host };
 *	zonal_reporting_begin(mm, &to_host);
 *	for (;;)                                        a task of the port's
 *		sleep_ns(zonal_reporting_turn(mm));
 *
 * Blocks of ZONAL_PAGEBLOCK_ORDER and more are reported two seconds after the first of them was
 * freed, each once until it is taken, split or merged.
 */
#ifndef ZONAL_REPORTING_H
#define ZONAL_REPORTING_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* Most blocks of one call. */
#define ZONAL_REPORT_BLOCKS 32

struct zonal_free_block {
	zonal_pfn_t pfn;
	unsigned order;
};

struct zonal_reporter {
	/*
	 * These `count` blocks are free and stay so until the call returns; afterwards each may
	 * be taken at any moment, and its contents may be lost until then. 0: they are known
	 * now; else nothing is, they are free as before, and the run ends. Context: the task that
	 * calls the turn, no lock held; it may sleep, but the blocks are missing meanwhile.
	 */
	int (*report)(void *ctx, const struct zonal_free_block *block, unsigned count);
	void *ctx;
};

/*
 * From now on `reporter`, which must stay, is told; of all that is free already, too. Returns 0;
 * ZONAL_EBUSY: there is one; ZONAL_EINVAL: it has no function, or free pages must keep what they
 * hold (page_poison, init_on_free). Context: task, one caller at a time, also of what follows.
 */
int zonal_reporting_begin(struct zonal *mm, const struct zonal_reporter *reporter) ZONAL_MUST_USE;

/* No longer. What was reported stays so until it is taken. Not while a turn runs. */
void zonal_reporting_end(struct zonal *mm);

/* Do what is due. Returns how many ns to sleep until the next turn; UINT64_MAX: there is no
 * reporter. Context: task. */
uint64_t zonal_reporting_turn(struct zonal *mm);

/* Pages reported so far, all in all. Any context. */
uint64_t zonal_reported_pages(const struct zonal *mm);

ZONAL_END_DECLS

#endif
