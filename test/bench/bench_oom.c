/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark of the last resort: from a request's way into the slow path to the end of a task.
 *
 * 50 programs sleep on 512 touched pages each and one on 2,048, as in the recorded runs of Linux,
 * where the largest of many is ended. The caller takes what else there is with requests that end
 * before that, and then asks once more. Counted are the steps from there until the victim is
 * chosen, reported and told; what its end costs is not in it. Only where there are tasks at EL0.
 */
#include <zonal/linux.h>
#include <zonal/port.h>

#include "bench.h"
#include "mm/mm.h"

static void give_all(struct page *chain)
{
	while (chain) {
		struct page *page = chain;

		chain = *(struct page **)zonal_page_owner(page);
		zonal_free(&zonal_image, page, 0);
	}
}

static struct page *take_all(void)
{
	struct page *chain = NULL, *page;

	while ((page = zonal_alloc(&zonal_image, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 0))) {
		*(struct page **)zonal_page_owner(page) = chain;
		chain = page;
	}
	return chain;
}

bool bench_oom(const struct bench *bench, const struct bench_case *c, unsigned order)
{
	uint64_t start, before = zonal_image.oom.killed_ns;
	struct page *chain, *page;

	if (!bench->port->crowd)
		return true;
	if (!bench->port->crowd(true)) {
		bench->port->crowd(false);
		return bench_failed(c, order, "its programs did not start");
	}
	chain = take_all();
	start = port_time_ns();
	page = zonal_alloc(&zonal_image, GFP_KERNEL | __GFP_NOWARN, 0);
	zonal_free(&zonal_image, page, 0);
	give_all(chain);
	bench->port->crowd(false);
	if (!page || zonal_image.oom.killed_ns == before)
		return bench_failed(c, order, "nobody was ended");
	bench_result(bench, c->name, "", order, 1, zonal_image.oom.killed_ns - start);
	return true;
}
