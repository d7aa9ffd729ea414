/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node ids and distances of the device tree (rows I11-I15).
 *
 * It is all or nothing, as in 5.10: one memory node with an unreadable id, one range
 * without an id or one bad distance, and the whole board is a single node 0. Real
 * firmware depends on that (boards exist with CPU ids and no memory ids), so the
 * rule that fired is recorded in board_facts.numa and, with its place, in the notes.
 *
 * One rule is not 5.10's: memory whose id has no place in our table makes no single node of
 * the board. It is left out with a line, with the CPUs of that id, and the nodes that fit
 * are what they are. Only if all memory has such ids, the board is a single node.
 *
 * Steps:
 *   1. CPUs name node ids. An id that is out of range is passed over.
 *   2. Memory nodes in tree order: the ranges of `reg` (never of
 *      linux,usable-memory) get the node's id; where two overlap, the later one
 *      wins. U-Boot writes such trees. An id is a node even if its size is 0.
 *   3. The distance map, the first node that is compatible with version 1: triples
 *      (a, b, distance), in order. 10 for a == b, more than 10 otherwise. For a < b
 *      the way back is set as well, so a later (b, a) stands and an earlier one
 *      is overwritten. A distance over 255 and an id that is out of range are passed over.
 *      Without an entry: 10 and 20.
 *   4. What has an id that is out of range is left out.
 *   5. Every byte of memory must have an id now.
 *
 * Online nodes are those that CPUs or memory name, plus node 0 if a CPU fell back
 * to it. A node that only the distance map names is not online (row I11).
 *
 * Bounds are bytes here: a border inside a page takes that page from both nodes,
 * when topology_read() shrinks the ranges afterwards.
 */
#include "topology_internal.h"

#include "lib/assert.h"
#include "lib/printf.h"

#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20
#define RULE_NODE_ID "a node id must be below ZONAL_MAX_NODES"
#define RULE_LEFT_OUT RULE_NODE_ID "; its memory and CPUs are left out"

static enum numa_reason numa_refuse(struct topology *t, int node, const char *prop,
				    uint64_t value, enum numa_reason reason)
{
	topology_note(t, node, prop, topology_numa_text(reason), "%llu",
		      (unsigned long long)value);
	return reason;
}

static void numa_default_distances(struct boot_info *info)
{
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++) {
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++)
			info->distance[a][b] = a == b ? LOCAL_DISTANCE : REMOTE_DISTANCE;
	}
}

/* Whether an id is out of range and some memory has it: the line of that memory says it all. */
static bool numa_left_out(const struct topology *t, uint32_t nid)
{
	uint32_t other;
	int node;

	if (nid < ZONAL_MAX_NODES)
		return false;
	topology_for_each_child(t, node, 0)
		if (topology_is_memory(t, node) &&
		    topology_u32(t, node, "numa-node-id", &other) == U32_OK && other == nid)
			return true;
	return false;
}

/* Step 1. Only an id on the CPU's own node counts here, as in 5.10. */
static void numa_read_cpus(struct topology *t)
{
	int cpus = fdt_find_child(t->fdt, 0, "cpus"), cpu;

	if (cpus < 0)
		return;
	topology_for_each_child(t, cpu, cpus) {
		uint32_t nid;

		if (!topology_is_cpu(t, cpu) ||
		    topology_u32(t, cpu, "numa-node-id", &nid) != U32_OK)
			continue;
		if (nid < ZONAL_MAX_NODES)
			t->info->nodes |= node_bit(nid);
		else if (!numa_left_out(t, nid))
			topology_note(t, cpu, "numa-node-id", RULE_NODE_ID, "%u", nid);
	}
}

/* Step 2, one node; `nid` is NODE_LEFT_OUT for an id that is out of range. */
static enum numa_reason numa_set_ranges(struct topology *t, int node, int nid)
{
	const unsigned tuple = (t->addr_cells + t->size_cells) * 4;
	struct topology_prop reg = topology_prop(t, node, "reg");
	struct topology_span span = { .node = node, .prop = "reg" };

