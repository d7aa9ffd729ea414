/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark, one source for the image and the host. It works on zonal_image.
 */
#ifndef TEST_BENCH_BENCH_H
#define TEST_BENCH_BENCH_H

#include <zonal/zonal.h>

/* What was found of masked interrupts: see bench_irqoff.c. */
struct bench_masked {
	uint64_t looks, most;
	const char *at; /* a function, and how far inside */
	uint64_t offset;
};

/* What the benchmark needs of the place it runs in. */
struct bench_port {
	unsigned cpus; /* how many can run at once; CPU 0 of them is the caller's */
	/* Memory outside of the timed part, up to 4 MiB; NULL if there is none. */
	void *(*take)(size_t bytes);
	void (*give)(void *memory, size_t bytes);
	/* Run fn(arg, i) for each i < count, each on a CPU of its own, return when all are
	 * done. False if they could not be started. */
	bool (*together)(unsigned count, void (*fn)(void *arg, unsigned index), void *arg);
	/* Run a program at EL0 on the caller's CPU; its exit status, negative if that went wrong.
	 * NULL: there are none. */
	int (*program)(const char *name, uint64_t arg);
	/* The same in two halves: start it and wait until it sleeps; wait for its end. */
	int (*begin)(const char *name, uint64_t arg);
	int (*end)(int id);
	/* Where the contents of a page are. NULL: it has none. */
	void *(*contents)(const zonal_page_t *page);
	/* 50 programs that sleep on 512 pages each and one on 2,048 come, or go. NULL: there are
	 * none. */
	bool (*crowd)(bool come);
	/* Wait until a program has had so many faults; how many blocks of 2 MiB it has. False: it
	 * has ended, or does not get there. */
	bool (*faulted)(int id, uint64_t faults, uint64_t *blocks);
	/* Look every `step` nanoseconds from now on how long interrupts are masked on this CPU;
	 * and how long at most. NULL: nobody can tell. */
	void (*mask_begin)(unsigned step);
	void (*mask_end)(struct bench_masked *out);
};

/*
 * Run the cases whose name, or name.order, matches the glob (NULL: all). Prints a
 * table, or one JSON object a line. Returns 0, or 1 if a case could not be run or
 * none matched. Context: task; nobody else allocates.
 */
int bench_run(const struct bench_port *port, const char *glob, bool json);

/* The name of the n-th case, NULL behind the last. */
const char *bench_case_name(unsigned n);

/* ---- inside ------------------------------------------------------------- */

struct bench {
	const struct bench_port *port;
	bool json;
	bool quiet; /* the work alone */
};

struct bench_case {
	const char *name;
	bool (*run)(const struct bench *bench, const struct bench_case *c, unsigned order);
	uint8_t order_first, order_last;
	gfp_t gfp;
	unsigned count; /* operations, or blocks of a burst */
	bool shuffle;
	unsigned cpus;
};

/* `count` pairs of an allocation and a free; false: out of memory. */
typedef bool bench_loop(const struct bench_case *c, unsigned count, unsigned order);

/* One line of output. */
void bench_result(const struct bench *bench, const char *name, const char *part, unsigned order,
		  uint64_t ops, uint64_t ns);
/* One line that says why a case could not be run; returns false. */
bool bench_failed(const struct bench_case *c, unsigned order, const char *why);
/* The shuffle's generator. */
uint32_t bench_random(uint32_t *state);

/* c->count rounds of the loop, timed, after some to warm up. */
bool bench_pairs(const struct bench *bench, const struct bench_case *c, unsigned order,
		 bench_loop *loop);

/* bench_kinds.c: pairs that are asked for in other ways; one page that is stolen. */
bool bench_pair_irq(const struct bench *bench, const struct bench_case *c, unsigned order);
bool bench_pair_policy(const struct bench *bench, const struct bench_case *c, unsigned order);
bool bench_pair_node(const struct bench *bench, const struct bench_case *c, unsigned order);
#define GFP_STEAL                                                                                  \
	(__GFP_HIGH | __GFP_ATOMIC | __GFP_NOWARN | __GFP_THISNODE | __GFP_MEMALLOC)
bool bench_steal(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_together.c: several CPUs at once. */
bool bench_together_pair(const struct bench *bench, const struct bench_case *c, unsigned order);
bool bench_together_batch(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_user.c: faults of tasks at EL0; `count` is the program's argument. */
bool bench_user(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_migrate.c: pages moved by compaction, scanning and copy included. */
bool bench_migrate(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_oom.c: a task is ended for lack of memory. */
bool bench_oom(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_swap.c: pages to compressed RAM, and with `count` back. */
bool bench_swap(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_frag.c: what remains of large blocks when half of the pages are taken at random. */
bool bench_frag(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_thp.c: blocks of 2 MiB for a program, out of scattered memory. */
bool bench_thp(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_clean.c: clean pages of the disk cache go. */
bool bench_clean(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_irqoff.c: the longest time with interrupts masked. */
bool bench_irqoff(const struct bench *bench, const struct bench_case *c, unsigned order);
/* bench_contention.c: do cores wait for each other's locks? */
bool bench_contention(const struct bench *bench, const struct bench_case *c, unsigned order);
/* test/target/bench_mask.c: see mask_begin and mask_end. */
void bench_mask_begin(unsigned step);
void bench_mask_end(struct bench_masked *out);
/* bench_contig.c: contiguous ranges out of memory in use. */
bool bench_contig(const struct bench *bench, const struct bench_case *c, unsigned order);

#endif
