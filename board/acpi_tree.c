/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device tree made of what ACPI tables say.
 *
 * All else in the image reads a device tree: topology, drivers, PSCI. So a board that has ACPI
 * alone gets one, and every rule for nodes, distances and memory stands in one place. It has what
 * those readers want and nothing more: cores, memory with node ids (none without a SRAT: then
 * RAM is what firmware's map says), distances, GIC, timer, PSCI and the console's UART.
 *
 * Runs in the EFI stub, before the image is relocated: no stored pointers and no assertions.
 */
#include "acpi.h"

#include "tree_write.h"

#define GIC_PHANDLE 1u
#define GICV2_BYTES 0x1000u
#define GICV2_CPU_BYTES 0x2000u
#define GICV3_BYTES 0x10000u
#define UART_BYTES 0x1000u

static void interrupt(struct tree_writer *w, uint32_t intid, bool edge)
{
	const uint32_t cell[3] = { intid < 32, intid < 32 ? intid - 16 : intid - 32,
				   edge ? 1 : 4 };

	tree_cells(w, "interrupts", cell, 3);
}

static void node_id(struct tree_writer *w, const struct acpi_board *b, int32_t node)
{
	if (b->numa && node >= 0)
		tree_cell(w, "numa-node-id", (uint32_t)node);
}

static void write_cpus(struct tree_writer *w, const struct acpi_board *b)
{
	tree_open(w, "cpus", TREE_NO_UNIT);
	tree_cell(w, "#address-cells", 2);
	tree_cell(w, "#size-cells", 0);
	for (uint32_t i = 0; i < b->cpu_count; i++) {
		tree_open(w, "cpu", b->cpu[i].mpidr);
		tree_text(w, "device_type", "cpu");
		tree_numbers(w, "reg", &b->cpu[i].mpidr, 1);
		if (b->psci)
			tree_text(w, "enable-method", "psci");
		node_id(w, b, b->cpu[i].node);
		tree_close(w);
	}
	tree_close(w);
}

static void write_memory(struct tree_writer *w, const struct acpi_board *b)
{
	for (uint32_t i = 0; i < b->memory_count; i++) {
		const struct acpi_memory *m = &b->memory[i];
		const uint64_t reg[2] = { m->start, m->size };

		tree_open(w, "memory", m->start);
		tree_text(w, "device_type", "memory");
		tree_numbers(w, "reg", reg, 2);
		node_id(w, b, m->node);
		if (m->hotplug)
			tree_bytes(w, "hotpluggable", NULL, 0);
		tree_close(w);
	}
}

/* Rows of three cells; the writer takes them one by one, so the size is known before. */
static void write_distances(struct tree_writer *w, const struct acpi_board *b)
{
	uint32_t cell[3 * ZONAL_MAX_NODES];
	uint32_t rows = b->node_count;

	if (!b->distances)
		return;
	tree_open(w, "distance-map", TREE_NO_UNIT);
	tree_text(w, "compatible", "numa-distance-map-v1");
	tree_cells_begin(w, "distance-matrix", 3 * rows * rows);
	for (uint32_t i = 0; i < rows; i++) {
		for (uint32_t j = 0; j < rows; j++) {
			cell[3 * j] = i;
			cell[3 * j + 1] = j;
			cell[3 * j + 2] = b->distance[i][j];
		}
		tree_cells_more(w, cell, 3 * rows);
	}
	tree_close(w);
}

static void write_gic(struct tree_writer *w, const struct acpi_board *b)
{
	uint64_t reg[2 + 2 * ACPI_REDISTRIBUTORS] = { b->distributor, GICV3_BYTES };
	uint32_t spans = b->gic == 3 ? b->redistributor_count : 1;

	for (uint32_t i = 0; i < spans; i++) {
		reg[2 + 2 * i] = b->redistributor[i].start;
		reg[3 + 2 * i] = b->redistributor[i].size;
	}
	if (b->gic == 2) {
		reg[1] = GICV2_BYTES;
		reg[2] = b->cpu_interface;
		reg[3] = GICV2_CPU_BYTES;
	}
	tree_open(w, "interrupt-controller", b->distributor);
	tree_text(w, "compatible", b->gic == 3 ? "arm,gic-v3" : "arm,gic-400");
	tree_cell(w, "#interrupt-cells", 3);
	tree_bytes(w, "interrupt-controller", NULL, 0);
	tree_cell(w, "phandle", GIC_PHANDLE);
	if (b->gic == 3)
		tree_cell(w, "#redistributor-regions", spans);
	tree_numbers(w, "reg", reg, 2 + 2 * spans);
	tree_close(w);
}

static void write_timer(struct tree_writer *w, const struct acpi_board *b)
{
	tree_open(w, "timer", TREE_NO_UNIT);
	tree_text(w, "compatible", "arm,armv8-timer");
	tree_text(w, "interrupt-names", "virt");
	interrupt(w, b->timer_intid, b->timer_edge);
	tree_close(w);
}

static void write_psci(struct tree_writer *w, const struct acpi_board *b)
{
	if (!b->psci)
		return;
	tree_open(w, "psci", TREE_NO_UNIT);
	tree_text(w, "compatible", "arm,psci-0.2");
	tree_text(w, "method", b->psci_hvc ? "hvc" : "smc");
	tree_close(w);
}

static void write_uart(struct tree_writer *w, const struct acpi_board *b)
{
	const uint64_t reg[2] = { b->uart_base, UART_BYTES };

	if (!b->uart)
		return;
	tree_open(w, "uart", TREE_NO_UNIT);
	tree_text(w, "compatible", b->uart == ACPI_PL011 ? "arm,pl011" : "ns16550a");
	tree_numbers(w, "reg", reg, 2);
	if (b->uart_intid)
		interrupt(w, b->uart_intid, false);
	if (b->uart == ACPI_16550) {
		tree_cell(w, "reg-shift", b->uart_shift);
		tree_cell(w, "reg-io-width", b->uart_width);
	}
	tree_close(w);
	tree_open(w, "chosen", TREE_NO_UNIT);
	tree_text(w, "stdout-path", "/uart");
	tree_close(w);
}

uint32_t acpi_tree(const struct acpi_board *board, void *out, uint32_t room)
{
	struct tree_writer w;

	tree_start(&w, out, room);
	tree_open(&w, "", TREE_NO_UNIT);
	tree_cell(&w, "#address-cells", 2);
	tree_cell(&w, "#size-cells", 2);
	tree_cell(&w, "interrupt-parent", GIC_PHANDLE);
	write_cpus(&w, board);
	write_memory(&w, board);
	write_distances(&w, board);
	write_gic(&w, board);
	write_timer(&w, board);
	write_psci(&w, board);
	write_uart(&w, board);
	tree_close(&w);
	return tree_finish(&w);
}
