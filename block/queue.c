/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of requests before a device.
 *
 * A request goes through these hands, each step under the queue's lock:
 *
 *	submitted --> first..last --> started[tag] --> ended --> told
 *	              waits for       the driver's     of this   done(), without
 *	              a free place                     call      the lock
 *
 * Whoever makes a place free starts what waits, so nothing has to look for work: a device with
 * requests waiting has all of its places taken. What has ended is chained up while the lock is
 * held and told after, because done() may submit again and may take locks that rank above.
 *
 * A device is given up in one step: `failed` is set, the driver stops it, and whatever waited or
 * was under way ends. From then on submit() ends a request at once. If the device does not even
 * confirm that it stopped, it may still write where it was told to: the pages of what was under
 * way get one more reference that nobody ever drops.
 *
 * Time runs from the start of a request, not from its submission: a long queue is no fault of
 * the device. Nobody is woken by a deadline; who waits looks (block_look()), and so does the
 * task that writes back.
 *
 * Context: any, but for block_wait() and block_transfer(), which sleep, or poll during boot.
 */
#include "block_internal.h"

#include "lib/assert.h"
#include "lib/printf.h"
#include "sched/sched_port.h"

static const char *const op_name[] = { "read", "write", "flush" };

port_irqflags_t block_lock(struct ticket_lock *lock)
{
	port_irqflags_t flags = port_irq_save();

	lock_take(lock);
	return flags;
}

void block_unlock(struct ticket_lock *lock, port_irqflags_t flags)
{
	lock_drop(lock);
	port_irq_restore(flags);
}

bool block_may_sleep(void)
{
	return task_current() && !port_irqs_masked() && !port_this_cpu()->irq_depth;
}

struct zonal *block_memory(void) { return sched_port_memory(); }
void *block_page_address(struct page *page) { return sched_port_address(page); }

void block_queue_init(struct block_device *device)
{
	lock_set_rank(&device->lock, LOCK_BLOCK_QUEUE);
	device->first = device->last = device->ended = NULL;
	device->in_flight = device->most_in_flight = 0;
	st_relaxed(&device->timeout_ns, BLOCK_TIMEOUT_NS);
}

/* ---- under the lock ---- */

static void end_request(struct block_device *device, struct block_request *request, int status)
{
	DASSERT_HELD(&device->lock);
	request->status = status;
	request->next = device->ended;
	device->ended = request;
}

static void start_waiting(struct block_device *device)
{
	bool any = false;

	DASSERT_HELD(&device->lock);
	for (unsigned tag = 0; tag < device->depth && device->first; tag++) {
		struct block_request *request = device->first;

		if (device->started[tag])
			continue;
		device->first = request->next;
		device->started[tag] = request;
		device->in_flight++;
		request->deadline_ns = port_time_ns() + ld_relaxed(&device->timeout_ns);
		device->ops->start(device, tag, request);
		any = true;
	}
	device->most_in_flight = ZN_MAX(device->most_in_flight, device->in_flight);
	if (any)
		device->ops->kick(device);
}

void block_end(struct block_device *device, unsigned tag, int status)
{
	struct block_request *request;

	DASSERT_HELD(&device->lock);
	ASSERT(tag < device->depth && device->started[tag], "%s ends place %u, which is empty",
	       device->name, tag);
	request = device->started[tag];
	device->started[tag] = NULL;
	device->in_flight--;
	end_request(device, request, status);
}

/* The device may still write to what the request named. */
static void keep_pages(struct block_request *request)
{
	for (unsigned i = 0; i < request->pages; i++)
		zonal_get(request->page[i]);
}

static void fail_all(struct block_device *device, int status)
{
	bool stopped;

	DASSERT_HELD(&device->lock);
	st_release(&device->failed, true);
	stopped = device->ops->stop(device);
	for (unsigned tag = 0; tag < device->depth; tag++) {
		if (!device->started[tag])
			continue;
		if (!stopped)
			keep_pages(device->started[tag]);
		block_end(device, tag, status);
	}
	while (device->first) {
		struct block_request *request = device->first;

		device->first = request->next;
		end_request(device, request, BLOCK_EIO);
	}
	ASSERT(!device->in_flight, "%s: %u requests are nowhere", device->name,
	       device->in_flight);
}

/* What has ended since the lock was taken, oldest first. */
static struct block_request *take_ended(struct block_device *device)
{
	struct block_request *list = NULL;

	DASSERT_HELD(&device->lock);
	while (device->ended) {
		struct block_request *request = device->ended;

		device->ended = request->next;
		request->next = list;
		list = request;
	}
	return list;
}

/* ---- without it ---- */

static void count_end(struct block_device *device, const struct block_request *request)
{
	_Atomic uint64_t *const count[] = {
		[BLOCK_READ] = &device->reads,
		[BLOCK_WRITE] = &device->writes,
		[BLOCK_FLUSH] = &device->flushes,
	};

	(void)fetch_add_relaxed(count[request->op], 1);
	if (!request->status || fetch_add_relaxed(&device->errors, 1) || block_is_failed(device))
		return;
	port_log("disk %s: %s of %u bytes at sector %llu failed (%d); more are only counted",
		 device->name, op_name[request->op], request->bytes,
		 (unsigned long long)request->sector, request->status);
}

