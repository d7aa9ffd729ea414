/* SPDX-License-Identifier: BSD-2-Clause */
/* The `topology` command: nodes, ranges, CPUs, distances, fallback orders. */
#ifndef REPORT_TOPOLOGY_H
#define REPORT_TOPOLOGY_H

#include <zonal/boot_info.h>

#include "board/topology.h"

/*
 * Print a board through kprintf(), as text or as one line of JSON with the schema
 * zonal.topology/1. Distances are in the order of the nodes printed. Any context.
 */
void report_topology(const struct boot_info *info, const struct board_facts *facts, bool json);

/* Whether CPU `cpu` of the table runs. NULL, as on the host: all that the tree
 * does not call disabled. The image sets it once its cores are up. */
extern bool (*report_topology_online)(unsigned cpu);

/* A finding on one line: `LABEL: path = value: rule`, newline added. */
void report_topology_error(const char *label, const struct topology_error *error);
void report_topology_notes(const struct topology_notes *notes);

#endif
