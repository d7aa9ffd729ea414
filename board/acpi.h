/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ACPI tables say of a board, as plain data, and as the device tree that all else reads.
 *
 * Reference: "Advanced Configuration and Power Interface Specification", 6.4, chapter 5; for SPCR
 * Microsoft's "Serial Port Console Redirection Table". Only what is in static tables is known: a
 * device that AML describes is not.
 */
#ifndef BOARD_ACPI_H
#define BOARD_ACPI_H

#include <zonal/types.h>

#define ACPI_REDISTRIBUTORS 32u

struct acpi_cpu {
	uint64_t mpidr;
	uint32_t uid;
	int32_t node; /* -1: SRAT does not say */
};

struct acpi_memory {
	uint64_t start, size;
	int32_t node;
	bool hotplug;
};

struct acpi_span {
	uint64_t start, size;
};

struct acpi_board {
	uint32_t cpu_count, memory_count, node_count;
	bool numa;          /* there is a SRAT */
	bool distances;     /* and a SLIT that has all nodes */
	bool psci, psci_hvc;
	uint32_t gic;       /* 2 or 3 */
	uint64_t distributor, cpu_interface;
	uint32_t redistributor_count;
	uint32_t timer_intid; /* of the virtual timer */
	bool timer_edge;
	uint32_t uart;      /* 0: none that we know; ACPI_PL011, ACPI_16550 */
	uint32_t uart_intid; /* 0: none */
	uint32_t uart_shift, uart_width;
	uint64_t uart_base;
	struct acpi_span redistributor[ACPI_REDISTRIBUTORS];
	uint32_t domain[ZONAL_MAX_NODES]; /* node -> proximity domain, in order of appearance */
	uint8_t distance[ZONAL_MAX_NODES][ZONAL_MAX_NODES];
	struct acpi_cpu cpu[ZONAL_MAX_CPUS];
	struct acpi_memory memory[ZONAL_MAX_RANGES];
};

#define ACPI_PL011 1u
#define ACPI_16550 2u

/* How the reader gets at tables, and what it says of one that it refuses. */
struct acpi_reader {
	/* May all of [at, at + bytes) be read? Nothing is before this has said so. */
	bool (*readable)(const void *ctx, uint64_t at, uint64_t bytes);
	const void *ctx;
	struct acpi_board *board;
	const char *rule; /* that is broken; NULL: none */
	char table[5];    /* where: a signature */
	uint32_t offset;  /* in it */
};

/*
 * Read all tables that the RSDP leads to into *reader->board, whose old contents do not matter.
 * False, with rule, table and offset set, at the first thing that is wrong. Context: any, also
 * before the image is relocated.
 */
bool acpi_read(struct acpi_reader *reader, uint64_t rsdp) ZN_MUST_USE;

/* The board as a device tree at `out`, on 8 bytes; its size, 0 if it does not fit. */
uint32_t acpi_tree(const struct acpi_board *board, void *out, uint32_t room);

/* ---- parts of the reader ---------------------------------------------------- */

/* A table whose header and checksum are right. */
struct acpi_table {
	const uint8_t *at; /* NULL: not there */
	uint32_t bytes;
};

/* A number of up to 8 bytes, the lowest first. */
uint64_t acpi_load(const uint8_t *at, unsigned bytes);
/* Record the rule that is broken; returns false. */
bool acpi_refuse(struct acpi_reader *reader, const struct acpi_table *table, uint32_t offset,
		 const char *rule);
/* acpi_cpus.c: MADT, GTDT, FADT, SPCR. acpi_numa.c: SRAT and SLIT, once CPUs are known. */
bool acpi_read_madt(struct acpi_reader *reader, const struct acpi_table *madt);
bool acpi_read_gtdt(struct acpi_reader *reader, const struct acpi_table *gtdt);
bool acpi_read_fadt(struct acpi_reader *reader, const struct acpi_table *fadt);
bool acpi_read_spcr(struct acpi_reader *reader, const struct acpi_table *spcr);
bool acpi_read_srat(struct acpi_reader *reader, const struct acpi_table *srat);
bool acpi_read_slit(struct acpi_reader *reader, const struct acpi_table *slit);

#endif
