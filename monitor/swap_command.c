/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `swap`: where pages of programs can go.
 *
 *	swap                 the areas, in the order in which they are used
 *	swap on ram:SIZE     compressed pages in RAM, room for SIZE bytes of them (K, M, G)
 *	swap on disk:NAME    a disk that was formatted for it
 *	swap off NAME        an area that is empty is no more
 *	swap format NAME     write the header of a swap area; what the disk holds is lost
 *
 * Several areas may stand behind `on`, parted by commas; the boot argument swap= takes the same
 * list. Each mistake is one line that names the word and the rule. Return: 0 good, 1 failed.
 *
 * Context: the monitor's task, or boot; sleeps.
 */
#include "swap_command.h"

#include <string.h>

#include "block/cache.h"
#include "lib/assert.h"
#include "lib/number.h"
#include "lib/kprintf.h"
#include "user/swap.h"

typedef unsigned long long ull;

enum { ITEM_BYTES = 32 };

static void print_area(const struct swap_info *a, bool json, bool first)
{
	ASSERT(a->used <= a->pages, "%s: %llu of %llu", a->name, (ull)a->used, (ull)a->pages);
	if (json)
		kprintf("%s{\"name\":\"%s\",\"kind\":\"%s\",\"pages\":%llu,\"used\":%llu,"
			"\"out\":%llu,\"in\":%llu,\"refused\":%llu,\"errors\":%llu,"
			"\"held_pages\":%llu,\"bytes\":%llu,\"dead\":%s}",
			first ? "" : ",", a->name, a->disk ? "disk" : "ram", (ull)a->pages,
			(ull)a->used, (ull)a->out, (ull)a->in, (ull)a->refused, (ull)a->errors,
			(ull)a->held_pages, (ull)a->bytes, a->dead ? "true" : "false");
	else
		kprintf("%-7s %s, %llu of %llu pages used, %llu out, %llu in, %llu refused, "
			"%llu errors; %llu pages hold %llu bytes%s\n",
			a->name, a->disk ? "disk" : "ram", (ull)a->used, (ull)a->pages,
			(ull)a->out, (ull)a->in, (ull)a->refused, (ull)a->errors,
			(ull)a->held_pages, (ull)a->bytes, a->dead ? "; given up" : "");
}

static int list(bool json)
{
	struct swap_info area;
	unsigned n;

	if (json)
		kprintf("{\"schema\":\"zonal.swap/1\",\"areas\":[");
	for (n = 0; swap_look_area(n, &area); n++)
		print_area(&area, json, !n);
	if (json)
		kprintf("]}\n");
	else if (!n)
		kprintf("swap: there is no area\n");
	return 0;
}

static struct block_device *disk_named(const char *name)
{
	struct block_device *disk = block_find(name);

	if (!disk)
		kprintf("swap: %s: no such disk; disk list shows them\n", name);
	return disk;
}

static int say(const char *name, const char *fault)
{
	if (fault)
		kprintf("swap: %s: %s\n", name, fault);
	return fault != NULL;
}

/* What the cache knows of a disk that swap will write behind its back goes. */
static const char *disk_alone(struct block_device *disk)
{
	if (cache_flush(disk))
		return "what was written to it before could not be flushed";
	(void)cache_drop(disk);
	return NULL;
}

static int add(const char *item)
{
	struct block_device *disk;
	const char *fault;
	uint64_t bytes;

	ASSERT(strlen(item) < ITEM_BYTES, "%zu bytes of an area", strlen(item));
	if (!strncmp(item, "ram:", 4) && number_read_bytes(item + 4, &bytes))
		return say(item, swap_on_ram(bytes >> PAGE_SHIFT, &swap_lz4));
	if (strncmp(item, "disk:", 5))
		return say(item, "an area is ram:SIZE or disk:NAME");
	disk = disk_named(item + 5);
	if (!disk)
		return 1;
	fault = disk_alone(disk);
	return say(item, fault ? fault : swap_on_disk(disk));
}

unsigned swap_add_list(const char *text)
{
	char item[ITEM_BYTES];
	unsigned refused = 0;

	while (*text) {
		size_t length = 0;

		while (text[length] && text[length] != ',')
			length++;
		zn_snprintf(item, sizeof(item), "%.*s", (int)ZN_MIN(length, sizeof(item) - 1),
			    text);
		refused += (unsigned)add(item);
		text += length;
		text += *text == ',';
	}
	return refused;
}

static int format(const char *name)
{
	struct block_device *disk = disk_named(name);
	const char *fault;

	if (!disk)
		return 1;
	fault = disk_alone(disk);
	return say(name, fault ? fault : swap_format(disk));
}

int monitor_swap(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : NULL;

	(void)mm;
	if (!what)
		return list(args->json);
	if (args->count == 2 && !strcmp(what, "on"))
		return swap_add_list(args->word[1]) != 0;
	if (args->count == 2 && !strcmp(what, "off"))
		return say(args->word[1], swap_off(args->word[1]));
	if (args->count == 2 && !strcmp(what, "format"))
		return format(args->word[1]);
	kprintf("swap: on LIST, off NAME or format NAME\n");
	return 1;
}

const char *monitor_swap_word(unsigned n)
{
	static const char *const words[] = { "on", "off", "format", "ram:64M", "disk:vda" };

	return n < ARRAY_SIZE(words) ? words[n] : NULL;
}
