/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port that has port_injected() is told of each failure that was asked for (D19).
 *
 * This program's counts them. In the image the hook notes who called (test/target/alloc_sites.c),
 * and is tested by what is made of that.
 */
#include "test/unit/mm/kt_scattered.h"

static unsigned injected;

void port_injected(void) { injected++; }

/* D19: of each that was asked for, and of no other. */
KTEST(rows_d, d19_the_port_is_told_of_each_injected_failure)
{
	struct zonal *mm = kt_bare_instance(&eight_blocks);
	struct page *page[5];

	if (!mm)
		return;
	injected = 0;
	zonal_inject(mm, 1, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(page); i++) {
		page[i] = zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, 1);
		KT_EQ(page[i] != NULL, i < 1 || i > 2);
		KT_EQ(injected, i < 1 ? 0 : ZN_MIN(i, 2u));
		zonal_free(mm, page[i], 1);
	}
	KT_TRUE(!zonal_alloc(mm, GFP_KERNEL | __GFP_NOWARN, MAX_ORDER));
	KT_EQ(injected, 2);
}
