/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to ACPI tables: RSDP, XSDT, and each table by its signature.
 *
 * Strict, as the tree's reader is: a table counts only if all of it may be read, its length is
 * sane and its bytes add up to 0; a second table of one signature is refused, since nobody could
 * say which is meant. Unknown signatures are passed over. Only then is a table looked into, by the
 * reader for it, which trusts no length in it either.
 *
 * MADT and GTDT must be there: without them no core could be started or preempted. The others may
 * be missing: without SRAT the board has one node, without SPCR no console, without FADT's flags
 * no PSCI, so that one core runs.
 *
 * Runs in the EFI stub, before the image is relocated: no stored pointers and no assertions.
 */
#include "acpi.h"

#include <string.h>

#define RSDP_BYTES 36u
#define RSDP_OLD_BYTES 20u
#define HEADER_BYTES 36u
#define TABLE_LIMIT_BYTES 0x100000u
#define TABLES_MAX 1024u

uint64_t acpi_load(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

bool acpi_refuse(struct acpi_reader *reader, const struct acpi_table *table, uint32_t offset,
		 const char *rule)
{
	memcpy(reader->table, table->at ? (const char *)table->at : "?", table->at ? 4 : 2);
	reader->table[4] = '\0';
	reader->offset = offset;
	reader->rule = rule;
	return false;
}

static bool adds_up(const uint8_t *at, uint32_t bytes)
{
	uint8_t sum = 0;

	while (bytes--)
		sum = (uint8_t)(sum + at[bytes]);
	return sum == 0;
}

static bool refuse_at(struct acpi_reader *reader, const char *signature, const char *rule)
{
	struct acpi_table where = { (const uint8_t *)signature, 0 };

	return acpi_refuse(reader, &where, 0, rule);
}

/* The table at `at`, checked as a whole. */
static bool open_table(struct acpi_reader *reader, uint64_t at, struct acpi_table *table)
{
	table->at = NULL;
	if (!reader->readable(reader->ctx, at, HEADER_BYTES))
		return refuse_at(reader, "XSDT", "a table must lie in memory");
	table->at = (const uint8_t *)(uintptr_t)at;
	table->bytes = (uint32_t)acpi_load(table->at + 4, 4);
	if (table->bytes < HEADER_BYTES || table->bytes > TABLE_LIMIT_BYTES ||
	    !reader->readable(reader->ctx, at, table->bytes))
		return acpi_refuse(reader, table, 4,
				   "the length must be 36 to 2^20 bytes of memory");
	if (!adds_up(table->at, table->bytes))
		return acpi_refuse(reader, table, 9, "the checksum is wrong: it is cut or damaged");
	return true;
}

static bool open_xsdt(struct acpi_reader *reader, uint64_t rsdp, struct acpi_table *xsdt)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)rsdp;

	if (!reader->readable(reader->ctx, rsdp, RSDP_BYTES))
		return refuse_at(reader, "RSDP", "it must lie in memory");
	if (memcmp(at, "RSD PTR ", 8) != 0)
		return refuse_at(reader, "RSDP", "its signature is not RSD PTR");
	if (at[15] < 2 || acpi_load(at + 20, 4) != RSDP_BYTES)
		return refuse_at(reader, "RSDP", "it must be of ACPI 2.0 or later, of 36 bytes");
	if (!adds_up(at, RSDP_OLD_BYTES) || !adds_up(at, RSDP_BYTES))
		return refuse_at(reader, "RSDP", "a checksum is wrong: it is damaged");
	if (!open_table(reader, acpi_load(at + 24, 8), xsdt))
		return false;
	if (memcmp(xsdt->at, "XSDT", 4) != 0 || xsdt->bytes % 8 != HEADER_BYTES % 8)
		return refuse_at(reader, "RSDP", "what it leads to is no XSDT of whole entries");
	if ((xsdt->bytes - HEADER_BYTES) / 8 > TABLES_MAX)
		return acpi_refuse(reader, xsdt, 4, "more than 1024 tables");
	return true;
}

/* The one table of that signature; table->at is NULL without one. */
static bool find(struct acpi_reader *reader, const struct acpi_table *xsdt, const char *signature,
		 struct acpi_table *table)
{
	table->at = NULL;
	for (uint32_t at = HEADER_BYTES; at < xsdt->bytes; at += 8) {
		uint64_t entry = acpi_load(xsdt->at + at, 8);

		if (!reader->readable(reader->ctx, entry, HEADER_BYTES))
			return acpi_refuse(reader, xsdt, at, "a table must lie in memory");
		if (memcmp((const char *)(uintptr_t)entry, signature, 4) != 0)
			continue;
		if (table->at)
			return acpi_refuse(reader, table, 0, "there are two of it");
		if (!open_table(reader, entry, table))
			return false;
	}
	return true;
}

/* Find a table and hand it to its reader. */
static bool part(struct acpi_reader *reader, const struct acpi_table *xsdt, const char *signature,
		 bool (*read)(struct acpi_reader *, const struct acpi_table *))
{
	struct acpi_table table;

	if (!find(reader, xsdt, signature, &table))
		return false;
	return !table.at || read(reader, &table);
}

bool acpi_read(struct acpi_reader *reader, uint64_t rsdp)
{
	struct acpi_table xsdt;

	memset(reader->board, 0, sizeof(*reader->board));
	reader->rule = NULL;
	if (!open_xsdt(reader, rsdp, &xsdt) || !part(reader, &xsdt, "APIC", acpi_read_madt) ||
	    !part(reader, &xsdt, "GTDT", acpi_read_gtdt) ||
	    !part(reader, &xsdt, "FACP", acpi_read_fadt) ||
	    !part(reader, &xsdt, "SPCR", acpi_read_spcr) ||
	    !part(reader, &xsdt, "SRAT", acpi_read_srat) ||
	    !part(reader, &xsdt, "SLIT", acpi_read_slit))
		return false;
	if (!reader->board->cpu_count)
		return refuse_at(reader, "APIC", "it names no core that is enabled");
	if (!reader->board->timer_intid)
		return refuse_at(reader, "GTDT", "it is missing: there is no timer");
	return true;
}
