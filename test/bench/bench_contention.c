/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Do cores wait for each other? Counted, not timed: locks of zones and of their lists that were
 * taken, those that somebody else had, and how long they were held.
 *
 *	contention-own     one core of each node with memory; each takes and frees blocks of orders
 *	                   0 and 3 of its own node
 *	contention-take    all cores take pages of the first node, BURST each
 *	contention-free    and give them back
 *
 *	ops                takes and frees
 *	taken, waited      locks
 *	held, most         nanoseconds in all and at one time; instructions, where one is
 *	batch              pages that one refill or drain of a core's list moves
 *
 * Rounds begin together at a counter that each core adds itself to. It needs an image that counts
 * locks (ZONAL_LOCKSTAT=1), and is left out of others.
 */
#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench.h"
#include "lib/kprintf.h"
#include "lib/lock_stat.h"
#include "lib/stop.h"
#include "mm/mm.h"
#include "mm/zone.h"

#define MOST_CORES 16u
#define BURST 1024u
#define OWN_ROUNDS 64u
#define OWN_BURST 128u
#define GFP_OWN (GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN)

static struct {
	unsigned cores;
	_Atomic unsigned arrived[3];
	_Atomic uint64_t ops[3];
	_Atomic unsigned missed; /* takes that got nothing */
} shared;

static struct page *block[MOST_CORES][BURST];

enum { OWN, TAKE, FREE, PARTS };

static void meet(unsigned part)
{
	fetch_add_relaxed(&shared.arrived[part], 1u);
	while (ld_acquire(&shared.arrived[part]) < shared.cores)
		port_relax();
}

static unsigned node_here(void)
{
	port_irqflags_t irq = port_irq_save();
	unsigned node = mm_this_cpu(&zonal_image)->node;

	port_irq_restore(irq);
	return node;
}

static void take(unsigned index, unsigned count, unsigned node, unsigned order)
{
	for (unsigned i = 0; i < count; i++) {
		block[index][i] = alloc_pages_node((int)node, GFP_OWN, order);
		if (!block[index][i])
			fetch_add_relaxed(&shared.missed, 1u);
	}
}

static void give(unsigned index, unsigned count, unsigned order)
{
	for (unsigned i = 0; i < count; i++)
		if (block[index][i])
			__free_pages(block[index][i], order);
}

/* ---- the parts ------------------------------------------------------------------ */

/* The first core of this node among those that work? */
static bool first_of_node(unsigned index, unsigned node)
{
	static _Atomic unsigned first[ZONAL_MAX_NODES]; /* index + 1 of who came first */
	unsigned none = 0;

	if (!(zonal_image.has_memory >> node & 1))
		return false;
	return atomic_compare_exchange_strong(&first[node], &none, index + 1) || none == index + 1;
}

static void own_part(void *arg, unsigned index)
{
	unsigned node = node_here();
	bool works = first_of_node(index, node);

	(void)arg;
	meet(OWN);
	for (unsigned i = 0; works && i < OWN_ROUNDS; i++) {
		take(index, OWN_BURST, node, 0);
		give(index, OWN_BURST, 0);
		take(index, OWN_BURST, node, 3);
		give(index, OWN_BURST, 3);
		fetch_add_relaxed(&shared.ops[OWN], 4u * OWN_BURST);
	}
}

static void take_part(void *arg, unsigned index)
{
	(void)arg;
	meet(TAKE);
	take(index, BURST, (unsigned)nodemask_first(zonal_image.has_memory), 0);
	fetch_add_relaxed(&shared.ops[TAKE], BURST);
}

static void free_part(void *arg, unsigned index)
{
	(void)arg;
	meet(FREE);
	give(index, BURST, 0);
	fetch_add_relaxed(&shared.ops[FREE], BURST);
}

/* ---- what came of it -------------------------------------------------------------- */

static struct lock_way sum_of_ways(void)
{
	struct lock_way sum = { .taken = 0 }, way;
	unsigned cursor = 0;

	while (lock_stat_way(&cursor, &way)) {
		if (way.rank != LOCK_ZONE && way.rank != LOCK_LRU)
			continue;
		sum.taken += way.taken;
		sum.waited += way.waited;
		sum.held += way.held;
		sum.most = ZN_MAX(sum.most, way.most);
	}
	return sum;
}

static unsigned batch(void)
{
	port_irqflags_t irq = port_irq_save();
	unsigned nid = (unsigned)nodemask_first(zonal_image.has_memory), found = 0, zid;
	struct zone *zone;

	mm_for_each_zone(&zonal_image, zid, zone)
		if (zone->node == nid)
			found = ZN_MAX(found, mm_this_cpu(&zonal_image)->pcp[zid].batch);
	port_irq_restore(irq);
	return found;
}

static void print(const struct bench *bench, const char *part, uint64_t ops)
{
	struct lock_way sum = sum_of_ways();

	kprintf(bench->json ? "{\"schema\":\"zonal.bench/1\","
			      "\"name\":\"contention-%s\",\"order\":0,\"ops\":%llu,"
			      "\"cores\":%u,\"taken\":%llu,\"waited\":%llu,"
			      "\"held\":%llu,\"most\":%llu,\"batch\":%u,\"lost\":%llu}\n" :
			      "contention-%s order=0 ops=%llu cores=%u taken=%llu waited=%llu "
			      "held=%llu most=%llu batch=%u lost=%llu\n",
		part, (unsigned long long)ops, shared.cores, (unsigned long long)sum.taken,
		(unsigned long long)sum.waited, (unsigned long long)sum.held,
		(unsigned long long)sum.most, batch(), (unsigned long long)lock_stat_lost());
}

bool bench_contention(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	static void (*const part[PARTS])(void *arg, unsigned index) = { own_part, take_part,
									free_part };
	static const char *const name[PARTS] = { "own", "take", "free" };

	if (!ZONAL_LOCKSTAT) {
		if (!bench->json)
			kprintf("%s needs an image that counts locks (ZONAL_LOCKSTAT=1): "
				"left out\n", c->name);
		return true;
	}
	shared.cores = ZN_MIN(bench->port->cpus, MOST_CORES);
	for (unsigned i = 0; i < PARTS; i++) {
		st_relaxed(&shared.arrived[i], 0u);
		st_relaxed(&shared.ops[i], 0u);
		lock_stat_begin();
		if (!bench->port->together(shared.cores, part[i], NULL))
			return bench_failed(c, order, "the workers could not be started");
		print(bench, name[i], ld_relaxed(&shared.ops[i]));
	}
	return !ld_relaxed(&shared.missed) || bench_failed(c, order, "out of memory");
}
