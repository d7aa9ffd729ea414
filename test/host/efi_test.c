/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EFI stub, on firmware that the test plays: what it takes, what it frees when something
 * fails, that it leaves boot services with a fresh key; the memory map in any order, with pieces
 * that overlap, wrap or are too many; load options of every kind, and random bytes for both.
 *
 * The stub may call nothing but the memory map once it has tried to leave: the firmware here notes
 * whoever does.
 */
#include <string.h>

#include "board/efi.h"
#include "test/ktest.h"

#define MIB 0x100000ull
#define IMAGE_FILE 8192u
#define HANDOVER_AT 64u
#define STEP 56u /* bytes from one descriptor to the next: more than the struct, as firmware may */

static struct firmware {
	char said[256];
	unsigned allocations, frees, exits, stale; /* stale: how many keys are refused */
	unsigned fail_allocation;                  /* 1 is the first */
	unsigned map_calls, fail_map;
	bool leaving, misused;
	uint64_t key;
} firmware;

/* What allocate_pages() gives, first the image: 2 MiB to align it in are too many for a stack. */
static char image_room[IMAGE_FILE + sizeof(struct handover) + 2 * 0x200000] ZN_ALIGNED(4096);
static char map_room[0x80000] ZN_ALIGNED(4096);
static bool acpi_only; /* the configuration table begins with ACPI's */
static char file[HANDOVER_AT + sizeof(struct handover) + IMAGE_FILE];
static struct efi_memory memory[512];
static unsigned memory_count;
static uint32_t tree[16] ZN_ALIGNED(8);
static uint16_t options[8192];
static struct efi_loaded_image loaded;
static struct handover result;

static efi_status play_output(struct efi_text_output *self, const uint16_t *text)
{
	size_t used = strlen(firmware.said);

	(void)self;
	firmware.misused |= firmware.leaving;
	for (; *text && used < sizeof(firmware.said) - 1; text++)
		firmware.said[used++] = (char)*text;
	return EFI_SUCCESS;
}

static efi_status play_allocate(uint32_t how, uint32_t type, uint64_t pages, uint64_t *at)
{
	char *room = firmware.allocations ? map_room : image_room;
	size_t bytes = firmware.allocations ? sizeof(map_room) : sizeof(image_room);

	firmware.misused |= firmware.leaving || how != EFI_ANY_PAGES || type != EFI_LOADER_DATA;
	if (++firmware.allocations == firmware.fail_allocation || pages * 4096 > bytes)
		return EFI_OUT_OF_RESOURCES;
	*at = (uintptr_t)room;
	return EFI_SUCCESS;
}

static efi_status play_free(uint64_t at, uint64_t pages)
{
	firmware.misused |= firmware.leaving || !pages ||
			    (at != (uintptr_t)image_room && at != (uintptr_t)map_room);
	firmware.frees++;
	return EFI_SUCCESS;
}

static efi_status play_map(uint64_t *bytes, struct efi_memory *map, uint64_t *key,
			   uint64_t *step, uint32_t *version)
{
	uint64_t room = *bytes;

	*bytes = memory_count * STEP;
	*step = STEP;
	*version = 1;
	*key = ++firmware.key;
	if (++firmware.map_calls == firmware.fail_map)
		return EFI_INVALID_PARAMETER;
	if (room < *bytes)
		return EFI_BUFFER_TOO_SMALL;
	for (unsigned i = 0; i < memory_count; i++)
		memcpy((char *)map + i * STEP, &memory[i], sizeof(memory[i]));
	return EFI_SUCCESS;
}

static efi_status play_protocol(void *handle, const struct efi_guid *guid, void **out)
{
	firmware.misused |= handle != &firmware || guid->a != 0x5b1b31a1;
	*out = &loaded;
	return EFI_SUCCESS;
}

static efi_status play_exit(void *handle, uint64_t key)
{
	firmware.misused |= handle != &firmware;
	firmware.leaving = true;
	firmware.exits++;
	if (firmware.exits <= firmware.stale || key != firmware.key)
		return EFI_INVALID_PARAMETER;
	return EFI_SUCCESS;
}

static void add_memory(uint32_t type, uint64_t start, uint64_t pages)
{
	memory[memory_count++] = (struct efi_memory){ .type = type, .start = start,
						      .pages = pages,
						      .attributes = EFI_MEMORY_WB };
}

static void set_options(const char *text)
{
	memset(options, 0, sizeof(options));
	for (size_t i = 0; text[i]; i++)
		options[i] = (unsigned char)text[i];
	loaded.options = options;
	loaded.options_bytes = (uint32_t)(2 * strlen(text) + 2);
}

