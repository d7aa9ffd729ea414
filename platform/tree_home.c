/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the device tree lives once boot is over: beside the page map, read-only, and not where the
 * loader left it (board/tree_place.c says why).
 *
 * Two steps, because of what each needs. tree_home_take() comes before RAM is mapped: blocks are
 * never split, so pages that shall be read-only are mapped first. tree_home_move() comes after it,
 * once RAM has answered, and after the seeds are wiped, which the copy must not hold. If anything
 * does not go, the tree stays where it is; a page or two are then lost, nothing else.
 *
 * One CPU, no locks.
 */
#include <libfdt.h>

#include "arm64_exception.h"
#include "arm64_memory.h"
#include "board/device.h"
#include "board/tree_place.h"
#include "lib/assert.h"
#include "platform.h"

static uint64_t home;
static size_t home_bytes; /* 0: the tree stays */

void tree_home_take(struct boot_info *info)
{
	size_t bytes = tree_used(device_tree());

	ASSERT(!home_bytes, "the tree has a place at 0x%llx", (unsigned long long)home);
	if (tree_take_place(info, bytes, &home) && arm64_map_readonly(home, bytes))
		home_bytes = bytes;
}

/* The RAM that the tree names may not be there. */
static bool home_answers(const char *at)
{
	struct arm64_fault fault;

	return arm64_probe_read((uintptr_t)at, &fault) &&
	       arm64_probe_read(align_down((uintptr_t)at + home_bytes - 1, 4), &fault);
}

void tree_home_move(struct boot_info *info)
{
	void *old = (void *)(uintptr_t)device_tree(), *to = phys_to_virt(home);
	size_t old_bytes = fdt_totalsize(old);

	if (!home_bytes || !home_answers(to) || !arm64_protect(to, home_bytes, ARM64_MAP_DATA))
		return;
	tree_copy(to, old, home_bytes);
	if (!arm64_protect(to, home_bytes, ARM64_MAP_RODATA) ||
	    !arm64_protect(old, old_bytes, ARM64_MAP_DATA))
		return;
	device_tree_set(to);
	tree_give_back(info);
}
