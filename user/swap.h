/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: where pages of programs go when their memory is wanted.
 *
 * There are up to SWAP_AREAS areas, each a piece of RAM that holds pages compressed, or a disk.
 * They are used in the order in which they were added, the next one when an area is full or does
 * not take a page. A page in swap has a place, named by a token of USER_TOKEN_BITS bits that is
 * never 0; it belongs to one program, which keeps it in its page table.
 *
 * RAM is written and read at once, in the call. A disk takes time, and until its write has ended
 * and the page was taken by reclaim, the place is at the same time the swap cache: it knows the
 * page, and whoever touches it gets it back unread.
 *
 *	TAKEN --pack--> STORED --release--> free
 *	   |              ^ ^--------- commit
 *	   +--begin--> CACHED, being written --> CACHED --release--> free, and the page is his
 *
 * Portable; the tests of it run on the host.
 */
#ifndef USER_SWAP_H
#define USER_SWAP_H

#include <zonal/zonal.h>

/* Most areas at a time, and pages of one. */
#define SWAP_AREAS 8u
#define SWAP_MOST_PAGES ((uint64_t)1 << 21)
#define SWAP_LEAST_PAGES 16u

/* Tokens of areas lie below this; the ones above are the owner's to use. */
#define SWAP_TOKEN_END ((uint64_t)(SWAP_AREAS + 1) << 32)

struct block_device;

/* How RAM compresses. */
struct swap_codec {
	const char *name;
	size_t state_bytes; /* memory that pack() works with: at most 4608 */
	/* A page to at most `room` bytes: how many, 0: they do not suffice. */
	size_t (*pack)(const void *page, void *to, size_t room, void *state);
	/* Back; false: that is no page. */
	bool (*unpack)(const void *from, size_t bytes, void *page);
};
extern const struct swap_codec swap_lz4;

/* ---- areas: boot or task, one caller at a time ---- */

/* RAM for `pages` pages. NULL, or why not, in words. */
const char *swap_on_ram(uint64_t pages, const struct swap_codec *codec) ZN_MUST_USE;
/* A disk that swap_format() has prepared. */
const char *swap_on_disk(struct block_device *disk) ZN_MUST_USE;
const char *swap_format(struct block_device *disk) ZN_MUST_USE;
/* The area of that name is no more. Refused while pages are in it. */
const char *swap_off(const char *name) ZN_MUST_USE;

struct swap_info {
	char name[8];
	bool disk, dead;          /* dead: the disk failed, nothing more is written to it */
	uint64_t pages, used;
	uint64_t in, out;         /* pages */
	uint64_t refused, errors; /* did not compress; failed reads and writes */
	uint64_t held_pages;      /* pages that compressed ones lie in */
	uint64_t bytes;           /* of compressed pages */
};
/* The n-th area in use, in their order; false behind the last. Any context. */
bool swap_look_area(unsigned n, struct swap_info *out);

/* ---- places ---- */

/*
 * A place in the first area behind that of `after` (0: in the first of all) that has room. `may`
 * are ZONAL_MAY_*: without WRITE no disk. 0: there is none, and *busy says that a disk has room but
 * as many requests under way as there may be. Context: any but an interrupt.
 */
uint64_t swap_take(uint64_t after, unsigned may, bool *busy);
bool swap_on_a_disk(uint64_t token);

/* RAM: put the page there. False: it does not fit; the place is still the caller's. Context: task,
 * may wait for others that compress. */
bool swap_pack(uint64_t token, struct page *page) ZN_MUST_USE;

/* Disk: the place knows the page from now on, and swap_write(), which must follow, writes it. Its
 * owner's reference stays his. Any context. */
void swap_begin(uint64_t token, struct page *page);
void swap_write(uint64_t token);

enum swap_state { SWAP_TAKEN, SWAP_STORED, SWAP_CACHED, SWAP_WRITING, SWAP_FAILED };
/* What is at a place; *page is the cached one, or NULL. FAILED: cached, but could not be
 * written. Any context. */
enum swap_state swap_look(uint64_t token, struct page **page);

/* The cached page goes: what was written is all there is. */
void swap_commit(uint64_t token);
/* The cached page is `to` from now on. Not while it is being written. */
void swap_moved(uint64_t token, struct page *to);
/* The place is given up. Returns the page that it had cached, or NULL. Any context. */
struct page *swap_release(uint64_t token);
/* Read what is stored there; the place stays. 0, or USER_EIO. Context: task, sleeps. */
int swap_load(uint64_t token, struct page *page) ZN_MUST_USE;

/* Wait until a disk has ended some write, or a moment. Context: task. */
void swap_wait(void);

#endif
