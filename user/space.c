/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An address space: made, filled with a program, cleared, dropped.
 *
 * struct user_space is one page: the port's part, counts, the ranges. What is mapped where is in
 * the port's page tables; the ranges say what may be. Only the task itself changes ranges and
 * brings memory; others (reclaim, by a page's handle) may take a page out, so the tables have a
 * lock.
 *
 * The lock is a spin lock, and memory is never taken or given back under it. So whoever maps
 * tries, is told that a table is missing, feeds one and tries again; and what is unmapped is
 * collected in batches of USER_BATCH, made unreachable for all cores, and freed after the lock.
 *
 * A block of 2 MiB that is to go or change in part is split into pages before: its frames and its
 * mapping, so that its pages live on one by one.
 *
 * Everything that a space holds is counted in it, and is back in the allocator when
 * space_drop() returns.
 */
#include <string.h>

#include <zonal/port.h>

#include "elf.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"

#define BLOCK_BYTES (PAGE_SIZE << PAGEBLOCK_ORDER)
/* Pages whose rights change under one hold of the lock. */
#define PROTECT_BYTES (32 * PAGE_SIZE)

/* Of pages that hold page tables or the space itself. */
#define GFP_SPACE (GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN)

/* Taken here and dropped there: no name of the lock is known to both callers. */
LOCK_UNSAID port_irqflags_t space_lock(struct user_space *space)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(&space->process->lock);
	return flags;
}

LOCK_UNSAID void space_unlock(struct user_space *space, port_irqflags_t flags)
{
	lock_drop(&space->process->lock);
	port_irq_restore(flags);
}

static uint64_t page_phys(const struct page *page) { return zonal_pfn(page) << PAGE_SHIFT; }

static struct page *phys_page(uint64_t phys)
{
	return zonal_page(user_port_memory(), phys >> PAGE_SHIFT);
}

bool space_feed(struct user_space *space)
{
	struct page *page = zonal_alloc(user_port_memory(), GFP_SPACE, 0);
	port_irqflags_t flags;

	if (!page)
		return false;
	own_add(&space->tables, 1);
	flags = space_lock(space);
	user_port_feed(&space->port, page_phys(page));
	space_unlock(space, flags);
	return true;
}

struct user_space *space_make(struct user_process *process)
{
	struct zonal *mm = user_port_memory();
	struct page *page = zonal_alloc(mm, GFP_SPACE, 0);
	struct page *root = zonal_alloc(mm, GFP_SPACE, 0);
	struct user_space *space;

	if (!page || !root) {
		zonal_free(mm, page, 0);
		zonal_free(mm, root, 0);
		return NULL;
	}
	space = user_port_address(page_phys(page));
	space->process = process;
	own_add(&space->tables, 1);
	user_port_make(&space->port, page_phys(root));
	return space;
}

/* ---- clearing ----------------------------------------------------------- */

/* The single pages of a batch, which are on lists. */
static unsigned batch_pages(const struct user_sweep *sweep, struct page **page)
{
	unsigned count = 0;

	for (unsigned i = 0; i < sweep->count; i++)
		if (!(sweep->page[i] & (USER_BATCH_PARKED | USER_BATCH_TABLE | USER_BATCH_ORDER)))
			page[count++] = phys_page(sweep->page[i]);
	return count;
}

/* Nobody reaches any of it any more. All come off their lists before the first is freed: tasks that
 * end at the same time would else meet at the lock of their node's lists for every page. */
static void batch_free(struct user_space *space, const struct user_sweep *sweep)
{
	struct zonal *mm = user_port_memory();
	struct page *page[USER_BATCH];

	ASSERT(sweep->count <= USER_BATCH, "%u in a batch", sweep->count);
	owner_pages_remove(page, batch_pages(sweep, page));
	for (unsigned i = 0; i < sweep->count; i++) {
		uint64_t word = sweep->page[i];

		if (unlikely(word & USER_BATCH_PARKED)) {
			owner_place_drop(word >> PAGE_SHIFT);
			continue;
		}
		if (word & USER_BATCH_TABLE)
			count_drop(&space->tables, 1);
		zonal_free(mm, phys_page(word), word & USER_BATCH_ORDER);
	}
}

