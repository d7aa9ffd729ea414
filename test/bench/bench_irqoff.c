/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest time with interrupts masked, by path.
 *
 * Each path is the work of another case, which prints nothing here, while a timer asks for an
 * interrupt again and again: what comes late was masked. So no code is changed for it, and what is
 * found is what a device would wait, the way into the handler included. The looks come some hundred
 * or thousand instructions behind each other, in steps that are in step with nothing: a stretch
 * that is met once may have begun up to a step before it was asked for; one that is passed often is
 * met at its beginning.
 *
 *	ops         interrupts that were looked at
 *	ns_per_op   the longest delay; instructions, where a nanosecond is one
 *	step        between two looks
 *	at          the function that opened interrupts behind it
 *
 * The line `irqoff` is the worst of all paths. Two paths have no case of their own: a group's
 * charges, its limit and its reclaim, and a set of nodes that is changed while its task allocates.
 *
 * One core does all of it, as Linux was measured: on several, programs and kswapd would run where
 * nobody looks, and the turns that QEMU gives to the others would count as well. So it is left out
 * unless the board was booted with maxcpus=1, or has one core. Only in the image.
 */
#include <string.h>
#include <zonal/cpuset.h>
#include <zonal/group.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "mm/mm.h"

enum { FINE = 509, COARSE = 4001 };
enum { GROUP_LIMIT = 512, GROUP_ASKS = 8192, SET_CHANGES = 32, SET_ASKS = 1024 };

#define GFP_NOW (GFP_NOWAIT | __GFP_NOWARN)
#define GFP_CLEAN GFP_HIGHUSER_MOVABLE
#define GFP_ASK (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NORETRY)

/* ---- paths without a case ---- */

static struct page *take(unsigned count, gfp_t gfp, struct page *chain)
{
	for (struct page *page; count && (page = alloc_page(gfp)); count--) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	return chain;
}

static void give(struct page *chain)
{
	while (chain) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		__free_page(page);
	}
}

/* The map of groups, once it is there, stays. */
static bool groups_begin(const struct bench *bench)
{
	size_t bytes = align_up(zonal_group_map_bytes(&zonal_image), PAGE_SIZE);
	void *map = zonal_image.groups.map ? NULL : bench->port->take(bytes);

	if (map)
		memset(map, 0, bytes);
	return zonal_image.groups.map || (map && !zonal_groups_begin(&zonal_image, map, bytes));
}

static bool run_group(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	static struct zonal_group group;
	struct zonal_task *task = port_this_cpu()->task;
	bool good;

	(void)c, (void)order;
	if (!groups_begin(bench) || zonal_group_make(&zonal_image, &group, NULL, GROUP_LIMIT))
		return false;
	zonal_group_join(&group, task);
	for (unsigned i = 0; i < GROUP_ASKS / GROUP_LIMIT; i++)
		give(take(GROUP_ASKS, GFP_ASK | __GFP_ACCOUNT, NULL));
	good = !zonal_group_limit(&group, GROUP_LIMIT / 2);
	zonal_group_join(NULL, task);
	zonal_group_settle(&zonal_image);
	return !zonal_group_drop(&group) && good;
}

static bool run_cpuset(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	static struct zonal_cpuset set;
	struct zonal_task *task = port_this_cpu()->task;
	zonal_nodemask_t all = zonal_image.has_memory, one = all & -all;
	struct page *chain = NULL;
	bool good = true;

	(void)bench, (void)c, (void)order;
	if (zonal_cpuset_make(&zonal_image, &set, NULL, all, 0))
		return false;
	zonal_cpuset_join(&set, task);
	for (unsigned i = 0; i < SET_CHANGES && good; i++) {
		chain = take(SET_ASKS, GFP_ASK, chain);
		good = !zonal_cpuset_change(&set, i & 1 ? all : one, 0);
	}
	give(chain);
	zonal_cpuset_leave(task);
	return !zonal_cpuset_drop(&set) && good;
}

/* ---- the case ---- */

static const struct {
	const char *path;
	unsigned step;
	struct bench_case work;
} paths[] = {
	{ "fault", FINE, { .name = "fault", .run = bench_user } },
	{ "unmap", FINE, { .name = "unmap", .run = bench_user, .count = 1 } },
	{ "hugefault", FINE, { .name = "hugefault", .run = bench_user, .count = 2 } },
	{ "compaction", COARSE, { .name = "migrate", .run = bench_migrate, .gfp = GFP_ASK } },
	{ "thp", COARSE, { .name = "thp", .run = bench_thp } },
	{ "contig", COARSE, { .name = "contig", .run = bench_contig } },
	{ "reclaim", COARSE, { .name = "clean", .run = bench_clean, .gfp = GFP_CLEAN } },
	{ "swap", COARSE, { .name = "swapin", .run = bench_swap, .count = 1 } },
	{ "oom", FINE, { .name = "oom", .run = bench_oom } },
	{ "drain", COARSE, { .name = "frag", .run = bench_frag, .gfp = GFP_NOW } },
	{ "group", FINE, { .name = "group", .run = run_group } },
	{ "steal", FINE, { .name = "steal", .run = bench_steal, .gfp = GFP_STEAL, .count = 1 } },
	{ "cpuset", FINE, { .name = "cpuset", .run = run_cpuset } },
};

static void print(const struct bench *bench, const char *name, const char *path,
		  const struct bench_masked *m, unsigned step)
{
	kprintf(bench->json ? "{\"schema\":\"zonal.bench/1\",\"name\":\"%s\",\"order\":0,"
			      "\"ops\":%llu,\"ns_per_op\":%llu,\"path\":\"%s\",\"at\":\"%s\","
			      "\"offset\":%llu,\"step\":%u}\n" :
			      "%s order=0 ops=%llu ns_per_op=%llu path=%s at=%s+%llu step=%u\n",
		name, (unsigned long long)m->looks, (unsigned long long)m->most, path, m->at,
		(unsigned long long)m->offset, step);
}

bool bench_irqoff(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	struct bench quiet = { bench->port, .quiet = true };
	struct bench_masked worst = { .at = "" }, m;
	unsigned where = 0;
	bool good = true;

	if (!bench->port->mask_begin)
		return true;
	if (bench->port->cpus > 1) {
		if (!bench->json)
			kprintf("%s needs one CPU alone (maxcpus=1): left out\n", c->name);
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(paths) && !zn_stop_asked(); i++) {
		char name[32];

		bench->port->mask_begin(paths[i].step);
		if (!paths[i].work.run(&quiet, &paths[i].work, order))
			good = false;
		bench->port->mask_end(&m);
		zn_snprintf(name, sizeof(name), "irqoff-%s", paths[i].path);
		print(bench, name, paths[i].path, &m, paths[i].step);
		if (m.most > worst.most) {
			worst = m;
			where = i;
		}
	}
	print(bench, c->name, paths[where].path, &worst, paths[where].step);
	return good;
}
