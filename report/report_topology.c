/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `topology` command: nodes, ranges, CPUs, distances, fallback orders.
 *
 * The same code prints for the host program, which has read a blob from a file,
 * and for the image. As JSON it is one object on one line:
 *
 *	{"schema":"zonal.topology/1",
 *	 "nodes":[{"node","ranges":[[start,size]...],"cpus":[index...],"fallback":[node...]}],
 *	 "cpus":[{"cpu","mpidr","node","online"}],
 *	 "distance":[[...]], "reserved":[[start,size]...],
 *	 "reserved_flags":[text...], "numa":word, "dma_max":number or null}
 *
 * Numbers are decimal and in bytes; rows and columns of "distance" are in the order of
 * "nodes", which matters only if node ids have gaps. "reserved_flags" goes
 * with "reserved", entry by entry. "numa" is "ok", or why the board is one node.
 *
 * The fallback orders are those of mm/node.c for the boot-time lists: no CPU term
 * (row N3), and a node is a candidate if it has a range. The order of a node
 * starts with itself even if it has no memory.
 *
 * It reads only *info and *facts and holds no lock. The orders are worked out node by node.
 */
#include "report_topology.h"

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "mm/node.h"

bool (*report_topology_online)(unsigned cpu);

static nodemask_t nodes_with_memory(const struct boot_info *info)
{
	nodemask_t mask = 0;

	for (unsigned i = 0; i < info->range_count; i++) {
		ASSERT((unsigned)info->range[i].nid < ZONAL_MAX_NODES, "range %u is of node %d", i,
		       info->range[i].nid);
		mask |= node_bit((unsigned)info->range[i].nid);
	}
	return mask;
}

static struct node_orders orders_begin(const struct boot_info *info)
{
	return (struct node_orders){ .distance = info->distance,
				     .candidates = nodes_with_memory(info),
				     .online_count = nodemask_count(info->nodes) };
}

/* The order of `nid`, `before` before each node of it but the first. */
static void print_order(struct node_orders *orders, unsigned nid, const char *before)
{
	uint8_t order[ZONAL_MAX_NODES];
	unsigned count = node_order_of(orders, nid, order);

	ASSERT(count <= ZONAL_MAX_NODES, "%u nodes follow node %u", count, nid);
	for (unsigned i = 0; i < count; i++)
		kprintf("%s%u", i ? before : "", order[i]);
}

/* What a node can hand out; what is off the map is told among the reserved ranges. */
static bool range_shown(const struct boot_range *range, unsigned nid)
{
	return range->nid == (int)nid && boot_range_usable(range);
}

static bool cpu_online(const struct board_facts *facts, unsigned cpu)
{
	ASSERT(cpu < ZONAL_MAX_CPUS, "CPU %u of %u", cpu, ZONAL_MAX_CPUS);
	return report_topology_online ? report_topology_online(cpu) : !facts->cpu[cpu].disabled;
}

static const char *flag_text(unsigned flags)
{
	if (flags & BOOT_NOMAP)
		return flags & BOOT_DYNAMIC ? "no-map, placed" : "no-map";
	if (flags & BOOT_CMA)
		return flags & BOOT_DYNAMIC ? "cma, placed" : "cma";
	if (flags & BOOT_FIRMWARE)
		return "firmware";
	return flags & BOOT_DYNAMIC ? "placed" : "reserved";
}

static const char *numa_word(enum numa_reason reason)
{
	static const char *const word[] = {
		[NUMA_OK] = "ok",
		[NUMA_NOT_IN_DT] = "not-in-dt",
		[NUMA_OFF] = "off",
		[NUMA_BAD_NODE_ID] = "bad-node-id",
		[NUMA_NO_REG] = "no-reg",
		[NUMA_RANGE_WITHOUT_NODE] = "range-without-node",
		[NUMA_BAD_DISTANCE] = "bad-distance",
		[NUMA_EMPTY_MATRIX] = "empty-matrix",
	};

	return reason < ARRAY_SIZE(word) ? word[reason] : "unknown";
}

