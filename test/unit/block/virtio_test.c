/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio disk against a device that is a test (fake_virtio.h): both register layouts, both
 * forms of descriptors, sixteen requests in flight, and every lie that a device can tell.
 *
 * In the four honest forms each byte is compared. A lie must end in one line of log that
 * names it, a disk that is given up, and errors for all who asked; never in memory that is
 * touched where it should not be, which the sanitizers see.
 */
#include <string.h>

#include "fake_virtio.h"
#include "ram_disk.h"

enum { SECTORS = 2048, FLIGHT = 40 };

static _Atomic unsigned ended;

static void count_end(struct block_request *request)
{
	(void)request;
	atomic_fetch_add(&ended, 1);
}

static bool prepare(struct block_request *request, enum block_op op, uint64_t sector,
		    unsigned pages)
{
	memset(request, 0, sizeof(*request));
	request->op = op;
	request->sector = sector;
	request->done = count_end;
	request->status = 1;
	return ram_disk_pages(request, pages);
}

static struct virtio_blk *start(struct fake_virtio *fake)
{
	struct virtio bus = fake_virtio_bus(fake);

	KT_EQ(virtio_identify(&bus), VIRTIO_ID_BLOCK);
	return virtio_blk_start(&bus, "test", 0);
}

/* The device works until it has nothing to do, and interrupts. */
static void work(struct fake_virtio *fake, struct virtio_blk *disk, unsigned most)
{
	for (unsigned i = 0; i < FLIGHT && fake_virtio_serve(fake, most); i++)
		virtio_blk_interrupt(disk);
}

/* ---- four honest forms ---- */

static bool fill_page(struct page *page, uint64_t *seed)
{
	unsigned char *byte = block_page_address(page);

	for (unsigned i = 0; i < PAGE_SIZE; i++)
		byte[i] = (unsigned char)kt_random(seed);
	return true;
}

static void check_page(const struct fake_virtio *fake, const struct block_request *request,
		       unsigned i)
{
	size_t at = (size_t)(request->sector << BLOCK_SECTOR_SHIFT) + i * PAGE_SIZE;
	size_t bytes = ZN_MIN(request->bytes - i * PAGE_SIZE, PAGE_SIZE);

	KT_OK(memcmp(block_page_address(request->page[i]), fake->data + at, bytes) == 0,
	      "page %u of the request at sector %llu", i, (unsigned long long)request->sector);
}

/* FLIGHT requests of one to max_pages pages, writes and reads, side by side on the disk. */
static void fly(struct fake_virtio *fake, struct virtio_blk *disk, struct block_request *request)
{
	struct block_device *device = virtio_blk_device(disk);
	uint64_t seed = kt_seed() | 1, sector = 0;

	atomic_store(&ended, 0);
	for (unsigned i = 0; i < FLIGHT; i++) {
		unsigned pages = 1 + (unsigned)kt_random(&seed) % ZN_MIN(device->max_pages, 6u);

		if (!prepare(&request[i], i % 2 ? BLOCK_READ : BLOCK_WRITE, sector, pages))
			return;
		request[i].bytes -= (uint32_t)(kt_random(&seed) % 8) * 512;
		sector += pages * BLOCK_PAGE_SECTORS;
		for (unsigned k = 0; k < pages && request[i].op == BLOCK_WRITE; k++)
			fill_page(request[i].page[k], &seed);
		block_submit(device, &request[i]);
	}
	work(fake, disk, 7);
	KT_EQ(atomic_load(&ended), FLIGHT);
	for (unsigned i = 0; i < FLIGHT; i++) {
		KT_EQ(request[i].status, 0);
		for (unsigned k = 0; k < request[i].pages; k++)
			check_page(fake, &request[i], k);
		ram_disk_free_pages(&request[i]);
	}
}

