/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of programs on the lists of reclaim: the owner behind <zonal/reclaim.h>.
 *
 * Every single page that is mapped is on its node's lists, with a handle that leads back to its
 * place: the slot of its task above the number of its page in the space. So is one that swap
 * caches. A block of 2 MiB is on none; split, its pages are.
 *
 * Who comes with a handle may be late: the page may have gone, its place may hold another one,
 * the task may have ended and its slot be another's. So every callback takes the slot's lock, which
 * outlives the space, and looks in the page tables whether that very frame is at that place, or in
 * swap whether it is cached there.
 *
 * The way out. A mapped page is parked (user_port.h): no CPU reaches it. In RAM it is compressed
 * at once, the place held meanwhile, and then it is given (YES). For a disk the place shows the
 * swap token at once, the write begins (WRITING), and reclaim comes again when it has ended; then
 * the page is clean and is given. Until then the program may have it back by a touch
 * (page_back.c). What one area does not take is offered to the next; what none takes is mapped
 * again and called active.
 *
 * A page that moves is parked and held, copied, and mapped at its new frame.
 *
 * A held place is nobody's but the holder's between prepare and commit or abort: the task waits
 * for that in faults, in unmapping and at its end. Nobody who holds one waits for a program.
 *
 * Pages are listed by their task after they were mapped, and taken off after no TLB knows them any
 * more. Context of the callbacks: as there.
 */
#include <string.h>

#include <zonal/port.h>
#include <zonal/reclaim.h>

#include "lib/assert.h"
#include "lib/atomic.h"
#include "space.h"
#include "swap.h"
#include "user.h"

#define PLACE_BITS 36
_Static_assert(USER_LIMIT >> PAGE_SHIFT <= 1ull << PLACE_BITS, "a place fits its part of a handle");
_Static_assert(SWAP_TOKEN_END < 1ull << USER_TOKEN_BITS, "a token fits a parked place");

/* Of a place whose page is under way to another frame. */
#define TOKEN_MOVING SWAP_TOKEN_END

static struct zonal_owner *owner; /* written before the first task */

/* Where a page was found; its process is locked. */
struct place {
	struct user_process *process;
	struct user_port *port;
	uint64_t va;
	uint64_t token; /* 0: it is mapped */
	port_irqflags_t flags;
	bool wakes;     /* somebody waits for the place */
};

static void *page_address(struct page *page)
{
	return user_port_address(zonal_pfn(page) << PAGE_SHIFT);
}

/* ---- places ------------------------------------------------------------- */

static void place_lock(struct place *place, uint64_t handle) LOCK_UNSAID;
static void place_lock(struct place *place, uint64_t handle)
{
	place->process = process_slot((unsigned)(handle >> PLACE_BITS));
	ASSERT(place->process, "handle 0x%llx names no slot", (unsigned long long)handle);
	place->va = (handle & (((uint64_t)1 << PLACE_BITS) - 1)) << PAGE_SHIFT;
	place->wakes = false;
	place->flags = port_irq_save();
	lock_take(&place->process->lock);
	place->port = place->process->space ? &place->process->space->port : NULL;
}

static void place_drop(struct place *place) LOCK_UNSAID;
static void place_drop(struct place *place)
{
	lock_drop(&place->process->lock);
	port_irq_restore(place->flags);
	if (place->wakes)
		(void)wait_wake(&place->process->sleep, WAKE_ALL);
}

/* Is the page there: mapped, or cached by swap and nobody's at the moment? The lock is held. */
static bool place_has(struct place *place, const struct page *page)
{
	struct page *cached;
	uint64_t phys;
	unsigned order;
	bool held;

	place->token = 0;
	if (!place->port)
		return false;
	if (user_port_look(place->port, place->va, &phys, &order))
		return !order && phys >> PAGE_SHIFT == zonal_pfn(page);
	place->token = user_port_parked(place->port, place->va, &held);
	if (!place->token || held)
		return false;
	(void)swap_look(place->token, &cached);
	return cached == page;
}

/* The place of that handle, locked, if the page is there; else false, and no lock. */
static bool place_take(struct place *place, const struct page *page, uint64_t handle) LOCK_UNSAID;
static bool place_take(struct place *place, const struct page *page, uint64_t handle)
{
	place_lock(place, handle);
	if (place_has(place, page))
		return true;
	place_drop(place);
	return false;
}