static void begin(void)
{
	memset(&firmware, 0, sizeof(firmware));
	memory_count = 0;
	add_memory(EFI_CONVENTIONAL, 0x40000000, 0x1000);
	add_memory(EFI_RUNTIME_DATA, 0x41000000, 16);
	set_options("run=check");
	memset(tree, 0, sizeof(tree));
	tree[0] = __builtin_bswap32(0xd00dfeed);
	tree[1] = __builtin_bswap32(4096);
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (char)(i * 7);
}

static const struct efi_guid tree_guid = {
	0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }
};

static const struct efi_guid acpi_guid = {
	0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
};

/* Boot once, with the first `tables` of the configuration table; *image is what the entry code
 * would see. */
static efi_status boot(struct efi_image *image, unsigned tables)
{
	static struct efi_boot_services services;
	static struct efi_text_output out = { NULL, play_output };
	struct efi_table table[2] = { { tree_guid, tree }, { acpi_guid, tree } };
	struct efi_system system = {
		.header = { .signature = EFI_SYSTEM_SIGNATURE }, .out = &out, .boot = &services,
		.table_count = tables, .table = acpi_only ? table + 1 : table,
	};

	services.allocate_pages = play_allocate;
	services.free_pages = play_free;
	services.get_memory_map = play_map;
	services.handle_protocol = play_protocol;
	services.exit_boot_services = play_exit;
	*image = (struct efi_image){ .start = file, .file_bytes = sizeof(file),
				     .memory_bytes = sizeof(file) + 4096,
				     .handover_at = HANDOVER_AT };
	return efi_boot(&firmware, &system, image);
}

static void expect_failure(efi_status want, const char *line)
{
	struct efi_image image;

	KT_EQ(boot(&image, 1), want);
	KT_STR_EQ(firmware.said, line);
	KT_TRUE(!firmware.misused && !firmware.exits);
	KT_EQ(firmware.frees, firmware.allocations - (firmware.fail_allocation != 0));
}

KTEST(efi, image_is_copied_to_2_mib_with_map_and_command_line)
{
	struct efi_image image;
	const struct handover *to;

	begin();
	KT_EQ(boot(&image, 1), EFI_SUCCESS);
	KT_TRUE(!firmware.said[0] && !firmware.misused && !firmware.frees);
	KT_EQ(image.entry % (2 * MIB), 0);
	KT_EQ(image.tree, (uintptr_t)tree);
	to = (const struct handover *)(uintptr_t)(image.entry + HANDOVER_AT);
	KT_TRUE(!memcmp((void *)(uintptr_t)image.entry, file, HANDOVER_AT));
	KT_TRUE(!memcmp(to + 1, file + HANDOVER_AT + sizeof(*to), IMAGE_FILE));
	KT_EQ(to->range_count, 2);
	KT_EQ(to->range[1].kind, FIRMWARE_NOMAP);
	KT_EQ(to->text_bytes, 10);
	KT_TRUE(!memcmp(to->text, "run=check ", 10));
}

KTEST(efi, stale_key_is_asked_for_again)
{
	struct efi_image image;

	begin();
	firmware.stale = 3;
	KT_EQ(boot(&image, 1), EFI_SUCCESS);
	KT_EQ(firmware.exits, 4);
	KT_TRUE(!firmware.misused);
}

KTEST(efi, firmware_that_never_leaves_ends_the_tries)
{
	struct efi_image image;

	begin();
	firmware.stale = 1000;
	KT_EQ(boot(&image, 1), EFI_LOAD_ERROR);
	KT_TRUE(firmware.exits <= 8 && !firmware.misused);
}

KTEST(efi, no_tree_is_one_line_and_an_error)
{
	struct efi_image image;

	begin();
	KT_EQ(boot(&image, 0), EFI_NOT_FOUND);
	KT_STR_EQ(firmware.said, "zonal: firmware gives neither a device tree nor ACPI tables "
		  "(status 0xe)\r\n");
	KT_TRUE(!firmware.allocations && !firmware.exits);
}

/* What firmware calls an RSDP lies in no memory that it names: it is not even looked at. */
KTEST(efi, acpi_that_is_refused_is_one_line_with_table_and_rule)
{
	acpi_only = true;
	begin();
	expect_failure(EFI_LOAD_ERROR,
		       "zonal: ACPI table RSDP at offset 0x000000: it must lie in memory\r\n");
	begin();
	firmware.fail_allocation = 3;
	expect_failure(EFI_OUT_OF_RESOURCES,
		       "zonal: firmware has no memory for a device tree (status 0x9)\r\n");
	acpi_only = false;
}

KTEST(efi, tree_comes_before_acpi)
{
	struct efi_image image;

	begin();
	KT_EQ(boot(&image, 2), EFI_SUCCESS);
	KT_EQ(image.tree, (uintptr_t)tree);
}