/* Under the lock: what the batch took is no longer mapped. */
static void batch_count(struct user_space *space, const struct user_sweep *sweep)
{
	uint64_t pages = 0, blocks = 0, parked = 0;

	DASSERT_HELD(&space->process->lock);
	for (unsigned i = 0; i < sweep->count; i++) {
		uint64_t word = sweep->page[i];

		if (unlikely(word & USER_BATCH_PARKED)) {
			parked++;
			continue;
		}
		pages += word & USER_BATCH_TABLE ? 0 : 1ull << (word & USER_BATCH_ORDER);
		blocks += (word & USER_BATCH_ORDER) != 0;
	}
	count_drop(&space->pages, pages);
	count_drop(&space->blocks, blocks);
	count_drop(&space->parked, parked);
}

/* The block that goes on over this address becomes pages. 0, also without one, or USER_ENOMEM. */
static int block_cut_busy(struct user_space *space, uint64_t va)
{
	struct zonal *mm = user_port_memory();
	uint64_t phys = 0;
	unsigned order;
	int error;

	if (!(va & (BLOCK_BYTES - 1)) || va >= USER_LIMIT)
		return 0;
	do {
		port_irqflags_t flags = space_lock(space);

		error = 0;
		if (user_port_look(&space->port, va, &phys, &order) && order) {
			error = user_port_split(&space->port, align_down(va, BLOCK_BYTES));
			count_drop(&space->blocks, error ? 0 : 1);
		} else {
			phys = 0;
		}
		space_unlock(space, flags);
	} while (error && space_feed(space));
	if (error || !phys)
		return error;
	zonal_split(mm, phys_page(phys), PAGEBLOCK_ORDER);
	for (uint64_t at = 0; at < BLOCK_BYTES; at += PAGE_SIZE)
		owner_page_add(space, phys_page(phys + at), align_down(va, BLOCK_BYTES) + at);
	return 0;
}

static int block_cut(struct user_space *space, uint64_t va)
{
	int error;

	st_relaxed(&space->busy, true);
	error = block_cut_busy(space, va);
	st_release(&space->busy, false);
	return error;
}

int space_cut(struct user_space *space, uint64_t start, uint64_t end)
{
	int error = block_cut(space, start);

	return error ? error : block_cut(space, end);
}

void space_clear(struct user_space *space, uint64_t start, uint64_t end)
{
	struct user_sweep sweep; /* its arrays are written before they are read */

	sweep.start = start;
	sweep.next = start;
	sweep.end = end;
	sweep.keep_tables = false;
	while (sweep.next < sweep.end) {
		port_irqflags_t flags = space_lock(space);
		uint32_t seen;

		user_port_unmap(&space->port, &sweep);
		batch_count(space, &sweep);
		seen = sweep.held ? space_expect(space) : 0;
		space_unlock(space, flags);
		batch_free(space, &sweep);
		if (unlikely(sweep.held))
			space_wait(space, seen);
	}
}

/* What the task maps or cuts is not listed, or still one frame, until it is no longer busy. It says
 * so before it takes the lock, so whoever holds the lock sees it. */
bool space_reap(struct user_process *process, struct user_sweep *sweep)
{
	port_irqflags_t flags = port_irq_save();
	struct user_space *space;
	bool idle = true;

	lock_take(&process->lock);
	space = process->space;
	sweep->keep_tables = true;
	sweep->count = 0;
	if (!space) {
		sweep->next = sweep->end;
	} else if (ld_relaxed(&space->busy)) {
		idle = false;
	} else {
		user_port_unmap(&space->port, sweep);
		batch_count(space, sweep);
		/* Somebody reads or writes the page there. */
		idle = !sweep->held;
	}
	lock_drop(&process->lock);
	port_irq_restore(flags);
	/* No tables among them: the space is not looked at, which may be gone. */
	batch_free(space, sweep);
	return idle;
}

