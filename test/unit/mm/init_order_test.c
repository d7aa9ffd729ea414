/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trust item 64: node ids in any order over the addresses. A board may number its nodes against
 * the order in which their memory lies; zones, lists and the page map must not care. What else
 * set-up must do is in init_test.c.
 */
#include "kt_instance.h"

static bool next_permutation(uint8_t *p, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i > 0 && p[i - 1] > p[i])
		i--;
	if (i == 0)
		return false;
	while (p[j] < p[i - 1])
		j--;
	p[i - 1] ^= p[j];
	p[j] ^= p[i - 1];
	p[i - 1] ^= p[j];
	for (j = n - 1; i < j; i++, j--) {
		uint8_t t = p[i];

		p[i] = p[j];
		p[j] = t;
	}
	return true;
}

/* Trust item 64: all orders of up to five node ids over the addresses. */
KTEST(trust, t64_node_order_permutations)
{
	for (unsigned n = 2; n <= 5; n++) {
		uint8_t id[5] = { 0, 1, 2, 3, 4 };

		do {
			struct kt_spec spec = { .cpus = 1 };
			struct zonal *mm;

			for (unsigned i = 0; i < n; i++)
				spec.ram[i] = (struct kt_range){ id[i], KT_DMA_PFN + 300 * i, 300 };
			mm = kt_instance(&spec);
			if (!mm)
				return;
			for (unsigned i = 0; i < n; i++) {
				struct zone *zone = kt_zone(mm, id[i], ZONE_DMA);

				KT_EQ(zone->start_pfn, KT_DMA_PFN + 300 * i);
				KT_EQ(zone->present, 300);
				KT_EQ(kt_free(zone), 300);
				KT_EQ(mm->node[id[i]]->fallback.count, n);
			}
			if (!kt_check_all(mm))
				return;
			kt_free_all();
		} while (next_permutation(id, n));
	}
}