KTEST(efi, tree_without_a_header_is_refused)
{
	static const uint32_t bad[][2] = {
		{ 0xd00dfeee, 4096 }, { 0xd00dfeed, 39 }, { 0xd00dfeed, 0x200001 }, { 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		tree[0] = __builtin_bswap32(bad[i][0]);
		tree[1] = __builtin_bswap32(bad[i][1]);
		expect_failure(EFI_LOAD_ERROR, "zonal: what firmware gives as the device tree has "
			       "no header of one of at most 2 MiB on 8 bytes (status 0x1)\r\n");
	}
}

KTEST(efi, allocation_that_fails_frees_the_others)
{
	begin();
	firmware.fail_allocation = 1;
	expect_failure(EFI_OUT_OF_RESOURCES,
		       "zonal: firmware has no memory for the image (status 0x9)\r\n");
	begin();
	firmware.fail_allocation = 2;
	expect_failure(EFI_OUT_OF_RESOURCES,
		       "zonal: firmware has no memory for its memory map (status 0x9)\r\n");
}

KTEST(efi, map_that_firmware_does_not_give_is_an_error)
{
	begin();
	firmware.fail_map = 1;
	expect_failure(EFI_LOAD_ERROR, "zonal: firmware does not tell the size of its memory map "
		       "(status 0x1)\r\n");
	begin();
	firmware.fail_map = 2;
	expect_failure(EFI_INVALID_PARAMETER,
		       "zonal: firmware does not give its memory map (status 0x2)\r\n");
}

KTEST(efi, other_system_table_is_refused)
{
	struct efi_image image = { .start = file };
	struct efi_system system = { .header = { .signature = 1 } };

	KT_EQ(efi_boot(&firmware, &system, &image), EFI_INVALID_PARAMETER);
	KT_EQ(efi_boot(&firmware, NULL, &image), EFI_INVALID_PARAMETER);
}

/* ---- the memory map -------------------------------------------------------------- */

static void read_map(void) { efi_map_read(memory, memory_count, sizeof(memory[0]), &result); }

static void expect_range(unsigned at, uint64_t start, uint64_t pages, unsigned kind)
{
	KT_EQ(result.range[at].start, start);
	KT_EQ(result.range[at].size, pages * 4096);
	KT_EQ(result.range[at].kind, kind);
}

KTEST(efi_map, pieces_of_one_kind_become_one_range_in_any_order)
{
	memory_count = 0;
	add_memory(EFI_BOOT_DATA, 0x40003000, 1);
	add_memory(EFI_CONVENTIONAL, 0x40000000, 2);
	add_memory(EFI_LOADER_CODE, 0x40002000, 1);
	add_memory(EFI_BOOT_CODE, 0x40005000, 1);
	read_map();
	KT_EQ(result.range_count, 2);
	expect_range(0, 0x40000000, 4, FIRMWARE_FREE);
	expect_range(1, 0x40005000, 1, FIRMWARE_FREE);
	KT_EQ(result.ranges_lost, 0);
}

KTEST(efi_map, each_type_has_its_kind)
{
	static const int kind[] = {
		FIRMWARE_NOMAP, FIRMWARE_FREE, FIRMWARE_FREE, FIRMWARE_FREE, FIRMWARE_FREE,
		FIRMWARE_NOMAP, FIRMWARE_NOMAP, FIRMWARE_FREE, FIRMWARE_NOMAP, FIRMWARE_KEPT,
		FIRMWARE_NOMAP, -1, -1, FIRMWARE_NOMAP, FIRMWARE_NOMAP, FIRMWARE_NOMAP,
	};

	for (unsigned type = 0; type < ARRAY_SIZE(kind); type++) {
		memory_count = 0;
		add_memory(type, 0x40000000, 4);
		read_map();
		KT_EQ(result.range_count, kind[type] >= 0);
		if (kind[type] >= 0)
			expect_range(0, 0x40000000, 4, (unsigned)kind[type]);
	}
	memory_count = 0;
	add_memory(EFI_BOOT_DATA, 0x40000000, 4);
	memory[0].attributes |= EFI_MEMORY_RUNTIME;
	read_map();
	expect_range(0, 0x40000000, 4, FIRMWARE_NOMAP);
	memory[0].attributes = 0; /* not even cacheable: a device */
	read_map();
	KT_EQ(result.range_count, 0);
}

KTEST(efi_map, pieces_that_overlap_are_not_free)
{
	memory_count = 0;
	add_memory(EFI_CONVENTIONAL, 0x40000000, 16);
	add_memory(EFI_CONVENTIONAL, 0x40020000, 16);
	add_memory(EFI_RESERVED, 0x40008000, 64);
	read_map();
	KT_EQ(result.ranges_lost, 1);
	expect_range(0, 0x40000000, 16, FIRMWARE_NOMAP);
	expect_range(1, 0x40020000, 16, FIRMWARE_NOMAP);
}

KTEST(efi_map, pieces_that_wrap_are_passed_over)
{
	memory_count = 0;
	add_memory(EFI_CONVENTIONAL, 0x40000000, 0x10000000000000);
	add_memory(EFI_CONVENTIONAL, 0xfffffffffffff000, 2);
	add_memory(EFI_CONVENTIONAL, 0x40000800, 1);
	add_memory(EFI_CONVENTIONAL, 0x40000000, 0);
	read_map();
	KT_EQ(result.range_count, 0);
	KT_EQ(result.ranges_lost, 3);
}

KTEST(efi_map, more_ranges_than_places_are_lost_and_counted)
{
	memory_count = 0;
	for (unsigned i = 0; i < HANDOVER_RANGES + 44; i++)
		add_memory(EFI_CONVENTIONAL, 0x40000000 + i * 0x2000, 1);
	read_map();
	KT_EQ(result.range_count, HANDOVER_RANGES);
	KT_EQ(result.ranges_lost, 44);
}

KTEST(efi_map, any_map_gives_sorted_ranges)
{
	uint64_t state = kt_seed() | 1;

	for (unsigned round = 0; round < 200; round++) {
		memory_count = 0;
		while (memory_count < 300) {
			add_memory((uint32_t)(kt_random(&state) % 17),
				   (kt_random(&state) % 4096) << 12, kt_random(&state) % 9);
			if (kt_random(&state) % 16 == 0)
				memory[memory_count - 1].start = kt_random(&state);
		}
		read_map();
		KT_TRUE(result.range_count <= HANDOVER_RANGES);
		for (unsigned i = 1; i < result.range_count; i++)
			if (!KT_TRUE(result.range[i - 1].start + result.range[i - 1].size <=
				     result.range[i].start))
				return;
	}
}

/* ---- load options ------------------------------------------------------------------ */

static char text[64];

static void expect_text(const char *given, const char *want)
{
	int bytes;

	set_options(given);
	bytes = efi_text_read(options, loaded.options_bytes, text, sizeof(text));
	text[bytes < 0 ? 0 : bytes] = '\0';
	KT_STR_EQ(text, want);
}

KTEST(efi_text, words_of_loaders_are_left_out)
{
	expect_text("run=check exit=semihosting", "run=check exit=semihosting ");
	expect_text("FS0:\\EFI\\BOOT\\BOOTAA64.EFI run=a.efi", "run=a.efi ");
	expect_text("BOOT_IMAGE=/zonal.img  seed=1 initrd=initrd", "seed=1 ");
	expect_text("zonal.efi", "");
	expect_text("   ", "");
	expect_text("", "");
}

KTEST(efi_text, options_that_are_no_text_are_none)
{
	set_options("run=check");
	KT_EQ(efi_text_read(options, loaded.options_bytes - 1, text, sizeof(text)), 0);
	KT_EQ(efi_text_read(NULL, 8, text, sizeof(text)), 0);
	options[4] = 0x2713;
	KT_EQ(efi_text_read(options, loaded.options_bytes, text, sizeof(text)), 0);
	options[4] = 7;
	KT_EQ(efi_text_read(options, loaded.options_bytes, text, sizeof(text)), 0);
}

KTEST(efi_text, options_without_a_nul_end_with_their_bytes)
{
	set_options("seed=1 seed=2");
	KT_EQ(efi_text_read(options, 12, text, sizeof(text)), 7);
}

KTEST(efi_text, options_that_do_not_fit_are_refused)
{
	char given[sizeof(text) + 1];

	memset(given, 'x', sizeof(given));
	given[sizeof(text) - 1] = '\0';
	set_options(given);
	KT_EQ(efi_text_read(options, loaded.options_bytes, text, sizeof(text)), sizeof(text));
	given[sizeof(text) - 1] = 'x';
	given[sizeof(text)] = '\0';
	set_options(given);
	KT_EQ(efi_text_read(options, loaded.options_bytes, text, sizeof(text)), -1);
}

KTEST(efi_text, any_bytes_are_survived)
{
	uint64_t state = kt_seed() | 1;

	for (unsigned round = 0; round < 5000; round++) {
		uint32_t bytes = (uint32_t)(kt_random(&state) % 200);
		int used;

		for (uint32_t i = 0; i < bytes; i++)
			((char *)options)[i] = i % 2 ? 0 : (char)(' ' + kt_random(&state) % 95);
		if (round % 8 == 0)
			options[round % 100] = (uint16_t)kt_random(&state);
		used = efi_text_read(options, bytes, text, sizeof(text));
		if (!KT_TRUE(used >= -1 && used <= (int)sizeof(text)))
			return;
	}
}
