/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for all that is handed over, by constraint allocation, and the kernel and the initramfs
 * copied there.
 *
 *	kernel       the node of the core that starts it, or the nearest that has memory;
 *	             2 MiB aligned, image_size bytes, which count its BSS
 *	initramfs    the same node, or that of initramfs=NODE; within 32 GiB, aligned to one, that
 *	             hold the kernel too
 *	firmware     2 MiB of the last node that has memory
 *	log          64 KiB of the node of the kernel
 *	list         as much as the tree wants, of the same node; more while it is written
 *
 * Every one is all or nothing, and says which rule was in the way. Nothing is given back on
 * failure: the machine goes off then. Places come in the order in which they are asked for, the
 * lowest that fit, so that the same board gets the same ones.
 */
#include "boot.h"
#include "cpio.h"
#include "words.h"

#include <string.h>

#define TEXT_OFFSET_AT 8u
#define IMAGE_SIZE_AT 16u
#define KERNEL_HEADER 64u
#define FIRMWARE_BYTES (2 * MIB)
#define LOG_BYTES 0x10000u

struct files {
	const char *kernel;
	const void *initramfs;
	uint64_t kernel_bytes, initramfs_bytes;
	uint64_t text_offset, image_size;
};

uint64_t boot_le(const void *from, unsigned bytes)
{
	const uint8_t *byte = from;
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | byte[bytes];
	return value;
}

static bool find_files(struct files *files)
{
	if (!boot.archive_bytes)
		return boot_say("there is no archive: give QEMU one with -initrd");
	files->kernel = cpio_file(boot.archive, boot.archive_bytes, "kernel", &files->kernel_bytes);
	if (!files->kernel)
		return boot_say("the archive has no kernel");
	files->initramfs = cpio_file(boot.archive, boot.archive_bytes, "initrd",
				     &files->initramfs_bytes);
	if (!files->initramfs || !files->initramfs_bytes)
		return boot_say("the archive has no initrd");
	if (files->kernel_bytes < KERNEL_HEADER ||
	    boot_le(files->kernel + KERNEL_MAGIC_AT, 4) != KERNEL_MAGIC)
		return boot_say("the kernel is not an arm64 Image: no magic at byte %u",
				KERNEL_MAGIC_AT);
	files->text_offset = boot_le(files->kernel + TEXT_OFFSET_AT, 8);
	files->image_size = boot_le(files->kernel + IMAGE_SIZE_AT, 8);
	if (files->text_offset >= KERNEL_ALIGN || files->image_size < files->kernel_bytes ||
	    files->image_size > (uint64_t)1 << 40)
		return boot_say("the kernel's header is wrong: %llu bytes at %llu, not %llu",
				(unsigned long long)files->image_size,
				(unsigned long long)files->text_offset,
				(unsigned long long)files->kernel_bytes);
	return true;
}

/* `bytes` of node `node` as `want` has it, whose other rules it fills in. */
static bool take(struct boot_range *range, const char *what, unsigned node, uint64_t bytes,
		 struct zonal_constraint want)
{
	enum zonal_unmet why;
	zonal_pfn_t pfn;

	want.pages = (bytes + ZONAL_PAGE_SIZE - 1) >> ZONAL_PAGE_SHIFT;
	want.regions = 1;
	want.nodes = (zonal_nodemask_t)1 << node;
	want.gfp = ZONAL_GFP_KERNEL;
	want.nid = (int)node;
	if (zonal_alloc_constrained(boot.mm, &want, &pfn, &why))
		return boot_say("%s (%llu bytes) does not go into node %u: %s", what,
				(unsigned long long)bytes, node, zonal_unmet_text(why));
	range->start = (uint64_t)pfn << ZONAL_PAGE_SHIFT;
	range->bytes = want.pages << ZONAL_PAGE_SHIFT;
	boot_say("%s %08llx-%08llx, node %u", what, (unsigned long long)range->start,
		 (unsigned long long)(range->start + range->bytes - 1), node);
	return true;
}

static unsigned last_node(void)
{
	return (unsigned)boot.info.range[boot.info.range_count - 1].nid;
}

static bool take_kept(void)
{
	static const struct zonal_constraint anywhere, block = { .align = FIRMWARE_BYTES };

	return take(&boot.keep[KEEP_FIRMWARE], "firmware", last_node(), FIRMWARE_BYTES, block) &&
	       take(&boot.keep[KEEP_LOG], "log", boot.home, LOG_BYTES, anywhere) &&
	       take(&boot.keep[KEEP_LIST], "list", boot.home,
		    LIST_HEADER + LIST_ENTRY + boot_tree_work(), anywhere);
}

static bool take_files(struct files *files)
{
	struct zonal_constraint window = { .align = 0 };

	if (!take(&boot.kernel, "kernel", boot.home, files->text_offset + files->image_size,
		  (struct zonal_constraint){ .align = KERNEL_ALIGN }))
		return false;
	window.low = boot.kernel.start & ~(((uint64_t)1 << 30) - 1);
	window.high = window.low + KERNEL_WINDOW - 1;
	return take(&boot.initramfs, "initramfs", boot.initramfs_node, files->initramfs_bytes,
		    window);
}

void boot_trim(struct boot_range *range, uint64_t bytes)
{
	uint64_t keep = (bytes + ZONAL_PAGE_SIZE - 1) & ~(uint64_t)(ZONAL_PAGE_SIZE - 1);

	for (; range->bytes > keep; range->bytes -= ZONAL_PAGE_SIZE)
		zonal_free(boot.mm, zonal_page(boot.mm, (zonal_pfn_t)((range->start + range->bytes -
			   ZONAL_PAGE_SIZE) >> ZONAL_PAGE_SHIFT)), 0);
}

/* A text that is looked for later in what was kept: nobody has written there. */
static void fill_kept(void)
{
	for (int i = KEEP_FIRMWARE; i <= KEEP_LOG; i++) {
		memset(boot_pointer(boot.keep[i].start), 0, boot.keep[i].bytes);
		memcpy(boot_pointer(boot.keep[i].start), "as it was", 10);
	}
}

bool boot_place(void)
{
	struct files files;

	if (!find_files(&files) || !take_files(&files) || !take_kept())
		return false;
	boot.kernel.start += files.text_offset;
	boot.kernel.bytes -= files.text_offset;
	memcpy(boot_pointer(boot.kernel.start), files.kernel, files.kernel_bytes);
	boot.initramfs.bytes = files.initramfs_bytes;
	memcpy(boot_pointer(boot.initramfs.start), files.initramfs, files.initramfs_bytes);
	fill_kept();
	return true;
}
