/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables to a device tree: a board of two nodes as firmware describes it, then each rule of
 * the reader broken in turn, every table cut at every length, and random bytes with right
 * checksums. Whatever is accepted must give a tree that the strict walker takes.
 *
 * Each table is a block of the C library of its own, exactly as long as it may be read, so that the
 * address sanitizer sees the first byte too many.
 */
#include <stdlib.h>
#include <string.h>

#include "board/acpi.h"
#include "board/fdt_walk.h"
#include "board/topology.h"
#include "board/tree_write.h"
#include "test/ktest.h"

enum { RSDP, XSDT, MADT, GTDT, FADT, SPCR, SRAT, SLIT, TABLES };

static const char *const signature[TABLES] = {
	"RSD ", "XSDT", "APIC", "GTDT", "FACP", "SPCR", "SRAT", "SLIT",
};

static uint8_t draft[TABLES][512];
static uint32_t draft_bytes[TABLES];
static bool left_out[TABLES];
static uint8_t *placed[TABLES];
static uint32_t placed_bytes[TABLES];

static struct acpi_board board;
static struct acpi_reader reader;
static uint64_t blob[0x40000 / 8];
static struct boot_info info;
static struct board_facts facts;

static void put(unsigned table, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		draft[table][draft_bytes[table]++] = (uint8_t)(value >> (8 * i));
}

static void set(unsigned table, uint32_t at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		draft[table][at + i] = (uint8_t)(value >> (8 * i));
}

static void skip(unsigned table, unsigned bytes)
{
	memset(draft[table] + draft_bytes[table], 0, bytes);
	draft_bytes[table] += bytes;
}

static void start_tables(void)
{
	memset(draft, 0, sizeof(draft));
	memset(left_out, 0, sizeof(left_out));
	for (unsigned t = XSDT; t < TABLES; t++) {
		memcpy(draft[t], signature[t], 4);
		draft_bytes[t] = 36;
	}
	memcpy(draft[RSDP], "RSD PTR ", 8);
	draft[RSDP][15] = 2;
	set(RSDP, 20, 36, 4);
	draft_bytes[RSDP] = 36;
}

static void put_core(uint32_t uid, uint64_t mpidr, uint32_t domain)
{
	uint32_t at = draft_bytes[MADT];

	put(MADT, 0x0b, 1);
	put(MADT, 80, 1);
	skip(MADT, 78);
	set(MADT, at + 8, uid, 4);
	set(MADT, at + 12, 1, 4);
	set(MADT, at + 32, 0x8010000, 8);
	set(MADT, at + 68, mpidr, 8);
	at = draft_bytes[SRAT];
	put(SRAT, 3, 1);
	put(SRAT, 18, 1);
	put(SRAT, domain, 4);
	put(SRAT, uid, 4);
	put(SRAT, 1, 4);
	put(SRAT, 0, 4);
}

static void put_memory(uint64_t start, uint64_t size, uint32_t domain, uint32_t flags)
{
	put(SRAT, 1, 1);
	put(SRAT, 40, 1);
	put(SRAT, domain, 4);
	put(SRAT, 0, 2);
	put(SRAT, start, 8);
	put(SRAT, size, 8);
	put(SRAT, 0, 4);
	put(SRAT, flags, 4);
	put(SRAT, 0, 8);
}

static void put_others(void)
{
	skip(GTDT, 60);
	set(GTDT, 64, 27, 4);
	skip(FADT, 232);
	set(FADT, 129, 3, 2);
	skip(SPCR, 44);
	set(SPCR, 36, 3, 1);
	set(SPCR, 44, 0x9000000, 8);
	set(SPCR, 52, 8, 1);
	set(SPCR, 54, 33, 4);
	put(SLIT, 2, 8);
	put(SLIT, 10 | 20 << 8 | 35 << 16 | 10 << 24, 4);
}

/* Two nodes with a core and 16 MiB each; domain numbers are the caller's. */
static void two_nodes(uint32_t first, uint32_t second)
{
	start_tables();
	skip(MADT, 8);
	skip(SRAT, 12);
	put_core(0, 0, first);
	put_core(1, 0x100, second);
	put_memory(0x41000000, 0x1000000, second, 1);
	put_memory(0x40000000, 0x1000000, first, 3);
	put_memory(0x50000000, 0x1000000, 9, 0); /* not enabled */
	put(MADT, 0x0c, 1);
	put(MADT, 24, 1);
	skip(MADT, 22);
	set(MADT, draft_bytes[MADT] - 16, 0x8000000, 8);
	set(MADT, draft_bytes[MADT] - 4, 3, 1);
	put(MADT, 0x0e, 1);
	put(MADT, 16, 1);
	put(MADT, 0, 2);
	put(MADT, 0x80a0000, 8);
	put(MADT, 0xf60000, 4);
	put_others();
}

