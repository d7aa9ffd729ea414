/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct page: 32 bytes that describe one page frame.
 *
 * The allocator's word (`word`) holds what it must know of a page in one load:
 * which zone, which state, of what order, and the owner's flag bits. A block of
 * 2^n pages is described by its head alone: only the head's state is FREE, PCP
 * or USED; every other page of the block is INNER. So taking, splitting,
 * merging and freeing touch heads only, and cost the same at any order.
 *
 *	state     set on                          means
 *	HOLE      init                            no RAM here, or no-map
 *	RESERVED  init                            RAM that is not the allocator's
 *	INNER     init, merge                     part of a block; see its head
 *	FREE      buddy put                       head of a block in a free list
 *	PCP       per-CPU list                    single page in a per-CPU list
 *	USED      take                            head of an allocated block
 *	TAIL      take with __GFP_COMP            as INNER, and `head` is valid
 *	BAD       a failed page check             leaked on purpose (D3)
 *	LONE      free of a shared block          single page in use; was the head of a block of
 *	                                          the order in the word, whose rest is freed (B17)
 *
 * Who may write: legend of the letters behind the fields.
 *	i  immutable after init
 *	z  the zone lock while FREE/INNER of a free block; this CPU (masked) while PCP;
 *	   the owner while USED. State bits of an allocated block change only when
 *	   its last reference is dropped, so the holder of the zone lock may read the
 *	   word of any neighbour: FREE is entered and left under that lock alone.
 *	a  atomic
 *
 * The page map is laid out in chunks aligned to 2^(MAX_ORDER-1) pages, so the
 * buddy of a page and the first page of its pageblock are found by address
 * arithmetic alone (page_buddy, page_block_first).
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <zonal/gfp.h>
#include <zonal/types.h>

#include "lib/atomic.h"

enum page_state {
	PAGE_HOLE,
	PAGE_RESERVED,
	PAGE_INNER,
	PAGE_FREE,
	PAGE_PCP,
	PAGE_USED,
	PAGE_TAIL,
	PAGE_BAD,
	PAGE_LONE,
	PAGE_STATES
};

/*
 * The owner's 16 bytes of a page that is on a list of its owner's: what reclaim and compaction
 * walk. Links are frame numbers like those of the free lists, PFN_NONE at the ends, so that a
 * list has 8 bytes a page and its owner keeps 8 for itself. The lock is the list's; the page is
 * USED, single or a head. PG_LRU says that it is its owner's wish to have it on a list, PG_ISOLATED
 * that the core has taken it off for a while; the links are valid if the first is set and the
 * second is not. Both are clear before the page may be freed: row D2 reports it otherwise.
 */
struct page_links {
	uint32_t next;
	uint32_t prev;
	uint64_t handle; /* of the owner: mapping and index, swap slot, ... */
};

struct page {
	union {
		uint64_t owner[2]; /* the owner's 16 bytes while USED */
		struct page_links links; /* the same, PG_LRU set */
		struct {
			uint32_t next; /* z: pfn of the next block in its free list */
			uint32_t prev; /* z: pfn of the one before; PFN_NONE at the ends */
			union {
				struct {
					uint8_t list_type; /* z: list it is in, by migratetype */
					uint8_t reported;  /* z: since it is there (A14) */
				};
				uint16_t listed; /* z: both; a block that comes is not reported */
			};
		};
		uint32_t head; /* TAIL: pfn of the block's first page */
	};
	union {
		struct {
			_Atomic uint32_t word; /* z a: see WORD_* */
			_Atomic int32_t refs;  /* a: references; 0 unless USED */
		};
		_Atomic uint64_t word_refs; /* both at once: page_set_used() */
	};
	uint32_t pfn;             /* i */
	_Atomic uint16_t mapped;  /* a: how often mapped; must be 0 at free (D1); MAPPED_TRACED */
	_Atomic uint8_t block;    /* a: first page of a pageblock: its migratetype (C4) */
	_Atomic uint8_t owner_id; /* lru lock: with PG_LRU, whose page it is: zonal.owner[] */
};

_Static_assert(sizeof(struct page) == 32, "half of Linux's 64");
_Static_assert(sizeof(struct page_links) == 16, "the owner's bytes and no more");

/* word: | owner flags 31..16 | state 15..12 | order 11..8 | zone id 7..0 |
 * A PCP page is always single; the field of its order holds its home instead: the migratetype
 * of the list that it goes back to (P10). */
#define WORD_ZID_MASK 0xffu
#define WORD_ORDER_SHIFT 8
#define WORD_ORDER_MASK 0xf00u
#define WORD_STATE_SHIFT 12
#define WORD_STATE_MASK 0xf000u
#define WORD_ALLOC_MASK 0xffffu /* all but the owner's flags */

/* Owner flags. All but HWPOISON, COMP, REFERENCED, DIRTY and PFMEMALLOC must be clear at
 * free (row D2); after take all are clear but COMP and PFMEMALLOC, which take may set. */
