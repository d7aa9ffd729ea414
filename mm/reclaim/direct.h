/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MM_RECLAIM_DIRECT_H
#define MM_RECLAIM_DIRECT_H

#include "mm/request.h"

/* K11: free memory for a request that may wait. Returns pages freed; adds those looked at to
 * *scanned. The caller may not be working for reclaim. Context: task, no lock held. */
uint64_t reclaim_direct(const struct alloc_req *req, const struct alloc_pass *pass,
			uint64_t *scanned);

#endif
