/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `lockstat`: who takes which lock, how often he waits, how long it is held.
 *
 *	lockstat          a line for each lock and function that takes it
 *	lockstat -j       the same as one JSON object
 *	lockstat reset    count from here on
 *
 * The counts are lib/lock_stat.c's, in an image that was built with ZONAL_LOCKSTAT=1
 * (build/lockstat/zonal.img); others have none and say so. A lock is told by its rank, that of a
 * zone or of a node's lists by which one it is too; what has one name is one line, and so are
 * several places in one function.
 * Times are nanoseconds; under -icount shift=0 these are instructions.
 *
 * State: the table of lines, of the one who runs monitor commands. Locks: none.
 */
#include <string.h>
#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/lock_stat.h"
#include "lib/stop.h"
#include "mm/mm.h"
#include "mm/node.h"
#include "mm/zone.h"
#include "monitor_command.h"

#define LINES 256u
#define NAME_BYTES 32u

static struct line {
	struct lock_way sum;
	char lock[NAME_BYTES];
	const char *path;
} lines[LINES];

const char *monitor_lockstat_word(unsigned n) { return n ? NULL : "reset"; }

/* Which lock of its kind: "zone 0 Normal", "lists of node 1", else as the table of ranks has it. */
static void name_lock(struct zonal *mm, const struct lock_way *way, char name[NAME_BYTES])
{
	struct zone *zone;
	unsigned zid;

	zn_snprintf(name, NAME_BYTES, "%s", lock_rank_text(way->rank));
	mm_for_each_zone(mm, zid, zone) {
		if (way->lock == &zone->lock)
			zn_snprintf(name, NAME_BYTES, "zone %u %s", zone->node,
				    zonal_zone_name(zone->type));
		else if (way->lock == &mm->node[zone->node]->reclaim.lru.lock)
			zn_snprintf(name, NAME_BYTES, "lists of node %u", zone->node);
	}
}

/* The line of this lock and function, perhaps a new one; NULL: the table is full. */
static struct line *line_of(struct zonal *mm, const struct lock_way *way, unsigned *count)
{
	uint64_t offset = 0;
	struct line new = { .path = monitor_symbol ? monitor_symbol(way->at, &offset) : NULL };
	struct line *line = lines;

	new.path = new.path ? new.path : "?";
	name_lock(mm, way, new.lock);
	while (line < lines + *count &&
	       (line->path != new.path || strcmp(line->lock, new.lock) != 0))
		line++;
	if (line < lines + *count)
		return line;
	if (*count == LINES)
		return NULL;
	++*count;
	*line = new;
	return line;
}

/* All ways as lines; counts of what found no line go to *lost. */
static unsigned gather(struct zonal *mm, uint64_t *lost)
{
	unsigned count = 0, cursor = 0;
	struct lock_way way;

	*lost = lock_stat_lost();
	while (lock_stat_way(&cursor, &way)) {
		struct line *line = line_of(mm, &way, &count);

		if (!line) {
			*lost += way.taken;
			continue;
		}
		line->sum.taken += way.taken;
		line->sum.waited += way.waited;
		line->sum.held += way.held;
		line->sum.most = ZN_MAX(line->sum.most, way.most);
	}
	return count;
}

/* Those that were waited for first, then those that are held longest in all. */
static bool before(const struct line *a, const struct line *b)
{
	if (a->sum.waited != b->sum.waited)
		return a->sum.waited > b->sum.waited;
	return a->sum.held > b->sum.held;
}

static void sort(unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		struct line line = lines[i];
		unsigned j = i;

		for (; j && before(&line, &lines[j - 1]); j--)
			lines[j] = lines[j - 1];
		lines[j] = line;
	}
}

static void print_json(unsigned count, uint64_t lost)
{
	kprintf("{\"schema\":\"zonal.lockstat/1\",\"lost\":%llu,\"ways\":[",
		(unsigned long long)lost);
	for (unsigned i = 0; i < count; i++)
		kprintf("%s{\"lock\":\"%s\",\"path\":\"%s\",\"taken\":%llu,\"waited\":%llu,"
			"\"held\":%llu,\"most\":%llu}",
			i ? "," : "", lines[i].lock, lines[i].path,
			(unsigned long long)lines[i].sum.taken,
			(unsigned long long)lines[i].sum.waited,
			(unsigned long long)lines[i].sum.held,
			(unsigned long long)lines[i].sum.most);
	kprintf("]}\n");
}

static void print_text(unsigned count, uint64_t lost)
{
	kprintf("%-30s %-30s %9s %7s %8s %8s\n", "lock", "taken in", "taken", "waited", "held",
		"longest");
	for (unsigned i = 0; i < count && !zn_stop_asked(); i++) {
		const struct lock_way *sum = &lines[i].sum;

		kprintf("%-30s %-30s %9llu %7llu %8llu %8llu\n", lines[i].lock, lines[i].path,
			(unsigned long long)sum->taken, (unsigned long long)sum->waited,
			(unsigned long long)(sum->taken ? sum->held / sum->taken : 0),
			(unsigned long long)sum->most);
	}
	if (lost)
		kprintf("%llu times a lock was taken that the table has no room for\n",
			(unsigned long long)lost);
}

int monitor_lockstat(struct zonal *mm, const struct monitor_args *args)
{
	uint64_t lost;
	unsigned count;

	ASSERT(args->count <= 1, "%u words", args->count);
	if (args->count && strcmp(args->word[0], "reset") != 0) {
		kprintf("lockstat: %s: only reset is known\n", args->word[0]);
		return 1;
	}
	if (!ZONAL_LOCKSTAT) {
		kprintf("lockstat: this image does not count locks: "
			"make build/lockstat/zonal.img\n");
		return 1;
	}
	if (args->count) {
		lock_stat_begin();
		return 0;
	}
	count = gather(mm, &lost);
	sort(count);
	if (args->json)
		print_json(count, lost);
	else
		print_text(count, lost);
	return 0;
}
