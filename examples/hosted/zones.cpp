// SPDX-License-Identifier: BSD-2-Clause
// The same in C++: an owner of pages that gives them back by itself.
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <template_port.h>
#include <zonal/ranges.h>

class Pages {
	zonal *mm;
	zonal_page_t *page;
	unsigned order;

public:
	Pages(zonal *from, unsigned n) : mm(from), page(zonal_alloc(mm, ZONAL_GFP_KERNEL, n)), order(n) {}
	Pages(Pages &&o) noexcept : mm(o.mm), page(std::exchange(o.page, nullptr)), order(o.order) {}
	Pages(const Pages &) = delete;
	~Pages() { zonal_free(mm, page, order); }
	zonal_pfn_t pfn() const { return page ? zonal_pfn(page) : ZONAL_PFN_NONE; }
};

int main()
{
	static zonal_boot_info board;
	static zonal_config config;
	zonal *mm = static_cast<zonal *>(std::calloc(1, zonal_sizeof()));

	template_start();
	zonal_info_begin(&board);
	config.info = &board;
	zonal_options_default(&config.options);
	if (zonal_add_memory(&board, 0, 0x40000000, 64 << 20) || zonal_build(mm, &config, [](void *, unsigned, size_t bytes, size_t align) {
		    return std::aligned_alloc(align, (bytes + align - 1) / align * align); }))
		return 1;
	zonal_boot_done(mm);
	Pages two(mm, 1), moved(std::move(two));
	std::printf("two pages from 0x%llx\n", static_cast<unsigned long long>(moved.pfn()));
}
