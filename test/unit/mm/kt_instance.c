/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds private instances for tests. What looks into them is in kt_look.c.
 *
 * From a spec to an instance: the ranges are sorted into a struct boot_info, as
 * board/topology would do it from a device tree, the distances get their
 * defaults, and zonal_build() does the rest. Storage comes from the memory of the case
 * and is filled with a pattern first, because it need not be zero and a field that
 * init forgets must not look right by chance.
 *
 * CPUs. The core indexes its table by the id of the running CPU. In the image that
 * id is whatever core the test task runs on, so the table is made long enough and
 * the running core takes the place of the spec's CPU 0; the others follow in id
 * order. Ids between that no CPU of the spec has stay offline.
 *
 * One builder state, no locks: unit tests run in one task.
 */
#include "kt_instance.h"

#include <string.h>

enum { META_PATTERN = 0xa5 };

/* Present only in programs linked with the address sanitizer. */
void __asan_poison_memory_region(void const volatile *start, size_t bytes) __attribute__((weak));

static struct {
	unsigned here;        /* id of the running CPU when the instance was built */
	unsigned cpus;
	uint64_t cleared;
	pfn_t clear_first;
	size_t clear_count;
} kt;

#ifdef HOST_PORT_IMPL_H
static bool cpu_become(unsigned id)
{
	host_set_cpu(id);
	port_this_cpu()->irq_depth = 0;
	return true;
}
#else
static bool cpu_become(unsigned id) { return id == port_this_cpu()->id; }
#endif

void *kt_meta(void *ctx, unsigned nid, size_t bytes, size_t align)
{
	void *piece = kt_alloc(bytes, align);

	(void)ctx;
	(void)nid;
	return piece ? memset(piece, META_PATTERN, bytes) : NULL;
}

/* Between the page map and the rest of a piece lies nothing: who touches it is caught. */
static void poison_gaps(const struct zonal *mm)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++)
		if (mm->meta[n].low && __asan_poison_memory_region)
			__asan_poison_memory_region(mm->meta[n].low,
						    (size_t)(mm->meta[n].high - mm->meta[n].low));
}

static void clear_note(void *ctx, pfn_t pfn, size_t count)
{
	(void)ctx;
	kt.cleared += count;
	kt.clear_first = pfn;
	kt.clear_count = count;
}

uint64_t kt_cleared(pfn_t *first, size_t *count)
{
	if (first)
		*first = kt.clear_first;
	if (count)
		*count = kt.clear_count;
	return kt.cleared;
}

/* Put a range where its start belongs; returns its place. */
static unsigned range_insert(struct boot_range *table, unsigned count, const struct kt_range *r)
{
	unsigned i = count;

	while (i > 0 && table[i - 1].start > r->start << PAGE_SHIFT) {
		table[i] = table[i - 1];
		i--;
	}
	table[i] = (struct boot_range){ .start = r->start << PAGE_SHIFT,
					.size = r->pages << PAGE_SHIFT,
					.nid = (int16_t)r->nid };
	return i;
}

/* Flags of the ranges at the places that `spec->hotplug` names. */
static void info_add_hotplug(struct boot_info *info, const struct kt_spec *spec)
{
	for (unsigned k = 0; k < KT_RANGES; k++)
		for (unsigned i = 0; (spec->hotplug & (1u << k)) && i < info->range_count; i++)
			if (info->range[i].start == spec->ram[k].start << PAGE_SHIFT)
				info->range[i].flags |= BOOT_HOTPLUG;
}

static void info_add_ranges(struct boot_info *info, const struct kt_spec *spec)
{
	for (unsigned i = 0; i < KT_RANGES && spec->ram[i].pages; i++) {
		range_insert(info->range, info->range_count++, &spec->ram[i]);
		info->nodes |= node_bit((unsigned)spec->ram[i].nid);
	}
	for (unsigned i = 0; i < KT_RANGES && spec->reserved[i].pages; i++) {
		unsigned at = range_insert(info->reserved, info->reserved_count++,
					   &spec->reserved[i]);

		info->reserved[at].nid = NODE_NONE;
	}
	if (spec->nomap_index) {
		uint64_t start = spec->ram[spec->nomap_index - 1].start << PAGE_SHIFT;

		for (unsigned i = 0; i < info->range_count; i++)
			if (info->range[i].start == start)
				info->range[i].flags = BOOT_NOMAP;
	}
	info_add_hotplug(info, spec);
	for (unsigned k = 0; spec->cma_index && k <= spec->cma_more; k++) {
		uint64_t start = spec->reserved[spec->cma_index - 1 + k].start << PAGE_SHIFT;

		for (unsigned i = 0; i < info->reserved_count; i++)
			if (info->reserved[i].start == start)
				info->reserved[i].flags = BOOT_CMA;
	}
}

