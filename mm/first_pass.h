/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_FIRST_PASS_H
#define MM_FIRST_PASS_H

#include "alloc.h"
#include "cpuset.h"

/* Z2: the cpuset narrows the first pass of a task to its nodes. */
static inline void request_first_pass(const struct alloc_req *req, struct alloc_pass *pass)
{
	ASSERT(req->nodemask, "no node allowed, gfp 0x%x", req->gfp);
	pass->gfp = req->gfp;
	pass->flags = WMARK_LOW | (req->gfp & ALLOC_KSWAPD) | request_cma_flag(req);
	pass->flags |= req->gfp & __GFP_WRITE ? ALLOC_SPREAD : 0;
	pass->nodemask = req->nodemask;
	cpuset_read(req, pass);
	if (unlikely(pass->cpuset != NODEMASK_ALL)) {
		pass->gfp |= __GFP_HARDWALL;
		if (!req->in_irq && req->nodemask == NODEMASK_ALL)
			pass->nodemask = pass->cpuset;
		else
			pass->flags |= ALLOC_CPUSET;
	}
	pass->preferred = first_zone(req, pass->nodemask);
}

#endif
