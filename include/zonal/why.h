/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a request failed: what zones say, the steps of the ladder, and what came of each of those
 * that it went through; the words of its record (struct zonal_failure).
 *
 * A record is small and copied whole. What the walks over the zones said is with each zone, worked
 * out when all was lost; the rest was counted on the way.
 */
#ifndef ZONAL_WHY_H
#define ZONAL_WHY_H

#include <zonal/types.h>

ZONAL_BEGIN_DECLS

/* Why a zone did not serve a request. */
enum zonal_refusal {
	ZONAL_REFUSED_NOT_ASKED, /* never reached: behind the zone that served, or too high */
	ZONAL_REFUSED_NODEMASK,
	ZONAL_REFUSED_CPUSET,
	ZONAL_REFUSED_WATERMARK, /* short_pages says by how much */
	ZONAL_REFUSED_NO_BLOCK,  /* enough pages, but no block of that order in a usable list */
	ZONAL_REFUSED_RACE       /* passed the test, gone when taken */
};

/* Steps of the ladder that a failed request went through (rows L3). */
#define ZONAL_STEP_FAST 0x1u         /* pass at LOW */
#define ZONAL_STEP_MIN 0x2u          /* pass at MIN with what the flags allow */
#define ZONAL_STEP_RESERVES 0x4u     /* pass without watermarks or as OOM victim */
#define ZONAL_STEP_KSWAPD 0x8u       /* background reclaim asked for */
#define ZONAL_STEP_RECLAIM 0x10u     /* direct reclaim: see rounds, scanned, reclaimed */
#define ZONAL_STEP_COMPACT 0x20u     /* compaction for the request: see `compacted` */
#define ZONAL_STEP_OOM 0x40u         /* somebody was to give back all he has: <zonal/oom.h> */
#define ZONAL_STEP_DRAIN 0x80u
#define ZONAL_STEP_INJECTED 0x100u   /* fault injection said no; no zone was asked */
#define ZONAL_STEP_BAD_ORDER 0x200u
#define ZONAL_STEP_NO_CLEAR 0x400u
#define ZONAL_STEP_BAD_NODE 0x800u
#define ZONAL_STEP_GROUP 0x2000u     /* its memory group is at its limit */
#define ZONAL_STEP_BAD_FLAGS 0x1000u /* two zones (G2) or two mobilities (G3) */

/* Where the request ended, in the order of the ladder. */
enum zonal_end {
	ZONAL_END_DOOR,        /* refused before any zone was asked */
	ZONAL_END_NO_ZONE,     /* no zone of its list may serve it */
	ZONAL_END_EARLY,       /* L6: costly and NORETRY, and compaction was no way to get it */
	ZONAL_END_CANNOT_WAIT, /* without DIRECT_RECLAIM (L14) */
	ZONAL_END_RECLAIMER,   /* it works for reclaim itself (L15) */
	ZONAL_END_NORETRY,     /* one round, and NORETRY */
	ZONAL_END_COSTLY,      /* one round, and a large block without RETRY_MAYFAIL */
	ZONAL_END_GAVE_UP,     /* no further round was worth it: see `retry`, then `oom` */
	ZONAL_END_GROUP,       /* it had its page; its memory group could not pay: `group_full` */
	ZONAL_ENDS
};

/* Why reclaim was no reason for a further round (R1-R5). */
enum zonal_retry_end {
	ZONAL_RETRY_NOT_ASKED, /* it ended before that */
	ZONAL_RETRY_NOBODY,    /* nothing was freed, and no kswapd works in the background */
	ZONAL_RETRY_TRIES,     /* 16 rounds without progress */
	ZONAL_RETRY_SHORT,     /* all that can be reclaimed would not be enough */
	ZONAL_RETRY_ENDS
};

/* What came of the last look for somebody who gives back all he has (O1-O6). */
enum zonal_oom_end {
	ZONAL_OOM_NOT_ASKED,     /* it ended before that, or is an interrupt's */
	ZONAL_OOM_NOT_WORTH,     /* O3: nobody is ended for a request like this one */
	ZONAL_OOM_TURNED_OFF,
	ZONAL_OOM_NOBODY,        /* there are no candidates, or none may be ended */
	ZONAL_OOM_NOTIFIED,      /* notifiers freed something */
	ZONAL_OOM_SELF,          /* who asks is the victim, and had its share of the reserves */
	ZONAL_OOM_ENDED,         /* a task was ended; it was not enough */
	ZONAL_OOM_GONE,          /* a victim of before had gone */
	ZONAL_OOM_WAITED_OTHERS, /* without FS it ends nobody, and waited for others who may */
	ZONAL_OOM_WAITED_VICTIM, /* a victim did not give its memory back in time */
	ZONAL_OOM_ENDS_COUNT
};

/* What it took beyond the marks in the end. */
enum zonal_reserves {
	ZONAL_RESERVES_NONE,
	ZONAL_RESERVES_NODES, /* every node, for who keeps to no cpuset */
	ZONAL_RESERVES_HALF,  /* every node, down to half of MIN: who is to end */
	ZONAL_RESERVES_ALL    /* every node, to the last page: who works for reclaim */
};

struct zonal_outcomes {
	uint8_t end;      /* enum zonal_end */
	uint8_t retry;    /* enum zonal_retry_end */
	uint8_t oom;      /* enum zonal_oom_end */
	uint8_t reserves; /* enum zonal_reserves */
	bool nofail_alone;     /* it must not fail, and no kswapd was there to wait for */
	uint16_t reclaim_runs; /* 0: it could not, in an interrupt */
	uint16_t compact_runs; /* over a zone; 0: not for a single page, or it may do no I/O */
	uint16_t kills;
	uint16_t naps;         /* for a disk, for a victim */
	uint32_t compact_moved, compact_failed;
	zonal_nodemask_t kswapd_asked, kswapd_in_need, kswapd_hopeless; /* nodes */
	uint64_t victim; /* the last task that was ended for it */
	uint8_t group_full;       /* number of the group without room; 0: no charge failed */
	uint16_t group_rounds;    /* of reclaim among its pages; 0: the request may not wait */
	uint64_t group_reclaimed; /* pages, by these */
};

struct zonal_failure;

/* What came of a step (ZONAL_STEP_*, one bit) of a request, in a few words, at most `size` bytes
 * with the NUL; "" for one that is refused at the door or was not taken. Returns its length. */
size_t zonal_step_outcome(const struct zonal_failure *f, uint32_t step, char *buf, size_t size);

/* Where it ended and why, in the same way. */
size_t zonal_end_text(const struct zonal_failure *f, char *buf, size_t size);

/* One word each, for programs; "?" beyond. */
const char *zonal_end_name(unsigned end);
const char *zonal_retry_name(unsigned retry);
const char *zonal_oom_end_name(unsigned oom);

ZONAL_END_DECLS

#endif
