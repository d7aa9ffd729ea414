/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a blob to struct boot_info, on the host and on the target.
 *
 * The rules have a tree each in dts/, tried on the host by test/t/topology.t; here is
 * what needs the interface itself, or must hold in the image as well: one board in
 * full, what the loader took, notes, boot arguments, reading twice, refusals,
 * and many spoilt blobs under the sanitizers.
 */
#include "board/topology.h"

#include <string.h>

#include "test/ktest.h"
#include "topology_blob.h"

#include <zonal/zonal.h>

/* Test memory: two tables of ranges are too much for a kernel stack. */
static struct boot_info *info_new(void)
{
	return kt_alloc(sizeof(struct boot_info), 8);
}

static struct board_facts *facts_new(void)
{
	return kt_alloc(sizeof(struct board_facts), 8);
}

static bool range_is(const struct boot_range *r, uint64_t start, uint64_t size, int nid,
		     unsigned flags)
{
	return KT_OK(r->start == start && r->size == size && r->nid == nid && r->flags == flags,
		     "0x%llx + 0x%llx of node %d, flags 0x%x", (unsigned long long)r->start,
		     (unsigned long long)r->size, r->nid, r->flags);
}

static void check_board(const struct boot_info *info, const struct board_facts *facts)
{
	if (!KT_EQ(info->range_count, 4) || !KT_EQ(info->reserved_count, 5) ||
	    !KT_EQ(info->cpu_count, 2))
		return;
	range_is(&info->range[0], 0x40000000, 0x1000000, 0, 0);
	range_is(&info->range[1], 0x41000000, 0x100000, 0, BOOT_NOMAP);
	range_is(&info->range[2], 0x41100000, 0xef00000, 0, 0);
	range_is(&info->range[3], 0x80000000, 0x10000000, 1, 0);
	range_is(&info->reserved[0], 0x40000000, 0x1000, NODE_NONE, BOOT_FIRMWARE);
	range_is(&info->reserved[1], 0x41000000, 0x100000, NODE_NONE, BOOT_NOMAP);
	range_is(&info->reserved[2], 0x42000000, 0x1000, NODE_NONE, BOOT_FIRMWARE);
	range_is(&info->reserved[3], 0x4fffe000, 0x2000, NODE_NONE, BOOT_DYNAMIC);
	range_is(&info->reserved[4], 0x8fc00000, 0x400000, NODE_NONE, BOOT_DYNAMIC | BOOT_CMA);
	KT_EQ(info->nodes, 3);
	KT_EQ(facts->numa, NUMA_OK);
	KT_EQ(info->distance[0][1], 15);
	KT_EQ(info->distance[1][0], 25);
	KT_EQ(info->distance[1][1], 10);
	KT_EQ(info->distance[2][3], 20);
	KT_EQ(facts->cpu[1].mpidr, 1);
	KT_EQ(info->cpu[1].nid, 1);
	KT_TRUE(facts->cpu[1].psci && !facts->cpu[1].disabled);
	KT_EQ(info->dma_max, 0x7fffffff);
}

KTEST(topology, a_board_in_full)
{
	struct blob *b = blob_board();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct topology_error err;

	if (!b || !info || !facts)
		return;
	if (!KT_OK(topology_parse(b->out, BLOB_BYTES, info, facts, &err) == 0, "%s: %s", err.path,
		   err.rule))
		return;
	check_board(info, facts);
	topology_info_sound(info);
}

/* Field by field: what a struct is padded with may differ. */
static void same_ranges(const struct boot_range *a, const struct boot_range *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		KT_OK(a[i].start == b[i].start && a[i].size == b[i].size && a[i].nid == b[i].nid &&
			      a[i].flags == b[i].flags,
		      "range %u differs", i);
}

static void same_board(const struct boot_info *a, const struct boot_info *b)
{
	KT_EQ(a->range_count, b->range_count);
	KT_EQ(a->reserved_count, b->reserved_count);
	KT_EQ(a->cpu_count, b->cpu_count);
	same_ranges(a->range, b->range, a->range_count);
	same_ranges(a->reserved, b->reserved, a->reserved_count);
	for (unsigned i = 0; i < a->cpu_count; i++)
		KT_OK(a->cpu[i].nid == b->cpu[i].nid, "CPU %u differs", i);
	KT_EQ(a->nodes, b->nodes);
	KT_EQ(memcmp(a->distance, b->distance, sizeof(a->distance)), 0);
	KT_EQ(a->dma_max, b->dma_max);
}

static void same_facts(const struct board_facts *a, const struct board_facts *b, unsigned cpus)
{
	KT_EQ(a->numa, b->numa);
	for (unsigned i = 0; i < cpus; i++)
		KT_OK(a->cpu[i].mpidr == b->cpu[i].mpidr && a->cpu[i].psci == b->cpu[i].psci &&
			      a->cpu[i].disabled == b->cpu[i].disabled,
		      "CPU %u differs", i);
}