/* ---- JSON --------------------------------------------------------------------- */

static void json_range(const struct boot_range *range, bool *first)
{
	ASSERT(range->size, "an empty range at 0x%llx", (unsigned long long)range->start);
	kprintf("%s[%llu,%llu]", *first ? "" : ",", (unsigned long long)range->start,
		(unsigned long long)range->size);
	*first = false;
}

static void json_node(const struct boot_info *info, struct node_orders *orders, unsigned nid)
{
	bool first = true;

	kprintf("{\"node\":%u,\"ranges\":[", nid);
	for (unsigned i = 0; i < info->range_count; i++) {
		if (range_shown(&info->range[i], nid))
			json_range(&info->range[i], &first);
	}
	kprintf("],\"cpus\":[");
	first = true;
	for (unsigned i = 0; i < info->cpu_count; i++) {
		if (info->cpu[i].nid != (int)nid)
			continue;
		kprintf("%s%u", first ? "" : ",", i);
		first = false;
	}
	kprintf("],\"fallback\":[");
	print_order(orders, nid, ",");
	kprintf("]}");
}

static void json_nodes(const struct boot_info *info)
{
	struct node_orders orders = orders_begin(info);
	const char *comma = "";

	kprintf("\"nodes\":[");
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (!nodemask_has(info->nodes, nid))
			continue;
		kprintf("%s", comma);
		json_node(info, &orders, nid);
		comma = ",";
	}
	kprintf("]");
}

static void json_cpus(const struct boot_info *info, const struct board_facts *facts)
{
	kprintf(",\"cpus\":[");
	for (unsigned i = 0; i < info->cpu_count; i++)
		kprintf("%s{\"cpu\":%u,\"mpidr\":%llu,\"node\":%d,\"online\":%s}", i ? "," : "", i,
			(unsigned long long)facts->cpu[i].mpidr, info->cpu[i].nid,
			cpu_online(facts, i) ? "true" : "false");
	kprintf("]");
}

static void json_distances(const struct boot_info *info)
{
	const char *row = "";

	kprintf(",\"distance\":[");
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++) {
		const char *column = "";

		if (!nodemask_has(info->nodes, a))
			continue;
		kprintf("%s[", row);
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++) {
			if (!nodemask_has(info->nodes, b))
				continue;
			kprintf("%s%u", column, info->distance[a][b]);
			column = ",";
		}
		kprintf("]");
		row = ",";
	}
	kprintf("]");
}

static void json_reserved(const struct boot_info *info)
{
	bool first = true;

	kprintf(",\"reserved\":[");
	for (unsigned i = 0; i < info->reserved_count; i++)
		json_range(&info->reserved[i], &first);
	kprintf("],\"reserved_flags\":[");
	for (unsigned i = 0; i < info->reserved_count; i++)
		kprintf("%s\"%s\"", i ? "," : "", flag_text(info->reserved[i].flags));
	kprintf("]");
}

static void json_topology(const struct boot_info *info, const struct board_facts *facts)
{
	kprintf("{\"schema\":\"zonal.topology/1\",");
	json_nodes(info);
	json_cpus(info, facts);
	json_distances(info);
	json_reserved(info);
	kprintf(",\"numa\":\"%s\",\"dma_max\":", numa_word(facts->numa));
	if (info->dma_max == UINT64_MAX)
		kprintf("null}\n");
	else
		kprintf("%llu}\n", (unsigned long long)info->dma_max);
}

/* ---- text --------------------------------------------------------------------- */

static void text_range(const struct boot_range *range, const char *what)
{
	ASSERT(range->size, "an empty range at 0x%llx", (unsigned long long)range->start);
	kprintf("  0x%012llx-0x%012llx %10llu KiB%s%s\n", (unsigned long long)range->start,
		(unsigned long long)(range->start + range->size - 1),
		(unsigned long long)(range->size / 1024), *what ? "  " : "", what);
}

