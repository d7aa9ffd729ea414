/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A swap area on a disk.
 *
 * The first page of the disk says that it is one; the others hold a page each. The header is
 * written by swap_format() and checked whole before the disk is used, so that a disk with
 * anything else on it is never written to by mistake:
 *
 *	"ZONLSWAP"  version  size of a page  pages, this one included  sum of the words before
 *
 * Nothing on the disk outlives the area: whatever was there when it began is free.
 *
 * A write is asynchronous. Each has a struct swap_write, of which an area has as many as it may
 * have under way; the place was given one when it was taken. The request holds a reference of
 * the page, so whatever happens to the program meanwhile, the device reads memory that is
 * nobody else's. A read is waited for by the task that wants the page.
 *
 * A write that fails leaves its page where it is. When the device as a whole is given up, the
 * area is dead: nothing is written to it any more, and who wants a page back that lies there is
 * told that it cannot be read.
 */
#include "swap_internal.h"

#include <string.h>

#include <zonal/user.h>

static const char swap_magic[8] = { 'Z', 'O', 'N', 'L', 'S', 'W', 'A', 'P' };

struct swap_header {
	char magic[8];
	uint32_t version, page_bytes;
	uint64_t pages;
	uint64_t sum;
};

enum { SWAP_VERSION = 1 };

static uint64_t header_sum(const struct swap_header *header)
{
	uint64_t words[3], sum = 0x5a4f4e4c;

	memcpy(words, header, sizeof(words));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15 + i;
	return sum;
}

static uint64_t disk_pages(const struct block_device *disk)
{
	return disk->sectors / BLOCK_PAGE_SECTORS;
}

/* One page, waited for. */
static int transfer(struct block_device *disk, enum block_op op, uint64_t at, struct page *page)
{
	struct block_request request = { .op = op, .pages = op == BLOCK_FLUSH ? 0 : 1,
					 .sector = at * BLOCK_PAGE_SECTORS,
					 .bytes = op == BLOCK_FLUSH ? 0 : PAGE_SIZE,
					 .page = { page } };

	return block_transfer(disk, &request);
}

/* Why a disk cannot hold swap, whatever is on it; NULL: it can. */
static const char *disk_fault(struct block_device *disk)
{
	if (disk->read_only)
		return "the disk is read-only";
	if (block_is_failed(disk))
		return "the disk was given up";
	if (disk->reach)
		return "the disk does not reach all memory";
	if (disk_pages(disk) < SWAP_LEAST_PAGES)
		return "the disk is too small: swap needs 16 pages";
	return NULL;
}

static const char *header_fault(const struct swap_header *header, uint64_t disk)
{
	if (memcmp(header->magic, swap_magic, sizeof(swap_magic)))
		return "the disk holds no swap header: swap format writes one";
	if (header->sum != header_sum(header))
		return "the swap header is damaged: its sum is wrong";
	if (header->version != SWAP_VERSION)
		return "the swap header has another version";
	if (header->page_bytes != PAGE_SIZE)
		return "the swap header was written for pages of another size";
	if (header->pages < SWAP_LEAST_PAGES)
		return "the swap header says fewer than 16 pages";
	if (header->pages > disk)
		return "the swap header says more pages than the disk has";
	return NULL;
}

const char *swap_disk_format(struct block_device *disk)
{
	const char *fault = disk_fault(disk);
	struct page *page = fault ? NULL :
				    zonal_alloc(swap_memory(), GFP_KERNEL | __GFP_ZERO, 0);
	struct swap_header *header;
	int error;

	if (!page)
		return fault ? fault : "no memory for a header";
	header = swap_address(page);
	memcpy(header->magic, swap_magic, sizeof(swap_magic));
	header->version = SWAP_VERSION;
	header->page_bytes = PAGE_SIZE;
	header->pages = disk_pages(disk);
	header->sum = header_sum(header);
	error = transfer(disk, BLOCK_WRITE, 0, page);
	if (!error)
		error = transfer(disk, BLOCK_FLUSH, 0, NULL);
	zonal_free(swap_memory(), page, 0);
	return error ? "the header could not be written" : NULL;
}

/* The pages that the disk's header promises. */
static const char *header_read(struct block_device *disk, uint64_t *pages)
{
	const char *fault = disk_fault(disk);
	struct page *page = fault ? NULL : zonal_alloc(swap_memory(), GFP_KERNEL, 0);
	struct swap_header header;

	if (!page)
		return fault ? fault : "no memory for a header";
	if (transfer(disk, BLOCK_READ, 0, page)) {
		fault = "the header could not be read";
	} else {
		memcpy(&header, swap_address(page), sizeof(header));
		fault = header_fault(&header, disk_pages(disk));
		*pages = header.pages;
	}
	zonal_free(swap_memory(), page, 0);
	return fault;
}

static unsigned writes_order(void)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < SWAP_WRITES * sizeof(struct swap_write))
		order++;
	return order;
}

const char *swap_disk_make(struct swap_area *area, struct block_device *disk, uint64_t *slots)
{
	const char *fault = header_read(disk, slots);

	if (fault)
		return fault;
	*slots = ZN_MIN(*slots - 1, SWAP_MOST_PAGES);
	area->write_page = zonal_alloc(swap_memory(), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN,
				       writes_order());
	if (!area->write_page)
		return "no memory for requests";
	area->write = swap_address(area->write_page);
	area->idle = UINT32_MAX;
	area->dead = false;
	area->disk = disk;
	return NULL;
}

void swap_disk_drop(struct swap_area *area)
{
	ASSERT(area->idle == UINT32_MAX, "writes to %s are under way", area->name);
	zonal_free(swap_memory(), area->write_page, writes_order());
	area->write = NULL;
	area->disk = NULL;
}

static void write_done(struct block_request *request)
{
	struct swap_write *write = request->ctx;

	swap_written(write, request->status);
}

void swap_disk_write(struct swap_area *area, unsigned n)
{
	struct swap_write *write = &area->write[n];

	ASSERT(n < SWAP_WRITES && write->page, "write %u of %s has no page", n, area->name);
	write->request = (struct block_request){
		.op = BLOCK_WRITE, .pages = 1, .sector = (write->slot + 1) * BLOCK_PAGE_SECTORS,
		.bytes = PAGE_SIZE, .page = { write->page }, .done = write_done, .ctx = write,
	};
	block_submit(area->disk, &write->request);
}

int swap_disk_read(struct swap_area *area, uint64_t slot, struct page *page)
{
	return transfer(area->disk, BLOCK_READ, slot + 1, page) ? USER_EIO : 0;
}
