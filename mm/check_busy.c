/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check_busy: the walk of zonal_check() over an instance that is in use.
 *
 * Rings and the map are walked without a lock, so a block that is freed or taken meanwhile is
 * counted twice or not at all: the walk finds a fault where there is none. What is truly broken
 * stays so. Hence a finding is believed if the walk after it says the same, word for word; and if
 * every walk of several finds something, though never the same, since a count that is wrong by a
 * constant is found with other numbers each time.
 *
 * Between two walks we nap, so that a task that ends or a drain gets to its end. A stop that was
 * asked for is no finding to be asked about again.
 *
 * No lock is held between walks.
 */
#include <zonal/port.h>

#include "mm.h"

#include "lib/stop.h"
#include "lib/text.h"

#define WALKS 8u
#define NAP_NS 2000000ull

bool zonal_check_busy(struct zonal *mm, struct zonal_finding *first)
{
	struct zonal_finding before;
	unsigned walk = 0;

	while (!zonal_check(mm, first)) {
		if (++walk == WALKS || zn_stop_asked())
			return false;
		if (walk > 1 && text_same(before.text, first->text, sizeof(before.text)))
			return false;
		before = *first;
		if (port_nap)
			port_nap(NAP_NS);
	}
	return true;
}