static void checksum(uint8_t *at, uint32_t bytes, uint32_t where)
{
	uint8_t sum = 0;

	at[where] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + at[i]);
	at[where] = (uint8_t)-sum;
}

static void drop(void)
{
	for (unsigned t = 0; t < TABLES; t++) {
		free(placed[t]);
		placed[t] = NULL;
		placed_bytes[t] = 0;
	}
}

static void place(unsigned t)
{
	placed_bytes[t] = draft_bytes[t];
	placed[t] = malloc(draft_bytes[t] ? draft_bytes[t] : 1);
	memcpy(placed[t], draft[t], draft_bytes[t]);
	if (t > RSDP && draft_bytes[t] >= 10) {
		for (unsigned i = 0; i < 4; i++)
			placed[t][4 + i] = (uint8_t)(draft_bytes[t] >> (8 * i));
		checksum(placed[t], draft_bytes[t], 9);
	}
}

/* The drafts become tables with lengths and checksums, and the XSDT leads to them. */
static void place_all(void)
{
	drop();
	draft_bytes[XSDT] = 36;
	for (unsigned t = MADT; t < TABLES; t++) {
		if (left_out[t])
			continue;
		place(t);
		put(XSDT, (uintptr_t)placed[t], 8);
	}
	place(XSDT);
	set(RSDP, 24, (uintptr_t)placed[XSDT], 8);
	place(RSDP);
	checksum(placed[RSDP], 20, 8);
	checksum(placed[RSDP], 36, 32);
}

static bool in_tables(const void *ctx, uint64_t at, uint64_t bytes)
{
	(void)ctx;
	for (unsigned t = 0; t < TABLES; t++)
		if (placed[t] && at >= (uintptr_t)placed[t] &&
		    at <= (uintptr_t)placed[t] + placed_bytes[t])
			return bytes <= (uintptr_t)placed[t] + placed_bytes[t] - at;
	return false;
}

static bool read_placed(void)
{
	reader = (struct acpi_reader){ .readable = in_tables, .board = &board };
	return acpi_read(&reader, (uintptr_t)placed[RSDP]);
}

/* The tree of the board, through the strict walker and the topology's reader. */
static bool tree_is_sound(void)
{
	struct topology_error err;
	struct fdt_walk_error walk;
	uint32_t bytes = acpi_tree(&board, blob, sizeof(blob));

	if (!KT_TRUE(bytes != 0))
		return false;
	if (!KT_OK(!fdt_walk_check(blob, bytes, NULL, &walk), "%s: %s", walk.path, walk.rule))
		return false;
	return topology_parse(blob, bytes, &info, &facts, &err) == 0;
}

static void expect_refused(const char *table, const char *rule)
{
	place_all();
	if (KT_TRUE(!read_placed())) {
		KT_STR_EQ(reader.table, table);
		KT_STR_EQ(reader.rule, rule);
	}
	drop();
}

KTEST(acpi, board_of_two_nodes)
{
	two_nodes(0, 1);
	place_all();
	if (!KT_OK(read_placed(), "%s: %s", reader.table, reader.rule ? reader.rule : "") ||
	    !KT_TRUE(tree_is_sound()))
		return;
	KT_EQ(info.nodes, 3);
	KT_EQ(info.range_count, 2);
	KT_EQ(info.range[0].nid, 0);
	KT_EQ(info.range[1].nid, 1);
	KT_TRUE((info.range[0].flags & BOOT_HOTPLUG) && !(info.range[1].flags & BOOT_HOTPLUG));
	KT_EQ(info.distance[0][1], 20);
	KT_EQ(info.distance[1][0], 35);
	KT_EQ(info.cpu_count, 2);
	KT_EQ(info.cpu[1].nid, 1);
	KT_EQ(facts.cpu[1].mpidr, 0x100);
	KT_TRUE(facts.cpu[1].psci);
	KT_TRUE(board.psci && board.psci_hvc && board.gic == 3 && board.uart == ACPI_PL011);
	KT_EQ(board.uart_intid, 33);
	KT_EQ(board.redistributor[0].size, 0xf60000);
	drop();
}

