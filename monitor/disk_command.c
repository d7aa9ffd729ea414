/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `disk`: look at disks and work with them through their cache.
 *
 *	disk                            the same as disk list
 *	disk list                       name, size, driver, state, requests
 *	disk read NAME OFFSET [BYTES]   hexadecimal, 16 bytes a line; 64 bytes unless said
 *	disk write NAME OFFSET WORD     the bytes of WORD
 *	disk fill NAME OFFSET BYTES SEED   bytes that follow from SEED and the place
 *	disk checksum NAME [OFFSET [BYTES]]   CRC-32, as zlib and others have it
 *	disk flush NAME                 what was written is on the disk
 *	disk drop NAME                  clean pages leave the cache
 *	disk cache [NAME]               pages of each disk and node
 *	disk timeout NAME MS            how long a request may take
 *
 * Offsets and sizes are bytes. Each mistake is one line that names the word and the rule; an
 * error of the disk is one line with its number. Return: 0 good, 1 failed.
 *
 * Context: the monitor's task, sleeps.
 */
#include "disk_command.h"

#include <string.h>

#include "block/cache.h"
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/stop.h"
#include "platform/platform.h"

typedef unsigned long long ull;

enum { READ_BYTES = 64, READ_MOST = 4096, LINE_BYTES = 16, FILL_BYTES = 4096 };

struct disk_command {
	const char *name;
	unsigned words; /* fewest words behind the name of the command */
	unsigned most;
	bool names_disk;
	int (*run)(struct block_device *disk, const struct monitor_args *args);
};

static struct block_device *next_disk(unsigned *id)
{
	while (*id < BLOCK_MAX_DEVICES) {
		struct block_device *disk = block_get((*id)++);

		if (disk)
			return disk;
	}
	return NULL;
}

static uint64_t disk_bytes(const struct block_device *disk)
{
	return disk->sectors << BLOCK_SECTOR_SHIFT;
}

/* Word `i` as a number up to `most`; it stands for `what`. */
static bool arg_number(const struct monitor_args *args, unsigned i, const char *what,
		       uint64_t most, uint64_t *value)
{
	ASSERT(i < args->count, "%s has no argument %u", args->name, i);
	if (number_read_all(args->word[i], most, value))
		return true;
	kprintf("disk: %s: %s is a number up to %llu\n", args->word[i], what, (ull)most);
	return false;
}

/* Words 2 and 3: a range within the disk. */
static bool arg_range(const struct block_device *disk, const struct monitor_args *args,
		      uint64_t usual, uint64_t *offset, uint64_t *bytes)
{
	ASSERT(disk, "a range of no disk");
	*offset = 0;
	if (args->count > 2 && !arg_number(args, 2, "an offset on this disk", disk_bytes(disk),
					   offset))
		return false;
	*bytes = ZN_MIN(usual, disk_bytes(disk) - *offset);
	return args->count < 4 || arg_number(args, 3, "what is left of the disk",
					     disk_bytes(disk) - *offset, bytes);
}

static int say_error(const struct block_device *disk, const char *what, int error)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
		{ BLOCK_EIO, "the disk failed" },
		{ BLOCK_EINVAL, "not on the disk" },
		{ BLOCK_ENOMEM, "no memory" },
		{ BLOCK_EROFS, "the disk is read-only" },
		{ BLOCK_ETIMEDOUT, "no answer in time" },
	};
	const char *text = "unknown";

	if (!error)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].error == error)
			text = known[i].text;
	kprintf("disk: %s: %s: %s (%d)\n", disk->name, what, text, error);
	return 1;
}

/* ---- list, cache ---- */

static void list_json(struct block_device *disk, bool first)
{
	kprintf("%s{\"name\":\"%s\",\"driver\":\"%s\",\"sectors\":%llu,\"block_bytes\":%u,"
		"\"read_only\":%s,\"flush\":%s,\"failed\":%s,\"depth\":%u,\"max_pages\":%u,"
		"\"most_in_flight\":%u,\"reads\":%llu,\"writes\":%llu,\"flushes\":%llu,"
		"\"errors\":%llu}",
		first ? "" : ",", disk->name, disk->ops->driver, (ull)disk->sectors,
		disk->block_bytes, disk->read_only ? "true" : "false",
		disk->needs_flush ? "true" : "false", block_is_failed(disk) ? "true" : "false",
		disk->depth, disk->max_pages, disk->most_in_flight, (ull)ld_relaxed(&disk->reads),
		(ull)ld_relaxed(&disk->writes), (ull)ld_relaxed(&disk->flushes),
		(ull)ld_relaxed(&disk->errors));
}

