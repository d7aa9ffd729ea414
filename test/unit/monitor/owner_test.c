/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's page_owner command: the layout of row D18, a page in use, one that is
 * free, an early one; the stacks with most pages; each mistake in one line.
 *
 * Text is caught at the console sink, so these run on the host. Addresses are shown through a
 * stand-in for the image's symbols; times and stacks differ from run to run, and only the lines
 * around them are compared.
 */
#include <string.h>

#include "test/unit/mm/kt_instance.h"
#include "lib/printf.h"
#include "monitor_capture.h"
#include "monitor/monitor_command.h"
#include "test/ktest.h"

static const struct kt_spec traced = { .ram = { { 0, KT_DMA_PFN, 4096 } }, .page_owner = true };

static const struct monitor_command commands[] = {
	{ "page_owner", "[PFN]", "who took a page", 0, 1, false, .run = monitor_page_owner },
};

static const char *run(struct zonal *mm, const char *text, int wanted)
{
	const struct monitor_table table = { mm, commands, ARRAY_SIZE(commands) };
	int status;

	capture_begin();
	status = monitor_execute(&table, text, false);
	text = capture_end();
	KT_EQ(status, wanted);
	return text;
}

static const char *stand_in(uint64_t address, uint64_t *offset)
{
	*offset = address & 0xf;
	return "some_function";
}

/* Line `n` of a text, without its end. */
static const char *line_of(const char *text, unsigned n)
{
	static char line[256];
	size_t length = 0;

	while (n-- && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	while (text[length] && text[length] != '\n' && length < sizeof(line) - 1) {
		line[length] = text[length];
		length++;
	}
	line[length] = '\0';
	return line;
}

static bool starts_with(const char *text, const char *prefix)
{
	return KT_OK(strncmp(text, prefix, strlen(prefix)) == 0, "'%s' is not '%s...'", text,
		     prefix);
}

KTEST_F(monitor_owner, off_and_mistakes_get_one_line, KT_HOST_ONLY)
{
	static const struct kt_spec plain = { .ram = { { 0, KT_DMA_PFN, 4096 } } };
	struct zonal *mm = kt_instance(&plain);

	if (!mm)
		return;
	KT_STR_EQ(run(mm, "page_owner", 1),
		  "page_owner: off; the boot argument page_owner=on turns it on\n");
	KT_STR_EQ(run(mm, "page_owner 0x40000", 1),
		  "page_owner: off; the boot argument page_owner=on turns it on\n");
	mm = kt_instance(&traced);
	if (!mm)
		return;
	KT_STR_EQ(run(mm, "page_owner 12x", 1), "page_owner: 12x: not a page frame number\n");
	KT_STR_EQ(run(mm, "page_owner 0x4ffff", 1), "page_owner: pfn 0x4ffff: no RAM there\n");
	KT_STR_EQ(run(mm, "page_owner 0x40000", 1),
		  "page_owner: pfn 0x40000: nobody took this page since recording began\n");
}

KTEST_F(monitor_owner, d18_layout_of_a_block, KT_HOST_ONLY)
{
	struct zonal *mm = kt_instance(&traced);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL | __GFP_COMP, 3) : NULL;
	char asked[64];
	const char *text;

	if (!KT_TRUE(page))
		return;
	KT_EQ(zonal_pfn(page), 0x40000);
	monitor_symbol = stand_in;
	for (unsigned i = 0; i < 8; i += 5) {
		/* every page of the block shows the block */
		zn_snprintf(asked, sizeof(asked), "page_owner %u", (unsigned)zonal_pfn(page) + i);
		text = run(mm, asked, 0);
		starts_with(line_of(text, 0), "Page allocated via order 3, mask 0x40cc0"
					      "(GFP_KERNEL|__GFP_COMP), pid 0, ts ");
		KT_STR_EQ(line_of(text, 1), "PFN 262144 type Unmovable Block 512 type Unmovable "
					    "Flags 0x8000000(head)");
		starts_with(line_of(text, 2), " some_function+0x");
		KT_TRUE(!strstr(text, "free"));
	}
	zonal_free(mm, page, 3);
	text = run(mm, "page_owner 0x40003", 0);
	starts_with(line_of(text, 0), "Page last allocated via order 3, mask 0x40cc0(");
	KT_STR_EQ(line_of(text, 1),
		  "PFN 262147 type Unmovable Block 512 type Unmovable Flags 0x0()");
	KT_TRUE(capture_has_line(text, "Page last free stack trace:"));
	monitor_symbol = NULL;
	starts_with(line_of(run(mm, "page_owner 0x40003", 0), 2), " 0x");
}

/* Every flag by its own name, whatever bit it has: poison is not a reference. */
KTEST_F(monitor_owner, d18_each_flag_has_its_name, KT_HOST_ONLY)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} flags[] = {
		{ PG_LOCKED | PG_REFERENCED, "Flags 0x80010000(locked|referenced)" },
		{ PG_HWPOISON, "Flags 0x10000000(hwpoison)" },
		{ PG_DIRTY | PG_PFMEMALLOC, "Flags 0x60000000(dirty|pfmemalloc)" },
		{ PG_COMP | PG_CHARGED, "Flags 0xc000000(charged|head)" },
	};
	struct zonal *mm = kt_instance(&traced);
	struct page *page = mm ? zonal_alloc(mm, GFP_KERNEL, 0) : NULL;
	uint32_t word;

	if (!KT_TRUE(page))
		return;
	word = page_word(page);
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		page_set_word(page, word | flags[i].flag);
		KT_TRUE(strstr(line_of(run(mm, "page_owner 0x40000", 0), 1), flags[i].text));
	}
	page_set_word(page, word);
	zonal_free(mm, page, 0);
}

KTEST_F(monitor_owner, stacks_with_most_pages_come_first, KT_HOST_ONLY)
{
	static const struct kt_spec in_boot = { .ram = { { 0, KT_DMA_PFN, 4096 } },
						.page_owner = true, .in_boot = true };
	struct zonal *mm = kt_instance(&in_boot);
	struct page *page[3] = { NULL };
	const char *text;

	if (!mm)
		return;
	page[0] = zonal_alloc(mm, GFP_KERNEL, 1);
	zonal_boot_done(mm);
	KT_STR_EQ(line_of(run(mm, "page_owner 0x40000", 0), 2),
		  " (early: taken before recording began)");
	page[1] = zonal_alloc(mm, GFP_KERNEL, 5);
	page[2] = zonal_alloc(mm, GFP_KERNEL, 0);
	KT_TRUE(page[0] && page[1] && page[2]);
	text = run(mm, "page_owner", 0);
	KT_STR_EQ(line_of(text, 0), "35 pages in use; 2 of 2048 stacks kept, 0 found no room, "
				    "0 recursions");
	KT_STR_EQ(line_of(text, 1), "32 pages");
	KT_TRUE(strstr(text, "\n2 pages\n (early: taken before recording began)\n1 pages\n"));
	zonal_free(mm, page[0], 1);
	zonal_free(mm, page[1], 5);
	zonal_free(mm, page[2], 0);
	text = run(mm, "page_owner", 0);
	starts_with(line_of(text, 0), "0 pages in use; ");
	KT_STR_EQ(line_of(text, 1), "");
}
