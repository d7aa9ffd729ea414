/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonal_build(): plan, ask for each node's piece of storage, build.
 *
 * For callers that can hand out memory on request, as the tests and the boot of the image do.
 * It stands on the public calls alone: who places the pieces himself does what is done here
 * and leaves this file out.
 *
 * Boot only, no locks.
 */
#include "mm.h"

int zonal_build(struct zonal *mm, const struct zonal_config *config, zonal_meta_fn meta)
{
	struct zonal_storage storage[ZONAL_MAX_NODES] = { { 0 } };
	struct zonal_config with;
	struct zonal_plan plan;
	int err = zonal_plan(config, &plan);

	if (!err && !meta) {
		port_log("zonal: `meta` must be given");
		err = ZONAL_EINVAL;
	}
	if (err)
		return err;
	with = *config;
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		if (!plan.bytes[n])
			continue;
		storage[n].start = meta(config->ctx, n, plan.bytes[n], ZONAL_STORAGE_ALIGN);
		storage[n].bytes = storage[n].start ? plan.bytes[n] : 0;
	}
	with.storage = storage;
	return zonal_init(mm, &with);
}
