/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a state in a frame record: what the allocator held at one moment.
 *
 *	zone     the numbers of a zone, by key=value; keys that only describe are passed over
 *	diff     what each CPU had counted and not yet told
 *	numa     the sums since the kernel's boot
 *	blocks   pageblock types, run-length coded, from the zone's start rounded down
 *	free     one free list, head first
 *	pcp      one list of one CPU, hot end first, with the type each page goes back to
 *	movable  pages in use that count as movable
 *	held     blocks in use that the player may free
 *
 * A zone's own line comes before all others about it. A list goes on in further
 * lines with the same key, so each reader adds to what is there. What the numbers mean is
 * the player's business; that they can be is looked at here.
 */
#include <stdlib.h>
#include <string.h>

#include "frames_text.h"

/* The zone that a line is about; a dummy behind an error, so that readers need not look. */
static struct fr_zone *zone_of_line(struct reader *r)
{
	static struct fr_zone none;
	unsigned zid = fr_decimal(r, FIG_MAX_ZONES - 1);

	if (fr_good(r) && !r->state->zone[zid].given)
		fr_fail(r, "zone %u has no \"zone\" line above", zid);
	return fr_good(r) ? &r->state->zone[zid] : &none;
}

static void read_zone_word(struct reader *r, struct fr_zone *z, char *text, uint64_t *seen)
{
	const struct {
		const char *key;
		int64_t *whole;
		unsigned *small;
	} known[] = {
		{ "managed", (int64_t *)&z->managed, NULL },
		{ "spanned", (int64_t *)&z->spanned, NULL },
		{ "min", &z->mark[WMARK_MIN], NULL },
		{ "low", &z->mark[WMARK_LOW], NULL },
		{ "high", &z->mark[WMARK_HIGH], NULL },
		{ "boost", &z->boost, NULL },
		{ "highatomic", &z->highatomic, NULL },
		{ "free", &z->count[FR_FREE], NULL },
		{ "cma", &z->count[FR_CMA], NULL },
		{ "batch", NULL, &z->batch },
		{ "pcphigh", NULL, &z->pcp_high },
		{ "threshold", NULL, &z->threshold },
		{ "present", (int64_t *)&z->present, NULL },
		{ "boosted", NULL, &z->boosted },
		{ "isolated", NULL, &z->isolated },
	};
	char *value;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		value = fr_value(text, known[i].key);
		if (!value)
			continue;
		*seen |= (uint64_t)1 << i;
		if (known[i].whole)
			*known[i].whole = (int64_t)fr_number_to(r, &value, 10, UINT32_MAX, "");
		else
			*known[i].small = (unsigned)fr_number_to(r, &value, 10, INT32_MAX, "");
	}
	value = fr_value(text, "start");
	if (value)
		z->start = fr_number_to(r, &value, 16, UINT32_MAX - 1, "");
	value = fr_value(text, "reserve");
	for (unsigned t = 0; value && t < ZONE_TYPES; t++)
		z->reserve[t] = (int64_t)fr_number_to(r, &value, 10, INT64_MAX, ",");
}

void read_zone(struct reader *r)
{
	unsigned zid = fr_decimal(r, FIG_MAX_ZONES - 1);
	const uint64_t needed = (1u << 12) - 1;
	struct fr_zone *z = &r->state->zone[fr_good(r) ? zid : 0];
	uint64_t seen = 0;
	char *text;

	if (z->given)
		fr_fail(r, "zone %u stands twice", zid);
	while ((text = fr_word(r)) && fr_good(r))
		read_zone_word(r, z, text, &seen);
	if ((seen & needed) != needed)
		fr_fail(r, "zone %u: a key of FORMAT.md is missing", zid);
	z->given = true;
	z->node = zid / ZONE_TYPES;
	z->type = zid % ZONE_TYPES;
	if (!z->present)
		z->present = z->spanned;
	if (!z->spanned || z->start + z->spanned > UINT32_MAX || z->present > z->spanned ||
	    z->managed > z->present)
		fr_fail(r, "zone %u: managed, present and spanned pages do not fit", zid);
	if (!nodemask_has(r->f->nodes, z->node))
		fr_fail(r, "zone %u: node %u has no \"distance\" line", zid, z->node);
	z->diff = calloc(r->f->cpu_count + 1, sizeof(z->diff[0]));
	z->pcp = calloc(r->f->cpu_count + 1, sizeof(z->pcp[0]));
}