KTEST(topology, reading_twice_gives_the_same)
{
	struct blob *b = blob_board();
	struct boot_info *one = info_new(), *two = info_new();
	struct board_facts *facts_one = facts_new(), *facts_two = facts_new();
	struct topology_error err;

	if (!b || !one || !two || !facts_one || !facts_two)
		return;
	memset(two, 0xff, sizeof(*two));
	memset(facts_two, 0xff, sizeof(*facts_two));
	KT_EQ(topology_parse(b->out, b->out_bytes, one, facts_one, &err), 0);
	KT_EQ(topology_parse(b->out, b->out_bytes, two, facts_two, &err), 0);
	same_board(one, two);
	same_facts(facts_one, facts_two, one->cpu_count);
}

/* The blob and the image lie where a region would be placed: it goes below them. */
KTEST(topology, regions_are_placed_around_what_the_loader_took)
{
	const struct boot_range taken[] = {
		{ .start = 0x8ff00123, .size = 0x100 },
		{ .start = 0x4ffff000, .size = 0x1000, .flags = BOOT_FIRMWARE },
	};
	struct blob *b = blob_board();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct topology_request request = { .taken = taken, .taken_count = ARRAY_SIZE(taken) };
	struct topology_error err;

	if (!b || !info || !facts)
		return;
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	KT_EQ(topology_read(&request, info, facts, &err), 0);
	if (!KT_EQ(info->reserved_count, 7))
		return;
	range_is(&info->reserved[3], 0x4fffd000, 0x2000, NODE_NONE, BOOT_DYNAMIC);
	range_is(&info->reserved[4], 0x4ffff000, 0x1000, NODE_NONE, BOOT_FIRMWARE);
	range_is(&info->reserved[5], 0x8f800000, 0x400000, NODE_NONE, BOOT_DYNAMIC | BOOT_CMA);
	range_is(&info->reserved[6], 0x8ff00000, 0x1000, NODE_NONE, BOOT_FIRMWARE);
}

KTEST(topology, notes_are_counted_past_their_table)
{
	struct blob *b = blob_new();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct topology_notes *notes = kt_alloc(sizeof(*notes), 8);
	struct topology_request request = { .notes = notes };
	struct topology_error err;

	if (!b || !info || !facts || !notes)
		return;
	blob_root(b);
	for (unsigned i = 0; i < 20; i++)
		blob_memory(b, 0x40000800 + i * 0x10000, 0x800, NODE_NONE);
	blob_end(b);
	blob_finish(b);
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	KT_EQ(topology_read(&request, info, facts, &err), 0);
	KT_EQ(info->range_count, 0);
	KT_EQ(notes->count, 16);
	KT_EQ(notes->dropped, 5); /* the last says that there is no memory at all */
	KT_STR_EQ(notes->note[15].path, "/memory@400f0800/reg");
	KT_STR_EQ(notes->note[15].value, "0x400f0800 + 0x800");
	KT_STR_EQ(notes->note[15].rule, "a range must hold a whole page");
}

/* Of the arguments, which the caller has read, numa=off counts; without it the ids do. */
KTEST(topology, numa_off_comes_from_the_caller)
{
	struct blob *b = blob_board();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct bootargs *args = kt_alloc(sizeof(*args), 8);
	struct topology_request request = { .args = args };
	struct topology_error err;

	if (!b || !info || !facts || !args)
		return;
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	KT_EQ(topology_read(&request, info, facts, &err), 0);
	KT_EQ(facts->numa, NUMA_OK);
	args->numa_off = true;
	KT_EQ(topology_read(&request, info, facts, &err), 0);
	KT_EQ(facts->numa, NUMA_OFF);
	KT_EQ(info->nodes, 1);
}

