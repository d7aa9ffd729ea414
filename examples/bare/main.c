/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The five steps of docs/porting.md on a board without an operating system: QEMU's virt with two
 * nodes of 128 MiB, its PL011, and the pair of files. The instance's own data lies in the RAM that
 * it describes, behind the program, and is reserved there.
 */
#include "template_port.h"

#define UART (*(volatile uint32_t *)0x09000000)
#define MIB ((uint64_t)1 << 20)
#define RAM 0x40000000u
#define OWN 0x42000000u /* the first node's piece; the second one's begins at its node */

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

static struct zonal_boot_info board = { .range_count = 2, .nodes = 3, .cpu_count = 1,
					 .dma_max = UINT64_MAX };
static struct zonal_storage piece[ZONAL_MAX_NODES];
static uint64_t room[(ZONAL_MAX_NODES + ZONAL_MAX_CPUS) * 1024 / 8]; /* for struct zonal */

static int place(struct zonal_config *config)
{
	struct zonal_plan plan;
	int err = zonal_plan(config, &plan);

	for (unsigned n = 0; !err && n < 2; n++) {
		uint64_t at = n ? RAM + 128 * MIB : OWN;

		/* What is reserved is whole pages. */
		plan.bytes[n] = (plan.bytes[n] + ZONAL_PAGE_SIZE - 1) & ~(ZONAL_PAGE_SIZE - 1);
		piece[n] = (struct zonal_storage){ (void *)at, plan.bytes[n] };
		board.reserved[n + 1] = (struct zonal_boot_range){ at, plan.bytes[n], -1, 0 };
	}
	board.reserved_count = 3;
	return err;
}

static int run(struct zonal *mm)
{
	struct zonal_config config = { .info = &board, .storage = piece };
	zonal_page_t *page;

	for (unsigned n = 0; n < 2; n++) {
		board.range[n] = (struct zonal_boot_range){ RAM + n * 128 * MIB, 128 * MIB,
							     (int16_t)n, 0 };
		board.distance[n][n] = 10, board.distance[n][!n] = 20;
	}
	/* The board's tree and this program. */
	board.reserved[0] = (struct zonal_boot_range){ RAM, 16 * MIB, -1, 0 };
	zonal_options_default(&config.options);
	if (zonal_abi() != ZONAL_ABI || zonal_sizeof() > sizeof(room) || place(&config))
		return 1;
	if (zonal_init(mm, &config))
		return 2;
	zonal_cpu_online(mm, 0);
	zonal_boot_done(mm);
	page = zonal_alloc_node(mm, 1, ZONAL_GFP_KERNEL, 0);
	if (!page || zonal_page_node(page) != 1)
		return 3;
	*(volatile uint64_t *)(zonal_pfn(page) << ZONAL_PAGE_SHIFT) = 1; /* it is RAM */
	zonal_port_log("the first page: 0x%llx", (unsigned long long)zonal_pfn(page)
							 << ZONAL_PAGE_SHIFT);
	zonal_free(mm, page, 0);
	return zonal_check(mm, &(struct zonal_finding){ .pfn = 0 }) ? 0 : 4;
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