static void list_text(struct block_device *disk)
{
	kprintf("%s  %llu sectors of 512, blocks of %u, %s, %s%s; %llu reads, %llu writes, "
		"%llu flushes, %llu errors; at most %u of %u in flight\n",
		disk->name, (ull)disk->sectors, disk->block_bytes, disk->ops->driver,
		disk->read_only ? "read-only" : "writable",
		block_is_failed(disk) ? ", given up" : "", (ull)ld_relaxed(&disk->reads),
		(ull)ld_relaxed(&disk->writes), (ull)ld_relaxed(&disk->flushes),
		(ull)ld_relaxed(&disk->errors), disk->most_in_flight, disk->depth);
}

static int run_list(struct block_device *unused, const struct monitor_args *args)
{
	struct block_device *disk;
	unsigned id = 0, count = 0;

	(void)unused;
	if (args->json)
		kprintf("{\"schema\":\"zonal.disk/1\",\"disks\":[");
	while ((disk = next_disk(&id))) {
		if (args->json)
			list_json(disk, !count);
		else
			list_text(disk);
		count++;
	}
	if (args->json)
		kprintf("]}\n");
	else if (!count)
		kprintf("disk: this board has no disk\n");
	return 0;
}

static void print_disk_cache(struct block_device *disk, bool json, bool first)
{
	struct cache_counts c;

	cache_count(disk, &c);
	kprintf(json ? "%s{\"name\":\"%s\",\"cached\":%llu,\"dirty\":%llu,\"writing\":%llu,"
		       "\"tree\":%llu,\"hits\":%llu,\"misses\":%llu,\"ahead\":%llu,"
		       "\"reclaimed\":%llu,\"moved\":%llu}" :
		       "%s%s  %llu cached, %llu dirty, %llu being written, %llu for the tree; "
		       "%llu hits, %llu misses, %llu read ahead; %llu reclaimed, %llu moved\n",
		json && !first ? "," : "", disk->name, (ull)c.cached, (ull)c.dirty, (ull)c.writing,
		(ull)c.tree, (ull)c.hits, (ull)c.misses, (ull)c.ahead, (ull)c.reclaimed,
		(ull)c.moved);
}

static void print_node_cache(unsigned nid, bool json, bool first)
{
	struct cache_counts c;

	cache_node_count(nid, &c);
	kprintf(json ? "%s{\"node\":%u,\"cached\":%llu,\"dirty\":%llu,\"writing\":%llu,"
		       "\"limit\":%llu}" :
		       "%snode %u  %llu cached, %llu dirty, %llu being written; limit %llu\n",
		json && !first ? "," : "", nid, (ull)c.cached, (ull)c.dirty, (ull)c.writing,
		(ull)cache_dirty_limit(nid));
}

static int run_cache(struct block_device *one, const struct monitor_args *args)
{
	struct block_device *disk;
	unsigned id = 0;
	bool first = true;

	if (args->json)
		kprintf("{\"schema\":\"zonal.diskcache/1\",\"disks\":[");
	while ((disk = next_disk(&id))) {
		if (one && disk != one)
			continue;
		print_disk_cache(disk, args->json, first);
		first = false;
	}
	if (args->json)
		kprintf("],\"nodes\":[");
	first = true;
	for (nodemask_t m = boot_info.nodes; m; m &= m - 1) {
		print_node_cache(nodemask_first(m), args->json, first);
		first = false;
	}
	if (args->json)
		kprintf("]}\n");
	return 0;
}

/* ---- bytes ---- */

static void print_line(uint64_t offset, const unsigned char *byte, size_t count)
{
	ASSERT(count && count <= LINE_BYTES, "%zu bytes in a line", count);
	kprintf("%08llx ", (ull)offset);
	for (size_t i = 0; i < count; i++)
		kprintf(" %02x", byte[i]);
	kprintf("\n");
}

static int run_read(struct block_device *disk, const struct monitor_args *args)
{
	unsigned char line[LINE_BYTES];
	uint64_t offset, bytes;

	if (!arg_range(disk, args, READ_BYTES, &offset, &bytes))
		return 1;
	bytes = ZN_MIN(bytes, (uint64_t)READ_MOST);
	while (bytes) {
		size_t count = (size_t)ZN_MIN(bytes, (uint64_t)LINE_BYTES);
		int error = cache_read(disk, offset, line, count);

		if (error)
			return say_error(disk, "read", error);
		print_line(offset, line, count);
		offset += count;
		bytes -= count;
	}
	return 0;
}

static int run_write(struct block_device *disk, const struct monitor_args *args)
{
	uint64_t offset;

	if (!arg_number(args, 2, "an offset on this disk", disk_bytes(disk), &offset))
		return 1;
	return say_error(disk, "write", cache_write(disk, offset, args->word[3],
						    strlen(args->word[3])));
}

