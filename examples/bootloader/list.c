/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transfer list of the Firmware Handoff specification (version 1 of its layout): how one stage of
 * firmware gives the next one what it knows. It lies in one piece, little-endian, on 8 bytes:
 *
 *	0   signature 4a0fb10b      8   bytes used, header and entries
 *	4   checksum               12   bytes there are
 *	5   version, 1             16   flags: 1, the checksum counts
 *	6   bytes of this header   20   0
 *	7   alignment, 3: 2^3
 *
 * and entries behind each other, each on 8 bytes: 24 bits of what it is (1: a device tree), 8 of
 * how long its header is, 32 of how many bytes of data follow it. The checksum makes the sum of all
 * used bytes 0. Nothing in a list points into it.
 *
 * The reader believes nothing of what it reads until it has compared it with the room there is.
 */
#include "boot.h"

#include <string.h>

#define SIGNATURE 0x4a0fb10bu
#define AT_CHECKSUM 4u
#define AT_VERSION 5u
#define AT_HEADER 6u
#define AT_ALIGNMENT 7u
#define AT_USED 8u
#define AT_TOTAL 12u
#define AT_FLAGS 16u
#define VERSION 1u
#define ALIGNMENT 3u
#define HAS_CHECKSUM 1u
#define TAG_TREE 1u

static size_t on_8(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static void put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t sum(const uint8_t *list, size_t bytes)
{
	uint8_t sum = 0;

	while (bytes--)
		sum = (uint8_t)(sum + list[bytes]);
	return sum;
}

void boot_list_seal(uint8_t *list)
{
	list[AT_CHECKSUM] = 0;
	list[AT_CHECKSUM] = (uint8_t)-sum(list, boot_le(list + AT_USED, 4));
}

/* Around a tree that is there already, LIST_HEADER + LIST_ENTRY bytes into the list. */
void boot_list_write(uint8_t *list, size_t tree_bytes, size_t room)
{
	uint8_t *entry = list + LIST_HEADER;

	memset(list, 0, LIST_HEADER + LIST_ENTRY);
	put_le(list, SIGNATURE, 4);
	list[AT_VERSION] = VERSION;
	list[AT_HEADER] = LIST_HEADER;
	list[AT_ALIGNMENT] = ALIGNMENT;
	put_le(list + AT_USED, LIST_HEADER + on_8(LIST_ENTRY + tree_bytes), 4);
	put_le(list + AT_TOTAL, room, 4);
	put_le(list + AT_FLAGS, HAS_CHECKSUM, 4);
	put_le(entry, TAG_TREE, 3);
	entry[3] = LIST_ENTRY;
	put_le(entry + 4, tree_bytes, 4);
	boot_list_seal(list);
}

static bool header_ok(const uint8_t *list, size_t room)
{
	size_t used = boot_le(list + AT_USED, 4), total = boot_le(list + AT_TOTAL, 4);

	if (boot_le(list, 4) != SIGNATURE || list[AT_VERSION] != VERSION)
		return boot_say("the list reads back wrong: signature %llx, version %u",
				(unsigned long long)boot_le(list, 4), list[AT_VERSION]);
	if (list[AT_HEADER] < LIST_HEADER || used < list[AT_HEADER] || used > total ||
	    total > room)
		return boot_say("the list reads back wrong: %zu of %zu bytes, there are %zu", used,
				total, room);
	if (sum(list, used))
		return boot_say("the list reads back wrong: its bytes add up to %u, not to 0",
				sum(list, used));
	return true;
}

const void *boot_list_read(const uint8_t *list, size_t room, size_t *tree_bytes)
{
	size_t used = boot_le(list + AT_USED, 4), header, data;

	if (!header_ok(list, room))
		return NULL;
	for (size_t at = on_8(list[AT_HEADER]); at + LIST_ENTRY <= used;
	     at += on_8(header + data)) {
		header = list[at + 3];
		data = boot_le(list + at + 4, 4);
		if (header < LIST_ENTRY || header + data > used - at)
			break;
		if (boot_le(list + at, 3) == TAG_TREE) {
			*tree_bytes = data;
			return list + at + header;
		}
	}
	boot_say("the list reads back wrong: no entry of it is a device tree");
	return NULL;
}