/* The place that this caller holds, locked. */
static void place_retake(struct place *place, uint64_t handle) LOCK_UNSAID;
static void place_retake(struct place *place, uint64_t handle)
{
	bool held = false;

	place_lock(place, handle);
	ASSERT(place->port, "handle 0x%llx: the space is gone", (unsigned long long)handle);
	place->token = user_port_parked(place->port, place->va, &held);
	ASSERT(place->token && held, "handle 0x%llx: token 0x%llx is not held",
	       (unsigned long long)handle, (unsigned long long)place->token);
}

/* Out of reach, under that token. */
static void place_park(struct place *place, uint64_t token, bool held)
{
	struct user_space *space = place->process->space;

	DASSERT_HELD(&place->process->lock);
	user_port_park(place->port, place->va, token, held);
	count_drop(&space->pages, 1);
	own_add(&space->parked, 1);
}

/* It is known from now on where the page is. */
static void place_release(struct place *place)
{
	struct user_process *process = place->process;

	DASSERT_HELD(&process->lock);
	own_add(&process->releases, 1);
	place->wakes = process->release_wanted;
	process->release_wanted = false;
}

static void place_unpark(struct place *place, const struct page *page)
{
	space_unpark(place->process->space, place->va, page);
	place_release(place);
}

static void place_repark(struct place *place, uint64_t token)
{
	user_port_repark(place->port, place->va, token, false);
	place_release(place);
}

/* ---- giving up ---------------------------------------------------------- */

static bool page_used(void *ctx, struct page *page, uint64_t handle)
{
	struct place place;
	uint64_t stale = 0;
	bool used;

	(void)ctx;
	/* One look into the tables: what swap caches, or what is elsewhere, is not mapped there. */
	place_lock(&place, handle);
	used = place.port && user_port_used(place.port, place.va,
					    zonal_pfn(page) << PAGE_SHIFT, &stale);
	place_drop(&place);
	if (used)
		user_port_see(stale);
	return used;
}

/* Park a mapped page under a token of swap. An answer if that cannot be. */
static enum zonal_give give_mapped(struct place *place, struct page *page, unsigned may,
				   uint64_t *token)
{
	bool busy, disk;

	if (!(may & ZONAL_MAY_UNMAP))
		return ZONAL_GIVE_BUSY;
	*token = swap_take(0, may, &busy);
	if (!*token)
		return busy ? ZONAL_GIVE_BUSY : ZONAL_GIVE_NO_ROOM;
	disk = swap_on_a_disk(*token);
	if (disk)
		swap_begin(*token, page);
	place_park(place, *token, !disk);
	return ZONAL_GIVE_YES;
}

/* A page that a disk was given before. */
static enum zonal_give give_cached(struct place *place, struct page *page)
{
	struct page *cached;

	switch (swap_look(place->token, &cached)) {
	case SWAP_CACHED:
		user_port_repark(place->port, place->va, place->token, true);
		return ZONAL_GIVE_YES;
	case SWAP_FAILED:
		(void)swap_release(place->token);
		place_unpark(place, page);
		return ZONAL_GIVE_NO_ROOM;
	case SWAP_WRITING:
		return ZONAL_GIVE_WRITING;
	case SWAP_TAKEN:
	case SWAP_STORED:
	default:
		port_panic("user: pfn 0x%llx is not at token 0x%llx",
			   (unsigned long long)zonal_pfn(page), (unsigned long long)place->token);
	}
}

/* The area of `token` did not take the page, whose place is held: the next one's token, or 0, and
 * the page is mapped again. */
static uint64_t give_next(struct page *page, uint64_t handle, uint64_t token, unsigned may)
{
	bool busy, disk;
	uint64_t next = swap_take(token, may, &busy);
	struct place place;

	disk = next && swap_on_a_disk(next);
	place_retake(&place, handle);
	if (disk) {
		swap_begin(next, page);
		place_repark(&place, next);
	} else if (next) {
		user_port_repark(place.port, place.va, next, true);
	} else {
		place_unpark(&place, page);
	}
	place_drop(&place);
	(void)swap_release(token);
	return next;
}

