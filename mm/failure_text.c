/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A failure record as one line of text, for logs and the `why` command:
 *
 *	#7 gfp 0x800 order 3 node 0 policy bind: node 0 DMA short by 12 pages; node 1
 *	DMA outside the node mask; tried low, min
 *
 * Kept apart from failure.c so that the allocator itself never formats text. The
 * text is cut at the buffer's end, never beyond it.
 */
#include "mm.h"

#include "lib/printf.h"

struct text {
	char *at;
	size_t size;
	size_t length;
};

#define ADD(t, ...)                                                                                \
	do {                                                                                       \
		size_t room = (t)->size - (t)->length;                                             \
		int n = zn_snprintf((t)->at + (t)->length, room, __VA_ARGS__);                     \
		(t)->length += ZN_MIN((size_t)(n < 0 ? 0 : n), room ? room - 1 : 0);               \
	} while (0)

static const char *const zone_name[ZONE_TYPES] = { "DMA", "DMA32", "Normal", "Movable" };
static const char *const policy_name[MPOL_MODES] = { "default", "preferred", "bind", "interleave",
						     "local" };

static const struct {
	uint32_t step;
	const char *name;
} step_name[] = {
	{ ZSTEP_FAST, "low" },		   { ZSTEP_MIN, "min" },
	{ ZSTEP_RESERVES, "reserves" },	   { ZSTEP_KSWAPD, "kswapd (no progress)" },
	{ ZSTEP_RECLAIM, "reclaim (no progress)" }, { ZSTEP_COMPACT, "compact (no progress)" },
	{ ZSTEP_OOM, "oom (no progress)" }, { ZSTEP_DRAIN, "drain" },
};

static const struct {
	uint32_t step;
	const char *text;
} door[] = {
	{ ZSTEP_INJECTED, "failed on purpose" },
	{ ZSTEP_BAD_ORDER, "order is not below the largest" },
	{ ZSTEP_BAD_NODE, "no such node online" },
	{ ZSTEP_BAD_FLAGS, "two zones or two mobilities asked at once" },
	{ ZSTEP_NO_CLEAR, "zeroed pages asked, and no clear function was given" },
};

static void add_zone(struct text *t, const struct zonal_failure *f, unsigned i)
{
	unsigned zid = f->zone[i].zid;

	ADD(t, "; node %u %s ", zid / ZONE_TYPES, zone_name[zid % ZONE_TYPES]);
	switch ((enum zonal_refusal)f->zone[i].refusal) {
	case REFUSED_NOT_ASKED:
		ADD(t, "above the zone limit");
		break;
	case REFUSED_NODEMASK:
		ADD(t, "outside the node mask");
		break;
	case REFUSED_CPUSET:
		ADD(t, "outside the cpuset");
		break;
	case REFUSED_WATERMARK:
		ADD(t, "short by %lld pages", (long long)f->zone[i].short_pages);
		break;
	case REFUSED_NO_BLOCK:
		ADD(t, "has no block of that order");
		break;
	case REFUSED_RACE:
	default:
		ADD(t, "had it a moment ago");
		break;
	}
}

static void add_steps(struct text *t, uint32_t steps)
{
	const char *before = "; tried ";

	for (unsigned i = 0; i < ARRAY_SIZE(step_name); i++) {
		if (!(steps & step_name[i].step))
			continue;
		ADD(t, "%s%s", before, step_name[i].name);
		before = ", ";
	}
}

size_t zonal_failure_text(const struct zonal *mm, const struct zonal_failure *f, char *buf,
			  size_t size)
{
	struct text t = { buf, size, 0 };

	(void)mm;
	if (!size)
		return 0;
	buf[0] = '\0';
	if (!f->serial) {
		ADD(&t, "no request has failed on this CPU");
		return t.length;
	}
	ADD(&t, "#%llu gfp 0x%x order %u node %d policy %s", (unsigned long long)f->serial, f->gfp,
	    f->order, f->nid, policy_name[f->policy < MPOL_MODES ? f->policy : 0]);
	for (unsigned i = 0; i < ARRAY_SIZE(door); i++)
		if (f->steps & door[i].step)
			ADD(&t, ": %s", door[i].text);
	for (unsigned i = 0; i < f->zone_count; i++)
		add_zone(&t, f, i);
	add_steps(&t, f->steps);
	return t.length;
}
