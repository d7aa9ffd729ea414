/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores, interrupt controller, timer, PSCI and console of ACPI tables.
 *
 *	MADT (signature APIC)  entries of a type and a length: GICC a core, GICD the distributor,
 *	                       GICR redistributors of many cores; others are passed over
 *	GTDT                   the virtual timer's interrupt
 *	FADT (FACP)            whether there is PSCI, and its conduit
 *	SPCR                   the console: a PL011 (as SBSA boards have), or a 16550
 *
 * Cores that are not enabled are not there. Every entry must end inside its table and be as long
 * as what is read of it; what a table says twice is refused. The size of registers is not in the
 * tables: it is what the GIC architecture gives them.
 *
 * Runs in the EFI stub, before the image is relocated: no stored pointers and no assertions.
 */
#include "acpi.h"

#define MADT_ENTRIES 44u
#define MADT_GICC 0x0bu
#define MADT_GICC_BYTES 76u
#define MADT_GICD 0x0cu
#define MADT_GICD_BYTES 24u
#define MADT_GICR 0x0eu
#define MADT_GICR_BYTES 16u
#define GICC_ENABLED 1u
#define MPIDR_MASK 0xff00ffffffull
#define REDISTRIBUTOR_BYTES 0x20000u

#define GTDT_BYTES 72u
#define FADT_BYTES 131u
#define FADT_ARM_FLAGS 129u
#define SPCR_BYTES 80u

/* Redistributors, joined with the last ones if they follow those. */
static bool add_redistributors(struct acpi_reader *reader, uint64_t start, uint64_t size)
{
	struct acpi_board *b = reader->board;
	struct acpi_span *last = b->redistributor + b->redistributor_count;
	uint64_t end;

	if (!size || __builtin_add_overflow(start, size, &end))
		return false;
	if (b->redistributor_count && last[-1].start + last[-1].size == start) {
		last[-1].size += size;
		return true;
	}
	if (b->redistributor_count == ACPI_REDISTRIBUTORS)
		return false;
	last->start = start;
	last->size = size;
	b->redistributor_count++;
	return true;
}

static bool read_core(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at)
{
	struct acpi_board *b = reader->board;
	const uint8_t *entry = t->at + at;
	struct acpi_cpu *cpu = b->cpu + b->cpu_count;

	if (!(acpi_load(entry + 12, 4) & GICC_ENABLED))
		return true;
	if (b->cpu_count == ZONAL_MAX_CPUS)
		return acpi_refuse(reader, t, at, "more cores than ZONAL_MAX_CPUS");
	cpu->uid = (uint32_t)acpi_load(entry + 8, 4);
	cpu->mpidr = acpi_load(entry + 68, 8);
	cpu->node = -1;
	if (cpu->mpidr & ~MPIDR_MASK)
		return acpi_refuse(reader, t, at + 68, "an MPIDR has affinity bits only");
	for (uint32_t i = 0; i < b->cpu_count; i++)
		if (b->cpu[i].mpidr == cpu->mpidr || b->cpu[i].uid == cpu->uid)
			return acpi_refuse(reader, t, at, "two cores have one MPIDR or UID");
	if (!b->cpu_interface)
		b->cpu_interface = acpi_load(entry + 32, 8);
	b->cpu_count++;
	return true;
}

/* Boards without GICR entries name each core's redistributor beside the core. */
static bool read_own_redistributor(struct acpi_reader *reader, const struct acpi_table *t,
				   uint32_t at)
{
	uint64_t base = acpi_load(t->at + at + 60, 8);

	if (!(acpi_load(t->at + at + 12, 4) & GICC_ENABLED) || !base)
		return true;
	if (!add_redistributors(reader, base, REDISTRIBUTOR_BYTES))
		return acpi_refuse(reader, t, at + 60, "more than 32 groups of redistributors");
	return true;
}

static bool read_distributor(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at)
{
	struct acpi_board *b = reader->board;
	uint32_t version = t->at[at + 20];

	if (b->distributor)
		return acpi_refuse(reader, t, at, "there are two distributors");
	b->distributor = acpi_load(t->at + at + 8, 8);
	if (!b->distributor)
		return acpi_refuse(reader, t, at + 8, "a distributor is not at 0");
	b->gic = version == 4 ? 3 : version;
	return true;
}

static bool read_group(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at)
{
	if (!add_redistributors(reader, acpi_load(t->at + at + 4, 8),
				acpi_load(t->at + at + 12, 4)))
		return acpi_refuse(reader, t, at, "redistributors must be in up to 32 groups, none "
				   "empty");
	return true;
}

/* One pass over the entries: each of one type goes to one function. */
struct pass {
	uint32_t type, bytes;
	bool (*read)(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at);
};

