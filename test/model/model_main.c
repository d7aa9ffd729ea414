/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test's command.
 *
 *	model [--seed S] [--ops N] [--board B] [--quiet]
 *
 * Random boards are drawn from the seed until N operations (default 2,000,000)
 * have run; `--board B` runs the one board whose number a failure printed, and
 * prints its operations. The output is TAP: one line for all, with the seed, the
 * boards and what was drawn. Exit status 0: no difference; 1: one was found, with
 * the operation, both sides and the command that shows it again; 2: bad argument.
 *
 * A board starts with the order-0 runs (runs.c), goes through some thousand
 * operations, each followed by a full check, and ends with everything freed.
 */
#include "press.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct model model;

struct options {
	uint64_t seed, ops, board;
};

static void usage(const char *why, const char *what)
{
	fprintf(stderr, "model: %s \"%s\"\nusage: model [--seed S] [--ops N] [--board B]\n", why,
		what);
	exit(2);
}

static uint64_t number(const char *name, const char *text)
{
	char *end;
	uint64_t value;

	if (!text)
		usage("a number must follow", name);
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || !value)
		usage("not a number above 0:", text);
	return value;
}

static struct options parse(int argc, char **argv)
{
	const char *seed = getenv("KT_SEED");
	struct timespec now;
	struct options o = { .ops = 2000000 };

	clock_gettime(CLOCK_REALTIME, &now);
	o.seed = seed ? number("KT_SEED", seed) :
			((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
	for (int i = 1; i < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			o.seed = number(argv[i], argv[i + 1]);
		else if (!strcmp(argv[i], "--ops"))
			o.ops = number(argv[i], argv[i + 1]);
		else if (!strcmp(argv[i], "--board"))
			o.board = number(argv[i], argv[i + 1]);
		else
			usage("unknown argument", argv[i]);
	}
	return o;
}

static bool board_run(struct model *m, uint64_t ops, bool loud)
{
	snprintf(m->last, sizeof(m->last), "set-up");
	if (!board_build(m))
		return false;
	pages_init(m);
	if (!verify_all(m) || !verify_marks(m, verify_min_kbytes(m)) ||
	    !verify_reserves(m) || !runs_compare(m))
		return false;
	if (!groups_begin(m) || (m->press && !press_begin(m)))
		return false;
	tally_reset(m);
	for (m->op = 1; m->op <= ops; m->op++) {
		if (!op_run(m))
			return false;
		if (loud)
			printf("# %llu %s\n", (unsigned long long)m->op, m->last);
		if (!verify_all(m) ||
		    (m->op % 64 == 0 &&
		     (!verify_counters(m) || !verify_ranges(m) || !groups_verify_pages(m))))
			return false;
	}
	return op_finish(m);
}

/* One board from its number; false if it found a difference. */
static bool board_from_seed(uint64_t seed, bool loud, uint64_t *ops_run)
{
	struct model *m = &model;
	uint64_t ops;
	bool ok;

	memset(m, 0, sizeof(*m));
	press_clear();
	m->seed = seed;
	m->state = seed;
	ops = 1000 + m_below(m, 7000);
	m->press = m_chance(m, 40);
	ok = board_run(m, ops, loud);
	groups_end(m);
	if (ok)
		board_free(m);
	*ops_run += ops;
	return ok;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	uint64_t done = 0, boards = 0, state = o.seed;

	printf("TAP version 13\n1..1\n# seed %llu\n", (unsigned long long)o.seed);
	if (o.board) {
		if (!board_from_seed(o.board, true, &done))
			return 1;
		printf("ok 1 - model.board\n");
		return 0;
	}
	while (done < o.ops) {
		/* Board numbers are the outputs of splitmix64, so that neighbours differ. */
		uint64_t z = state += 0x9e3779b97f4a7c15ull;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
		if (!board_from_seed((z ^ (z >> 31)) | 1, false, &done)) {
			printf("# seed %llu, board %llu of the run\n", (unsigned long long)o.seed,
			       (unsigned long long)boards + 1);
			return 1;
		}
		boards++;
	}
	press_sums_print();
	printf("ok 1 - model.operations # %llu operations on %llu boards\n",
	       (unsigned long long)done, (unsigned long long)boards);
	return 0;
}
