/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes and distances of ACPI tables: SRAT and SLIT.
 *
 * SRAT names proximity domains by any number; nodes are numbered in the order in which domains
 * appear, first those of cores, then those of memory, as Linux does it. Entries that are not
 * enabled do not count. A core that SRAT does not name has no node, and the tree's reader decides
 * what becomes of such a board. Non-volatile memory is no RAM.
 *
 * SLIT is a square of distances by domain. It is used if it has all domains of SRAT; the rules for
 * the values (10 to oneself, more to others) are the tree's reader's.
 *
 * Runs in the EFI stub, before the image is relocated: no stored pointers and no assertions.
 */
#include "acpi.h"

#define SRAT_ENTRIES 48u
#define SRAT_MEMORY 1u
#define SRAT_MEMORY_BYTES 40u
#define SRAT_CORE 3u
#define SRAT_CORE_BYTES 18u
#define FLAG_ENABLED 1u
#define FLAG_HOTPLUG 2u
#define FLAG_NONVOLATILE 4u

#define SLIT_MATRIX 44u

/* The node of a domain, a new one if it has none; -1 if there are too many. */
static int32_t node_of(struct acpi_board *b, uint32_t domain)
{
	for (uint32_t i = 0; i < b->node_count; i++)
		if (b->domain[i] == domain)
			return (int32_t)i;
	if (b->node_count == ZONAL_MAX_NODES)
		return -1;
	b->domain[b->node_count] = domain;
	return (int32_t)b->node_count++;
}

static bool read_core(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at)
{
	struct acpi_board *b = reader->board;
	uint32_t uid = (uint32_t)acpi_load(t->at + at + 6, 4);
	int32_t node;

	if (!(acpi_load(t->at + at + 10, 4) & FLAG_ENABLED))
		return true;
	for (uint32_t i = 0; i < b->cpu_count; i++) {
		if (b->cpu[i].uid != uid)
			continue;
		node = node_of(b, (uint32_t)acpi_load(t->at + at + 2, 4));
		if (node < 0)
			return acpi_refuse(reader, t, at, "more domains than ZONAL_MAX_NODES");
		b->cpu[i].node = node;
	}
	return true;
}

static bool read_memory(struct acpi_reader *reader, const struct acpi_table *t, uint32_t at)
{
	struct acpi_board *b = reader->board;
	struct acpi_memory *m = b->memory + b->memory_count;
	uint64_t flags = acpi_load(t->at + at + 28, 4);
	uint64_t size = acpi_load(t->at + at + 16, 8), end;
	uint64_t start = acpi_load(t->at + at + 8, 8);

	if (!(flags & FLAG_ENABLED) || (flags & FLAG_NONVOLATILE) || !size)
		return true;
	if (__builtin_add_overflow(start, size, &end))
		return acpi_refuse(reader, t, at + 8, "memory must end below 2^64");
	if (b->memory_count == ZONAL_MAX_RANGES)
		return acpi_refuse(reader, t, at, "more memory than ZONAL_MAX_RANGES");
	m->start = start;
	m->size = size;
	m->hotplug = flags & FLAG_HOTPLUG;
	m->node = node_of(b, (uint32_t)acpi_load(t->at + at + 2, 4));
	if (m->node < 0)
		return acpi_refuse(reader, t, at, "more domains than ZONAL_MAX_NODES");
	b->memory_count++;
	return true;
}

/* One pass: the cores, or the memory. */
static bool walk(struct acpi_reader *reader, const struct acpi_table *t, bool memory)
{
	const uint32_t type = memory ? SRAT_MEMORY : SRAT_CORE;
	const uint32_t least = memory ? SRAT_MEMORY_BYTES : SRAT_CORE_BYTES;
	uint32_t at = SRAT_ENTRIES;

	while (at < t->bytes) {
		uint32_t bytes = t->bytes - at < 2 ? 0 : t->at[at + 1];

		if (bytes < 2 || bytes > t->bytes - at)
			return acpi_refuse(reader, t, at, "an entry must end inside of its table");
		if (t->at[at] == type && bytes < least)
			return acpi_refuse(reader, t, at, "an entry is too short");
		if (t->at[at] == type &&
		    !(memory ? read_memory(reader, t, at) : read_core(reader, t, at)))
			return false;
		at += bytes;
	}
	return true;
}

bool acpi_read_srat(struct acpi_reader *reader, const struct acpi_table *srat)
{
	if (srat->bytes < SRAT_ENTRIES)
		return acpi_refuse(reader, srat, 4, "it is too short");
	reader->board->numa = true;
	return walk(reader, srat, false) && walk(reader, srat, true);
}

bool acpi_read_slit(struct acpi_reader *reader, const struct acpi_table *slit)
{
	struct acpi_board *b = reader->board;
	uint64_t count;

	if (slit->bytes < SLIT_MATRIX)
		return acpi_refuse(reader, slit, 4, "it is too short");
	count = acpi_load(slit->at + 36, 8);
	if (!count || count > 1024 || count * count > slit->bytes - SLIT_MATRIX)
		return acpi_refuse(reader, slit, 36, "the square of localities must fit the table");
	b->distances = b->numa && b->node_count;
	for (uint32_t i = 0; i < b->node_count; i++)
		b->distances = b->distances && b->domain[i] < count;
	for (uint32_t i = 0; b->distances && i < b->node_count; i++)
		for (uint32_t j = 0; j < b->node_count; j++)
			b->distance[i][j] = slit->at[SLIT_MATRIX + b->domain[i] * count +
						     b->domain[j]];
	return true;
}
