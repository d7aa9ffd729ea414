/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_owner: who took each page, when, by which way, and who gave it back (D17).
 *
 * Off by default; zonal_config.page_owner turns it on for an instance's life. Then
 * each page has a record of 32 bytes in a side map (side_map.c), and stacks are kept
 * once each (stack_depot.c).
 *
 * Off, it costs nothing on the hot paths, because they ask nothing new:
 *
 *	take   GATE_PAGE_OWNER is one of mm->gates, and any gate sends every request
 *	       through the general path; take_and_prepare() there records.
 *	free   a recorded block carries MAPPED_TRACED in its head's map count, and the
 *	       plain free already leaves for the careful one if that is not 0.
 *
 * Every page of a block has the block's record, as in 5.10, so that a block can be
 * split or freed in parts and each part still tells its story. A record outlives the
 * free, with the stack of the free beside that of the allocation, until the
 * page is taken again; and the stack of the last free outlives that too.
 *
 * Recording begins when boot is done. What was taken before has no task and a time
 * that means little; it is marked "early" in one walk over the map.
 *
 * The recorder runs masked and marks its CPU: if a port's hook allocates, that
 * allocation finds the mark and gets the handle STACK_RECURSION instead of coming
 * here again for ever. Interrupts cannot be mistaken for that, they are masked.
 *
 * Records are written by who has the block alone. A reader (the monitor) looks at any time,
 * so they are stored as relaxed words; one record may be of two moments.
 */
#include "page_owner.h"

#include "lib/assert.h"
#include "lib/stop.h"
#include "meta.h"

/* Innermost frames that are the recorder's own: stack_here() and its caller here. */
#define OWN_FRAMES 2
#define RECORD_WORDS (sizeof(struct owner_record) / sizeof(uint64_t))

union record_words {
	struct owner_record record;
	uint64_t word[RECORD_WORDS];
};

static _Atomic uint64_t *owner_at(const struct zonal *mm, pfn_t pfn)
{
	DASSERT(mm->owner, "page_owner is off, pfn 0x%llx", (unsigned long long)pfn);
	return side_map_at(&mm->owner->records, pfn, sizeof(struct owner_record));
}

static struct owner_record record_load(const struct zonal *mm, pfn_t pfn)
{
	_Atomic uint64_t *at = owner_at(mm, pfn);
	union record_words u;

	for (unsigned i = 0; i < RECORD_WORDS; i++)
		u.word[i] = ld_relaxed(at + i);
	return u.record;
}

static void record_store(struct zonal *mm, pfn_t pfn, struct owner_record record)
{
	_Atomic uint64_t *at = owner_at(mm, pfn);
	union record_words u = { .record = record };

	for (unsigned i = 0; i < RECORD_WORDS; i++)
		st_relaxed(at + i, u.word[i]);
}

static void mark_set(struct page *page)
{
	DASSERT(word_in_use(page_word(page)), "pfn 0x%x, word 0x%x", page->pfn, page_word(page));
	st_relaxed(&page->mapped, ld_relaxed(&page->mapped) | MAPPED_TRACED);
}

/* The stack of who called the function of this file that calls. */
static ZN_NOINLINE uint32_t stack_here(struct zonal *mm)
{
	port_irqflags_t irq = port_irq_save();
	struct mm_cpu *cpu = mm_this_cpu(mm);
	uintptr_t pc[OWN_FRAMES + STACK_DEPTH];
	uint32_t handle = STACK_NONE;
	unsigned depth;

	if (cpu->recording) {
		fetch_add_relaxed(&mm->owner->recursions, 1);
		handle = STACK_RECURSION;
	} else if (port_backtrace) {
		cpu->recording = true;
		depth = port_backtrace(pc, ARRAY_SIZE(pc));
		if (depth > OWN_FRAMES)
			handle = stack_depot_save(&mm->owner->depot, pc + OWN_FRAMES,
						  depth - OWN_FRAMES);
		cpu->recording = false;
	}
	port_irq_restore(irq);
	return handle;
}

/* The same record for each page of a block; stacks of former frees stay. */
static void store_block(struct zonal *mm, struct page *page, struct owner_record record)
{
	ASSERT(!(page->pfn & ((1u << record.order) - 1)), "pfn 0x%x order %u", page->pfn,
	       record.order);
	for (pfn_t pfn = page->pfn; pfn < page->pfn + ((pfn_t)1 << record.order); pfn++) {
		record.free_stack = record_load(mm, pfn).free_stack;
		record_store(mm, pfn, record);
	}
	mark_set(page);
}