#define PG_LOCKED 0x10000u
#define PG_LRU 0x20000u
#define PG_ACTIVE 0x40000u
#define PG_ROTATE 0x80000u   /* to the old end of its list when it has been written (reclaim) */
#define PG_ISOLATED 0x100000u /* off its list, in the hands of reclaim or compaction */
#define PG_WRITEBACK 0x200000u
#define PG_SLAB 0x400000u
#define PG_UNEVICTABLE 0x800000u
#define PG_MLOCKED 0x1000000u
#define PG_MAPPING 0x2000000u    /* owner words name a mapping that is still there */
#define PG_CHARGED (ZONAL_GROUPS ? 0x4000000u : 0u) /* charged to a memory group */
#define PG_COMP 0x8000000u       /* head of a compound block */
#define PG_HWPOISON 0x10000000u
/* The three that may stay stand on top, so that all that stops a plain free is one mask of
 * bits side by side: one instruction. */
#define PG_DIRTY 0x20000000u
#define PG_PFMEMALLOC 0x40000000u /* taken without watermarks (L18) */
#define PG_REFERENCED 0x80000000u

#define PG_FREE_CHECK                                                                              \
	(PG_LOCKED | PG_LRU | PG_ACTIVE | PG_ROTATE | PG_ISOLATED | PG_WRITEBACK | PG_SLAB |      \
	 PG_UNEVICTABLE | PG_MLOCKED | PG_MAPPING | PG_CHARGED)
#define PG_TAKE_CHECK (0xffff0000u & ~PG_HWPOISON)

/* page->mapped: page_owner has a record of the block (D17). Head only, while USED; here, so
 * that the one test for mappings sends such a block to the careful free. */
#define MAPPED_TRACED (ZONAL_AIDS ? 0x8000u : 0u)

/* page->block: migratetype in bits 0-2, compaction's skip bit in 3 (C4); in 4-6, of an isolated
 * block, the type that it had. Bit 7 is each page's own: given out by its CMA area. */
#define BLOCK_TYPE_MASK 0x7u
#define BLOCK_SKIP 0x8u
#define BLOCK_WAS_SHIFT 4
#define BLOCK_CMA_GIVEN 0x80u

static inline uint32_t word_make(unsigned zid, enum page_state state, unsigned order)
{
	return zid | order << WORD_ORDER_SHIFT | (uint32_t)state << WORD_STATE_SHIFT;
}

static inline unsigned word_zid(uint32_t word) { return word & WORD_ZID_MASK; }

static inline unsigned word_order(uint32_t word)
{
	return (word & WORD_ORDER_MASK) >> WORD_ORDER_SHIFT;
}

static inline uint32_t word_pcp(unsigned zid, unsigned home)
{
	return word_make(zid, PAGE_PCP, home);
}

static inline unsigned word_home(uint32_t word) { return word_order(word); }

static inline enum page_state word_state(uint32_t word)
{
	return (enum page_state)((word & WORD_STATE_MASK) >> WORD_STATE_SHIFT);
}

/* In somebody's hands: the head of a block, or what is left of one. */
static inline bool word_in_use(uint32_t word)
{
	return word_state(word) == PAGE_USED || word_state(word) == PAGE_LONE;
}

/* Order of the block that such a page stands for now. */
static inline unsigned word_block_order(uint32_t word)
{
	return word_state(word) == PAGE_LONE ? 0 : word_order(word);
}

static inline uint32_t page_word(const struct page *page)
{
	return ld_relaxed(&((struct page *)(uintptr_t)page)->word);
}

static inline void page_set_word(struct page *page, uint32_t word)
{
	st_relaxed(&page->word, word);
}

/* Word and one reference in one store: the page is its owner's from here on. Nobody else
 * looks at it between the two, so that one 8-byte store is as good as two. */
static inline void page_set_used(struct page *page, uint32_t word)
{
	st_relaxed(&page->word_refs, word | (uint64_t)1 << 32);
}

_Static_assert(sizeof(void *) == 8, "a page has words of 64 bits, loaded and stored at once");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "refs is the upper half of word_refs");

static inline unsigned page_zid(const struct page *page) { return word_zid(page_word(page)); }
static inline unsigned page_order(const struct page *page) { return word_order(page_word(page)); }
static inline enum page_state page_state(const struct page *page)
{
	return word_state(page_word(page));
}

/* The other half of the block of twice the size: pfn XOR 2^order, by address. */
static inline struct page *page_buddy(struct page *page, unsigned order)
{
	return (struct page *)((uintptr_t)page ^ (sizeof(struct page) << order));
}

/* Head of the block of order+1 that `page` and its buddy form. */
static inline struct page *page_pair(struct page *page, unsigned order)
{
	return (struct page *)((uintptr_t)page & ~(sizeof(struct page) << order));
}

static inline struct page *page_block_first(const struct page *page)
{
	return (struct page *)((uintptr_t)page & ~((sizeof(struct page) << PAGEBLOCK_ORDER) - 1));
}

static inline enum migratetype page_block_type(const struct page *page)
{
	if (!ZONAL_MOBILITY)
		return MIGRATE_UNMOVABLE;
	return (enum migratetype)(ld_relaxed(&page_block_first(page)->block) & BLOCK_TYPE_MASK);
}

/* Bytes to which a chunk of the page map must be aligned. */
#define PAGE_MAP_ALIGN (sizeof(struct page) << (MAX_ORDER - 1))

#endif