/* The CPUs of a node, runs of them as first-last. */
static void text_cpus(const struct boot_info *info, unsigned nid)
{
	bool any = false;

	for (unsigned i = 0; i < info->cpu_count; i++) {
		unsigned last = i;

		if (info->cpu[i].nid != (int)nid)
			continue;
		while (last + 1 < info->cpu_count && info->cpu[last + 1].nid == (int)nid)
			last++;
		kprintf(i == last ? "%s%u" : "%s%u-%u", any ? "," : " ", i, last);
		any = true;
		i = last;
	}
	kprintf(any ? "\n" : " none\n");
}

static void text_node(const struct boot_info *info, struct node_orders *orders, unsigned nid)
{
	uint64_t bytes = 0;

	ASSERT(nid < ZONAL_MAX_NODES, "node %u", nid);
	for (unsigned i = 0; i < info->range_count; i++)
		bytes += range_shown(&info->range[i], nid) ? info->range[i].size : 0;
	kprintf("node %u: %llu MiB, cpus", nid, (unsigned long long)(bytes >> 20));
	text_cpus(info, nid);
	for (unsigned i = 0; i < info->range_count; i++) {
		if (range_shown(&info->range[i], nid))
			text_range(&info->range[i],
				   info->range[i].flags & BOOT_HOTPLUG ? "hotpluggable" : "");
	}
	kprintf("  fallback ");
	print_order(orders, nid, " ");
	kprintf("\n");
}

static void text_distances(const struct boot_info *info)
{
	kprintf("distances:\nnode ");
	for (unsigned b = 0; b < ZONAL_MAX_NODES; b++) {
		if (nodemask_has(info->nodes, b))
			kprintf(" %3u", b);
	}
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++) {
		if (!nodemask_has(info->nodes, a))
			continue;
		kprintf("\n %3u:", a);
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++) {
			if (nodemask_has(info->nodes, b))
				kprintf(" %3u", info->distance[a][b]);
		}
	}
	kprintf("\n");
}

static void text_topology(const struct boot_info *info, const struct board_facts *facts)
{
	struct node_orders orders = orders_begin(info);

	kprintf("%u node%s: %s\n", nodemask_count(info->nodes),
		nodemask_count(info->nodes) == 1 ? "" : "s", topology_numa_text(facts->numa));
	for (unsigned nid = 0; nid < ZONAL_MAX_NODES; nid++) {
		if (nodemask_has(info->nodes, nid))
			text_node(info, &orders, nid);
	}
	text_distances(info);
	kprintf("reserved:%s\n", info->reserved_count ? "" : " nothing");
	for (unsigned i = 0; i < info->reserved_count; i++)
		text_range(&info->reserved[i], flag_text(info->reserved[i].flags));
	kprintf("cpus:%s\n", info->cpu_count ? "" : " none named");
	for (unsigned i = 0; i < info->cpu_count; i++)
		kprintf("  cpu %u: mpidr 0x%llx, node %d, %s\n", i,
			(unsigned long long)facts->cpu[i].mpidr, info->cpu[i].nid,
			cpu_online(facts, i) ? "online" : "offline");
	if (info->dma_max != UINT64_MAX)
		kprintf("dma: up to 0x%llx\n", (unsigned long long)info->dma_max);
}

void report_topology(const struct boot_info *info, const struct board_facts *facts, bool json)
{
	if (json)
		json_topology(info, facts);
	else
		text_topology(info, facts);
}

void report_topology_error(const char *label, const struct topology_error *error)
{
	kprintf("%s: %s%s%s: %s\n", label, error->path, *error->path ? " = " : "", error->value,
		error->rule);
}

void report_topology_notes(const struct topology_notes *notes)
{
	for (unsigned i = 0; i < notes->count; i++)
		report_topology_error("topology", &notes->note[i]);
	if (notes->dropped)
		kprintf("topology: and %u more\n", notes->dropped);
}