	ASSERT(nid == NODE_LEFT_OUT || (nid >= 0 && nid < ZONAL_MAX_NODES), "node id %d", nid);
	if (reg.bytes < tuple)
		return numa_refuse(t, node, "reg", reg.bytes, NUMA_NO_REG);
	for (; reg.bytes >= tuple; reg.at += tuple, reg.bytes -= tuple) {
		span.start = topology_cells(reg.at, t->addr_cells);
		span.size = topology_cells(reg.at + t->addr_cells * 4, t->size_cells);
		topology_set_nid(t, &span, nid);
	}
	if (nid != NODE_LEFT_OUT)
		t->info->nodes |= node_bit((unsigned)nid);
	return NUMA_OK;
}

static enum numa_reason numa_read_memory(struct topology *t)
{
	enum numa_reason reason = NUMA_OK;
	int node;

	topology_for_each_child(t, node, 0) {
		uint32_t nid = 0;
		enum topology_u32 got;

		if (!topology_is_memory(t, node))
			continue;
		got = topology_u32(t, node, "numa-node-id", &nid);
		if (got == U32_ABSENT)
			continue;
		if (got == U32_BAD)
			return numa_refuse(t, node, "numa-node-id", nid, NUMA_BAD_NODE_ID);
		if (nid >= ZONAL_MAX_NODES)
			topology_note(t, node, "numa-node-id", RULE_LEFT_OUT, "%u", nid);
		reason = numa_set_ranges(t, node, nid < ZONAL_MAX_NODES ? (int)nid : NODE_LEFT_OUT);
		if (reason != NUMA_OK)
			break;
	}
	return reason;
}

/* One entry of the matrix, known to be more than 10 or exactly 10 as it must. */
static void numa_set_distance(struct topology *t, int map, uint32_t a, uint32_t b,
			      uint32_t distance)
{
	if (a >= ZONAL_MAX_NODES || b >= ZONAL_MAX_NODES) {
		if (!numa_left_out(t, a) && !numa_left_out(t, b))
			topology_note(t, map, "distance-matrix", RULE_NODE_ID, "<%u %u %u>", a, b,
				      distance);
		return;
	}
	if (distance > UINT8_MAX) {
		topology_note(t, map, "distance-matrix", "a distance must be at most 255",
			      "<%u %u %u>", a, b, distance);
		return;
	}
	t->info->distance[a][b] = (uint8_t)distance;
	if (b > a)
		t->info->distance[b][a] = (uint8_t)distance;
}

/* Step 3. */
static enum numa_reason numa_read_map(struct topology *t, int map)
{
	struct topology_prop matrix = topology_prop(t, map, "distance-matrix");

	if (matrix.bytes == 0 || matrix.bytes % 4)
		return numa_refuse(t, map, "distance-matrix", matrix.bytes, NUMA_EMPTY_MATRIX);
	if (matrix.bytes % 12)
		topology_note(t, map, "distance-matrix", "it must be triples; the tail is not read",
			      "%u cells", matrix.bytes / 4);
	for (; matrix.bytes >= 12; matrix.at += 12, matrix.bytes -= 12) {
		uint32_t a = (uint32_t)topology_cells(matrix.at, 1);
		uint32_t b = (uint32_t)topology_cells(matrix.at + 4, 1);
		uint32_t distance = (uint32_t)topology_cells(matrix.at + 8, 1);

		if (a == b ? distance != LOCAL_DISTANCE : distance <= LOCAL_DISTANCE)
			return numa_refuse(t, map, "distance-matrix", distance, NUMA_BAD_DISTANCE);
		numa_set_distance(t, map, a, b, distance);
	}
	return NUMA_OK;
}

/* The first node, in tree order, that is compatible with version 1 of the map. */
static int numa_find_map(const struct topology *t)
{
	int node = 0;

	while (node >= 0 && !topology_compatible(t, node, "numa-distance-map-v1"))
		node = fdt_next_node(t->fdt, node, NULL);
	return node;
}