void page_owner_set(struct zonal *mm, struct page *page, unsigned order, gfp_t gfp, unsigned type)
{
	struct owner_record record = {
		.time_ns = port_time_ns(),
		.task = port_task_id ? port_task_id() : 0,
		.gfp = gfp,
		.alloc_stack = stack_here(mm),
		.order = (uint8_t)order,
		.type = (uint8_t)type,
		.migrate_reason = -1,
		.flags = OWNER_KNOWN | OWNER_ALLOCATED,
	};

	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", page->pfn, order);
	store_block(mm, page, record);
}

void page_owner_split(struct zonal *mm, struct page *page, unsigned order)
{
	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", page->pfn, order);
	for (unsigned i = 0; i < 1u << order; i++) {
		struct owner_record record = record_load(mm, page->pfn + i);

		record.order = 0;
		record_store(mm, page->pfn + i, record);
		mark_set(page + i);
	}
}

static void store_free(struct zonal *mm, pfn_t pfn, pfn_t end, uint32_t stack)
{
	for (; pfn < end; pfn++) {
		struct owner_record record = record_load(mm, pfn);

		record.flags &= (uint8_t)~OWNER_ALLOCATED;
		record.free_stack = stack;
		record_store(mm, pfn, record);
	}
}

void page_owner_free(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t stack = stack_here(mm);

	ASSERT(order < MAX_ORDER, "pfn 0x%x order %u", page->pfn, order);
	store_free(mm, page->pfn, page->pfn + ((pfn_t)1 << order), stack);
	st_relaxed(&page->mapped, (uint16_t)(ld_relaxed(&page->mapped) & ~MAPPED_TRACED));
}

void page_owner_free_rest(struct zonal *mm, struct page *page, unsigned order)
{
	uint32_t stack = stack_here(mm);

	ASSERT(order && order < MAX_ORDER, "pfn 0x%x order %u", page->pfn, order);
	page_owner_split(mm, page, 0);
	store_free(mm, page->pfn + 1, page->pfn + ((pfn_t)1 << order), stack);
}

/* ---- before recording --------------------------------------------------- */

void page_owner_init(struct zonal *mm, const struct boot_info *info)
{
	unsigned nid = (unsigned)info->range[0].nid;
	struct page_owner *owner = meta_take(mm, nid, sizeof(*owner));
	void *stacks = meta_take(mm, nid, stack_depot_bytes(ZONAL_OWNER_STACKS));

	ASSERT(!mm->owner, "page_owner is there already, node %u", nid);
	stack_depot_init(&owner->depot, ZONAL_OWNER_STACKS, stacks);
	side_map_init(&owner->records, mm, info, sizeof(struct owner_record));
	mm->owner = owner;
}

static void set_early(struct zonal *mm, struct page *page)
{
	struct owner_record record = {
		.alloc_stack = STACK_EARLY,
		.order = (uint8_t)word_block_order(page_word(page)),
		.type = (uint8_t)page_block_type(page),
		.migrate_reason = -1,
		.flags = OWNER_KNOWN | OWNER_ALLOCATED,
	};

	store_block(mm, page, record);
}

void page_owner_start(struct zonal *mm)
{
	if (!mm->owner)
		return;
	/* First: what is taken from here on has a record and is not early. */
	fetch_or_acq_rel(&mm->gates, GATE_PAGE_OWNER);
	for (pfn_t s = 0; s < mm->section_count && !zn_stop_asked(); s++) {
		for (pfn_t pfn = mm->bounds[s].first; pfn < mm_section_ready(mm, s);) {
			struct page *page = mm_page(mm, pfn);
			uint32_t word = page_word(page);
			bool used = word_in_use(word);

			if (used && !(record_load(mm, pfn).flags & OWNER_KNOWN))
				set_early(mm, page);
			/* Only heads have an order, so that this steps over whole blocks. */
			pfn += (pfn_t)1 << word_block_order(word);
		}
	}
}

/* ---- for reports -------------------------------------------------------- */

bool page_owner_read(const struct zonal *mm, pfn_t pfn, struct owner_record *out)
{
	if (!mm->owner || !zonal_page(mm, pfn))
		return false;
	*out = record_load(mm, pfn);
	return out->flags & OWNER_KNOWN;
}

uint64_t page_owner_tally(struct zonal *mm)
{
	struct stack_depot *depot = &mm->owner->depot;
	uint64_t pages = 0;

	ASSERT(mm->owner, "page_owner is off");
	for (uint32_t h = 0; h < STACK_FIRST + ld_relaxed(&depot->used); h++)
		stack_depot_get(depot, h)->held = 0;
	for (pfn_t s = 0; s < mm->section_count; s++) {
		for (pfn_t pfn = mm->bounds[s].first; pfn < mm_section_ready(mm, s); pfn++) {
			struct owner_record record = record_load(mm, pfn);

			if (!(record.flags & OWNER_ALLOCATED))
				continue;
			stack_depot_get(depot, record.alloc_stack)->held++;
			pages++;
		}
	}
	return pages;
}