/* Domain 7 is seen first: it is node 0. A SLIT without it says nothing. */
KTEST(acpi, domains_become_nodes_as_they_appear)
{
	two_nodes(7, 1);
	place_all();
	if (!KT_TRUE(read_placed()) || !KT_TRUE(tree_is_sound()))
		return;
	KT_EQ(info.range[0].nid, 0);
	KT_EQ(info.cpu[1].nid, 1);
	KT_TRUE(!board.distances);
	KT_EQ(info.distance[0][1], 20);
	two_nodes(1, 0);
	place_all();
	if (!KT_TRUE(read_placed()) || !KT_TRUE(tree_is_sound()))
		return;
	KT_EQ(info.distance[0][1], 35);
	drop();
}

KTEST(acpi, board_without_srat_spcr_and_fadt_has_one_node_and_no_psci)
{
	two_nodes(0, 1);
	left_out[SRAT] = left_out[SLIT] = left_out[SPCR] = left_out[FADT] = true;
	place_all();
	if (!KT_TRUE(read_placed()) || !KT_TRUE(acpi_tree(&board, blob, sizeof(blob)) != 0))
		return;
	KT_TRUE(!board.numa && !board.psci && !board.uart);
	KT_EQ(board.memory_count, 0);
	drop();
}

KTEST(acpi, tables_that_must_be_there_are_missed)
{
	two_nodes(0, 1);
	left_out[MADT] = true;
	expect_refused("APIC", "it names no core that is enabled");
	two_nodes(0, 1);
	left_out[GTDT] = true;
	expect_refused("GTDT", "it is missing: there is no timer");
}

/* One change of a sound board: where, what, and what the reader says. */
static const struct breakage {
	unsigned table, bytes;
	uint32_t at;
	uint64_t value;
	const char *says, *rule;
} breakages[] = {
	{ RSDP, 1, 0, 'X', "RSDP", "its signature is not RSD PTR" },
	{ RSDP, 1, 15, 1, "RSDP", "it must be of ACPI 2.0 or later, of 36 bytes" },
	{ RSDP, 4, 20, 35, "RSDP", "it must be of ACPI 2.0 or later, of 36 bytes" },
	{ XSDT, 1, 0, 'R', "RSDP", "what it leads to is no XSDT of whole entries" },
	{ MADT, 1, 45, 1, "APIC", "an entry must end inside of its table" },
	{ MADT, 1, 45, 70, "APIC", "an entry is too short" },
	{ MADT, 1, 45, 255, "APIC", "an entry must end inside of its table" },
	{ MADT, 8, 44 + 68, 0x80000000, "APIC", "an MPIDR has affinity bits only" },
	{ MADT, 8, 44 + 68, 0x100, "APIC", "two cores have one MPIDR or UID" },
	{ MADT, 4, 44 + 8, 1, "APIC", "two cores have one MPIDR or UID" },
	{ MADT, 8, 204 + 8, 0, "APIC", "a distributor is not at 0" },
	{ MADT, 1, 204 + 20, 7, "APIC", "the GIC must be of version 2, 3 or 4" },
	{ MADT, 4, 228 + 12, 0, "APIC",
	  "redistributors must be in up to 32 groups, none empty" },
	{ MADT, 1, 228, 0x7f, "APIC", "a GICv3 must have redistributors" },
	{ MADT, 1, 204, 0x7f, "APIC", "there is no distributor" },
	{ GTDT, 4, 64, 32, "GTDT", "the virtual timer must have a PPI, 16 to 31" },
	{ SRAT, 1, 49, 17, "SRAT", "an entry is too short" },
	{ SRAT, 8, 84 + 16, UINT64_MAX, "SRAT", "memory must end below 2^64" },
	{ SLIT, 8, 36, 3, "SLIT", "the square of localities must fit the table" },
	{ SLIT, 8, 36, 1ull << 33, "SLIT", "the square of localities must fit the table" },
	{ SLIT, 8, 36, 0, "SLIT", "the square of localities must fit the table" },
};

KTEST(acpi, each_broken_rule_is_told)
{
	for (unsigned i = 0; i < ARRAY_SIZE(breakages); i++) {
		const struct breakage *b = &breakages[i];

		two_nodes(0, 1);
		set(b->table, b->at, b->value, b->bytes);
		expect_refused(b->says, b->rule);
	}
}

KTEST(acpi, damaged_bytes_are_seen_by_the_checksum)
{
	two_nodes(0, 1);
	place_all();
	placed[SRAT][60] ^= 4;
	KT_TRUE(!read_placed());
	KT_STR_EQ(reader.rule, "the checksum is wrong: it is cut or damaged");
	two_nodes(0, 1);
	place_all();
	placed[RSDP][10] ^= 4;
	KT_TRUE(!read_placed());
	KT_STR_EQ(reader.rule, "a checksum is wrong: it is damaged");
	drop();
}