static void fly_in_form(unsigned version, bool indirect)
{
	struct block_request *request = block_test_alloc(FLIGHT * sizeof(*request));
	struct fake_virtio fake;
	struct virtio_blk *disk;

	if (!request || !fake_virtio_init(&fake, version, SECTORS))
		return;
	if (!indirect)
		fake.features &= ~VIRTIO_F_INDIRECT_DESC;
	disk = start(&fake);
	if (!KT_TRUE(disk != NULL))
		return;
	KT_EQ(fake.status, version == 2 ? 15 : 7);
	KT_EQ(virtio_blk_device(disk)->sectors, SECTORS);
	KT_TRUE(virtio_blk_device(disk)->needs_flush);
	/* What we do not know is not accepted. */
	KT_EQ(fake.driver_features & ~(VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
				       VIRTIO_BLK_F_FLUSH | VIRTIO_F_INDIRECT_DESC |
				       VIRTIO_F_VERSION_1), 0);
	for (unsigned round = 0; round < 8; round++)
		fly(&fake, disk, request);
	KT_TRUE(virtio_blk_device(disk)->most_in_flight >= 16);
	KT_EQ(fake.indirect_seen != 0, indirect);
	KT_EQ(fake.acknowledged, 1);
	KT_EQ(ld_relaxed(&virtio_blk_device(disk)->errors), 0);
	virtio_blk_end(disk);
	KT_EQ(fake.status, 0);
}

BLOCK_TEST(virtio, modern_disk_with_indirect_descriptors_moves_every_byte)
{
	fly_in_form(2, true);
}

BLOCK_TEST(virtio, modern_disk_with_chains_moves_every_byte)
{
	fly_in_form(2, false);
}

BLOCK_TEST(virtio, legacy_disk_with_indirect_descriptors_moves_every_byte)
{
	fly_in_form(1, true);
}

BLOCK_TEST(virtio, legacy_disk_with_chains_moves_every_byte)
{
	fly_in_form(1, false);
}

BLOCK_TEST(virtio, flush_is_a_request_without_data)
{
	struct fake_virtio fake;
	struct block_request request;
	struct virtio_blk *disk;

	if (!fake_virtio_init(&fake, 2, 8))
		return;
	disk = start(&fake);
	if (!KT_TRUE(disk != NULL))
		return;
	prepare(&request, BLOCK_FLUSH, 0, 0);
	block_submit(virtio_blk_device(disk), &request);
	work(&fake, disk, 1);
	KT_EQ(request.status, 0);
	KT_EQ(fake.longest_chain, 2);
	virtio_blk_end(disk);
}

BLOCK_TEST(virtio, doorbell_rings_once_a_batch_and_not_where_it_is_not_wanted)
{
	struct fake_virtio fake;
	struct block_request request;
	struct virtio_blk *disk;

	if (!fake_virtio_init(&fake, 2, 64))
		return;
	disk = start(&fake);
	if (!KT_TRUE(disk != NULL))
		return;
	for (unsigned i = 0; i < 2; i++) {
		unsigned before = fake.notified;

		/* Said with the first answer, heeded from the second request on. */
		fake.wants_no_notify = true;
		if (!prepare(&request, BLOCK_READ, 0, 1))
			return;
		block_submit(virtio_blk_device(disk), &request);
		KT_EQ(fake.notified - before, i ? 0 : 1);
		work(&fake, disk, 1);
		KT_EQ(request.status, 0);
		ram_disk_free_pages(&request);
	}
	virtio_blk_end(disk);
}

/* ---- what it says of itself ---- */

BLOCK_TEST(virtio, features_set_what_the_disk_is)
{
	struct fake_virtio fake;
	struct virtio_blk *disk;

	if (!fake_virtio_init(&fake, 2, 64))
		return;
	fake.features |= VIRTIO_BLK_F_RO;
	fake.features &= ~VIRTIO_BLK_F_FLUSH;
	fake.blk_size = 4096;
	fake.seg_max = 3;
	fake.unsteady = 2;
	disk = start(&fake);
	if (!KT_TRUE(disk != NULL))
		return;
	KT_TRUE(virtio_blk_device(disk)->read_only && !virtio_blk_device(disk)->needs_flush);
	KT_EQ(virtio_blk_device(disk)->block_bytes, 4096);
	KT_EQ(virtio_blk_device(disk)->max_pages, 3);
	KT_EQ(virtio_blk_device(disk)->sectors, 64);
	virtio_blk_end(disk);
}