/* Step 5. */
static enum numa_reason numa_check_ranges(struct topology *t)
{
	for (unsigned i = 0; i < t->info->range_count; i++) {
		const struct boot_range *r = &t->info->range[i];

		if (r->nid == NODE_NONE) {
			topology_note(t, 0, NULL, topology_numa_text(NUMA_RANGE_WITHOUT_NODE),
				      "0x%llx + 0x%llx", (unsigned long long)r->start,
				      (unsigned long long)r->size);
			return NUMA_RANGE_WITHOUT_NODE;
		}
	}
	return NUMA_OK;
}

/* Step 4: memory of ids that are out of range goes, unless there is no other. */
static enum numa_reason numa_leave_out(struct topology *t)
{
	unsigned out = 0;

	for (unsigned i = 0; i < t->info->range_count; i++)
		out += t->info->range[i].nid == NODE_LEFT_OUT;
	if (out && out == t->info->range_count)
		return NUMA_BAD_NODE_ID;
	ranges_drop_nid(t->memory, NODE_LEFT_OUT);
	return t->info->nodes ? NUMA_OK : NUMA_NOT_IN_DT;
}

static enum numa_reason numa_read(struct topology *t)
{
	enum numa_reason reason;
	int map;

	numa_read_cpus(t);
	reason = numa_read_memory(t);
	map = numa_find_map(t);
	if (reason == NUMA_OK && map >= 0)
		reason = numa_read_map(t, map);
	if (reason == NUMA_OK)
		reason = numa_leave_out(t);
	if (reason == NUMA_OK)
		reason = numa_check_ranges(t);
	return reason;
}

/* Everything is node 0. Cannot fail. */
static void numa_single_node(struct topology *t)
{
	ASSERT(t->info->cpu_count == 0, "%u CPUs have node ids already", t->info->cpu_count);
	for (unsigned i = 0; i < t->info->range_count; i++)
		t->info->range[i].nid = 0;
	ranges_merge(t->memory);
	t->info->nodes = node_bit(0);
	numa_default_distances(t->info);
}

void topology_read_numa(struct topology *t)
{
	numa_default_distances(t->info);
	if (t->facts->numa == NUMA_OK)
		t->facts->numa = numa_read(t);
	if (t->facts->numa != NUMA_OK)
		numa_single_node(t);
}

/*
 * The id of a CPU is that of its own node, of /cpus or of the root, the first of
 * them that has the property. One that is bad, or that no CPU's own node and no memory
 * names, puts the CPU on node 0. A CPU of a node that is left out is left out with it.
 */
int topology_cpu_nid(struct topology *t, int cpu_node, int cpus_node)
{
	const int up[] = { cpu_node, cpus_node, 0 };

	if (t->facts->numa != NUMA_OK)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(up); i++) {
		uint32_t nid = 0;
		enum topology_u32 got = topology_u32(t, up[i], "numa-node-id", &nid);

		if (got == U32_ABSENT)
			continue;
		if (got == U32_OK && nid < ZONAL_MAX_NODES && nodemask_has(t->info->nodes, nid))
			return (int)nid;
		if (got == U32_OK && numa_left_out(t, nid))
			return NODE_LEFT_OUT;
		topology_note(t, up[i], "numa-node-id",
			      "a CPU's id must be one of the board's nodes; it goes to node 0",
			      "%u", nid);
		break;
	}
	return 0;
}

const char *topology_numa_text(enum numa_reason reason)
{
	switch (reason) {
	case NUMA_OK:
		return "nodes are as the device tree says";
	case NUMA_NOT_IN_DT:
		return "the device tree has no numa-node-id";
	case NUMA_OFF:
		return "numa=off was given";
	case NUMA_BAD_NODE_ID:
		return "a memory node's id must be one cell, and one of them below ZONAL_MAX_NODES";
	case NUMA_NO_REG:
		return "a memory node with an id must have a reg";
	case NUMA_RANGE_WITHOUT_NODE:
		return "all memory must have a node id";
	case NUMA_BAD_DISTANCE:
		return "a distance must be 10 to itself and more than 10 to others";
	case NUMA_EMPTY_MATRIX:
		return "a distance map must have a distance-matrix of whole cells";
	default:
		return "unknown";
	}
}