unsigned kt_cpu_id(unsigned k)
{
	if (k == 0)
		return kt.here;
	return k <= kt.here ? k - 1 : k;
}

static void info_add_cpus(struct boot_info *info, const struct kt_spec *spec)
{
	info->cpu_count = ZN_MAX(kt.cpus, kt.here + 1);
	for (unsigned i = 0; i < info->cpu_count; i++)
		info->cpu[i].nid = NODE_NONE;
	for (unsigned k = 0; k < kt.cpus; k++) {
		info->cpu[kt_cpu_id(k)].nid = (int16_t)spec->cpu_node[k];
		info->nodes |= node_bit(spec->cpu_node[k]);
	}
}

static void info_add_distances(struct boot_info *info, const struct kt_spec *spec)
{
	for (unsigned a = 0; a < ZONAL_MAX_NODES; a++) {
		for (unsigned b = 0; b < ZONAL_MAX_NODES; b++) {
			uint8_t given = a < KT_NODES && b < KT_NODES ? spec->distance[a][b] : 0;

			info->distance[a][b] = given ? given : a == b ? 10 : 20;
		}
	}
}

/* A build with a small ZONAL_MAX_NODES cannot have every board. */
static bool nodes_fit(const struct kt_spec *spec)
{
	unsigned highest = 0;

	if (spec->empty_nodes)
		highest = 63 - (unsigned)__builtin_clzll(spec->empty_nodes);
	for (unsigned i = 0; i < KT_RANGES && spec->ram[i].pages; i++)
		highest = ZN_MAX(highest, (unsigned)spec->ram[i].nid);
	for (unsigned k = 0; k < spec->cpus; k++)
		highest = ZN_MAX(highest, spec->cpu_node[k]);
	if (highest < ZONAL_MAX_NODES)
		return true;
	kt_skip("more nodes than ZONAL_MAX_NODES");
	return false;
}

bool kt_config(const struct kt_spec *spec, struct boot_info *info, struct zonal_config *config)
{
	*config = (struct zonal_config){ .info = info,
					 .clear = spec->cannot_clear ? NULL : clear_note,
					 .page_owner = spec->page_owner,
					 .deferred = spec->deferred,
					 .grouping_off = spec->grouping_off };
	if (!info || !nodes_fit(spec))
		return false;
	cpu_become(0);
	memset(&kt, 0, sizeof(kt));
	kt.here = port_this_cpu()->id;
	kt.cpus = spec->cpus ? spec->cpus : 1;
	info->nodes = spec->empty_nodes;
	info->dma_max = spec->dma_max ? spec->dma_max : UINT64_MAX;
	info_add_ranges(info, spec);
	info_add_cpus(info, spec);
	info_add_distances(info, spec);
	if (spec->options)
		config->options = *spec->options;
	else
		zonal_options_default(&config->options);
	return true;
}

/* `change` may break what the spec has made of the board and the configuration. */
static int instance_init(const struct kt_spec *spec, struct zonal *mm, kt_change_fn change)
{
	struct boot_info *info = kt_alloc(sizeof(*info), 64);
	struct zonal_config config;

	if (!kt_config(spec, info, &config) || !mm)
		return ZONAL_ENOMEM;
	if (change)
		change(info, &config);
	return zonal_build(mm, &config, kt_meta);
}

struct zonal *kt_instance(const struct kt_spec *spec) { return kt_changed_instance(spec, NULL); }

struct zonal *kt_changed_instance(const struct kt_spec *spec, kt_change_fn change)
{
	struct zonal *mm = kt_alloc(zonal_sizeof(), 64);
	int error;

	if (!nodes_fit(spec))
		return NULL;
	error = instance_init(spec, mm, change);
	if (!KT_OK(error == 0, "zonal_init() of the test's board gives %d", error))
		return NULL;
	poison_gaps(mm);
	for (unsigned k = 0; k < kt.cpus; k++)
		zonal_cpu_online(mm, kt_cpu_id(k));
	if (!spec->in_boot)
		zonal_boot_done(mm);
	return mm;
}

int kt_instance_error(const struct kt_spec *spec)
{
	return kt_changed_error(spec, NULL);
}

int kt_changed_error(const struct kt_spec *spec, kt_change_fn change)
{
	return instance_init(spec, kt_alloc(zonal_sizeof(), 64), change);
}

bool kt_cpu(unsigned k)
{
	return cpu_become(kt_cpu_id(k));
}