BLOCK_TEST(virtio, small_queue_carries_small_requests)
{
	static const unsigned size[] = { 4, 5, 16, 63, 64, 1000 };

	for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
		struct fake_virtio fake;
		struct block_request request;
		struct virtio_blk *disk;

		if (!fake_virtio_init(&fake, 1 + i % 2, 64))
			return;
		fake.features &= ~VIRTIO_F_INDIRECT_DESC;
		fake.queue_max = size[i];
		disk = start(&fake);
		if (!KT_TRUE(disk != NULL))
			return;
		KT_TRUE(fake.queue_num <= size[i] && !(fake.queue_num & (fake.queue_num - 1)));
		if (!prepare(&request, BLOCK_READ, 8, virtio_blk_device(disk)->max_pages))
			return;
		block_submit(virtio_blk_device(disk), &request);
		work(&fake, disk, 1);
		KT_EQ(request.status, 0);
		check_page(&fake, &request, 0);
		ram_disk_free_pages(&request);
		virtio_blk_end(disk);
	}
}

struct bad_set_up {
	const char *says;
	unsigned version;
	void (*change)(struct fake_virtio *fake);
};

static void zero_capacity(struct fake_virtio *fake) { fake->capacity = 0; }
static void huge_capacity(struct fake_virtio *fake) { fake->capacity = UINT64_MAX; }
static void zero_queue(struct fake_virtio *fake) { fake->queue_max = 0; }
static void tiny_queue(struct fake_virtio *fake) { fake->queue_max = 3; }
static void used_queue(struct fake_virtio *fake) { fake->queue_in_use = true; }
static void zero_segments(struct fake_virtio *fake) { fake->seg_max = 0; }
static void bad_block(struct fake_virtio *fake) { fake->blk_size = 0x30000; }
static void no_version_1(struct fake_virtio *fake) { fake->features &= ~VIRTIO_F_VERSION_1; }
static void no_features(struct fake_virtio *fake) { fake->refuses_features = true; }
static void no_reset(struct fake_virtio *fake) { fake->stays_in_reset = true; }
static void no_start(struct fake_virtio *fake) { fake->does_not_start = true; }

BLOCK_TEST(virtio, device_that_breaks_a_rule_is_refused_by_one_line)
{
	static const struct bad_set_up row[] = {
		{ "capacity 0: at least one sector", 2, zero_capacity },
		{ "capacity 18446744073709551615: at most 2^54", 1, huge_capacity },
		{ "queue size 0: a request takes at least 4", 2, zero_queue },
		{ "queue size 3: a request takes at least 4", 1, tiny_queue },
		{ "queue 0 is in use after a reset", 1, used_queue },
		{ "queue 0 is in use after a reset", 2, used_queue },
		{ "seg_max 0: a request has at least one", 2, zero_segments },
		{ "block size 196608: a power of two", 2, bad_block },
		{ "such a device must offer VIRTIO_F_VERSION_1", 2, no_version_1 },
		{ "the device refuses them", 2, no_features },
		{ "status 0x1: 0 is expected after a reset", 2, no_reset },
		{ "it does not start", 2, no_start },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct fake_virtio fake;
		struct virtio_blk *disk;
		const char *text;

		if (!fake_virtio_init(&fake, row[i].version, 64))
			return;
		row[i].change(&fake);
		log_begin();
		disk = start(&fake);
		text = log_end();
		KT_TRUE(disk == NULL);
		KT_OK(strstr(text, row[i].says) && strchr(text, '\n')[1] == '\0', "row %u: %s", i,
		      text);
		/* Told that nobody drives it. */
		KT_TRUE(fake.status & 128);
	}
}

BLOCK_TEST(virtio, place_without_a_device_is_told_from_a_wrong_one)
{
	struct fake_virtio fake;
	struct virtio bus;

	if (!fake_virtio_init(&fake, 2, 8))
		return;
	fake.id = 0;
	bus = fake_virtio_bus(&fake);
	KT_EQ(virtio_identify(&bus), 0);
	KT_STR_EQ(bus.fault, "");
	fake.version = 3;
	KT_EQ(virtio_identify(&bus), 0);
	KT_STR_EQ(bus.fault, "version 0x3: 1 and 2 are known");
	fake.magic = 0xffffffff;
	KT_EQ(virtio_identify(&bus), 0);
	KT_STR_EQ(bus.fault, "magic value 0xffffffff: it is 0x74726976");
}

/* ---- lies ---- */

