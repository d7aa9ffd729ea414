/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_ALLOC_H
#define MM_ALLOC_H

#include "request.h"

/* Ask every zone of the request's list, with the flags of one pass (rows F). The page is
 * ready for its owner. NULL: every zone said no. */
struct page *walk_zones(const struct alloc_req *req, unsigned flags);

/* G8: first zone of the list within the limit and the nodemask; list->count if none. */
uint16_t first_zone(const struct alloc_req *req, nodemask_t nodemask);

/* From list of node `nid`, restricted to `mask` (NODEMASK_ALL: not): the whole ladder. */
struct page *alloc_request(struct zonal *mm, int nid, gfp_t gfp, unsigned order, nodemask_t mask);

/* By the current task's policy (policy.c). */
struct page *alloc_by_policy(struct zonal *mm, gfp_t gfp, unsigned order);

/* What the fast path could not serve (slowpath.c, rows L). */
struct page *alloc_slow(struct alloc_req *req);

/* Z1: may this request use node `nid` in a pass with ALLOC_CPUSET? */
bool cpuset_allows(const struct alloc_req *req, gfp_t gfp, unsigned nid);

/* Leave a record of why the request failed; `flags` are those of the last pass (failure.c). */
void failure_record(const struct alloc_req *req, unsigned flags, uint32_t steps);
/* The same for a request that was refused at the door. */
void failure_refuse(struct zonal *mm, gfp_t gfp, unsigned order, int nid, uint32_t steps);
/* G10: true if this request is to fail on purpose. */
bool failure_injected(struct zonal *mm);

#endif
