/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EFI stub: from a program that firmware has started to an image that owns the board.
 *
 *   1. The configuration table has a device tree, or at least ACPI tables, or that is all.
 *   2. The load options become the command line (efi_text.c).
 *   3. Pages are allocated anywhere, for the image with its BSS on 2 MiB, and the image is copied
 *      there: firmware may have put it on any page, and may have made its text read-only.
 *   4. The memory map is read to boot_handover of the copy (efi_map.c), and where there is no
 *      device tree one is made of the ACPI tables, which must lie in that memory.
 *   5. Boot services are left with the key of the map, which is stale when anything was
 *      allocated since, by an event of firmware too. Then the map is read again, into the same
 *      buffer, since nothing but that may be called after a first try to leave.
 *
 * Up to step 5 every failure frees what was taken, prints one line on firmware's console and
 * returns its code, and firmware goes on with the next thing to boot.
 *
 * This runs before the image is relocated: code and constants are reached relative to the program
 * counter, stored pointers hold nothing yet, nothing is written but the stack and what was
 * allocated. So no tables of pointers, no kprintf and no assertions here. On the host a test
 * plays the firmware.
 */
#include <string.h>

#include "acpi.h"
#include "efi.h"
#include "fdt_walk.h"

#define IMAGE_ALIGN 0x200000ull
#define TREE_MAGIC 0xd00dfeedu
#define TREE_HEADER_BYTES 40u
#define TREE_LIMIT_BYTES 0x200000u
/* Room for a tree that is made: of ZONAL_MAX_CPUS cores and a full distance map. */
#define TREE_MADE_BYTES 0x40000u
/* The map may grow by what allocating its buffer splits, and by what events do. */
#define MAP_SPARE_ENTRIES 32u
#define EXIT_TRIES 8u

_Static_assert(offsetof(struct efi_image, start) == 0, "used by efi.S");
_Static_assert(offsetof(struct efi_image, file_bytes) == 8, "used by efi.S");
_Static_assert(offsetof(struct efi_image, memory_bytes) == 16, "used by efi.S");
_Static_assert(offsetof(struct efi_image, handover_at) == 24, "used by efi.S");
_Static_assert(offsetof(struct efi_image, entry) == 32, "used by efi.S");
_Static_assert(offsetof(struct efi_image, tree) == 40, "used by efi.S");
_Static_assert(sizeof(struct efi_image) == 48, "used by efi.S");

struct pages {
	uint64_t at, count; /* count 0: none */
};

struct stub {
	void *handle;
	struct efi_system *system;
	struct efi_image *image;
	struct pages copy, map, made; /* made: a device tree, and behind it the board in between */
	uint64_t rsdp;                /* 0: there is a tree */
	struct handover *handover; /* in the copy */
};

static void say(const struct stub *s, const char *text)
{
	uint16_t wide[2] = { 0, 0 };

	if (!s->system->out)
		return;
	for (; *text; text++) {
		wide[0] = (unsigned char)*text;
		(void)s->system->out->output_string(s->system->out, wide);
	}
}

/* The one line of a failure; returns the code. */
static efi_status fail(const struct stub *s, efi_status status, const char *what)
{
	char code[] = " (status 0x0)\r\n";

	code[11] = "0123456789abcdef"[status & 0xf];
	say(s, "zonal: ");
	say(s, what);
	say(s, code);
	return status;
}

static efi_status take(struct stub *s, struct pages *pages, uint64_t bytes)
{
	uint64_t count = (bytes + EFI_PAGE_BYTES - 1) / EFI_PAGE_BYTES;
	efi_status status = s->system->boot->allocate_pages(EFI_ANY_PAGES, EFI_LOADER_DATA, count,
							    &pages->at);

	pages->count = status == EFI_SUCCESS ? count : 0;
	return status;
}

static void give_back(struct stub *s, struct pages *pages)
{
	if (pages->count)
		(void)s->system->boot->free_pages(pages->at, pages->count);
	pages->count = 0;
}

/* ---- step 1: the device tree ------------------------------------------------- */

