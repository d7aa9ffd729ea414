/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_ALLOC_H
#define MM_ALLOC_H

#include "request.h"

/* By the current task's policy (policy.c). */
struct page *alloc_by_policy(struct zonal *mm, gfp_t gfp, unsigned order);

/* From the list of node ask->nid, restricted to ask->nodemask: the whole ladder (alloc.c). */
struct page *alloc_request(struct zonal *mm, const struct alloc_ask *ask, gfp_t gfp,
			   unsigned order);

/* Ask every zone of the request's list (rows F). The page is ready for its owner. NULL: every
 * zone said no (walk.c). */
struct page *walk_zones(const struct alloc_req *req, const struct alloc_pass *pass);

/* G8: first zone of the list within the limit and the nodemask; list->count if none. */
uint16_t first_zone(const struct alloc_req *req, nodemask_t nodemask);

/* What the first pass, if there was one, could not serve (slowpath.c, rows L). */
struct page *alloc_slow(const struct alloc_req *req, bool walked);

/* What the request went through. */
struct retry;
struct tried {
	uint32_t steps; /* ZSTEP_* */
	const struct retry *retry;
	const struct zonal_outcomes *outcome;
};

/* Leave a record of why the request failed in its last pass, and in the walks at LOW and at MIN
 * before it (failure.c). */
void failure_record(const struct alloc_req *req, const struct alloc_pass *last,
		    const struct alloc_pass walks[2], const struct tried *tried);
/* The same for a request that was refused at the door. */
void failure_refuse(struct zonal *mm, gfp_t gfp, unsigned order, int nid, uint32_t steps);
/* Leave a record of a request that its group could not pay, and of what that went through. */
void failure_group(const struct alloc_req *req, const struct zonal_outcomes *outcome);
/* G10: true if this request is to fail on purpose (inject.c). */
bool failure_injected(struct zonal *mm);

#endif
