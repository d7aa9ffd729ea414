/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio disk as a device sees itself: registers, a queue in somebody's memory, and ways to
 * lie. The test calls it where real hardware would run by itself.
 */
#ifndef TEST_FAKE_VIRTIO_H
#define TEST_FAKE_VIRTIO_H

#include "drivers/virtio/virtio.h"

/* What the next answer is spoilt by. */
enum fake_lie {
	FAKE_HONEST,
	FAKE_ID_TOO_LARGE,   /* used.id beyond the queue */
	FAKE_ID_INSIDE,      /* not the head of a chain, or of an empty place */
	FAKE_ID_TWICE,       /* an answer that was given already */
	FAKE_LENGTH,         /* more bytes than there was room for */
	FAKE_SHORT,          /* a read that wrote fewer bytes, and calls itself good */
	FAKE_INDEX,          /* many answers that are none */
	FAKE_NO_STATUS,      /* the status byte is left as it was */
	FAKE_STATUS,         /* a status that does not exist */
	FAKE_ERROR,          /* an honest error */
	FAKE_SCRIBBLE,       /* an honest answer; descriptors and offers are overwritten */
	FAKE_LIES
};

struct fake_virtio {
	/* What it claims; set before virtio_blk_start(). */
	uint32_t magic, version, id;
	uint64_t features;
	uint32_t queue_max;
	uint64_t capacity;
	uint32_t seg_max, blk_size;
	bool refuses_features, stays_in_reset, never_resets, queue_in_use, does_not_start;
	unsigned unsteady; /* so many reads of the capacity see another value */
	bool wants_no_notify;

	unsigned char *data; /* capacity sectors */
	enum fake_lie lie;

	/* What it was told. */
	uint32_t status, features_sel, driver_sel, queue_num, queue_align, page_size, pfn, ready;
	uint32_t interrupt, acknowledged;
	uint64_t driver_features, address[3]; /* descriptors, offers, answers */
	uint16_t seen; /* offers taken */
	unsigned notified, served, resets, indirect_seen, longest_chain;
	uint32_t generation;
};

/* An honest disk of `sectors` in version 1 or 2, contents random; false: no memory. */
bool fake_virtio_init(struct fake_virtio *fake, unsigned version, uint64_t sectors);
struct virtio fake_virtio_bus(struct fake_virtio *fake);
/* Answer up to `most` requests that were offered; the number. */
unsigned fake_virtio_serve(struct fake_virtio *fake, unsigned most);

#endif
