/* SPDX-License-Identifier: BSD-2-Clause */
/* What a device tree says of a board beside its memory (<zonal/boot_info.h>), as plain data. */
#ifndef BOARD_FACTS_H
#define BOARD_FACTS_H

#include <zonal/types.h>

/* Why the board became a single node 0 (rows I11-I14); NUMA_OK otherwise. */
enum numa_reason {
	NUMA_OK,
	NUMA_NOT_IN_DT,      /* no numa-node-id anywhere: one node, no fault */
	NUMA_OFF,            /* numa=off */
	NUMA_BAD_NODE_ID,    /* a memory node's id is out of range */
	NUMA_NO_REG,         /* a memory node with an id has no reg */
	NUMA_RANGE_WITHOUT_NODE, /* some memory carries no id */
	NUMA_BAD_DISTANCE,   /* self != 10, or remote <= 10 */
	NUMA_EMPTY_MATRIX    /* distance-map without a usable distance-matrix */
};

struct board_cpu {
	uint64_t mpidr;   /* affinity bits only */
	uint64_t release; /* spin_table: where it looks for the address to go to; 0: unknown */
	bool psci;        /* enable-method is "psci" */
	bool spin_table;  /* enable-method is "spin-table" */
	bool disabled;    /* status says it cannot be used */
};

struct board_facts {
	enum numa_reason numa;
	/* As many as boot_info.cpu, in device tree order; the boot CPU is wherever its mpidr is. */
	struct board_cpu cpu[ZONAL_MAX_CPUS];
};

#endif
