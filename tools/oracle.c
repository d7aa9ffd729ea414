/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle FILE...: replay figures and records of a real Linux 5.10.262 kernel.
 *
 * FILE.txt and FILE.txt.gz are frame records (frames.c). Of FILE.json five forms are known;
 * which one a file is, its content says:
 *   "zones" at the top              state-*.json    oracle_setup.c
 *   "cases" that have a "nid"       probe-*.json    oracle_probe.c
 *   "cases" that have a "policy"    policy-*.json   oracle_policy.c
 *   "cycles" and "runs"             kswapd-*.json   oracle_kswapd.c
 *   "runs", and "kills" in "summary" oom-*.json      oracle_oom.c
 * A file of "lines" is costs (bench, frag, user): there is nothing to replay, so that it
 * counts neither as equal nor as anything else.
 *
 * Each deviation is one line (with both sequences of runs below it where it is
 * about runs), then one line a file and a total.
 *
 * Exit status: 0 nothing deviates; 1 something does; 2 a file cannot be read or is not
 * understood, in which case nothing is said about the allocator from it, or nothing at all
 * was compared. Files after a bad one are still replayed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

#define FILE_LIMIT_BYTES ((size_t)256 << 20)
#define ROOT_KEYS "kernel qemu note what "
#define STATE_KEYS                                                                                 \
	"zones min_free_kbytes watermark_scale_factor watermark_boost_factor "                     \
	"lowmem_reserve_ratio distance cpus total_pages "

/* The whole file with a NUL behind it, or NULL and a reason. */
static char *read_file(struct json_reader *r)
{
	FILE *file = fopen(r->file, "rb");
	size_t used = 0, room = 0;
	char *text = NULL;

	if (!file) {
		json_fail(r, "%s", strerror(errno));
		return NULL;
	}
	do {
		char *grown;

		room = room ? room * 2 : 1 << 16;
		grown = room <= FILE_LIMIT_BYTES ? realloc(text, room) : NULL;
		if (!grown) {
			json_fail(r, "no memory, or over %zu bytes", FILE_LIMIT_BYTES);
			break;
		}
		text = grown;
		used += fread(text + used, 1, room - 1 - used, file);
	} while (used == room - 1);
	if (ferror(file))
		json_fail(r, "%s", strerror(errno));
	fclose(file);
	if (text && json_ok(r))
		text[used] = '\0';
	if (text && json_ok(r) && strlen(text) != used)
		json_fail(r, "holds a NUL byte");
	return text;
}

static cJSON *parse(struct json_reader *r, const char *text)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithOpts(text, &end, true);

	if (!root)
		json_fail(r, "not JSON at byte %td", end ? end - text : 0);
	return root;
}

static void replay(struct json_reader *r, const cJSON *root, struct verdict *v)
{
	const cJSON *cases = cJSON_GetObjectItemCaseSensitive(root, "cases");
	const cJSON *first = cJSON_GetArrayItem(cases, 0);
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(root, "summary");

	if (cJSON_IsArray(cases) && json_has(first, "policy")) {
		json_keys(r, root, ROOT_KEYS "state cases");
		json_keys(r, json_object(r, root, "state"), STATE_KEYS);
		policy_replay(r, root, v);
	} else if (cJSON_IsArray(cases) && json_has(first, "nid")) {
		json_keys(r, root, ROOT_KEYS "state cases");
		json_keys(r, json_object(r, root, "state"), STATE_KEYS);
		probe_replay(r, root, v);
	} else if (json_has(root, "cycles") && json_has(root, "runs")) {
		kswapd_replay(r, root, v);
	} else if (json_has(root, "runs") &&
		   json_has(cJSON_GetArrayItem(summary, 0), "kills")) {
		oom_replay(r, root, v);
	} else if (!cases && json_has(root, "zones")) {
		json_keys(r, root, ROOT_KEYS STATE_KEYS);
		setup_replay(r, root, v);
	} else {
		json_fail(r, "neither a state, nor a probe, nor a policy file");
	}
}

/* What a kernel's work costs: figures for the benchmark, nothing that could be replayed. */
static bool only_costs(struct json_reader *r, const cJSON *root)
{
	if (json_has(root, "cases") || !json_has(root, "lines"))
		return false;
	json_keys(r, root, ROOT_KEYS "lines append what config");
	json_array(r, root, "lines");
	return true;
}

struct total {
	unsigned long checks, deviations, calls;
	int files, bad;
};

static void count_file(struct total *total, const struct verdict *v)
{
	printf("%s: %lu comparisons, %lu deviations\n", v->file, v->checks, v->deviations);
	total->checks += v->checks;
	total->deviations += v->deviations;
	total->files++;
}

static void json_file(const char *name, struct total *total)
{
	struct json_reader r = { .file = name };
	struct verdict v = { .file = name };
	char *text = read_file(&r);
	cJSON *root = text && json_ok(&r) ? parse(&r, text) : NULL;
	bool costs = root && only_costs(&r, root);

	if (root && !costs)
		replay(&r, root, &v);
	if (root && !costs && json_ok(&r) && !v.checks && !v.deviations)
		json_fail(&r, "nothing in it was compared");
	cJSON_Delete(root);
	free(text);
	if (json_ok(&r) && costs) {
		printf("%s: costs only, nothing to compare; not counted\n", name);
	} else if (json_ok(&r)) {
		count_file(total, &v);
	} else {
		total->bad++;
		fflush(stdout);
		fprintf(stderr, "oracle: %s: %s\n", name, r.error);
	}
}

static void frames_file(const char *name, struct total *total)
{
	struct verdict v = { .file = name };

	if (frames_replay(name, &v, &total->calls))
		count_file(total, &v);
	else
		total->bad++;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length >= tail && !strcmp(name + length - tail, end);
}

int main(int argc, char **argv)
{
	struct total total = { 0 };

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE.json|FILE.txt|FILE.txt.gz...\n"
				"replays figures and frame records of Linux 5.10 (test/oracle); "
				"0 all equal, 1 deviations, 2 bad file or nothing compared\n",
			argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		if (ends_with(argv[i], ".txt") || ends_with(argv[i], ".gz"))
			frames_file(argv[i], &total);
		else
			json_file(argv[i], &total);
	printf("total: %d files, %lu comparisons, %lu deviations", total.files, total.checks,
	       total.deviations);
	if (total.calls)
		printf(", %lu calls equal frame by frame", total.calls);
	printf(total.bad ? ", %d files not understood\n" : "\n", total.bad);
	if (total.bad || !(total.checks + total.deviations))
		return 2;
	return total.deviations ? 1 : 0;
}
