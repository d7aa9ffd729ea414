/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Back to the disk: runs of dirty pages as large requests, flush, the limit, the task.
 *
 * One function takes dirty pages for writing (take_run()): side by side, unlocked, not being
 * written. Under one hold of the lock they stop being dirty and begin being written; from then on
 * nobody changes them until the disk has them. Reclaim, the task, a writer over the limit
 * and flush all go through it, so a page is written by one of them.
 *
 * Flush. Pages that were dirty when it began are met by one pass over the tree; one that somebody
 * has locked is waited for, one that is being written needs nothing. Then it waits for every write
 * with a number up to the newest, and only then tells the disk to make all of it durable. Writes
 * that failed since it began are its error; pages that failed before are tried again by it.
 *
 * The limit. A node may have a fifth of its pages dirty or being written. Who makes more dirty
 * writes himself and waits for what he has started, so that he goes at the pace of the disk.
 *
 * The task sleeps for as long as nothing is dirty. The first page that becomes so lets it look a
 * second later, and every second from then on: it writes all that is dirty, and looks at requests
 * that take too long, which have no other waiter when they are read-ahead or write-back.
 */
#include "cache_internal.h"

#include "lib/assert.h"
#include "sched/sched_port.h"

#define PERIOD_NS 1000000000ull

#define WISH_SOON 1u
#define WISH_NOW 2u

/* What a pass takes. */
struct pass {
	uint64_t index;   /* where it is */
	int nid;          /* pages of this node, or NODE_NONE */
	bool failed_too;  /* also those whose last write failed */
	bool met_locked;  /* it stopped at a page that somebody has locked */
};

static struct wait_queue writer;
static _Atomic uint32_t wishes;
static _Atomic uint64_t test_limit;

/* ---- taking dirty pages ---- */

static bool is_wanted(const struct pass *pass, const struct cache_slot *slot)
{
	unsigned refused = SLOT_LOCKED | SLOT_WRITING | (pass->failed_too ? 0 : SLOT_ERROR);

	if (!slot || (slot->flags & (SLOT_DIRTY | refused)) != SLOT_DIRTY)
		return false;
	return pass->nid == NODE_NONE ||
	       zonal_page_node(cache_slot_page(slot)) == (unsigned)pass->nid;
}

/* It is the disk's until its request ends. */
static void begin_writing(struct block_cache *cache, uint64_t index, struct cache_slot *slot)
{
	struct page *page = cache_slot_page(slot);

	zonal_page_writing(block_memory(), page);
	cache_mark(cache, index, slot, false);
	slot->flags = (slot->flags & ~SLOT_ERROR) | SLOT_WRITING;
	cache->count.writing++;
	cache_count_page(page, 0, 0, 1);
}

/* From pass->index on, which is wanted: pages side by side, into the request. */
static unsigned take_run(struct block_cache *cache, struct pass *pass, struct cache_io *io,
			 uint64_t most)
{
	unsigned n = 0;

	DASSERT_HELD(&cache->lock);
	most = ZN_MIN(most, (uint64_t)cache->device->max_pages);
	while (n < most && pass->index < cache->pages) {
		struct cache_slot *slot = cache_tree_find(&cache->tree, pass->index);

		if (!is_wanted(pass, slot))
			break;
		io->request.page[n++] = cache_slot_page(slot);
		begin_writing(cache, pass->index, slot);
		pass->index++;
	}
	return n;
}

/* Go to the next page that is wanted, at most 64 dirty ones further. False: there is none. */
static bool find_wanted(struct block_cache *cache, struct pass *pass)
{
	pass->met_locked = false;
	for (unsigned looks = 0; looks < 64; looks++) {
		struct cache_slot *slot;

		if (pass->index >= cache->pages ||
		    !cache_tree_next(&cache->tree, &pass->index, true)) {
			pass->index = cache->pages;
			return false;
		}
		slot = cache_tree_find(&cache->tree, pass->index);
		if (is_wanted(pass, slot))
			return true;
		if (pass->failed_too && slot->flags & SLOT_LOCKED) {
			pass->met_locked = true;
			return false;
		}
		pass->index++;
	}
	return false;
}

/* One request; how many pages. 0: nothing was wanted where it looked. */
static unsigned write_run(struct block_cache *cache, struct pass *pass, struct cache_io *io,
			  uint64_t most)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	unsigned n = find_wanted(cache, pass) ? take_run(cache, pass, io, most) : 0;
	uint64_t first = pass->index - n;

	if (n)
		io->serial = ++cache->serial;
	block_unlock(&cache->lock, irq);
	if (n)
		cache_submit_io(io, BLOCK_WRITE, first, n);
	return n;
}

uint64_t cache_write_some(struct block_cache *cache, int nid, uint64_t most, bool wait)
{
	struct pass pass = { .nid = nid };
	uint64_t written = 0;

	while (written < most && pass.index < cache->pages) {
		struct cache_io *io = cache_take_io(cache, wait);
		unsigned n = io ? write_run(cache, &pass, io, most - written) : 0;

		if (!io)
			break;
		if (!n)
			cache_return_io(io);
		written += n;
	}
	return written;
}

bool cache_write_at(struct block_cache *cache, uint64_t index, const struct page *page)
{
	struct pass pass = { .nid = NODE_NONE, .index = index };
	struct cache_io *io = cache_take_io(cache, false);
	port_irqflags_t irq;
	struct cache_slot *slot;
	unsigned n = 0;

	if (!io)
		return false;
	irq = block_lock(&cache->lock);
	slot = cache_tree_find(&cache->tree, index);
	if (slot && slot->pfn == zonal_pfn(page))
		n = take_run(cache, &pass, io, BLOCK_REQUEST_PAGES);
	if (n)
		io->serial = ++cache->serial;
	block_unlock(&cache->lock, irq);
	if (n)
		cache_submit_io(io, BLOCK_WRITE, index, n);
	else
		cache_return_io(io);
	return n != 0;
}

