/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's fw_cfg: a directory of files, read a byte at a time.
 *
 * Reference: "QEMU Firmware Configuration (fw_cfg) Device". An item is chosen by its key; each
 * read after that gives its next byte, and 0 behind its end. Item 0 is the text "QEMU", item
 * 0x19 the directory: a count, then for each file its size, its key and its name, numbers with
 * the highest byte first.
 *
 * The device is trusted with nothing: a count that no QEMU makes (FILES_MAX) is refused before
 * it is looped over, a name without an end is no name, a size that does not fit the
 * caller's room is refused rather than cut, since half of a command is another command. So every
 * loop ends after at most FILES_MAX entries and `room` bytes.
 *
 * Context: boot or a test; whoever calls holds the device alone.
 */
#include "fw_cfg.h"

#include <string.h>

#include "lib/assert.h"

#define KEY_SIGNATURE 0x0000u
#define KEY_DIRECTORY 0x0019u
#define KEY_FIRST_FILE 0x0020u
#define NAME_BYTES 56u
/* As many files as keys that QEMU has for them. */
#define FILES_MAX 0x3fe0u
#define RULE_KEY "the key of the file is no file's"

struct file {
	uint32_t bytes;
	uint16_t key;
	char name[NAME_BYTES];
};

static void read_bytes(const struct fw_cfg *cfg, char *to, size_t count)
{
	while (count--)
		*to++ = (char)cfg->next(cfg->base);
}

/* A number of up to four bytes, the highest first. */
static uint32_t read_number(const struct fw_cfg *cfg, unsigned bytes)
{
	uint32_t value = 0;

	ASSERT(bytes <= sizeof(value), "%u bytes", bytes);
	while (bytes--)
		value = value << 8 | cfg->next(cfg->base);
	return value;
}

static bool is_there(const struct fw_cfg *cfg)
{
	char signature[4];

	cfg->select(cfg->base, KEY_SIGNATURE);
	read_bytes(cfg, signature, sizeof(signature));
	return memcmp(signature, "QEMU", sizeof(signature)) == 0;
}

static void read_entry(const struct fw_cfg *cfg, struct file *file)
{
	file->bytes = read_number(cfg, 4);
	file->key = (uint16_t)read_number(cfg, 2);
	(void)read_number(cfg, 2); /* reserved */
	read_bytes(cfg, file->name, sizeof(file->name));
}

static bool is_named(const struct file *file, const char *name)
{
	return strnlen(file->name, NAME_BYTES) < NAME_BYTES && strcmp(file->name, name) == 0;
}

/* Look a name up. A rule that is broken, or NULL; then file->name is empty if it is not there. */
static const char *find(const struct fw_cfg *cfg, const char *name, struct file *file)
{
	uint32_t count;

	cfg->select(cfg->base, KEY_DIRECTORY);
	count = read_number(cfg, 4);
	if (count > FILES_MAX)
		return "its directory has more files than there are keys";
	while (count--) {
		read_entry(cfg, file);
		if (is_named(file, name))
			return file->key < KEY_FIRST_FILE ? RULE_KEY : NULL;
	}
	file->name[0] = '\0';
	return NULL;
}

const char *fw_cfg_file(const struct fw_cfg *cfg, const char *name, char *to, size_t room,
			size_t *bytes)
{
	struct file file = { .bytes = 0 };
	const char *fault;

	ASSERT(strlen(name) < NAME_BYTES && name[0], "no name of a file: %s", name);
	*bytes = 0;
	if (!is_there(cfg))
		return "its signature is not QEMU";
	fault = find(cfg, name, &file);
	if (fault || !file.name[0])
		return fault;
	if (file.bytes > room)
		return "the file is larger than 4096 bytes";
	cfg->select(cfg->base, file.key);
	read_bytes(cfg, to, file.bytes);
	*bytes = file.bytes;
	return NULL;
}
