/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row P12: what a CPU keeps of other nodes and does not use goes back, a batch at a time.
 *
 * CPU 0 takes a page of node 1 and gives it back; so its list holds a batch. Then calls are
 * counted: the third one after the last use, and no other, gives a batch back.
 */
#include "kt_instance.h"

#include <zonal/expire.h>

#ifdef HOST_PORT_IMPL_H
static const struct kt_spec two_nodes = {
	.ram = { { 0, KT_DMA_PFN, 65536 }, { 1, KT_DMA_PFN + 65536, 65536 } },
	.cpus = 2,
	.cpu_node = { 0, 1 },
};

static void use(struct zonal *mm, int nid)
{
	zonal_free(mm, zonal_alloc_node(mm, nid, GFP_KERNEL, 0), 0);
}

/* More than a batch: as many pages as two hold and one more. */
static void use_much(struct zonal *mm, int nid)
{
	unsigned count = 2 * kt_zone(mm, (unsigned)nid, ZONE_DMA)->pcp_batch + 1;
	struct page *page[256];

	for (unsigned i = 0; i < count; i++)
		page[i] = zonal_alloc_node(mm, nid, GFP_KERNEL, 0);
	while (count)
		zonal_free(mm, page[--count], 0);
}

KTEST_F(rows_p, p12_remote_lists_give_a_batch_back_at_the_third_call_without_use, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	uint32_t here, there, batch;

	if (!mm)
		return;
	use_much(mm, 0);
	use_much(mm, 1);
	here = kt_pcp_held(mm, 0, 0);
	there = kt_pcp_held(mm, 0, 1);
	batch = kt_zone(mm, 1, ZONE_DMA)->pcp_batch;
	KT_TRUE(there > 2 * batch && here > 0);
	for (unsigned call = 1; call <= 9; call++) {
		zonal_expire_lists(mm);
		KT_EQ(kt_pcp_held(mm, 0, 1), there - ZN_MIN(call / 3 * batch, there));
		KT_EQ(kt_pcp_held(mm, 0, 0), here);
	}
	for (unsigned call = 0; call < 6; call++)
		zonal_expire_lists(mm);
	KT_EQ(kt_pcp_held(mm, 0, 1), 0);
	KT_EQ(kt_pcp_held(mm, 0, 0), here);
	kt_check_all(mm);
}

KTEST_F(rows_p, p12_a_use_begins_the_count_anew, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	uint32_t count;

	if (!mm)
		return;
	use(mm, 1);
	count = kt_pcp_held(mm, 0, 1);
	for (unsigned call = 0; call < 8; call++) {
		if (call % 2 == 0)
			use(mm, 1);
		zonal_expire_lists(mm);
		KT_EQ(kt_pcp_held(mm, 0, 1), count);
	}
	/* The last use was before the seventh call. */
	zonal_expire_lists(mm);
	KT_EQ(kt_pcp_held(mm, 0, 1), 0);
}

KTEST_F(rows_p, p12_another_cpu_is_asked_and_an_empty_list_never, KT_HOST_ONLY)
{
	struct zonal *mm = kt_bare_instance(&two_nodes);
	uint64_t given;

	if (!mm)
		return;
	kt_cpu(1);
	use(mm, 0);
	KT_TRUE(kt_pcp_held(mm, 1, 0) > 0);
	kt_cpu(0);
	for (unsigned call = 0; call < 3; call++)
		zonal_expire_lists(mm);
	KT_EQ(kt_pcp_held(mm, 1, 0), 0);
	given = kt_stat(kt_zone(mm, 0, ZONE_DMA), STAT_BULK_FREE);
	for (unsigned call = 0; call < 6; call++)
		zonal_expire_lists(mm);
	KT_EQ(kt_stat(kt_zone(mm, 0, ZONE_DMA), STAT_BULK_FREE), given);
	kt_check_all(mm);
}

KTEST_F(rows_p, p12_a_cpu_that_is_gone_keeps_nobody_from_giving_back, KT_HOST_ONLY)
{
	struct kt_spec three = two_nodes;
	struct zonal *mm;

	three.cpus = 3;
	three.cpu_node[1] = 0;
	three.cpu_node[2] = 1;
	mm = kt_bare_instance(&three);
	if (!mm)
		return;
	kt_cpu(2);
	use(mm, 0);
	KT_TRUE(kt_pcp_held(mm, 2, 0) > 0);
	kt_cpu(0);
	zonal_cpu_dead(mm, kt_cpu_id(1));
	for (unsigned call = 0; call < 3; call++)
		zonal_expire_lists(mm);
	KT_EQ(kt_pcp_held(mm, 2, 0), 0);
	kt_check_all(mm);
}
#endif