static enum zonal_give page_give(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct place place;
	enum zonal_give answer;
	uint64_t token = 0;

	(void)ctx;
	if (!place_take(&place, page, handle))
		return ZONAL_GIVE_GONE;
	answer = place.token ? give_cached(&place, page) :
			       give_mapped(&place, page, may, &token);
	place_drop(&place);
	while (token) {
		if (swap_on_a_disk(token)) {
			swap_write(token);
			return ZONAL_GIVE_WRITING;
		}
		if (swap_pack(token, page))
			return ZONAL_GIVE_YES;
		token = give_next(page, handle, token, may);
		answer = ZONAL_GIVE_NO_ROOM;
	}
	if (answer == ZONAL_GIVE_BUSY && (may & ZONAL_MAY_WAIT))
		swap_wait();
	return answer;
}

static void page_given(void *ctx, struct page *page, uint64_t handle)
{
	struct place place;

	(void)ctx;
	(void)page;
	place_lock(&place, handle);
	ASSERT(place.port, "handle 0x%llx: the space is gone", (unsigned long long)handle);
	/* Nobody looks at the place before the lock is dropped. */
	place.token = user_port_let_go(place.port, place.va);
	if (swap_on_a_disk(place.token))
		swap_commit(place.token);
	place_release(&place);
	place_drop(&place);
}

/* ---- moving ------------------------------------------------------------- */

static enum zonal_give page_move(void *ctx, struct page *page, uint64_t handle, unsigned may)
{
	struct place place;
	struct page *cached;
	enum zonal_give answer = ZONAL_GIVE_YES;

	(void)ctx;
	if (!place_take(&place, page, handle))
		return ZONAL_GIVE_GONE;
	if (!place.token && !(may & ZONAL_MAY_UNMAP))
		answer = ZONAL_GIVE_BUSY;
	else if (!place.token)
		place_park(&place, TOKEN_MOVING, true);
	else if (swap_look(place.token, &cached) == SWAP_WRITING)
		answer = ZONAL_GIVE_WRITING;
	else
		user_port_repark(place.port, place.va, place.token, true);
	place_drop(&place);
	return answer;
}

static void page_moved(void *ctx, struct page *from, struct page *to, uint64_t handle)
{
	struct place place;

	(void)ctx;
	/* The place is held, so nobody changes the contents. */
	memcpy(page_address(to), page_address(from), PAGE_SIZE);
	place_retake(&place, handle);
	if (place.token == TOKEN_MOVING) {
		place_unpark(&place, to);
	} else {
		swap_moved(place.token, to);
		place_repark(&place, place.token);
	}
	place_drop(&place);
}

static void page_abort(void *ctx, struct page *page, uint64_t handle, bool moving)
{
	struct place place;
	uint64_t token;

	(void)ctx;
	(void)moving;
	place_retake(&place, handle);
	token = place.token;
	if (token == TOKEN_MOVING || !swap_on_a_disk(token))
		place_unpark(&place, page);
	else
		place_repark(&place, token);
	place_drop(&place);
	if (token != TOKEN_MOVING && !swap_on_a_disk(token))
		(void)swap_release(token);
}

static const struct zonal_owner_ops ops = {
	.name = "user",
	.kind = ZONAL_ANON,
	.used = page_used,
	.give_prepare = page_give,
	.give_commit = page_given,
	.move_prepare = page_move,
	.move_commit = page_moved,
	.abort = page_abort,
};

const struct zonal_owner_ops *user_owner_ops(void) { return &ops; }

/* ---- what the task itself calls ----------------------------------------- */

void user_begin(unsigned tasks)
{
	ASSERT(!owner, "the owner of programs' pages is there");
	process_begin(tasks ? tasks : ZONAL_USER_TASKS);
	/* Without one, pages of programs are simply never asked for. */
	owner = zonal_owner_register(user_port_memory(), &ops, NULL);
}

void owner_page_add(struct user_space *space, struct page *page, uint64_t va)
{
	if (likely(owner))
		zonal_page_add(user_port_memory(), owner, page,
			       (uint64_t)space->process->slot << PLACE_BITS | va >> PAGE_SHIFT);
}

void owner_pages_remove(struct page **page, unsigned count)
{
	zonal_pages_remove(user_port_memory(), page, count);
}

void owner_place_drop(uint64_t token)
{
	struct page *page = swap_release(token);

	if (!page)
		return;
	owner_pages_remove(&page, 1);
	zonal_free(user_port_memory(), page, 0);
}