/* Eight bytes from 8 * `place` on: a multiplication and two shifts that any script can repeat. */
static uint64_t fill_word(uint64_t seed, uint64_t place)
{
	uint64_t x = (place + seed * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;

	x ^= x >> 29;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 32;
}

static int run_fill(struct block_device *disk, const struct monitor_args *args)
{
	static uint64_t piece[FILL_BYTES / 8]; /* one task runs the monitor */
	uint64_t offset, bytes, seed;
	int error = 0;

	if (!arg_range(disk, args, 0, &offset, &bytes) ||
	    !arg_number(args, 4, "a seed", UINT64_MAX, &seed))
		return 1;
	if (offset % 8 || bytes % 8) {
		kprintf("disk: %s %s: fill takes multiples of 8\n", args->word[2], args->word[3]);
		return 1;
	}
	while (bytes && !error && !zn_stop_asked()) {
		size_t count = (size_t)ZN_MIN(bytes, (uint64_t)FILL_BYTES);

		ASSERT(count % 8 == 0, "%zu bytes in words", count);
		for (size_t i = 0; i < count / 8; i++)
			piece[i] = fill_word(seed, offset / 8 + i);
		error = cache_write(disk, offset, piece, count);
		offset += count;
		bytes -= count;
	}
	return say_error(disk, "fill", error);
}

static int run_checksum(struct block_device *disk, const struct monitor_args *args)
{
	uint64_t offset, bytes;
	uint32_t crc;
	int error;

	if (!arg_range(disk, args, UINT64_MAX, &offset, &bytes))
		return 1;
	error = cache_checksum(disk, offset, bytes, &crc);
	if (error)
		return say_error(disk, "checksum", error);
	kprintf(args->json ? "{\"schema\":\"zonal.diskchecksum/1\",\"name\":\"%s\",\"offset\":%llu,"
			     "\"bytes\":%llu,\"crc32\":%u}\n" :
			     "%s from %llu, %llu bytes: crc32 %08x\n",
		disk->name, (ull)offset, (ull)bytes, crc);
	return 0;
}

static int run_flush(struct block_device *disk, const struct monitor_args *args)
{
	int error = cache_flush(disk);

	(void)args;
	if (!error)
		kprintf("disk: %s: flushed\n", disk->name);
	return say_error(disk, "flush", error);
}

static int run_drop(struct block_device *disk, const struct monitor_args *args)
{
	(void)args;
	kprintf("disk: %s: %llu pages dropped\n", disk->name, (ull)cache_drop(disk));
	return 0;
}

static int run_timeout(struct block_device *disk, const struct monitor_args *args)
{
	uint64_t ms;

	if (!arg_number(args, 2, "a time in milliseconds", 3600000, &ms))
		return 1;
	st_relaxed(&disk->timeout_ns, ms * 1000000);
	return 0;
}

/* ---- words ---- */

static const struct disk_command disk_commands[] = {
	{ "list", 0, 0, false, run_list },
	{ "read", 2, 3, true, run_read },
	{ "write", 3, 3, true, run_write },
	{ "fill", 4, 4, true, run_fill },
	{ "checksum", 1, 3, true, run_checksum },
	{ "flush", 1, 1, true, run_flush },
	{ "drop", 1, 1, true, run_drop },
	{ "cache", 0, 1, true, run_cache },
	{ "timeout", 2, 2, true, run_timeout },
};

const char *monitor_disk_word(unsigned n)
{
	struct block_device *disk;

	if (n < ARRAY_SIZE(disk_commands))
		return disk_commands[n].name;
	n -= (unsigned)ARRAY_SIZE(disk_commands);
	for (unsigned id = 0; (disk = next_disk(&id)); n--)
		if (!n)
			return disk->name;
	return NULL;
}

static const struct disk_command *command_of(const struct monitor_args *args)
{
	const char *word = args->count ? args->word[0] : "list";

	for (unsigned i = 0; i < ARRAY_SIZE(disk_commands); i++)
		if (strcmp(disk_commands[i].name, word) == 0)
			return &disk_commands[i];
	kprintf("disk: %s: no such command; help disk lists them\n", word);
	return NULL;
}

int monitor_disk(struct zonal *mm, const struct monitor_args *args)
{
	const struct disk_command *command = command_of(args);
	struct block_device *disk = NULL;
	unsigned words = args->count ? args->count - 1 : 0;

	(void)mm;
	if (!command)
		return 1;
	if (words < command->words || words > command->most) {
		kprintf("disk: %s takes %u to %u words more\n", command->name, command->words,
			command->most);
		return 1;
	}
	if (command->names_disk && words) {
		disk = block_find(args->word[1]);
		if (!disk) {
			kprintf("disk: %s: no such disk; disk list shows them\n", args->word[1]);
			return 1;
		}
	}
	ASSERT(disk || !command->words, "%s runs without a disk", command->name);
	return command->run(disk, args);
}
