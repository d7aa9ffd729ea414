/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wiping the seeds that the loader left in the tree.
 *
 * /chosen can carry kaslr-seed and rng-seed: randomness for one use. Whoever reads them
 * later knows what was derived from them, so they are overwritten once boot is done
 * with them; the property stays, its bytes become zero. Linux does the same to the
 * former. The one use is a number for those parts of boot that want something random.
 *
 * The tree is mapped read-only. Its pages are made writable for the moment of the write,
 * and read-only again after it; boot has one CPU then, so nobody sees them so.
 */
#include <libfdt.h>
#include <string.h>

#include "arm64_memory.h"
#include "device.h"
#include "lib/kprintf.h"
#include "seeds.h"

/* Zero `bytes` at `at`, which lies in read-only pages. */
static bool wipe(const void *at, size_t bytes)
{
	void *writable = (void *)(uintptr_t)at;

	if (!arm64_protect(writable, bytes, ARM64_MAP_DATA))
		return false;
	memset(writable, 0, bytes);
	return arm64_protect(writable, bytes, ARM64_MAP_RODATA);
}

/* Every byte counts (FNV-1a). */
static uint64_t mix(uint64_t number, const unsigned char *bytes, int count)
{
	for (int i = 0; i < count; i++)
		number = (number ^ bytes[i]) * 0x100000001b3ull;
	return number;
}

uint64_t seeds_wipe(void)
{
	static const char *const names[] = { "kaslr-seed", "rng-seed" };
	int chosen = device_chosen();
	uint64_t number = 0;

	for (unsigned i = 0; chosen >= 0 && i < ARRAY_SIZE(names); i++) {
		int bytes = 0;
		const void *seed = fdt_getprop(device_tree(), chosen, names[i], &bytes);

		if (!seed || bytes <= 0)
			continue;
		number = mix(number, seed, bytes);
		if (!wipe(seed, (size_t)bytes))
			kprintf("boot: %s stays in the device tree: its page cannot be written\n",
				names[i]);
	}
	return number;
}
