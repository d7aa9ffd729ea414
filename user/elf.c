/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a program.
 *
 * The file is input: nothing in it is believed. Each header is copied out after its place was
 * compared with the length of the file, each sum is made so that it cannot wrap, and what is
 * allowed is said in one place, segment_fault():
 *
 *	bytes of the file and of memory, the file's not more than memory's
 *	addresses of programs only, so that no segment lies in the kernel's half or on page 0
 *	readable, and not both writable and executable
 *	no page shared with another segment, for a page has one set of rights
 *
 * The entry point must be an instruction of an executable segment. What needs more than loading
 * is refused too: an interpreter, relocation (ET_DYN), thread-local data.
 *
 * No state, no lock. Runs on the host, where tests give it files cut at every byte.
 */
#include <string.h>

#include <zonal/config.h>
#include <zonal/user.h>

#include "elf.h"
#include "lib/assert.h"

struct file_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
	uint32_t type, flags;
	uint64_t offset, address, physical, file_bytes, bytes, align;
};

_Static_assert(sizeof(struct file_header) == 64, "as in the file");
_Static_assert(sizeof(struct program_header) == 56, "as in the file");

enum { TYPE_EXEC = 2, MACHINE_AARCH64 = 183, CLASS_64 = 2, LITTLE_ENDIAN_DATA = 1 };
enum { SEGMENT_LOAD = 1, SEGMENT_DYNAMIC = 2, SEGMENT_INTERPRETER = 3, SEGMENT_TLS = 7 };
enum { FLAG_EXEC = 1, FLAG_WRITE = 2, FLAG_READ = 4 };

/* [offset, offset + length) lies inside of `bytes`. */
static bool inside(uint64_t offset, uint64_t length, uint64_t bytes)
{
	return offset <= bytes && length <= bytes - offset;
}

static const char *header_fault(const struct file_header *header, size_t bytes)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (memcmp(header->ident, magic, sizeof(magic)))
		return "it is no ELF file";
	if (header->ident[4] != CLASS_64 || header->ident[5] != LITTLE_ENDIAN_DATA ||
	    header->machine != MACHINE_AARCH64)
		return "it is not for little-endian aarch64";
	if (header->type != TYPE_EXEC)
		return "it is not a static program with fixed addresses";
	if (header->phentsize != sizeof(struct program_header) || !header->phnum)
		return "it has no table of segments that could be read";
	if (!inside(header->phoff, (uint64_t)header->phnum * sizeof(struct program_header), bytes))
		return "its table of segments is cut off";
	return NULL;
}

static const char *segment_fault(const struct program_header *header, size_t bytes)
{
	if (!inside(header->offset, header->file_bytes, bytes))
		return "a segment is cut off";
	if (header->file_bytes > header->bytes)
		return "a segment has more bytes in the file than in memory";
	if (header->address < USER_BASE || header->address >= USER_LIMIT ||
	    header->bytes > USER_LIMIT - header->address)
		return "a segment lies outside of the addresses of programs";
	if (!(header->flags & FLAG_READ))
		return "a segment cannot be read";
	if ((header->flags & FLAG_WRITE) && (header->flags & FLAG_EXEC))
		return "a segment is writable and executable";
	return NULL;
}

static uint64_t first_page(const struct elf_segment *segment)
{
	return align_down(segment->address, PAGE_SIZE);
}

static uint64_t pages_end(const struct elf_segment *segment)
{
	return align_up(segment->address + segment->bytes, PAGE_SIZE);
}

static const char *segment_add(struct elf_image *out, const struct program_header *header)
{
	struct elf_segment *segment = &out->segment[out->count];

	if (out->count == ELF_SEGMENTS)
		return "it has more than 8 segments";
	*segment = (struct elf_segment){
		.address = header->address,
		.bytes = header->bytes,
		.offset = header->offset,
		.file_bytes = header->file_bytes,
		.rights = USER_READ | (header->flags & FLAG_WRITE ? USER_WRITE : 0) |
			  (header->flags & FLAG_EXEC ? USER_EXEC : 0),
	};
	for (unsigned i = 0; i < out->count; i++)
		if (first_page(segment) < pages_end(&out->segment[i]) &&
		    first_page(&out->segment[i]) < pages_end(segment))
			return "two segments share a page";
	out->count++;
	return NULL;
}

/* One entry of the table: what is not to be loaded may be passed over, or not. */
static const char *entry_take(struct elf_image *out, const struct program_header *header,
			      size_t bytes)
{
	const char *fault;

	if (header->type == SEGMENT_INTERPRETER || header->type == SEGMENT_DYNAMIC)
		return "it wants a dynamic linker";
	if (header->type == SEGMENT_TLS)
		return "it wants thread-local data";
	if (header->type != SEGMENT_LOAD || !(header->bytes | header->file_bytes))
		return NULL;
	fault = segment_fault(header, bytes);
	return fault ? fault : segment_add(out, header);
}

static const char *entry_fault(const struct elf_image *image)
{
	for (unsigned i = 0; i < image->count; i++) {
		const struct elf_segment *segment = &image->segment[i];

		if ((segment->rights & USER_EXEC) && !(image->entry & 3) &&
		    image->entry - segment->address < segment->bytes)
			return NULL;
	}
	return "its entry point is no instruction of a segment";
}

const char *elf_read(const void *file, size_t bytes, struct elf_image *out)
{
	struct file_header header;
	struct program_header segment;
	const char *fault;

	ASSERT(file && out, "no file");
	if (bytes < sizeof(header))
		return "it is cut off in its header";
	memcpy(&header, file, sizeof(header));
	fault = header_fault(&header, bytes);
	out->entry = header.entry;
	out->count = 0;
	for (unsigned i = 0; !fault && i < header.phnum; i++) {
		memcpy(&segment, (const char *)file + header.phoff + i * sizeof(segment),
		       sizeof(segment));
		fault = entry_take(out, &segment, bytes);
	}
	return fault ? fault : entry_fault(out);
}