static const void *table_find(const struct efi_system *system, const struct efi_guid *guid)
{
	for (uint64_t i = 0; i < system->table_count; i++)
		if (memcmp(&system->table[i].guid, guid, sizeof(*guid)) == 0)
			return system->table[i].at;
	return NULL;
}

/* The RSDP of ACPI 2.0 and later. */
static efi_status find_rsdp(struct stub *s)
{
	static const struct efi_guid guid = {
		0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
	};

	s->rsdp = (uintptr_t)table_find(s->system, &guid);
	if (!s->rsdp)
		return fail(s, EFI_NOT_FOUND, "firmware gives neither a device tree nor ACPI "
			    "tables");
	return EFI_SUCCESS;
}

static efi_status find_tree(struct stub *s)
{
	static const struct efi_guid guid = {
		0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }
	};
	const char *tree = table_find(s->system, &guid);
	uint64_t bytes;

	if (!tree)
		return find_rsdp(s);
	bytes = fdt_walk_load(tree + 4, 4);
	if ((uintptr_t)tree % 8 || fdt_walk_load(tree, 4) != TREE_MAGIC ||
	    bytes < TREE_HEADER_BYTES || bytes > TREE_LIMIT_BYTES)
		return fail(s, EFI_LOAD_ERROR, "what firmware gives as the device tree has no "
			    "header of one of at most 2 MiB on 8 bytes");
	s->image->tree = (uintptr_t)tree;
	return EFI_SUCCESS;
}

/* ---- steps 2 and 3: the image and its command line ----------------------------- */

static efi_status copy_image(struct stub *s)
{
	struct efi_image *image = s->image;
	efi_status status = take(s, &s->copy, image->memory_bytes + IMAGE_ALIGN);

	if (status != EFI_SUCCESS)
		return fail(s, status, "firmware has no memory for the image");
	image->entry = (s->copy.at + IMAGE_ALIGN - 1) & ~(IMAGE_ALIGN - 1);
	memcpy((void *)(uintptr_t)image->entry, image->start, image->file_bytes);
	s->handover = (struct handover *)(uintptr_t)(image->entry + image->handover_at);
	return EFI_SUCCESS;
}

static efi_status read_options(struct stub *s)
{
	static const struct efi_guid guid = {
		0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
	};
	struct efi_loaded_image *loaded;
	void *found = NULL;
	efi_status status = s->system->boot->handle_protocol(s->handle, &guid, &found);
	int bytes;

	if (status != EFI_SUCCESS || !found)
		return fail(s, status ? status : EFI_NOT_FOUND,
			    "firmware does not know this image");
	loaded = found;
	bytes = efi_text_read(loaded->options, loaded->options_bytes, s->handover->text,
			      HANDOVER_TEXT);
	if (bytes < 0)
		return fail(s, EFI_INVALID_PARAMETER, "the load options are longer than 4095 "
			    "characters");
	s->handover->text_bytes = (uint32_t)bytes;
	return EFI_SUCCESS;
}

/* ---- step 4: the map of memory, a tree of our own -------------------------------- */

struct map {
	uint64_t bytes, key, step;
};

static efi_status map_get(struct stub *s, struct map *map)
{
	uint32_t version;

	map->bytes = s->map.count * EFI_PAGE_BYTES;
	map->step = 0;
	return s->system->boot->get_memory_map(&map->bytes,
					       (struct efi_memory *)(uintptr_t)s->map.at,
					       &map->key, &map->step, &version);
}

/* A buffer for the map and what it may grow by. */
static efi_status map_room(struct stub *s)
{
	struct map map = { .bytes = 0 };
	efi_status status = map_get(s, &map);

	if (status != EFI_BUFFER_TOO_SMALL || map.step < sizeof(struct efi_memory))
		return fail(s, EFI_LOAD_ERROR, "firmware does not tell the size of its memory map");
	status = take(s, &s->map, map.bytes + MAP_SPARE_ENTRIES * map.step);
	if (status != EFI_SUCCESS)
		return fail(s, status, "firmware has no memory for its memory map");
	return EFI_SUCCESS;
}

