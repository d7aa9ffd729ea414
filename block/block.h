/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks: what a driver offers, and the queue of requests before it.
 *
 * A driver fills a struct block_device and registers it. Whoever wants a transfer fills a
 * struct block_request, which he owns until it has ended, and submits it: the queue gives it to
 * the driver as soon as one of the device's places is free, in the order in which requests come.
 * Requests under way overtake each other, so who needs an order waits: a FLUSH makes durable
 * what had ended when it was submitted, and nothing else.
 *
 * Errors. A request that the device refuses or spoils ends with an error and nobody else is
 * concerned. A device that does not answer within its time, or answers nonsense, is given up:
 * it is reset, one line of log says why, all its requests end with an error, and those to come
 * end at once.
 *
 * Portable; the cache above it is block/cache.h. Contexts are named at each call; "any" includes
 * interrupt handlers. The queue's lock is taken inside any lock of a caller and outside those of
 * the scheduler.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <zonal/zonal.h>

#include "lib/lock.h"
#include "sched/sched.h"

#define BLOCK_SECTOR_SHIFT 9
#define BLOCK_SECTOR_BYTES (1u << BLOCK_SECTOR_SHIFT)
#define BLOCK_PAGE_SECTORS ((unsigned)(PAGE_SIZE >> BLOCK_SECTOR_SHIFT))

/* Most devices, most requests in flight at one, most pages of a request. */
#define BLOCK_MAX_DEVICES 8u
#define BLOCK_MAX_DEPTH 32u
#define BLOCK_REQUEST_PAGES 16u

/* So that the last byte has an address of 63 bits. */
#define BLOCK_MAX_SECTORS ((uint64_t)1 << 54)

/* How long a device may take for a request, unless somebody says otherwise. */
#define BLOCK_TIMEOUT_NS 10000000000ull

#define BLOCK_EIO (-5)         /* the device failed, refused, or is given up */
#define BLOCK_EINVAL (-22)     /* not on the device, or not in whole sectors */
#define BLOCK_ENOMEM (-12)
#define BLOCK_EROFS (-30)      /* the device is read-only */
#define BLOCK_ETIMEDOUT (-110) /* it did not answer; the device is given up */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_device;

struct block_request {
	enum block_op op;
	unsigned pages;   /* of `page`; 0 for FLUSH */
	uint64_t sector;
	uint32_t bytes;   /* whole sectors; every page is full but perhaps the last */
	struct page *page[BLOCK_REQUEST_PAGES];
	/* Called once when it has ended, `status` set; the request is the caller's again. Any
	 * context, no lock held. Must not sleep. */
	void (*done)(struct block_request *request);
	void *ctx;
	int status; /* 0 or a negative BLOCK_E* */

	/* The queue's. */
	struct block_request *next;
	uint64_t deadline_ns;
};

struct block_ops {
	const char *driver;
	/* Hand a request to the device in place `tag`, which is free. */
	void (*start)(struct block_device *device, unsigned tag, struct block_request *request);
	/* Tell the device that something was started. */
	void (*kick)(struct block_device *device);
	/* Call block_end() for whatever the device has done. False: it answered nonsense;
	 * device->fault says what, and nothing that it says counts any more. */
	bool (*reap)(struct block_device *device);
	/* Nothing that was started may touch memory from now on. False if the device does not
	 * confirm that: then the pages of its requests are never used again. */
	bool (*stop)(struct block_device *device);
};
/* All four are called masked, with the queue's lock held. */

struct block_device {
	/* The driver's, immutable once registered. */
	const struct block_ops *ops;
	void *driver;
	uint64_t sectors;
	unsigned block_bytes; /* every transfer is a multiple of it: 512..PAGE_SIZE */
	unsigned depth;       /* places: most requests in flight, 1..BLOCK_MAX_DEPTH */
	unsigned max_pages;   /* of a request, 1..BLOCK_REQUEST_PAGES */
	bool read_only;
	bool needs_flush;     /* it may keep what it was given until a FLUSH */
	gfp_t reach;          /* zone modifiers of memory that it can reach, or 0 */
	char fault[112];      /* queue lock */

	/* The queue's. */
	char name[8];         /* "vda", "vdb", ... */
	unsigned id;          /* 0..BLOCK_MAX_DEVICES-1 */
	struct ticket_lock lock;
	struct block_request *first, *last; /* not started yet */
	struct block_request *started[BLOCK_MAX_DEPTH];
	struct block_request *ended; /* to be told when the lock is dropped */
	unsigned in_flight, most_in_flight;
	_Atomic bool failed;
	_Atomic uint64_t timeout_ns;
	_Atomic uint64_t reads, writes, flushes, errors; /* requests that ended */
	struct wait_queue waiters;
};

/* ---- for drivers -------------------------------------------------------- */

/* Check what the driver says of the device and give it a name: 0, or BLOCK_EINVAL / BLOCK_ENOMEM
 * (the table is full), one line logged. `device` stays where it is. Context: boot or task. */
int block_register(struct block_device *device) ZN_MUST_USE;
/* It is nobody's any more: no request is under way and none will come. Context: task or boot. */
void block_unregister(struct block_device *device);

/* The request in place `tag` has ended. From ops->reap() alone. */
void block_end(struct block_device *device, unsigned tag, int status);

/* The device has something to say. Any context. */
void block_poll(struct block_device *device);

/* The device is no use any more: stop it, end what is under way with `status` and what waits with
 * BLOCK_EIO, log why. Nothing the second time. Any context. */
void block_give_up(struct block_device *device, int status, const char *why);

/* The allocator that buffers come from, and the address of a page of it. Any context. */
struct zonal *block_memory(void);
void *block_page_address(struct page *page);

/* ---- for users ---------------------------------------------------------- */

/* The device of that name or number; NULL: there is none. Any context. */
struct block_device *block_find(const char *name);
struct block_device *block_get(unsigned id);

/* Start a request; request->done() follows, perhaps before this returns. Any context. */
void block_submit(struct block_device *device, struct block_request *request);

/* Submit and wait for the end: its status. `done` and `ctx` are not the caller's here.
 * Context: task, sleeps; or boot, which polls. */
int block_transfer(struct block_device *device, struct block_request *request);

/* Give up a device whose oldest request is over its time. True while requests are in flight:
 * look again within BLOCK_LOOK_NS. Context: task or boot. */
bool block_look(struct block_device *device);
#define BLOCK_LOOK_NS 250000000ull

/*
 * Wait for ready(arg) to say true, which some done() makes it, having called block_wake().
 * Meanwhile the devices are looked at, so that it ends also if one of them is silent.
 * `ready` takes no lock. Context: task, sleeps; or boot, which polls.
 */
void block_wait(struct block_device *device, bool (*ready)(void *arg), void *arg);
void block_wake(struct block_device *device);

static inline bool block_is_failed(struct block_device *device)
{
	return ld_acquire(&device->failed);
}

#endif
