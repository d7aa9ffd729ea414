/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of swap share. Letters: (m) the map's lock, (i) immutable while in use, (a)
 * atomic. */
#ifndef USER_SWAP_INTERNAL_H
#define USER_SWAP_INTERNAL_H

#include <zonal/port.h>

#include "block/block.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "sched/sched.h"
#include "sched/sched_port.h"
#include "swap.h"
#include "swap_pool.h"

/* ---- swap_map.c: places and what each holds ---- */

/* The word of a place: state and flags, a small number, a frame. */
enum { SLOT_FREE, SLOT_TAKEN, SLOT_STORED, SLOT_CACHED, SLOT_STATE = 3 };
#define SLOT_WRITING 4ull /* CACHED: the write has not ended */
#define SLOT_DROP 8ull    /* TAKEN: given up; free when the write ends */
#define SLOT_ERROR 16ull  /* CACHED: the write failed */
#define SLOT_SMALL_SHIFT 6
#define SLOT_PFN_SHIFT 16

struct swap_map {
	struct ticket_lock lock;
	bool open;             /* m */
	uint64_t slots;        /* i */
	uint64_t used, fresh;  /* m: places in use; those below `fresh` were used before */
	uint64_t free;         /* m: first of the others that are free, + 1 */
	struct page *root;     /* i: a block of pointers to the pages of words */
	struct page **leaf;    /* i: where these pointers are */
	unsigned root_order;   /* i */
};

/* Memory for that many words. False: there is not enough. Context: boot or task. */
bool swap_map_make(struct swap_map *map, uint64_t slots) ZN_MUST_USE;
void swap_map_drop(struct swap_map *map);

port_irqflags_t swap_map_lock(struct swap_map *map);
void swap_map_unlock(struct swap_map *map, port_irqflags_t flags);

/* All with the lock. A free place, now TAKEN; UINT64_MAX: none, or not open. */
uint64_t swap_map_take(struct swap_map *map);
uint64_t swap_map_get(struct swap_map *map, uint64_t slot);
void swap_map_set(struct swap_map *map, uint64_t slot, uint64_t word);
void swap_map_free(struct swap_map *map, uint64_t slot);

/* ---- areas ---- */

/* Writes under way at a disk. */
#define SWAP_WRITES 32u
struct swap_write {
	struct block_request request;
	struct swap_area *area;
	struct page *page;
	uint64_t slot;
};

/* Memory of one who compresses: 8 KiB. */
#define SWAP_WORK_ORDER 1u
#define SWAP_WORKS 32u

struct swap_area {
	char name[8];          /* i */
	unsigned id;           /* i: where it is in the table */
	struct swap_map map;
	_Atomic uint64_t in, out, refused, errors;
	/* RAM */
	const struct swap_codec *codec; /* i */
	struct swap_pool pool;
	struct page *work[SWAP_WORKS];  /* m: the first `works` are free */
	unsigned works, works_all;      /* m; i */
	struct wait_queue workers;
	/* disk */
	struct block_device *disk;      /* i: NULL: RAM */
	bool dead;                      /* m */
	struct swap_write *write;       /* i: SWAP_WRITES of them */
	struct page *write_page;        /* i: where they lie */
	uint32_t idle;                  /* m: one bit each */
};

/* Rules of swap.h, for one area. */
const char *swap_ram_make(struct swap_area *area, const struct swap_codec *codec);
void swap_ram_drop(struct swap_area *area);
bool swap_ram_store(struct swap_area *area, const void *page, uint64_t *word);
int swap_ram_load(struct swap_area *area, uint64_t word, void *page);

const char *swap_disk_format(struct block_device *disk);
const char *swap_disk_make(struct swap_area *area, struct block_device *disk, uint64_t *slots);
void swap_disk_drop(struct swap_area *area);
void swap_disk_write(struct swap_area *area, unsigned n);
int swap_disk_read(struct swap_area *area, uint64_t slot, struct page *page);
/* A write has ended; what swap.c does with that. Any context. */
void swap_written(struct swap_write *write, int status);

/* The area of a token, and the place there. */
struct swap_area *swap_area_of(uint64_t token, uint64_t *slot);

static inline struct zonal *swap_memory(void) { return sched_port_memory(); }
static inline void *swap_address(struct page *page) { return sched_port_address(page); }

#endif