/* ---- flush ---- */

/* Somebody copies to or from it, or it is being read or given up: not for long. */
static void wait_unlocked(struct block_cache *cache, uint64_t index)
{
	for (;;) {
		port_irqflags_t irq = block_lock(&cache->lock);
		struct cache_slot *slot = cache_tree_find(&cache->tree, index);
		bool locked = slot && slot->flags & SLOT_LOCKED;
		uint64_t seen = cache_events(cache);

		block_unlock(&cache->lock, irq);
		if (!locked)
			return;
		cache_wait(cache, seen);
	}
}

static void write_all(struct block_cache *cache)
{
	struct pass pass = { .nid = NODE_NONE, .failed_too = true };

	while (pass.index < cache->pages) {
		struct cache_io *io = cache_take_io(cache, true);

		if (write_run(cache, &pass, io, BLOCK_REQUEST_PAGES))
			continue;
		cache_return_io(io);
		if (pass.met_locked)
			wait_unlocked(cache, pass.index);
	}
}

/* Is a write under way whose number is not above `serial`? */
static bool writes_left(struct block_cache *cache, uint64_t serial, uint64_t *seen,
			uint64_t *failures)
{
	port_irqflags_t irq = block_lock(&cache->lock);
	bool left = false;

	for (unsigned i = 0; i < CACHE_IOS; i++) {
		const struct cache_io *io = &cache->io[i];

		left |= io->busy && io->serial && io->serial <= serial;
	}
	*seen = cache_events(cache);
	*failures = cache->failures;
	block_unlock(&cache->lock, irq);
	return left;
}

static void read_serial(struct block_cache *cache, uint64_t *serial, uint64_t *failures)
{
	port_irqflags_t irq = block_lock(&cache->lock);

	*serial = cache->serial;
	*failures = cache->failures;
	block_unlock(&cache->lock, irq);
}

int cache_flush(struct block_device *device)
{
	struct block_cache *cache = cache_of(device);
	struct block_request request = { .op = BLOCK_FLUSH };
	uint64_t serial, before, after, seen;

	if (!cache)
		return BLOCK_EINVAL;
	read_serial(cache, &serial, &before);
	write_all(cache);
	read_serial(cache, &serial, &after);
	while (writes_left(cache, serial, &seen, &after))
		cache_wait(cache, seen);
	if (after != before)
		return BLOCK_EIO;
	return device->needs_flush ? block_transfer(device, &request) : 0;
}

/* ---- the limit ---- */

uint64_t cache_dirty_limit(unsigned nid)
{
	const struct boot_info *board = sched_port_board();
	uint64_t bytes = 0, limit = ld_relaxed(&test_limit);

	for (unsigned i = 0; i < board->range_count && !limit; i++)
		if (board->range[i].nid == (int)nid)
			bytes += board->range[i].size;
	return limit ? limit : (bytes >> PAGE_SHIFT) / 5;
}

void cache_set_dirty_limit(uint64_t pages) { st_relaxed(&test_limit, pages); }

static bool over_limit(unsigned nid)
{
	struct cache_counts count;

	cache_node_count(nid, &count);
	return count.dirty + count.writing > cache_dirty_limit(nid);
}

void cache_balance(struct block_cache *cache, unsigned nid)
{
	while (over_limit(nid)) {
		uint64_t serial, failures, seen, after;
		uint64_t written = cache_write_some(cache, (int)nid, 4 * BLOCK_REQUEST_PAGES, true);

		/* What is left is another disk's, failed, or under way for somebody else. */
		if (!written) {
			cache_wish(true);
			return;
		}
		read_serial(cache, &serial, &failures);
		while (over_limit(nid) && writes_left(cache, serial, &seen, &after))
			cache_wait(cache, seen);
	}
}

/* ---- the task ---- */

void cache_wish(bool now)
{
	uint32_t wish = now ? WISH_NOW : WISH_SOON;

	if (ld_relaxed(&wishes) & wish)
		return;
	(void)fetch_or_acq_rel(&wishes, wish);
	(void)wait_wake(&writer, 1);
}

bool cache_write_back(void)
{
	bool left = false;

	for (unsigned id = 0; id < BLOCK_MAX_DEVICES; id++) {
		struct block_device *device = block_get(id);
		struct block_cache *cache = device ? cache_of(device) : NULL;
		struct cache_counts count;

		if (!cache)
			continue;
		(void)cache_write_some(cache, NODE_NONE, UINT64_MAX, true);
		left |= block_look(device);
		cache_count(device, &count);
		left |= count.dirty || count.writing;
	}
	return left;
}

static bool wished(void *arg)
{
	return (ld_acquire(&wishes) & *(const uint32_t *)arg) != 0;
}

static int writer_main(void *arg)
{
	uint32_t any = WISH_SOON | WISH_NOW, now = WISH_NOW;
	bool left = false;

	(void)arg;
	for (;;) {
		if (!left) {
			(void)wait_until(&writer, wished, &any, SCHED_NEVER);
			/* What became dirty just now has a period, unless it is wanted. */
			left = true;
		}
		(void)wait_until(&writer, wished, &now, port_time_ns() + PERIOD_NS);
		(void)fetch_and_acq_rel(&wishes, 0);
		left = cache_write_back();
	}
	return 0;
}

bool cache_start_task(void)
{
	struct task_spec spec = { .name = "disks", .fn = writer_main,
				  .priority = SCHED_PRIORITY_DEFAULT, .detached = true };

	return task_spawn(&spec, NULL) == 0;
}