static void map_read(struct stub *s, const struct map *map)
{
	efi_map_read((const void *)(uintptr_t)s->map.at, map->bytes / map->step, map->step,
		     s->handover);
}

/* All that has to be allocated comes before the map, so that its key may hold. */
static efi_status map_first(struct stub *s, struct map *map)
{
	efi_status status = map_room(s);

	if (status != EFI_SUCCESS)
		return status;
	if (s->rsdp)
		status = take(s, &s->made, TREE_MADE_BYTES + sizeof(struct acpi_board));
	if (status != EFI_SUCCESS)
		return fail(s, status, "firmware has no memory for a device tree");
	status = map_get(s, map);
	if (status != EFI_SUCCESS)
		return fail(s, status, "firmware does not give its memory map");
	map_read(s, map);
	return EFI_SUCCESS;
}

/* Tables lie in RAM of one kind, whatever that is. */
static bool in_memory(const void *ctx, uint64_t at, uint64_t bytes)
{
	const struct handover *map = ctx;

	for (uint32_t i = 0; i < map->range_count; i++) {
		const struct firmware_range *r = &map->range[i];

		if (at >= r->start && at - r->start < r->size)
			return bytes <= r->size - (at - r->start);
	}
	return false;
}

static efi_status refuse_acpi(const struct stub *s, const struct acpi_reader *reader)
{
	char offset[] = " at offset 0x000000: ";

	for (unsigned i = 0; i < 6; i++)
		offset[18 - i] = "0123456789abcdef"[(reader->offset >> (4 * i)) & 0xf];
	say(s, "zonal: ACPI table ");
	say(s, reader->table);
	say(s, offset);
	say(s, reader->rule);
	say(s, "\r\n");
	return EFI_LOAD_ERROR;
}

static efi_status make_tree(struct stub *s)
{
	struct acpi_reader reader = {
		.readable = in_memory, .ctx = s->handover,
		.board = (struct acpi_board *)(uintptr_t)(s->made.at + TREE_MADE_BYTES),
	};

	if (!s->rsdp)
		return EFI_SUCCESS;
	if (!acpi_read(&reader, s->rsdp))
		return refuse_acpi(s, &reader);
	if (!acpi_tree(reader.board, (void *)(uintptr_t)s->made.at, TREE_MADE_BYTES))
		return fail(s, EFI_OUT_OF_RESOURCES, "the board of the ACPI tables is too large");
	s->image->tree = s->made.at;
	return EFI_SUCCESS;
}

/* ---- step 5: firmware goes ------------------------------------------------------- */

/* Nothing is printed or freed once firmware has begun to leave. */
static efi_status leave(struct stub *s, struct map *map)
{
	for (unsigned tries = 0; tries < EXIT_TRIES; tries++) {
		efi_status status = s->system->boot->exit_boot_services(s->handle, map->key);

		if (status != EFI_INVALID_PARAMETER)
			return status;
		status = map_get(s, map);
		if (status != EFI_SUCCESS)
			return status;
	}
	return EFI_LOAD_ERROR;
}

efi_status efi_boot(void *handle, struct efi_system *system, struct efi_image *image)
{
	struct stub s = { .handle = handle, .system = system, .image = image };
	struct map map = { .bytes = 0 };
	efi_status status;

	if (!system || system->header.signature != EFI_SYSTEM_SIGNATURE)
		return EFI_INVALID_PARAMETER;
	status = find_tree(&s);
	if (status == EFI_SUCCESS)
		status = copy_image(&s);
	if (status == EFI_SUCCESS)
		status = read_options(&s);
	if (status == EFI_SUCCESS)
		status = map_first(&s, &map);
	if (status == EFI_SUCCESS)
		status = make_tree(&s);
	if (status != EFI_SUCCESS) {
		give_back(&s, &s.made);
		give_back(&s, &s.map);
		give_back(&s, &s.copy);
		return status;
	}
	status = leave(&s, &map);
	if (status == EFI_SUCCESS)
		map_read(&s, &map);
	return status;
}