KTEST(acpi, table_out_of_memory_is_not_read)
{
	two_nodes(0, 1);
	place_all();
	placed_bytes[SRAT]--;
	KT_TRUE(!read_placed());
	KT_STR_EQ(reader.rule, "the length must be 36 to 2^20 bytes of memory");
	placed_bytes[RSDP] = 35;
	KT_TRUE(!read_placed());
	KT_STR_EQ(reader.rule, "it must lie in memory");
	drop();
}

KTEST(acpi, two_tables_of_one_signature_are_refused)
{
	two_nodes(0, 1);
	memcpy(draft[SLIT], "SRAT", 4);
	expect_refused("SRAT", "there are two of it");
}

/* Right lengths and checksums, at every length: refused, or a sound board. */
KTEST(acpi, every_table_cut_at_every_length)
{
	for (unsigned t = XSDT + 1; t < TABLES; t++) {
		uint32_t whole;

		two_nodes(0, 1);
		whole = draft_bytes[t];
		for (uint32_t bytes = 0; bytes < whole; bytes++) {
			two_nodes(0, 1);
			draft_bytes[t] = bytes;
			place_all();
			if (read_placed() && !KT_TRUE(acpi_tree(&board, blob, sizeof(blob))))
				return;
			drop();
		}
	}
}

KTEST(acpi, any_bytes_are_survived)
{
	uint64_t state = kt_seed() | 1;
	unsigned accepted = 0;

	for (unsigned round = 0; round < 20000; round++) {
		two_nodes((uint32_t)(kt_random(&state) % 3), 1);
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			unsigned t = (unsigned)(kt_random(&state) % TABLES);
			uint32_t at = (uint32_t)(kt_random(&state) % draft_bytes[t]);

			/* Of the RSDP and the XSDT no address: those are never wrong by chance. */
			if (t > XSDT)
				draft[t][at] = (uint8_t)kt_random(&state);
		}
		place_all();
		if (read_placed()) {
			accepted++;
			(void)tree_is_sound();
		} else if (!KT_TRUE(reader.rule && reader.table[0])) {
			return;
		}
		drop();
	}
	KT_TRUE(accepted > 1000 && accepted < 20000);
}

KTEST(acpi, tree_without_room_is_none)
{
	uint8_t *out = (uint8_t *)blob;
	uint32_t whole;

	two_nodes(0, 1);
	place_all();
	KT_TRUE(read_placed());
	whole = acpi_tree(&board, blob, sizeof(blob));
	for (uint32_t room = 0; room < whole; room++) {
		memset(out, 0xa5, whole + 1);
		if (!KT_EQ(acpi_tree(&board, blob, room), 0) || !KT_EQ(out[room], 0xa5))
			break;
	}
	KT_EQ(acpi_tree(&board, blob, whole), whole);
	drop();
}

/* As many cores, nodes and distances as there may be fit the room that the stub gives. */
KTEST(acpi, largest_board_fits)
{
	memset(&board, 0, sizeof(board));
	board.numa = board.distances = board.psci = true;
	board.gic = 3;
	board.timer_intid = 27;
	board.distributor = 0x8000000;
	board.node_count = ZONAL_MAX_NODES;
	board.cpu_count = ZONAL_MAX_CPUS;
	board.memory_count = ZONAL_MAX_RANGES;
	board.redistributor_count = ACPI_REDISTRIBUTORS;
	memset(board.distance, 20, sizeof(board.distance));
	for (unsigned i = 0; i < ZONAL_MAX_NODES; i++)
		board.distance[i][i] = 10;
	for (unsigned i = 0; i < ZONAL_MAX_CPUS; i++)
		board.cpu[i] = (struct acpi_cpu){ (uint64_t)i << 8, i,
						  (int32_t)(i % ZONAL_MAX_NODES) };
	for (unsigned i = 0; i < ZONAL_MAX_RANGES; i++)
		board.memory[i] = (struct acpi_memory){ 0x100000000 + i * 0x2000000ull, 0x1000000,
							(int32_t)(i % ZONAL_MAX_NODES), true };
	KT_TRUE(tree_is_sound());
	KT_EQ(info.cpu_count, ZONAL_MAX_CPUS);
	KT_EQ(info.range_count, ZONAL_MAX_RANGES);
	KT_EQ(nodemask_count(info.nodes), ZONAL_MAX_NODES);
}
