/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test harness needs inside the image: time from the port, the seed
 * from the boot arguments, memory from the allocator under test.
 *
 * Test memory comes from alloc_pages_exact(). It promises the alignment of a
 * page, so a block with a larger one is taken `align` bytes too large and
 * aligned inside; a small header page before it keeps the address to free.
 */
#include <string.h>

#include <zonal/gfp.h>
#include <zonal/linux.h>
#include <zonal/port.h>

#include "lib/number.h"
#include "lib/kprintf.h"
#include "platform/platform.h"
#include "ktest.h"

bool kt_port_is_target(void)
{
	return true;
}

uint64_t kt_port_time_ns(void)
{
	return port_time_ns();
}

uint64_t kt_port_seed(void)
{
	const char *text = platform_arg("seed");
	uint64_t seed = 0;

	if (!text)
		return port_time_ns() | 1;
	if (!number_read_all(text, UINT64_MAX, &seed) || !seed) {
		kprintf("# seed=%s: a seed is a number above 0; using 1\n", text);
		return 1;
	}
	return seed;
}

/* Room for the block, its alignment and the header page. */
static size_t exact_bytes(size_t bytes, size_t align)
{
	return (size_t)align_up(bytes, PAGE_SIZE) + (align > PAGE_SIZE ? align + PAGE_SIZE : 0);
}

void *kt_port_alloc(size_t bytes, size_t align)
{
	void *memory = alloc_pages_exact(exact_bytes(bytes, align), GFP_KERNEL);
	uintptr_t block;

	if (!memory)
		return NULL;
	memset(memory, 0, exact_bytes(bytes, align));
	if (align <= PAGE_SIZE)
		return memory;
	block = (uintptr_t)align_up((uintptr_t)memory + PAGE_SIZE, align);
	((void **)block)[-1] = memory;
	return (void *)block;
}

void kt_port_free(void *memory, size_t bytes, size_t align)
{
	void *start = align > PAGE_SIZE ? ((void **)memory)[-1] : memory;

	free_pages_exact(start, exact_bytes(bytes, align));
}