void read_diff(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);
	char *text;

	for (unsigned c = 0; (text = fr_word(r)) && fr_good(r); c++) {
		if (c >= r->f->cpu_count) {
			fr_fail(r, "more than %u CPUs", r->f->cpu_count);
			return;
		}
		z->diff[c][FR_FREE] = fr_signed_to(r, &text, ",");
		z->diff[c][FR_CMA] = fr_signed_to(r, &text, "");
	}
}

void read_numa(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);

	for (unsigned i = 0; i < FR_NUMA; i++)
		z->numa[i] = (int64_t)fr_number(r, 10, INT64_MAX);
}

void read_blocks(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);
	uint64_t most = ((z->start + z->spanned - 1) >> PAGEBLOCK_ORDER) -
			(z->start >> PAGEBLOCK_ORDER) + 1;
	char *text;

	while ((text = fr_word(r)) && fr_good(r)) {
		uint64_t type = fr_number_to(r, &text, 10, MIGRATE_TYPES - 1, "*");
		uint64_t count = fr_number_to(r, &text, 10, most - z->block.count, "");

		while (count--)
			fr_add(&z->block, type);
	}
}

void read_free(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);
	unsigned order = fr_decimal(r, MAX_ORDER - 1), type = fr_decimal(r, MIGRATE_TYPES - 1);
	char *text;

	while ((text = fr_word(r)) && fr_good(r))
		fr_add(&z->free[order][type], fr_number_to(r, &text, 16, UINT32_MAX, ""));
}

void read_pcp(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);
	unsigned cpu = fr_decimal(r, r->f->cpu_count - 1);
	unsigned list = fr_decimal(r, MIGRATE_PCPTYPES - 1);
	char *text;

	while ((text = fr_word(r)) && fr_good(r)) {
		uint64_t pfn = fr_number_to(r, &text, 16, UINT32_MAX, "."), home = list;

		if (*text)
			home = fr_number_to(r, &text, 10, MIGRATE_ISOLATE - 1, "");
		fr_add(&z->pcp[cpu][list], FR_PCP(pfn, home));
	}
}

void read_movable(struct reader *r)
{
	struct fr_zone *z = zone_of_line(r);
	char *text;

	while ((text = fr_word(r)) && fr_good(r)) {
		uint64_t first = fr_number_to(r, &text, 16, UINT32_MAX, "-"), last = first;

		if (*text)
			last = fr_number_to(r, &text, 16, UINT32_MAX, "");
		if (last < first)
			fr_fail(r, "range %llx-%llx ends before it begins",
				(unsigned long long)first, (unsigned long long)last);
		fr_add(&z->movable, FR_RANGE(first, last));
	}
}

void read_held(struct reader *r)
{
	char *text;

	while ((text = fr_word(r)) && fr_good(r)) {
		uint64_t pfn = fr_number_to(r, &text, 16, UINT32_MAX, ":"), order = 0;

		if (*text)
			order = fr_number_to(r, &text, 10, MAX_ORDER - 1, "");
		fr_add(&r->state->held, FR_HELD(pfn, order));
	}
}

void fr_free_state(const struct frames *f, struct fr_state *state)
{
	for (unsigned zid = 0; state && zid < FIG_MAX_ZONES; zid++) {
		struct fr_zone *z = &state->zone[zid];

		for (unsigned i = 0; i < MAX_ORDER * MIGRATE_TYPES; i++)
			free(z->free[i / MIGRATE_TYPES][i % MIGRATE_TYPES].item);
		for (unsigned i = 0; z->pcp && i < f->cpu_count * MIGRATE_PCPTYPES; i++)
			free(z->pcp[i / MIGRATE_PCPTYPES][i % MIGRATE_PCPTYPES].item);
		free(z->block.item);
		free(z->movable.item);
		free(z->pcp);
		free(z->diff);
	}
	if (state)
		free(state->held.item);
	free(state);
}