static bool walk(struct acpi_reader *reader, const struct acpi_table *t, const struct pass *pass)
{
	uint32_t at = MADT_ENTRIES;

	while (at < t->bytes) {
		uint32_t bytes = t->bytes - at < 2 ? 0 : t->at[at + 1];

		if (bytes < 2 || bytes > t->bytes - at)
			return acpi_refuse(reader, t, at, "an entry must end inside of its table");
		if (t->at[at] == pass->type) {
			if (bytes < pass->bytes)
				return acpi_refuse(reader, t, at, "an entry is too short");
			if (!pass->read(reader, t, at))
				return false;
		}
		at += bytes;
	}
	return true;
}

static bool check_gic(struct acpi_reader *reader, const struct acpi_table *t)
{
	struct acpi_board *b = reader->board;

	if (!b->distributor)
		return acpi_refuse(reader, t, MADT_ENTRIES, "there is no distributor");
	if (!b->gic)
		b->gic = b->redistributor_count ? 3 : 2;
	if (b->gic != 2 && b->gic != 3)
		return acpi_refuse(reader, t, MADT_ENTRIES, "the GIC must be of version 2, 3 or 4");
	if (b->gic == 3 && !b->redistributor_count)
		return acpi_refuse(reader, t, MADT_ENTRIES, "a GICv3 must have redistributors");
	if (b->gic == 2 && !b->cpu_interface)
		return acpi_refuse(reader, t, MADT_ENTRIES, "a GICv2 must have a CPU interface");
	return true;
}

bool acpi_read_madt(struct acpi_reader *reader, const struct acpi_table *madt)
{
	const struct pass cores = { MADT_GICC, MADT_GICC_BYTES, read_core };
	const struct pass distributor = { MADT_GICD, MADT_GICD_BYTES, read_distributor };
	const struct pass groups = { MADT_GICR, MADT_GICR_BYTES, read_group };
	const struct pass own = { MADT_GICC, MADT_GICC_BYTES, read_own_redistributor };

	if (madt->bytes < MADT_ENTRIES)
		return acpi_refuse(reader, madt, 4, "it is too short");
	if (!walk(reader, madt, &cores) || !walk(reader, madt, &distributor) ||
	    !walk(reader, madt, &groups))
		return false;
	if (!reader->board->redistributor_count && !walk(reader, madt, &own))
		return false;
	return check_gic(reader, madt);
}

bool acpi_read_gtdt(struct acpi_reader *reader, const struct acpi_table *gtdt)
{
	uint64_t intid;

	if (gtdt->bytes < GTDT_BYTES)
		return acpi_refuse(reader, gtdt, 4, "it is too short");
	intid = acpi_load(gtdt->at + 64, 4);
	if (intid < 16 || intid > 31)
		return acpi_refuse(reader, gtdt, 64, "the virtual timer must have a PPI, 16 to 31");
	reader->board->timer_intid = (uint32_t)intid;
	reader->board->timer_edge = gtdt->at[68] & 1;
	return true;
}

/* Firmware of before ACPI 5.1 has no such flags, and so no PSCI. */
bool acpi_read_fadt(struct acpi_reader *reader, const struct acpi_table *fadt)
{
	if (fadt->bytes < FADT_BYTES)
		return true;
	reader->board->psci = fadt->at[FADT_ARM_FLAGS] & 1;
	reader->board->psci_hvc = fadt->at[FADT_ARM_FLAGS] & 2;
	return true;
}

static uint32_t uart_kind(uint8_t interface)
{
	if (interface == 0x03 || interface == 0x0d || interface == 0x0e)
		return ACPI_PL011;
	return interface == 0x00 || interface == 0x01 || interface == 0x12 ? ACPI_16550 : 0;
}

/* A console that we do not know, or that is not in memory, is none. */
bool acpi_read_spcr(struct acpi_reader *reader, const struct acpi_table *spcr)
{
	struct acpi_board *b = reader->board;
	uint64_t intid;

	if (spcr->bytes < SPCR_BYTES)
		return acpi_refuse(reader, spcr, 4, "it is too short");
	b->uart_base = acpi_load(spcr->at + 44, 8);
	if (spcr->at[40] || !b->uart_base)
		return true;
	b->uart = uart_kind(spcr->at[36]);
	b->uart_width = spcr->at[43] >= 1 && spcr->at[43] <= 3 ? 1u << (spcr->at[43] - 1) : 1;
	b->uart_shift = spcr->at[41] == 32 ? 2 : 0;
	intid = acpi_load(spcr->at + 54, 4);
	if ((spcr->at[52] & 8) && intid >= 32 && intid < 1020)
		b->uart_intid = (uint32_t)intid;
	return true;
}
