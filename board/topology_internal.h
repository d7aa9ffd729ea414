/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the device tree reader share. */
#ifndef BOARD_TOPOLOGY_INTERNAL_H
#define BOARD_TOPOLOGY_INTERNAL_H

#include "fdt_find.h"
#include "handover.h"
#include "topology.h"
#include "topology_ranges.h"

#include <libfdt.h>
#include <zonal/zonal.h>

struct topology {
	const void *fdt;
	struct boot_info *info;
	struct board_facts *facts;
	struct topology_error *err;
	const struct topology_request *request;
	struct topology_notes *notes; /* may be NULL */
	const struct bootargs *args;  /* NULL: none were given */
	struct range_list memory;     /* views of the tables in *info */
	struct range_list reserved;
	unsigned addr_cells, size_cells; /* of the root: for memory and reserved memory */
};

/* A property's value; `at` is NULL if the node has none of that name. */
struct topology_prop {
	const uint8_t *at;
	unsigned bytes;
};

/* A range as some property says it, for the work on it and for reports. */
struct topology_span {
	int node;
	const char *prop;
	uint64_t start, size;
};

enum topology_u32 { U32_ABSENT, U32_BAD, U32_OK };

/* ---- topology_fdt.c: access and reporting ---- */

struct topology_prop topology_prop(const struct topology *t, int node, const char *name);
/* The first cell of a property; BAD when it is shorter than that, as 5.10 has it. */
enum topology_u32 topology_u32(const struct topology *t, int node, const char *name,
			       uint32_t *value);
/* A number of `cells` cells, 1 or 2. */
uint64_t topology_cells(const uint8_t *at, unsigned cells);
/* Whether a property's first string is `text`. */
bool topology_is(const struct topology *t, int node, const char *name, const char *text);
/* Whether one of the strings of /compatible is `text`. */
bool topology_compatible(const struct topology *t, int node, const char *text);
/* No status, or "okay", or "ok". */
bool topology_available(const struct topology *t, int node);
/* device_type "memory", child of the root, not disabled. */
bool topology_is_memory(const struct topology *t, int node);
/* Name "cpu" or "cpu@...", or device_type "cpu". */
bool topology_is_cpu(const struct topology *t, int node);
/* One of #address-cells and #size-cells: `fallback` if absent, 1 or 2 or an error. */
int topology_cell_count(struct topology *t, int node, const char *name, unsigned fallback,
			unsigned *cells);

/* Record why the blob is refused; returns ZONAL_EINVAL. `prop` may be NULL. */
int topology_fail(struct topology *t, int node, const char *prop, const char *rule,
		  const char *value_fmt, ...) ZN_PRINTF(5, 6);
/* Record something that is passed over. */
void topology_note(struct topology *t, int node, const char *prop, const char *rule,
		   const char *value_fmt, ...) ZN_PRINTF(5, 6);

/* The same for a range. */
void topology_note_span(struct topology *t, const struct topology_span *span, const char *rule);

#define topology_for_each_child(t, child, node)                                  \
	for ((child) = fdt_first_subnode((t)->fdt, (node)); (child) >= 0;         \
	     (child) = fdt_next_subnode((t)->fdt, (child)))

/* ---- one file each, called in this order ---- */

void topology_read_memory(struct topology *t);  /* topology_memory.c */
void topology_read_firmware(struct topology *t); /* topology_firmware.c */
void topology_read_numa(struct topology *t);    /* topology_numa.c */
int topology_read_cpus(struct topology *t);     /* topology_cpus.c */
int topology_read_reserved(struct topology *t); /* topology_reserved.c */
void topology_check_releases(struct topology *t); /* topology_release.c */
/* topology_firmware.c: whether firmware has a map, which is then *from. */
bool topology_firmware_map(const struct topology *t, const struct handover **from);
void topology_read_dma(struct topology *t);     /* topology_dma.c */

/*
 * topology_full.c: as ranges_set_nid() and so on for the RAM of a span, and ranges_unite() for
 * reserved ranges. Where a table is full something is left out, with a note.
 */
void topology_set_nid(struct topology *t, const struct topology_span *span, int nid);
void topology_set_flags(struct topology *t, const struct topology_span *span, unsigned flags);
void topology_remove(struct topology *t, const struct topology_span *span);
void topology_unite(struct topology *t, const struct topology_span *span, unsigned flags);

/* topology_reserved.c, topology_dynamic.c */

/* CMA areas begin and end on the largest block (row A8). */
#define CMA_ALIGN (PAGE_SIZE << ZN_MAX(MAX_ORDER - 1, PAGEBLOCK_ORDER))

/* A node below /reserved-memory that is remembered: the first range of its reg, or 0 and 0
 * for one that has a size only. */
struct topology_region {
	int node;
	uint64_t base, size;
};

/* All of them in tree order, and the cells of /reserved-memory. */
struct reserved_pass {
	unsigned addr_cells, size_cells;
	unsigned count;
	struct topology_region region[ZONAL_MAX_RESERVED_NODES];
};

/* Whether a node asks to be CMA; whether it is the default area and cma= was given. */
bool topology_is_cma(const struct topology *t, int node);
bool topology_cma_replaced(const struct topology *t, int node);
/* Reserve the pages that a span touches; the second for one where nothing was reserved. */
void topology_reserve(struct topology *t, const struct topology_span *span, unsigned flags);
void topology_reserve_placed(struct topology *t, const struct topology_span *span);
/* Place and reserve the regions that have a size only. */
void topology_read_dynamic(struct topology *t, const struct reserved_pass *pass);

/* topology_order.c: order[i] is the index of the region that 5.10's sort has at place i. */
void topology_order(const struct topology_region *region, unsigned count, uint8_t *order);

/* topology_numa.c: the node of a CPU, once topology_read_numa() has run; NODE_LEFT_OUT if it is
 * one whose memory is not used. */
int topology_cpu_nid(struct topology *t, int cpu_node, int cpus_node);

/* What a reserved region with a size only asks for. */
struct topology_want {
	uint64_t size, align; /* whole pages; a power of two */
	uint64_t low, high;   /* within low..high - 1 */
};

/* topology_place.c: where it goes, or 0. */
uint64_t topology_place(const struct topology *t, const struct topology_want *want);

#define RULE_CMA_REPLACED "cma= takes the place of the default area"
#define RULE_RANGES_FULL "the ranges must fit ZONAL_MAX_RANGES; this one is left out"

#endif
