/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the slow path knows of the last resort, and what its files share. A build without it
 * (ZONAL_OOM=0) has the same step, and it never helps.
 */
#ifndef MM_OOM_OOM_H
#define MM_OOM_OOM_H

#include "mm/request.h"

/* How a request has fared with it. On the stack of who asks. */
struct oom_tries {
	unsigned waits; /* rounds in a row in which nobody was ended */
	bool progress;  /* of the last round: worth another one */
	uint8_t end;    /* enum zonal_oom_end of the last round */
	uint16_t kills, naps;
	uint64_t victim; /* the last one */
};

#if ZONAL_OOM

/*
 * Rung 6 (O1-O6). A page if there is one above HIGH by now; else tries->progress says whether
 * somebody gives back memory. Context: task that may wait, no lock of the core held.
 */
struct page *oom_make_room(const struct alloc_req *req, const struct alloc_pass *pass,
			   struct oom_tries *tries);

/* Z6: a task of the group, or of one below it, is to be ended; tries->progress. The same
 * context. */
void oom_in_group(const struct alloc_req *req, const struct zonal_group *group,
		  struct oom_tries *tries);

#else

static inline void oom_in_group(const struct alloc_req *req, const struct zonal_group *group,
				struct oom_tries *tries)
{
	(void)req, (void)group;
	tries->progress = false;
}

static inline struct page *oom_make_room(const struct alloc_req *req,
					 const struct alloc_pass *pass, struct oom_tries *tries)
{
	(void)req, (void)pass;
	tries->progress = false;
	return NULL;
}

#endif

/* ---- between the files here ---------------------------------------------- */

/* O7: what keeps the request from memory that others could have. */
enum oom_constraint { OOM_NONE, OOM_POLICY, OOM_CPUSET, OOM_GROUP, OOM_CONSTRAINTS };

/* One lack of memory, and what is done about it. `busy` is held. */
struct oom_call {
	struct zonal *mm;
	const struct alloc_req *req;
	const struct alloc_pass *pass;
	const struct zonal_group *group; /* that is at its limit; NULL: memory is short */
	enum oom_constraint constraint;
	nodemask_t nodemask;  /* nodes that may be asked, of OOM_POLICY; else all */
	nodemask_t mems;      /* allowed nodes of who asks */
	uint64_t total;       /* pages that count (O7) */
	struct oom_row chosen; /* id 0: nobody */
	bool waits;           /* a victim is there already (O9) */
	bool gone;            /* one that was there has gone: look again first */
	uint8_t end;          /* enum zonal_oom_end */
};

/* constraint, nodemask, mems and total of a call. */
void oom_constrain(struct oom_call *call);
/* Walk the candidates: the chosen one, and the rows of the report. `asker`: whoever asks, if he may
 * be ended at all, is chosen. */
void oom_choose(struct oom_call *call, bool asker);
/* Why nothing is left, and who was looked at; a few in five seconds. */
void oom_report(const struct oom_call *call);
/* A victim that the reaper is to look after; of known ones it is noted that they were met. */
void oom_watch(struct zonal *mm, uint64_t id);
/* Behind a whole walk: has a victim of before not been met? It is forgotten then. */
void oom_walk_begins(struct oom *oom);
bool oom_victim_gone(struct oom *oom);

static inline bool oom_try(struct zonal *mm)
{
	uint32_t idle = 0;

	return atomic_compare_exchange_strong_explicit(&mm->oom.busy, &idle, 1,
						       memory_order_acquire,
						       memory_order_relaxed);
}

static inline void oom_leave(struct zonal *mm)
{
	DASSERT(ld_relaxed(&mm->oom.busy), "nobody is in");
	st_release(&mm->oom.busy, 0);
}

/* Until it is ours. Context: task. */
static inline void oom_enter(struct zonal *mm)
{
	while (!oom_try(mm)) {
		if (port_nap)
			port_nap(1000000);
		else
			port_relax();
	}
}

#endif