static void tell(struct block_device *device, struct block_request *list)
{
	while (list) {
		struct block_request *request = list;

		/* It is its owner's again, and may be gone, as soon as it is told. */
		list = request->next;
		count_end(device, request);
		request->done(request);
	}
}

void block_give_up(struct block_device *device, int status, const char *why)
{
	port_irqflags_t flags = block_lock(&device->lock);
	struct block_request *list = NULL;
	bool first = !block_is_failed(device);

	if (first) {
		fail_all(device, status);
		list = take_ended(device);
	}
	block_unlock(&device->lock, flags);
	if (first)
		port_log("disk %s: %s; it is given up", device->name, why);
	tell(device, list);
}

void block_poll(struct block_device *device)
{
	port_irqflags_t flags = block_lock(&device->lock);
	struct block_request *list;
	bool broken = false;

	if (!block_is_failed(device)) {
		broken = !device->ops->reap(device);
		if (broken)
			fail_all(device, BLOCK_EIO);
		else
			start_waiting(device);
	}
	list = take_ended(device);
	block_unlock(&device->lock, flags);
	if (broken)
		port_log("disk %s: %s; it is given up", device->name, device->fault);
	tell(device, list);
}

/* Only what the device can do goes to the driver: a wrong request is the caller's fault. */
static int request_fault(const struct block_device *device, const struct block_request *request)
{
	uint64_t sectors = request->bytes >> BLOCK_SECTOR_SHIFT;

	if (request->op == BLOCK_FLUSH)
		return request->pages || request->bytes ? BLOCK_EINVAL : 0;
	if (request->op == BLOCK_WRITE && device->read_only)
		return BLOCK_EROFS;
	if (!request->bytes || request->bytes % device->block_bytes ||
	    request->sector % (device->block_bytes >> BLOCK_SECTOR_SHIFT) ||
	    request->pages > device->max_pages ||
	    request->pages != (request->bytes + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return BLOCK_EINVAL;
	if (request->sector > device->sectors || sectors > device->sectors - request->sector)
		return BLOCK_EINVAL;
	return 0;
}

void block_submit(struct block_device *device, struct block_request *request)
{
	port_irqflags_t flags;
	struct block_request *list;
	int fault = request_fault(device, request);

	ASSERT(request->done, "nobody is told when a request of %s ends", device->name);
	flags = block_lock(&device->lock);
	if (!fault && block_is_failed(device))
		fault = BLOCK_EIO;
	request->next = NULL;
	if (fault) {
		end_request(device, request, fault);
	} else {
		if (device->first)
			device->last->next = request;
		else
			device->first = request;
		device->last = request;
		start_waiting(device);
	}
	list = take_ended(device);
	block_unlock(&device->lock, flags);
	tell(device, list);
}

/* Write down which request is over its time; false if none is. */
static bool late_request(struct block_device *device, char *why, size_t bytes)
{
	uint64_t now = port_time_ns();

	DASSERT_HELD(&device->lock);
	for (unsigned tag = 0; tag < device->depth; tag++) {
		const struct block_request *request = device->started[tag];

		if (!request || request->deadline_ns > now)
			continue;
		zn_snprintf(why, bytes, "no answer to a %s of %u bytes at sector %llu in %llu ms",
			    op_name[request->op], request->bytes,
			    (unsigned long long)request->sector,
			    (unsigned long long)ld_relaxed(&device->timeout_ns) / 1000000);
		return true;
	}
	return false;
}

bool block_look(struct block_device *device)
{
	port_irqflags_t flags;
	char why[112];
	bool late, busy;

	/* An answer whose interrupt was lost is one all the same. */
	block_poll(device);
	flags = block_lock(&device->lock);
	late = late_request(device, why, sizeof(why));
	busy = device->in_flight != 0;
	block_unlock(&device->lock, flags);
	if (late)
		block_give_up(device, BLOCK_ETIMEDOUT, why);
	return busy && !late;
}

void block_wake(struct block_device *device)
{
	(void)wait_wake(&device->waiters, WAKE_ALL);
}

void block_wait(struct block_device *device, bool (*ready)(void *arg), void *arg)
{
	while (!ready(arg)) {
		if (!block_may_sleep())
			port_relax();
		else if (wait_until(&device->waiters, ready, arg, port_time_ns() + BLOCK_LOOK_NS))
			return;
		(void)block_look(device);
	}
}

/* ---- one request, and wait ---- */

struct sync_wait {
	struct block_device *device;
	_Atomic bool ended;
};

static bool sync_ended(void *arg)
{
	return ld_acquire(&((struct sync_wait *)arg)->ended);
}

static void sync_done(struct block_request *request)
{
	struct sync_wait *wait = request->ctx;
	struct block_device *device = wait->device;

	/* Who waits may be gone with the request as soon as it is set. */
	st_release(&wait->ended, true);
	block_wake(device);
}

int block_transfer(struct block_device *device, struct block_request *request)
{
	struct sync_wait wait = { .device = device };

	request->done = sync_done;
	request->ctx = &wait;
	block_submit(device, request);
	block_wait(device, sync_ended, &wait);
	return request->status;
}
