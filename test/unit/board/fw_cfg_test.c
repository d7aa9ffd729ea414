/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of QEMU's fw_cfg, on a device that is a few arrays: what a QEMU offers, and what
 * none would: no signature, a directory that lies about its count, names without an end, sizes
 * that do not fit, and random bytes for all of it.
 */
#include <string.h>

#include "board/fw_cfg.h"
#include "test/ktest.h"

#define NAME "opt/zonal/bootargs"
#define FILE_KEY 0x0027u
#define ROOM 64u

static struct device {
	char signature[5];
	uint8_t directory[4 + 3 * 64];
	const char *file;
	uint16_t chosen;
	size_t at;
	uint64_t random; /* not 0: every byte is one */
	unsigned long reads;
} device;

static char text[ROOM];

static void fake_select(void *base, uint16_t key)
{
	struct device *d = base;

	d->chosen = key;
	d->at = 0;
}

/* Behind the end of an item there are zeros. */
static uint8_t fake_next(void *base)
{
	struct device *d = base;
	size_t at = d->at++;

	d->reads++;
	if (d->random) {
		d->random = d->random * 6364136223846793005u + 1442695040888963407u;
		return (uint8_t)(d->random >> 56);
	}
	if (d->chosen == 0)
		return at < 4 ? (uint8_t)d->signature[at] : 0;
	if (d->chosen == 0x19)
		return at < sizeof(d->directory) ? d->directory[at] : 0;
	if (d->chosen == FILE_KEY)
		return at < strlen(d->file) ? (uint8_t)d->file[at] : 0;
	return 0;
}

static const struct fw_cfg cfg = { fake_select, fake_next, &device };

static void entry(unsigned index, unsigned bytes, unsigned key, const char *name)
{
	uint8_t *at = device.directory + 4 + 64 * index;

	at[2] = (uint8_t)(bytes >> 8);
	at[3] = (uint8_t)bytes;
	at[4] = (uint8_t)(key >> 8);
	at[5] = (uint8_t)key;
	memset(at + 8, 0, 56);
	memcpy(at + 8, name, ZN_MIN(strlen(name), (size_t)56));
}

/* Three files, the second of which is ours. */
static void offer(const char *file)
{
	memset(&device, 0, sizeof(device));
	memcpy(device.signature, "QEMU", 5);
	device.file = file;
	device.directory[3] = 3;
	entry(0, 9, 0x21, "etc/acpi/tables");
	entry(1, (unsigned)strlen(file), FILE_KEY, NAME);
	entry(2, 4, 0x28, "opt/zonal/bootargs2");
}

static const char *read_file(size_t *bytes)
{
	memset(text, '#', sizeof(text));
	return fw_cfg_file(&cfg, NAME, text, sizeof(text), bytes);
}

static void expect_fault(const char *rule)
{
	size_t bytes = 1;
	const char *fault = read_file(&bytes);

	KT_STR_EQ(fault ? fault : "none", rule);
	KT_EQ(bytes, 0);
	KT_EQ(text[0], '#');
}

KTEST(fw_cfg, file_is_found_by_its_whole_name)
{
	size_t bytes;

	offer("run=check exit=semihosting");
	KT_TRUE(!read_file(&bytes));
	KT_EQ(bytes, strlen(device.file));
	KT_TRUE(!memcmp(text, device.file, bytes) && text[bytes] == '#');
}

KTEST(fw_cfg, file_that_is_not_there_is_no_fault)
{
	size_t bytes = 1;

	offer("run=check");
	entry(1, 9, FILE_KEY, "opt/zonal/bootarg");
	KT_TRUE(!read_file(&bytes));
	KT_EQ(bytes, 0);
	offer("run=check");
	device.directory[3] = 1; /* the directory ends before it */
	KT_TRUE(!read_file(&bytes));
	KT_EQ(bytes, 0);
}

KTEST(fw_cfg, file_that_fills_the_room_is_taken_and_a_larger_one_is_not)
{
	static char long_file[ROOM + 2];
	size_t bytes;

	memset(long_file, 'x', ROOM);
	offer(long_file);
	KT_TRUE(!read_file(&bytes));
	KT_EQ(bytes, ROOM);
	long_file[ROOM] = 'y';
	offer(long_file);
	expect_fault("the file is larger than 4096 bytes");
	offer("x");
	device.directory[4 + 64] = 0xff; /* nearly 4 GiB */
	expect_fault("the file is larger than 4096 bytes");
}

KTEST(fw_cfg, other_device_is_refused)
{
	offer("run=check");
	device.signature[3] = 'X';
	expect_fault("its signature is not QEMU");
}

KTEST(fw_cfg, directory_that_lies_is_refused)
{
	offer("run=check");
	device.directory[0] = 0x80;
	expect_fault("its directory has more files than there are keys");
	KT_TRUE(device.reads < 16);
	offer("run=check");
	entry(1, 9, 0x19, NAME);
	expect_fault("the key of the file is no file's");
}

KTEST(fw_cfg, name_without_an_end_is_no_name)
{
	static const char filler[] = "opt/zonal/bootargs.......................................";
	size_t bytes = 1;

	offer("run=check");
	memcpy(device.directory + 4 + 64 + 8, filler, 56);
	KT_TRUE(!read_file(&bytes));
	KT_EQ(bytes, 0);
}

KTEST(fw_cfg, any_bytes_are_survived)
{
	for (unsigned round = 1; round <= 200; round++) {
		size_t bytes = 1;

		offer("");
		device.random = round;
		if (fw_cfg_file(&cfg, NAME, text, sizeof(text), &bytes))
			KT_EQ(bytes, 0);
		KT_TRUE(bytes <= sizeof(text));
		/* A signature comes by chance in one of 2^32. */
		KT_TRUE(device.reads == 4);
	}
}

/* The directory alone is random: counts, keys, sizes and names. */
KTEST(fw_cfg, any_directory_is_survived)
{
	uint64_t state = 99;

	for (unsigned round = 0; round < 500; round++) {
		size_t bytes = 1;
		const char *fault;

		offer("run=check");
		for (unsigned i = 2; i < sizeof(device.directory); i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			if (state >> 62 == 0)
				device.directory[i] ^= (uint8_t)(state >> 40);
		}
		fault = read_file(&bytes);
		KT_TRUE(bytes <= sizeof(text) && (!fault || !bytes));
		KT_TRUE(device.reads < 0x3fe0u * 64 + 100);
	}
}
