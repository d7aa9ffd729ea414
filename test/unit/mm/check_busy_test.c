/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_check_busy() believes what stays, and nothing that was a moment's.
 *
 * A count of the second node's zone is wrong; the walk over the first node's map, which comes
 * before, says how far it is, and there somebody changes the count or puts it right.
 */
#include "kt_instance.h"

#include "lib/progress.h"
#include "lib/stop.h"

static const struct kt_spec pair = {
	.ram = { { 0, KT_DMA_PFN, 2048 }, { 1, KT_DMA_PFN + (1 << MM_SECTION_SHIFT), 2048 } },
};

static struct {
	struct zone *zone;
	unsigned walks;
	unsigned right_in; /* in this walk it becomes right; 0: never */
	bool moves;        /* another wrong value in each walk */
	int64_t off;
} case_;

static void change(int64_t by)
{
	fetch_add_relaxed(&case_.zone->free, by);
	case_.off += by;
}

static void in_a_walk(const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)total;
	/* The first section of the first node. */
	if (done > KT_DMA_PFN >> MM_SECTION_SHIFT)
		return;
	case_.walks++;
	if (case_.walks == case_.right_in)
		change(-case_.off);
	else if (case_.moves)
		change(1);
}

static bool walk_it(struct zonal *mm, unsigned right_in, bool moves)
{
	void (*before)(const char *what, uint64_t done, uint64_t total) = zn_progress_hook;
	struct zonal_finding finding;
	bool good;

	case_.zone = kt_zone(mm, 1, ZONE_DMA);
	case_.walks = 0;
	case_.right_in = right_in;
	case_.moves = moves;
	case_.off = 0;
	change(3);
	zn_progress_hook = in_a_walk;
	good = zonal_check_busy(mm, &finding);
	zn_progress_hook = before;
	KT_EQ(!finding.text[0], good);
	change(-case_.off);
	kt_check_all(mm);
	return good;
}

KTEST(check, finding_of_a_moment_is_not_believed_on_a_busy_system)
{
	struct zonal *mm = kt_instance(&pair);

	if (!mm)
		return;
	KT_TRUE(walk_it(mm, 2, false));
	KT_EQ(case_.walks, 2);
	KT_TRUE(walk_it(mm, 5, true));
	KT_EQ(case_.walks, 5);
}

KTEST(check, finding_that_stays_or_never_ends_is_believed_on_a_busy_system)
{
	struct zonal *mm = kt_instance(&pair);

	if (!mm)
		return;
	KT_TRUE(!walk_it(mm, 0, false));
	KT_EQ(case_.walks, 2);
	KT_TRUE(!walk_it(mm, 0, true));
	KT_EQ(case_.walks, 8);
}

static bool stop_now(void) { return true; }

KTEST_F(check, busy_check_that_is_to_stop_does_not_begin_again, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&pair);
	struct zonal_finding finding;

	if (!mm)
		return;
	zn_stop_hook = stop_now;
	KT_TRUE(!zonal_check_busy(mm, &finding));
	zn_stop_hook = NULL;
	KT_TRUE(finding.text[0] != '\0');
}
