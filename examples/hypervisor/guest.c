/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests from the command line to their end.
 *
 *	guest=NAME,NODE,CORE,MIB[,WORDS]    WORDS go to the guest's command line
 *
 * To build one: everything that can be wrong is looked at first (the word, the files, their sizes),
 * then its memory and the pages of its tables are claimed on its node, all or nothing. From there
 * on nothing can fail: tables and memory come out of the claims, and kernel, initramfs and device
 * tree are copied. What was claimed for tables and not needed goes back.
 *
 *	RAM + 0          kernel, image_size bytes with its BSS
 *	next 2 MiB       device tree, 2 MiB
 *	next 2 MiB       initramfs
 *
 * All of it is written to memory at last, because a guest begins with its caches off.
 *
 * Core 0 builds and takes down; in between it sleeps, or does what tidy.c is told.
 */
#include "cpio.h"
#include "hv.h"
#include "guest.h"
#include "move.h"

#include <stdatomic.h>

#define IMAGE_MAGIC 0x644d5241u /* "ARM\x64" */
#define MAGIC_AT 56u
#define IMAGE_SIZE_AT 16u
#define TEXT_OFFSET_AT 8u

struct hv_guest hv_guests[HV_GUESTS];

static uint64_t align_block(uint64_t value)
{
	return (value + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
}

/* ---- the word ------------------------------------------------------------------- */

/* A part of the word up to a comma or the end. */
static bool take_text(const char **from, char *to, size_t size)
{
	size_t length = 0;

	while ((*from)[length] && (*from)[length] != ',')
		length++;
	if (!length || length >= size)
		return false;
	memcpy(to, *from, length);
	to[length] = '\0';
	*from += length;
	return true;
}

static bool take_number(const char **from, uint64_t *value)
{
	return *(*from)++ == ',' && words_number(from, value);
}

static bool parse(struct hv_guest *guest, const char *word)
{
	uint64_t node, core, mib;

	if (!take_text(&word, guest->name, sizeof(guest->name)) || !take_number(&word, &node) ||
	    !take_number(&word, &core) || !take_number(&word, &mib))
		return false;
	if (*word && (*word != ',' || strlen(word) > sizeof(guest->word)))
		return false;
	if (*word)
		memcpy(guest->word, word + 1, strlen(word));
	guest->node = guest->place = (unsigned)node;
	guest->core = (unsigned)core;
	guest->bytes = mib * MIB;
	return mib && mib <= 1024 * 64 && !(guest->bytes % BLOCK_BYTES);
}

/* ---- what can be wrong ------------------------------------------------------------ */

static bool place_ok(const struct hv_guest *guest)
{
	if (guest->node >= ZONAL_MAX_NODES || !(hv_board.info.nodes >> guest->node & 1)) {
		hv_say("guest %s: there is no node %u", guest->name, guest->node);
		return false;
	}
	if (!guest->core || guest->core >= hv_board.cpus ||
	    !atomic_load(&hv_cpus[guest->core].online)) {
		hv_say("guest %s: core %u is not one that runs guests (1 to %u)", guest->name,
		       guest->core, hv_board.cpus - 1);
		return false;
	}
	for (const struct hv_guest *other = hv_guests; other < guest; other++) {
		if (other->state != HV_NONE && other->core == guest->core) {
			hv_say("guest %s: core %u runs guest %s", guest->name, guest->core,
			       other->name);
			return false;
		}
	}
	return true;
}

static uint64_t word_at(const void *file, unsigned offset)
{
	uint64_t value;

	memcpy(&value, (const char *)file + offset, sizeof(value));
	return value;
}

static const void *file_of(const char *name, uint64_t *bytes)
{
	return cpio_file(hv_pointer(hv_board.modules), hv_board.modules_bytes, name, bytes);
}

/* Finds the files, and where they go; false: a line says what is wrong. */
static bool files_ok(struct hv_guest *guest, const void **kernel, const void **initrd)
{
	uint64_t image;

	if (!hv_board.modules_bytes) {
		hv_say("guest %s: there is no archive: give QEMU one with -initrd", guest->name);
		return false;
	}
	*kernel = file_of("kernel", &guest->kernel_bytes);
	*initrd = file_of("initrd", &guest->initrd_bytes);
	if (!*kernel || !*initrd) {
		hv_say("guest %s: the archive has no %s, or is cut", guest->name,
		       *kernel ? "initrd" : "kernel");
		return false;
	}
	if (guest->kernel_bytes < MAGIC_AT + 8 ||
	    (uint32_t)word_at(*kernel, MAGIC_AT) != IMAGE_MAGIC ||
	    word_at(*kernel, TEXT_OFFSET_AT)) {
		hv_say("guest %s: the kernel is not an arm64 Image that runs at any 2 MiB",
		       guest->name);
		return false;
	}
	image = word_at(*kernel, IMAGE_SIZE_AT);
	image = image < guest->kernel_bytes ? guest->kernel_bytes : image;
	guest->kernel_ipa = GUEST_RAM;
	guest->tree_ipa = GUEST_RAM + align_block(image);
	guest->initrd_ipa = guest->tree_ipa + BLOCK_BYTES;
	if (image < guest->bytes && guest->initrd_bytes < guest->bytes &&
	    guest->initrd_ipa + guest->initrd_bytes <= GUEST_RAM + guest->bytes)
		return true;
	hv_say("guest %s: kernel (%llu bytes) and initramfs (%llu) do not go into %llu MiB",
	       guest->name, (unsigned long long)image, (unsigned long long)guest->initrd_bytes,
	       (unsigned long long)(guest->bytes / MIB));
	return false;
}

/* ---- the claim, and what stands on it ----------------------------------------------- */

static int claim(struct hv_guest *guest, struct zonal_claim *claim, struct zonal_claim_part *part,
		 uint64_t pages, zonal_gfp_t gfp)
{
	*part = (struct zonal_claim_part){ .nid = guest->node, .pages = pages };
	*claim = (struct zonal_claim){ .gfp = gfp, .part = part, .parts = 1 };
	memcpy(claim->owner, guest->name, strlen(guest->name) + 1);
	return zonal_claim_make(hv_mm, claim);
}

static bool claim_all(struct hv_guest *guest)
{
	uint64_t pages = guest->bytes >> ZONAL_PAGE_SHIFT;
	uint64_t tables = hv_stage2_tables(guest->bytes);

	guest->start_pages = hv_free_pages(guest->node);
	if (!claim(guest, &guest->ram, &guest->ram_part, pages, ZONAL_GFP_HIGHUSER_MOVABLE)) {
		if (!claim(guest, &guest->tables, &guest->tables_part, tables, ZONAL_GFP_KERNEL))
			return true;
		zonal_claim_drop(&guest->ram);
	}
	hv_say("guest %s: %llu pages do not go into node %u, which has %llu free", guest->name,
	       (unsigned long long)(pages + tables), guest->node,
	       (unsigned long long)guest->start_pages);
	return false;
}

static void clean(const struct hv_guest *guest)
{
	uint64_t part;

	for (uint64_t at = 0; at < guest->bytes; at += part)
		cache_clean(hv_stage2_at(guest, GUEST_RAM + at, &part), part);
}

static bool build(struct hv_guest *guest)
{
	static _Alignas(8) unsigned char tree[HV_TREE_BYTES];
	const void *kernel, *initrd;
	int err;

	if (!place_ok(guest) || !files_ok(guest, &kernel, &initrd))
		return false;
	err = hv_guest_tree(guest, tree);
	if (err) {
		hv_say("guest %s: its device tree has no room: %d", guest->name, err);
		return false;
	}
	if (!claim_all(guest))
		return false;
	hv_stage2_build(guest);
	zonal_claim_drop(&guest->ram);
	zonal_claim_drop(&guest->tables);
	if (!hv_stage2_write(guest, guest->kernel_ipa, kernel, guest->kernel_bytes) ||
	    !hv_stage2_write(guest, guest->initrd_ipa, initrd, guest->initrd_bytes) ||
	    !hv_stage2_write(guest, guest->tree_ipa, tree, sizeof(tree)))
		zonal_port_panic("guest %s was built with a hole", guest->name);
	clean(guest);
	return true;
}

static void start(struct hv_guest *guest, const char *word)
{
	if (!parse(guest, word)) {
		hv_say("guest=%s: not NAME,NODE,CORE,MIB[,WORDS] with an even number of MiB", word);
		return;
	}
	if (!build(guest)) {
		hv_say("guest %s: not started", guest->name);
		return;
	}
	hv_say("guest %s: %llu MiB of node %u as %llu blocks and %llu pages, on core %u",
	       guest->name, (unsigned long long)(guest->bytes / MIB), guest->node,
	       (unsigned long long)guest->blocks, (unsigned long long)guest->pages, guest->core);
	atomic_store_explicit(&guest->state, HV_RUNNING, memory_order_release);
	atomic_store_explicit(&hv_cpus[guest->core].guest, guest, memory_order_release);
	hv_cpu_wake(&hv_cpus[guest->core]);
}

/* ---- the end ---------------------------------------------------------------------- */

static void take_down(struct hv_guest *guest)
{
	hv_stage2_free(guest);
	hv_say("guest %s: %s", guest->name, guest->why);
	if (guest->given)
		hv_say("guest %s: gave %llu pages back while it ran, and took %llu again",
		       guest->name, (unsigned long long)guest->given,
		       (unsigned long long)guest->again);
	if (guest->moved)
		hv_say("guest %s: %llu pages were moved while it ran, it ran into %llu of them",
		       guest->name, (unsigned long long)guest->moved,
		       (unsigned long long)guest->waits);
	guest->state = HV_NONE;
}

/* Takes down who has ended; how many still run. */
static unsigned look(void)
{
	unsigned running = 0;

	for (struct hv_guest *guest = hv_guests; guest < hv_guests + HV_GUESTS; guest++) {
		if (atomic_load_explicit(&guest->state, memory_order_acquire) == HV_ENDED &&
		    !atomic_load_explicit(&hv_cpus[guest->core].guest, memory_order_acquire))
			take_down(guest);
		running += guest->state != HV_NONE;
	}
	return running;
}

static void start_all(void)
{
	const char *words = hv_board.arguments;
	char word[80];

	for (unsigned n = 0; words_value(words, "guest=", n, word, sizeof(word)); n++) {
		if (n == HV_GUESTS) {
			hv_say("more than %u guests: the others are left out", HV_GUESTS);
			break;
		}
		hv_guests[n].index = n;
		start(&hv_guests[n], word);
	}
}

void hv_guests_run(void)
{
	hv_tidy_begin();
	start_all();
	hv_tidy_built();
	hv_input_begin();
	while (look()) {
		hv_cpu_wait(hv_input_period() ? hv_input_period() : hv_tidy_period());
		hv_input_turn();
		hv_tidy_turn();
	}
	hv_tidy_end();
}
