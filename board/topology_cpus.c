/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs of the device tree.
 *
 * A CPU is a child of /cpus that is named cpu or cpu@..., or whose device_type
 * says so; cpu-map, idle-states and caches are neither. What identifies it is the
 * MPIDR in `reg`, in the cells of /cpus, never its name: QEMU names its 17th core
 * cpu@16 and gives it MPIDR 0x100. The MPIDR is masked to its affinity bits,
 * because PSCI refuses a target with bit 31 set.
 *
 * The order of the tree is kept; the boot CPU need not be first, nor be 0. A CPU
 * without a usable `reg`, or with one that another CPU has, is passed over with a
 * note, as 5.10 does.
 *
 * CPUs behind the last place of the table are left out, with one note: a board with more
 * cores than the build takes runs on those that come first.
 *
 * How a CPU is started is noted, and where it waits if that is a spin table; whether that place
 * can be used is known when the reservations are (topology_release.c).
 *
 * A status other than okay makes a CPU unusable here. That is stricter than
 * 5.10, which starts it if it has an enable-method; a core that firmware marks as not
 * okay is better left alone.
 */
#include "topology_internal.h"

#include <string.h>

#include "lib/assert.h"
#include "lib/mpidr.h"

static bool cpu_known(const struct topology *t, uint64_t mpidr)
{
	for (unsigned i = 0; i < t->info->cpu_count; i++) {
		if (t->facts->cpu[i].mpidr == mpidr)
			return true;
	}
	return false;
}

/* The MPIDR of a CPU node; false if it has none that can be used. */
static bool cpu_mpidr(struct topology *t, int node, unsigned cells, uint64_t *mpidr)
{
	struct topology_prop reg = topology_prop(t, node, "reg");
	uint64_t value;

	if (reg.bytes < cells * 4) {
		topology_note(t, node, "reg", "a CPU's reg must hold the cells that /cpus says",
			      "%u bytes", reg.bytes);
		return false;
	}
	value = topology_cells(reg.at, cells);
	*mpidr = value & MPIDR_AFFINITY;
	if (value != *mpidr)
		topology_note(t, node, "reg", "only affinity bits count; the others are dropped",
			      "0x%llx", (unsigned long long)value);
	if (cpu_known(t, *mpidr)) {
		topology_note(t, node, "reg",
			      "an MPIDR must be one CPU's only; it is passed over", "0x%llx",
			      (unsigned long long)*mpidr);
		return false;
	}
	return true;
}

/* Where a CPU of a spin table looks; one or two cells, as trees of both kinds are about. */
static uint64_t cpu_release(const struct topology *t, int node)
{
	struct topology_prop release = topology_prop(t, node, "cpu-release-addr");

	if (release.bytes != 4 && release.bytes != 8)
		return 0;
	return topology_cells(release.at, release.bytes / 4);
}

/* One CPU node; false if the table was full before it. */
static bool cpu_add(struct topology *t, int node, int cpus, unsigned cells)
{
	struct boot_info *info = t->info;
	int nid = topology_cpu_nid(t, node, cpus);
	unsigned cpu = info->cpu_count;
	uint64_t mpidr;

	if (nid == NODE_LEFT_OUT || !cpu_mpidr(t, node, cells, &mpidr))
		return true;
	if (info->cpu_count == ZONAL_MAX_CPUS)
		return false;
	ASSERT(nid >= 0 && nid < ZONAL_MAX_NODES, "CPU %u is on node %d", cpu, nid);
	info->cpu[cpu].nid = (int16_t)nid;
	t->facts->cpu[cpu] = (struct board_cpu){
		.mpidr = mpidr,
		.psci = topology_is(t, node, "enable-method", "psci"),
		.spin_table = topology_is(t, node, "enable-method", "spin-table"),
		.disabled = !topology_available(t, node),
	};
	if (t->facts->cpu[cpu].spin_table)
		t->facts->cpu[cpu].release = cpu_release(t, node);
	info->cpu_count++;
	return true;
}

int topology_read_cpus(struct topology *t)
{
	int cpus = fdt_find_child(t->fdt, 0, "cpus"), node, failed;
	unsigned cells;

	if (cpus < 0)
		return 0;
	failed = topology_cell_count(t, cpus, "#address-cells", t->addr_cells, &cells);
	if (failed)
		return failed;
	topology_for_each_child(t, node, cpus) {
		if (!topology_is_cpu(t, node) || cpu_add(t, node, cpus, cells))
			continue;
		topology_note(t, node, NULL,
			      "the CPUs must fit ZONAL_MAX_CPUS; the rest is left out", "CPU %u",
			      t->info->cpu_count);
		break;
	}
	/* A CPU that fell back to node 0 makes it a node, with or without memory. */
	for (unsigned i = 0; i < t->info->cpu_count; i++)
		t->info->nodes |= node_bit((unsigned)t->info->cpu[i].nid);
	return 0;
}