/* RAM behind the last frame number is left out, to the page; the tables are never overrun. */
KTEST(topology, memory_ends_at_the_last_frame_number)
{
	static const struct {
		uint64_t start, size, used;
	} table[] = {
		{ BOOT_MEMORY_END - 0x400000, 0x400000, 0x400000 },
		{ BOOT_MEMORY_END - 0x1000, 0x2000, 0x1000 },
		{ BOOT_MEMORY_END, 0x1000, 0 },
		{ 1ull << 47, 1ull << 46, 0 },
		{ UINT64_MAX - 0xfff, 0x1000, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct blob *b = blob_new();
		struct boot_info *info = info_new();
		struct board_facts *facts = facts_new();
		struct topology_error err;

		if (!b || !info || !facts)
			return;
		blob_root(b);
		blob_memory(b, 0x40000000, 0x1000, NODE_NONE);
		blob_memory(b, table[i].start, table[i].size, NODE_NONE);
		blob_end(b);
		blob_finish(b);
		KT_EQ(topology_parse(b->out, b->out_bytes, info, facts, &err), 0);
		KT_EQ(info->range_count, table[i].used ? 2 : 1);
		if (table[i].used && info->range_count == 2)
			range_is(&info->range[1], table[i].start, table[i].used, 0, 0);
		topology_info_sound(info);
	}
}

KTEST(topology, a_refusal_names_property_value_and_rule)
{
	struct blob *b = blob_new();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct topology_error err;

	if (!b || !info || !facts)
		return;
	blob_begin(b, "");
	blob_cells(b, "#address-cells", 1, 3);
	blob_end(b);
	blob_finish(b);
	KT_EQ(topology_parse(b->out, b->out_bytes, info, facts, &err), ZONAL_EINVAL);
	KT_STR_EQ(err.path, "/#address-cells");
	KT_STR_EQ(err.value, "3");
	KT_STR_EQ(err.rule, "it must be 1 or 2");
	KT_EQ(topology_parse(b->out, 20, info, facts, &err), ZONAL_EINVAL);
	KT_STR_EQ(err.rule, "the blob must hold a header of 40 bytes");
}

KTEST(topology, cpus_behind_the_table_are_left_out)
{
	int *nids = kt_alloc((ZONAL_MAX_CPUS + 1) * sizeof(*nids), 8);
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	struct topology_error err;
	struct topology_notes *notes = kt_alloc(sizeof(*notes), 8);
	struct topology_request request = { .dt = NULL };
	struct blob *b = blob_new();

	if (!nids || !info || !facts || !notes || !b)
		return;
	/* A CPU with its four properties takes up to 104 bytes of the tree. */
	if ((ZONAL_MAX_CPUS + 1) * 104 + 256 > sizeof(b->tree)) {
		kt_skip("the test's blob is too small for this ZONAL_MAX_CPUS");
		return;
	}
	blob_root(b);
	blob_memory(b, 0x40000000, 0x1000, 0);
	blob_cpus(b, ZONAL_MAX_CPUS + 1, nids);
	blob_end(b);
	blob_finish(b);
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	request.notes = notes;
	KT_EQ(topology_read(&request, info, facts, &err), 0);
	KT_EQ(info->cpu_count, ZONAL_MAX_CPUS);
	KT_EQ(facts->cpu[ZONAL_MAX_CPUS - 1].mpidr, ZONAL_MAX_CPUS - 1);
	if (KT_EQ(notes->count, 1))
		KT_STR_EQ(notes->note[0].rule,
			  "the CPUs must fit ZONAL_MAX_CPUS; the rest is left out");
}

/* One change to a blob: a byte, a cell of a telling value, or a cell copied from elsewhere. */
static void spoil(struct blob *b, uint64_t *seed)
{
	static const uint32_t telling[] = { 0, 1, 2, 3, 4, 9, 16, 0x7fffffff, 0x80000000,
					    0xfffffff4, 0xffffffff, 0x40000000 };
	uint64_t r = kt_random(seed);
	uint32_t at = (uint32_t)((r >> 8) % b->out_bytes);
	uint32_t from = (uint32_t)((r >> 32) % b->out_bytes);
	uint32_t cell = telling[(r >> 4) % ARRAY_SIZE(telling)];

	if (r % 4 == 0) {
		b->out[at] ^= (uint8_t)(1u << (r >> 60));
		return;
	}
	at = ZN_MIN(at & ~3u, b->out_bytes - 4);
	from = ZN_MIN(from & ~3u, b->out_bytes - 4);
	if (r % 4 == 1)
		memmove(b->out + at, b->out + from, 4);
	else
		for (unsigned i = 0; i < 4; i++)
			b->out[at + i] = (uint8_t)(cell >> (24 - 8 * i));
}

/*
 * Spoilt blobs come back, accepted with a sound answer or refused with a rule. The
 * copy is exactly as long as the blob, for the address sanitizer.
 */
KTEST(topology, spoilt_blobs_are_survived)
{
	struct blob *b = blob_board();
	struct boot_info *info = info_new();
	struct board_facts *facts = facts_new();
	uint64_t seed = kt_seed() | 1;
	unsigned accepted = 0, rounds = kt_port_is_target() ? 1000 : 20000;
	struct topology_error err;
	uint8_t *sound, *exact;

	if (!b || !info || !facts)
		return;
	sound = kt_alloc(b->out_bytes, 8);
	exact = kt_alloc(b->out_bytes, 8);
	if (!sound || !exact)
		return;
	memcpy(sound, b->out, b->out_bytes);
	for (unsigned round = 0; round < rounds; round++) {
		memcpy(b->out, sound, b->out_bytes);
		for (unsigned n = 1 + round % 3; n; n--)
			spoil(b, &seed);
		memcpy(exact, b->out, b->out_bytes);
		if (topology_parse(exact, b->out_bytes, info, facts, &err) != 0) {
			if (!KT_OK(err.rule[0] && err.value[0], "round %u: no rule", round))
				return;
			continue;
		}
		accepted++;
		if (!KT_OK(topology_info_sound(info), "round %u: see above", round))
			return;
	}
	KT_OK(accepted > rounds / 20, "only %u of %u were accepted: nothing was tried", accepted,
	      rounds);
}