/* A block that lies in [va, end) as a whole becomes pages too: rights change page by page. */
int space_protect(struct user_space *space, uint64_t start, uint64_t end, uint32_t rights)
{
	int error = block_cut(space, start);

	for (uint64_t va = align_down(start, BLOCK_BYTES); !error && va < end; va += BLOCK_BYTES)
		error = block_cut(space, va + PAGE_SIZE);
	for (uint64_t va = start; !error && va < end;) {
		uint64_t next = ZN_MIN(align_down(va, PROTECT_BYTES) + PROTECT_BYTES, end);
		port_irqflags_t flags = space_lock(space);

		user_port_protect(&space->port, va, next, rights);
		space_unlock(space, flags);
		va = next;
	}
	return error;
}

void space_drop(struct user_space *space)
{
	struct zonal *mm = user_port_memory();
	struct user_process *process = space->process;
	port_irqflags_t flags;
	uint64_t table;

	for (unsigned i = 0; i < space->ranges.count; i++)
		space_clear(space, space->ranges.range[i].start, space->ranges.range[i].end);
	ASSERT(!ld_relaxed(&space->pages) && !ld_relaxed(&space->blocks) &&
		       !ld_relaxed(&space->parked), "%llu pages are left, %llu are parked",
	       (unsigned long long)ld_relaxed(&space->pages),
	       (unsigned long long)ld_relaxed(&space->parked));
	flags = space_lock(space);
	process->space = NULL;
	space_unlock(space, flags);
	while ((table = user_port_drop_table(&space->port))) {
		count_drop(&space->tables, 1);
		zonal_free(mm, phys_page(table), 0);
	}
	ASSERT(!ld_relaxed(&space->tables), "%llu tables are left",
	       (unsigned long long)ld_relaxed(&space->tables));
	zonal_free(mm, phys_page(user_port_phys(space)), 0);
}

/* ---- the program -------------------------------------------------------- */

/* The bytes of the file that belong on the page at va. */
static void page_fill(uint64_t phys, uint64_t va, const struct elf_segment *segment,
		      const char *file)
{
	uint64_t from = ZN_MAX(va, segment->address);
	uint64_t to = ZN_MIN(va + PAGE_SIZE, segment->address + segment->file_bytes);

	if (from < to)
		memcpy((char *)user_port_address(phys) + (from - va),
		       file + segment->offset + (from - segment->address), to - from);
}

static const char *segment_load(struct user_space *space, const struct elf_segment *segment,
				const char *file)
{
	uint64_t start = align_down(segment->address, PAGE_SIZE);
	uint64_t end = align_up(segment->address + segment->bytes, PAGE_SIZE);
	uint64_t filled = segment->address + segment->file_bytes;

	if (range_add(&space->ranges, start, end, segment->rights))
		return "no room for its ranges";
	/* What the file does not fill comes by faults. */
	for (uint64_t va = start; va < end && va < filled; va += PAGE_SIZE) {
		struct page *page = space_take_page(space, va);

		if (!page)
			return "no memory for it";
		page_fill(page_phys(page), va, segment, file);
		if (space_place_page(space, va, page, segment->rights))
			return "no memory for its page tables";
	}
	return NULL;
}

const char *space_load(struct user_space *space, const struct user_program *program,
		       uint64_t *entry)
{
	struct elf_image image;
	const char *fault = elf_read(program->file,
				     (size_t)((const char *)program->end -
					      (const char *)program->file), &image);

	for (unsigned i = 0; !fault && i < image.count; i++)
		fault = segment_load(space, &image.segment[i], program->file);
	if (!fault && range_add(&space->ranges, USER_STACK_TOP - USER_STACK_BYTES, USER_STACK_TOP,
				USER_READ | USER_WRITE))
		fault = "a segment lies where the stack is to be";
	*entry = image.entry;
	return fault;
}