static const struct {
	enum fake_lie lie;
	const char *says; /* NULL: the disk stays */
	int status;       /* of the request that was answered */
} lies[] = {
	{ FAKE_ID_TOO_LARGE, "not the head of a request in flight", BLOCK_EIO },
	{ FAKE_ID_INSIDE, "not the head of a request in flight", BLOCK_EIO },
	{ FAKE_ID_TWICE, "not the head of a request in flight", 0 },
	{ FAKE_LENGTH, "more than it was given to write", BLOCK_EIO },
	{ FAKE_INDEX, "more than are in flight", BLOCK_EIO },
	{ FAKE_NO_STATUS, "status 255: 0, 1 and 2 are known", BLOCK_EIO },
	{ FAKE_STATUS, "status 77: 0, 1 and 2 are known", BLOCK_EIO },
	{ FAKE_ERROR, NULL, BLOCK_EIO },
	{ FAKE_SCRIBBLE, NULL, 0 },
};

/* Three requests, of which the device answers the first with a lie. */
static void lie_to(struct fake_virtio *fake, struct virtio_blk *disk, unsigned row)
{
	struct block_device *device = virtio_blk_device(disk);
	struct block_request request[4];
	const char *text;

	atomic_store(&ended, 0);
	for (unsigned i = 0; i < 3; i++) {
		if (!prepare(&request[i], BLOCK_READ, i * 16, 2))
			return;
		block_submit(device, &request[i]);
	}
	fake->lie = lies[row].lie;
	log_begin();
	(void)fake_virtio_serve(fake, 1);
	virtio_blk_interrupt(disk);
	text = log_end();
	KT_EQ(request[0].status, lies[row].status);
	KT_EQ(block_is_failed(device), lies[row].says != NULL);
	if (lies[row].says) {
		KT_OK(strstr(text, lies[row].says) != NULL, "row %u: %s", row, text);
		KT_EQ(atomic_load(&ended), 3);
		KT_EQ(fake->status, 0);
		if (prepare(&request[3], BLOCK_WRITE, 0, 1)) {
			block_submit(device, &request[3]);
			KT_EQ(request[3].status, BLOCK_EIO);
			ram_disk_free_pages(&request[3]);
		}
	}
	virtio_blk_interrupt(disk); /* a late one does nothing */
	if (!block_is_failed(device))
		block_give_up(device, BLOCK_EIO, "end of the test");
	for (unsigned i = 0; i < 3; i++)
		ram_disk_free_pages(&request[i]);
}

BLOCK_TEST(virtio, every_lie_ends_in_one_clear_line)
{
	for (unsigned row = 0; row < ARRAY_SIZE(lies); row++) {
		for (unsigned form = 0; form < 4; form++) {
			struct fake_virtio fake;
			struct virtio_blk *disk;

			if (!fake_virtio_init(&fake, 1 + form % 2, 64))
				return;
			if (form / 2)
				fake.features &= ~VIRTIO_F_INDIRECT_DESC;
			disk = start(&fake);
			if (!KT_TRUE(disk != NULL))
				return;
			lie_to(&fake, disk, row);
			virtio_blk_end(disk);
		}
	}
}

BLOCK_TEST(virtio, short_read_fails_where_the_length_may_be_relied_on)
{
	for (unsigned version = 1; version <= 2; version++) {
		struct fake_virtio fake;
		struct block_request request;
		struct virtio_blk *disk;

		if (!fake_virtio_init(&fake, version, 64))
			return;
		disk = start(&fake);
		if (!KT_TRUE(disk != NULL) || !prepare(&request, BLOCK_READ, 0, 1))
			return;
		fake.lie = FAKE_SHORT;
		block_submit(virtio_blk_device(disk), &request);
		work(&fake, disk, 1);
		KT_EQ(request.status, version == 2 ? BLOCK_EIO : 0);
		ram_disk_free_pages(&request);
		virtio_blk_end(disk);
	}
}

BLOCK_TEST(virtio, device_that_asks_to_be_reset_is_given_up)
{
	struct fake_virtio fake;
	struct virtio_blk *disk;
	const char *text;

	if (!fake_virtio_init(&fake, 2, 64))
		return;
	disk = start(&fake);
	if (!KT_TRUE(disk != NULL))
		return;
	fake.interrupt = 2;
	virtio_blk_interrupt(disk);
	KT_TRUE(!block_is_failed(virtio_blk_device(disk)));
	fake.interrupt = 2;
	fake.status |= 64;
	log_begin();
	virtio_blk_interrupt(disk);
	text = log_end();
	KT_TRUE(strstr(text, "it asks to be reset") != NULL);
	KT_TRUE(block_is_failed(virtio_blk_device(disk)));
	virtio_blk_end(disk);
}
