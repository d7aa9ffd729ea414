/* SPDX-License-Identifier: BSD-2-Clause */
/* The demonstration: what a board with several nodes does, in half a minute of reading. */
#ifndef MONITOR_DEMO_H
#define MONITOR_DEMO_H

#include <zonal/zonal.h>

/* Show it on zonal_image. Returns 0, or 1 if something was not as it must be; each such
 * thing is named on a line of its own. Context: task, cores and scheduler running. */
int demo_run(void);

/* ---- its parts; each returns how many things were wrong ------------------ */

/* Workers on every core under each policy (demo_policy.c). */
unsigned demo_policies(void);
/* One node runs out and the next ones serve (demo_walk.c). */
unsigned demo_exhaust(void);
/* Interrupt handlers on each core allocate (demo_walk.c). */
unsigned demo_interrupts(void);
/* Memory runs short: swap, compaction, a row of pages, a kill (demo_pressure.c). */
unsigned demo_pressure(void);

/* ---- shared -------------------------------------------------------------- */

/* What the demo keeps in the owner words of a block. */
struct demo_link {
	struct page *next;
	unsigned long order;
};

/* Put a block in front of a chain; give a whole chain back. */
void demo_hold(struct page **chain, struct page *page, unsigned order);
void demo_release(struct page **chain);
/* The node that serves a core first: its own, or the nearest with memory. */
unsigned demo_first_node(unsigned cpu);

#endif
