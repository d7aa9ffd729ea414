/* SPDX-License-Identifier: BSD-2-Clause */
/* From a device tree blob to struct boot_info and struct board_facts. */
#ifndef BOARD_TOPOLOGY_H
#define BOARD_TOPOLOGY_H

#include <zonal/boot_info.h>

#include "board_facts.h"
#include "bootargs.h"

/* A finding: what, where, and the rule that it breaks. */
struct topology_error {
	char path[128];  /* of the property or node, or "" for the blob's header */
	char value[64];  /* what was found */
	char rule[112];  /* a whole sentence */
};

/* What was passed over or changed, and did not stop the parser. */
struct topology_notes {
	unsigned count;   /* entries of note[] that are filled */
	unsigned dropped; /* further ones that did not fit */
	struct topology_error note[16];
};

/* Nodes below /reserved-memory that 5.10 remembers; those after it are reserved by
 * their reg, but are not placed and not made CMA (row I10). */
#ifndef ZONAL_MAX_RESERVED_NODES
#define ZONAL_MAX_RESERVED_NODES 64
#endif

/* Addresses at and above this are not RAM to us: 5.10's PHYS_MASK_SHIFT with 4 KiB pages. */
#define TOPOLOGY_ADDRESS_BITS 48

struct topology_request {
	const void *dt;           /* the blob, on 8 bytes */
	size_t limit_bytes;       /* how much may be read there */
	const struct boot_range *taken; /* what the loader put in RAM (the blob, the image): */
	unsigned taken_count;           /* reserved before any dynamic region is placed */
	const struct bootargs *args;    /* numa=off and cma= count; NULL: none given */
	struct topology_notes *notes;   /* may be NULL */
	const struct handover *firmware; /* whose map of memory counts, if it has one; or NULL */
};

/*
 * Fill *info and *facts from a blob. Returns 0, or ZONAL_EINVAL (the blob breaks a rule) or
 * ZONAL_ERANGE (a table of ranges is too small) with *err filled; neither must
 * be used then. A blob without usable memory is no error: no range is usable then.
 * No pointer into the blob survives. Context: boot, MMU on; any, if the caller
 * owns the arguments.
 */
int topology_read(const struct topology_request *request, struct boot_info *info,
		  struct board_facts *facts, struct topology_error *err) ZN_MUST_USE;

/* The same without taken ranges, arguments and notes. */
int topology_parse(const void *dt, size_t limit_bytes, struct boot_info *info,
		   struct board_facts *facts, struct topology_error *err) ZN_MUST_USE;

/* A sentence without a stop. */
const char *topology_numa_text(enum numa_reason reason);

#endif
