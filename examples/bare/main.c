/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The five steps of docs/porting.md on a board without an operating system: QEMU's virt with two
 * nodes of 128 MiB, its PL011, and the pair of files. The instance's own data lies in the RAM that
 * it describes.
 */
#include "template_port.h"

#define UART (*(volatile uint32_t *)0x09000000)
#define MIB ((uint64_t)1 << 20)
#define RAM 0x40000000u

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int main(void);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	char *t = to;

	for (const char *f = from; bytes--;)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	for (char *t = to; bytes--;)
		*t++ = (char)byte;
	return to;
}

static void line(const char *text)
{
	for (; *text; text++)
		UART = (uint8_t)*text;
	UART = '\n';
}

static uint64_t room[(ZONAL_MAX_NODES + ZONAL_MAX_CPUS) * 1024 / 8]; /* for struct zonal */

/* The MMU is off: an address is where it is. */
static void *map(void *ctx, uint64_t start, size_t bytes)
{
	(void)ctx, (void)bytes;
	return (void *)start;
}

static int describe(struct zonal_boot_info *board)
{
	zonal_info_begin(board);
	return zonal_add_memory(board, 0, RAM, 128 * MIB) ||
	       zonal_add_memory(board, 1, RAM + 128 * MIB, 128 * MIB) ||
	       zonal_add_cpu(board, 0, 0) || zonal_set_distance(board, 0, 1, 20) ||
	       zonal_reserve(board, RAM, 16 * MIB); /* the board's tree and this program */
}

/* 0, or the step of docs/porting.md that failed. */
static int run(struct zonal *mm)
{
	static struct zonal_boot_info board;
	struct zonal_config config = { .info = &board };
	zonal_page_t *page;

	if (zonal_abi() != ZONAL_ABI || zonal_sizeof() > sizeof(room))
		return 1;
	if (describe(&board))
		return 3;
	zonal_options_default(&config.options);
	if (zonal_build_inside(mm, &config, &board, map, NULL))
		return 4;
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);
	page = zonal_alloc_node(mm, 1, ZONAL_GFP_KERNEL, 0);
	if (!page || zonal_page_node(page) != 1)
		return 5;
	*(volatile uint64_t *)(zonal_pfn(page) << ZONAL_PAGE_SHIFT) = 1; /* it is RAM */
	zonal_port_log("the first page: 0x%llx", (unsigned long long)zonal_pfn(page)
							 << ZONAL_PAGE_SHIFT);
	zonal_free(mm, page, 0);
	return zonal_check(mm, &(struct zonal_finding){ .pfn = 0 }) ? 0 : 6;
}

int main(void)
{
	int failed;

	template_write = line;
	template_start();
	failed = run((struct zonal *)room);
	zonal_port_log(failed ? "step %d failed" : "all is well", failed);
	__asm__ volatile("mov x0, %0\n\thvc #0" : : "r"(0x84000008ul) : "x0"); /* SYSTEM_OFF */
	for (;;)
		;
}
