/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's reader, given good files and hostile ones.
 *
 * A file is made by hand: a header, a table of segments, some bytes. Each bad case changes one
 * field of the good file and names the reason that must be given. Then the good file is cut at
 * every byte, and every byte of its headers is changed at random: whatever is accepted must
 * keep the rules. Files lie at the very end of their memory, so that the sanitizer sees a read
 * behind them.
 */
#include <string.h>

#include <zonal/config.h>
#include <zonal/user.h>

#include "test/ktest.h"
#include "user/elf.h"

enum { HEADER = 64, ENTRY = 56, SEGMENTS = 3, BYTES = HEADER + SEGMENTS * ENTRY + 0x100 };

struct file {
	uint8_t byte[BYTES];
};

static void put(struct file *file, size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		file->byte[at + i] = (uint8_t)(value >> 8 * i);
}

/* Offsets of fields in an entry of the table. */
enum { P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_ADDRESS = 16, P_FILE = 32, P_BYTES = 40 };

#define FIELD(segment, offset) ((size_t)HEADER + (segment) * ENTRY + (offset))

static void segment(struct file *file, unsigned i, unsigned flags, uint64_t address)
{
	put(file, FIELD(i, P_TYPE), 1, 4);
	put(file, FIELD(i, P_FLAGS), flags, 4);
	put(file, FIELD(i, P_OFFSET), BYTES - 0x100, 8);
	put(file, FIELD(i, P_ADDRESS), address, 8);
	put(file, FIELD(i, P_FILE), 0x100, 8);
	put(file, FIELD(i, P_BYTES), 0x1100, 8);
}

static struct file good(void)
{
	struct file file = { { 0x7f, 'E', 'L', 'F', 2, 1, 1 } };

	put(&file, 16, 2, 2);
	put(&file, 18, 183, 2);
	put(&file, 24, 0x400010, 8);
	put(&file, 32, HEADER, 8);
	put(&file, 54, ENTRY, 2);
	put(&file, 56, SEGMENTS, 2);
	segment(&file, 0, 5, 0x400000);
	segment(&file, 1, 4, 0x410000);
	segment(&file, 2, 6, 0x420000);
	return file;
}

KTEST(user_elf, a_good_file_is_read_by_segment)
{
	static const uint32_t rights[] = { USER_READ | USER_EXEC, USER_READ,
					   USER_READ | USER_WRITE };
	struct file file = good();
	struct elf_image image;

	KT_TRUE(!elf_read(&file, sizeof(file), &image));
	KT_EQ(image.entry, 0x400010);
	if (!KT_EQ(image.count, SEGMENTS))
		return;
	for (unsigned i = 0; i < SEGMENTS; i++) {
		KT_EQ(image.segment[i].rights, rights[i]);
		KT_EQ(image.segment[i].address, 0x400000 + i * 0x10000);
		KT_EQ(image.segment[i].bytes, 0x1100);
		KT_EQ(image.segment[i].file_bytes, 0x100);
	}
}

KTEST(user_elf, hostile_files_are_refused_with_the_reason)
{
	static const struct {
		size_t at, bytes;
		uint64_t value;
		const char *reason;
	} bad[] = {
		{ 0, 1, 0, "no ELF file" },
		{ 4, 1, 1, "aarch64" },
		{ 5, 1, 2, "aarch64" },
		{ 18, 2, 62, "aarch64" },
		{ 16, 2, 3, "fixed addresses" },
		{ 54, 2, 32, "table" },
		{ 56, 2, 0, "table" },
		{ 56, 2, 65535, "cut off" },
		{ 32, 8, BYTES, "cut off" },
		{ 32, 8, ~0ull - 8, "cut off" },
		{ 24, 8, 0x410000, "entry point" },
		{ 24, 8, 0x400012, "entry point" },
		{ 24, 8, 0xffff000040200000, "entry point" },
		{ FIELD(1, P_TYPE), 4, 3, "dynamic linker" },
		{ FIELD(1, P_TYPE), 4, 2, "dynamic linker" },
		{ FIELD(1, P_TYPE), 4, 7, "thread-local" },
		{ FIELD(1, P_OFFSET), 8, BYTES - 0xff, "cut off" },
		{ FIELD(1, P_OFFSET), 8, ~0ull, "cut off" },
		{ FIELD(1, P_FILE), 8, ~0ull, "cut off" },
		{ FIELD(1, P_BYTES), 8, 0xff, "more bytes" },
		{ FIELD(1, P_ADDRESS), 8, 0, "outside" },
		{ FIELD(1, P_ADDRESS), 8, USER_BASE - 1, "outside" },
		{ FIELD(1, P_ADDRESS), 8, USER_LIMIT - 1, "outside" },
		{ FIELD(1, P_ADDRESS), 8, 0xffff000040200000, "outside" },
		{ FIELD(1, P_ADDRESS), 8, ~0ull, "outside" },
		{ FIELD(1, P_BYTES), 8, ~0ull, "outside" },
		{ FIELD(1, P_FLAGS), 4, 2, "cannot be read" },
		{ FIELD(2, P_FLAGS), 4, 7, "writable and executable" },
		{ FIELD(1, P_ADDRESS), 8, 0x401fff, "share a page" },
		{ FIELD(1, P_BYTES), 8, 0x10001, "share a page" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct file file = good();
		struct elf_image image;
		const char *reason;

		put(&file, bad[i].at, bad[i].value, bad[i].bytes);
		reason = elf_read(&file, sizeof(file), &image);
		KT_OK(reason && strstr(reason, bad[i].reason), "case %u: %s", i,
		      reason ? reason : "accepted");
	}
}

/* A copy that ends where its memory does. */
static const void *at_the_end(uint8_t *memory, const struct file *file, size_t bytes)
{
	memcpy(memory + sizeof(*file) - bytes, file, bytes);
	return memory + sizeof(*file) - bytes;
}

KTEST(user_elf, a_file_that_is_cut_anywhere_is_refused)
{
	uint8_t *memory = kt_alloc(sizeof(struct file), 64);
	struct file file = good();
	struct elf_image image;

	for (size_t bytes = 0; memory && bytes < sizeof(file); bytes++)
		KT_OK(elf_read(at_the_end(memory, &file, bytes), bytes, &image), "%zu bytes",
		      bytes);
}

static bool keeps_the_rules(const struct elf_image *image)
{
	for (unsigned i = 0; i < image->count; i++) {
		const struct elf_segment *s = &image->segment[i];

		if (s->offset > BYTES || s->file_bytes > BYTES - s->offset ||
		    s->file_bytes > s->bytes || s->address < USER_BASE ||
		    s->address + s->bytes > USER_LIMIT || s->address + s->bytes <= s->address ||
		    (s->rights & (USER_WRITE | USER_EXEC)) == (USER_WRITE | USER_EXEC))
			return false;
	}
	return image->count && image->count <= ELF_SEGMENTS;
}

KTEST(user_elf, whatever_is_accepted_keeps_the_rules)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint8_t *memory = kt_alloc(sizeof(struct file), 64);
	uint64_t random = kt_seed() | 1;

	for (unsigned i = 0; memory && i < 50000; i++) {
		struct file file = good();
		struct elf_image image;

		for (unsigned n = 0; n < 1 + i % 4; n++)
			file.byte[kt_random(&random) % (HEADER + SEGMENTS * ENTRY)] =
				values[kt_random(&random) % ARRAY_SIZE(values)];
		if (!elf_read(at_the_end(memory, &file, sizeof(file)), sizeof(file), &image) &&
		    !KT_TRUE(keeps_the_rules(&image)))
			return;
	}
}
