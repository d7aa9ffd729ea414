/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From UEFI's memory map to ranges of three kinds.
 *
 * Boot services are gone when this is read, so what they and the loader had is free; the ACPI
 * tables are kept readable; all else that is RAM belongs to firmware (runtime services, reserved,
 * ACPI NVS), or is of no use to us (unusable, persistent, types of a later specification), and is
 * not mapped. What cannot be cached in any way is no RAM, and neither are MMIO windows.
 *
 * The map may come in any order and in hundreds of pieces. Each piece is put at its place in the
 * sorted list, and neighbours of one kind become one range at once, so that few ranges are left.
 * A piece that overlaps others breaks the specification: it is passed over and counted as lost,
 * and unless it is free itself, what it overlaps is not free either. A piece that finds no place
 * is lost too. What is in no range is not used, so that this costs memory and corrupts none.
 *
 * Runs in the EFI stub: no stored pointers, no assertions (nobody could print them).
 */
#include <string.h>

#include "efi.h"

/* The kind of a descriptor, or -1 for what is no RAM. */
static int kind_of(const struct efi_memory *m)
{
	if (!(m->attributes & (EFI_MEMORY_WB | EFI_MEMORY_WT | EFI_MEMORY_WC)))
		return -1;
	if (m->type == EFI_MMIO || m->type == EFI_MMIO_PORT)
		return -1;
	if (m->attributes & EFI_MEMORY_RUNTIME)
		return FIRMWARE_NOMAP;
	if (m->type == EFI_ACPI_RECLAIM)
		return FIRMWARE_KEPT;
	if (!(m->attributes & EFI_MEMORY_WB))
		return FIRMWARE_NOMAP;
	if (m->type == EFI_CONVENTIONAL ||
	    (m->type >= EFI_LOADER_CODE && m->type <= EFI_BOOT_DATA))
		return FIRMWARE_FREE;
	return FIRMWARE_NOMAP;
}

/* Room for one range at place `at`. */
static void open_place(struct handover *out, uint32_t at)
{
	for (uint32_t i = out->range_count++; i > at; i--)
		out->range[i] = out->range[i - 1];
}

static void close_place(struct handover *out, uint32_t at)
{
	out->range_count--;
	for (uint32_t i = at; i < out->range_count; i++)
		out->range[i] = out->range[i + 1];
}

/* Whether the range at place `at` and the one behind it are one. */
static bool joins(const struct handover *out, uint32_t at)
{
	const struct firmware_range *r = &out->range[at];

	return at + 1 < out->range_count && r[0].kind == r[1].kind &&
	       r[0].start + r[0].size == r[1].start;
}

static void join(struct handover *out, uint32_t at)
{
	if (!joins(out, at))
		return;
	out->range[at].size += out->range[at + 1].size;
	close_place(out, at + 1);
}

/* Whether the range at place `at` begins before `end`: it is known to end behind the start. */
static bool overlaps(const struct handover *out, uint32_t at, uint64_t end)
{
	return at < out->range_count && out->range[at].start < end;
}

static void add(struct handover *out, uint64_t start, uint64_t size, uint32_t kind)
{
	uint32_t at = 0;

	while (at < out->range_count && out->range[at].start + out->range[at].size <= start)
		at++;
	if (overlaps(out, at, start + size) || out->range_count == HANDOVER_RANGES) {
		for (; kind != FIRMWARE_FREE && overlaps(out, at, start + size); at++)
			out->range[at].kind = FIRMWARE_NOMAP;
		out->ranges_lost++;
		return;
	}
	open_place(out, at);
	out->range[at].start = start;
	out->range[at].size = size;
	out->range[at].kind = kind;
	join(out, at);
	if (at)
		join(out, at - 1);
}

void efi_map_read(const void *map, uint64_t count, uint64_t step, struct handover *out)
{
	out->map_given = 1;
	out->range_count = 0;
	out->ranges_lost = 0;
	for (uint64_t i = 0; i < count; i++) {
		struct efi_memory m;
		uint64_t size, end;
		int kind;

		memcpy(&m, (const char *)map + i * step, sizeof(m));
		kind = kind_of(&m);
		if (kind < 0 || !m.pages)
			continue;
		if (__builtin_mul_overflow(m.pages, (uint64_t)EFI_PAGE_BYTES, &size) ||
		    __builtin_add_overflow(m.start, size, &end) ||
		    m.start % EFI_PAGE_BYTES)
			out->ranges_lost++;
		else
			add(out, m.start, size, (uint32_t)kind);
	}
}
