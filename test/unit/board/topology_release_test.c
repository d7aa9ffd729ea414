/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs of a spin table: the word that each watches is taken from the tree, of one cell or two,
 * and refused where somebody else could own it.
 *
 * One board has a CPU for each rule; the cases look at what was taken and at what was said.
 * Boots with such trees are in test/image/spin.t.
 */
#include "board/topology.h"

#include "lib/printf.h"
#include "test/ktest.h"
#include "topology_blob.h"

#define RAM 0x40000000u
#define RESERVED (RAM + 0x1000)
#define IMAGE (RAM + 0x2000)
#define CPUS 9u

struct board {
	struct boot_info info;
	struct board_facts facts;
	struct topology_notes notes;
};

static void cpu(struct blob *b, unsigned number)
{
	char name[16];

	zn_snprintf(name, sizeof(name), "cpu@%x", number);
	blob_begin(b, name);
	blob_text(b, "enable-method", "spin-table");
	blob_cells(b, "reg", 1, number);
}

static void cpu_at(struct blob *b, unsigned number, uint64_t word)
{
	cpu(b, number);
	blob_cells(b, "cpu-release-addr", 2, (uint32_t)(word >> 32), (uint32_t)word);
	blob_end(b);
}

/* The CPUs in the order in which the case looks at them. */
static void all_cpus(struct blob *b)
{
	blob_begin(b, "cpus");
	blob_cells(b, "#address-cells", 1, 1);
	blob_cells(b, "#size-cells", 1, 0);
	cpu_at(b, 0, RESERVED + 8);
	cpu(b, 1);
	blob_cells(b, "cpu-release-addr", 1, RESERVED + 0xff8);
	blob_end(b);
	cpu(b, 2);
	blob_end(b);
	cpu_at(b, 3, RESERVED + 4);
	cpu_at(b, 4, RAM + 0x8000);
	cpu_at(b, 5, IMAGE + 0xff8);
	cpu_at(b, 6, 0xfffffffffffffff8u);
	cpu_at(b, 7, 0);
	cpu_at(b, 8, 0x800000000u);
	blob_end(b);
}

static struct board *board_read(void)
{
	struct blob *b = blob_new();
	struct board *board = kt_alloc(sizeof(*board), 8);
	struct boot_range image = { .start = IMAGE, .size = 0x1000 };
	struct topology_request request = { .taken = &image, .taken_count = 1 };
	struct topology_error err;

	if (!b || !board)
		return NULL;
	blob_reserve(b, RESERVED, 0x1000);
	blob_root(b);
	blob_memory(b, RAM, 0x100000, NODE_NONE);
	all_cpus(b);
	blob_end(b);
	blob_finish(b);
	request.dt = b->out;
	request.limit_bytes = b->out_bytes;
	request.notes = &board->notes;
	KT_EQ(topology_read(&request, &board->info, &board->facts, &err), 0);
	return board;
}

KTEST(topology_release, word_of_a_cpu_must_be_the_loaders)
{
	static const uint64_t want[CPUS] = {
		RESERVED + 8, RESERVED + 0xff8, 0, 0, 0, 0, 0, 0, 0x800000000u,
	};
	struct board *board = board_read();

	if (!board || !KT_EQ(board->info.cpu_count, CPUS))
		return;
	for (unsigned i = 0; i < CPUS; i++) {
		KT_EQ(board->facts.cpu[i].release, want[i]);
		KT_TRUE(board->facts.cpu[i].spin_table && !board->facts.cpu[i].psci);
	}
	KT_EQ(board->notes.count, 6);
}

KTEST(topology_release, refusal_names_cpu_value_and_rule)
{
	static const char *const rule[] = {
		"a cpu-release-addr must lie on 8 bytes, and not at 0",
		"a cpu-release-addr must lie on 8 bytes, and not at 0",
		"a cpu-release-addr must lie in memory that the tree reserves",
		"a cpu-release-addr must lie outside of the image and the tree",
		"a cpu-release-addr must lie outside of the image and the tree",
		"a cpu-release-addr must lie on 8 bytes, and not at 0",
	};
	struct board *board = board_read();

	if (!board || !KT_EQ(board->notes.count, ARRAY_SIZE(rule)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(rule); i++)
		KT_STR_EQ(board->notes.note[i].rule, rule[i]);
	KT_STR_EQ(board->notes.note[2].value, "CPU 4: 0x40008000");
}
