/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host program `topology FILE.dtb [-j]`: what Zonal makes of a board.
 *
 * It reads a device tree blob with the very code of the image and prints ranges
 * by node, CPUs by node, distances, fallback orders and reservations, as text or
 * with -j as one line of JSON. What the reader passed over goes to standard
 * error. A blob that is refused gives one line with the property's path, what was
 * found and the rule, and exit status 1; wrong usage or a file that cannot be read
 * gives 2.
 *
 *	dtc -q -O dtb -o board.dtb board.dts && build/host/topology board.dtb
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kprintf.h"
#include "board/bootargs.h"
#include "board/device.h"
#include "board/fdt_walk.h"
#include "report/report_topology.h"
#include "board/topology.h"

#define USAGE "usage: topology FILE.dtb [-j]\n"

static void sink_stdout(const char *text, size_t length)
{
	fwrite(text, 1, length, stdout);
}

static void sink_stderr(const char *text, size_t length)
{
	fwrite(text, 1, length, stderr);
}

/*
 * Read the file into memory of exactly its size, on 8 bytes, so that a read past its
 * end is one past the allocation too. One byte more than the largest blob is enough
 * to see that it is too large.
 */
static void *file_read(const char *name, size_t *bytes)
{
	const size_t most = FDT_WALK_MAX_BYTES + 1;
	FILE *file = fopen(name, "rb");
	void *blob, *exact;

	if (!file)
		return NULL;
	blob = malloc(most);
	if (!blob) {
		fclose(file);
		return NULL;
	}
	*bytes = fread(blob, 1, most, file);
	if (ferror(file)) {
		fclose(file);
		free(blob);
		return NULL;
	}
	fclose(file);
	exact = realloc(blob, *bytes ? *bytes : 1);
	return exact ? exact : blob;
}

/* The boot arguments of a sound blob; an unsound one is refused by the reader itself. */
static const struct bootargs *arguments(const void *blob, size_t bytes)
{
	static struct bootargs args;
	const char *text;

	if (fdt_walk_check(blob, bytes, NULL, NULL))
		return NULL;
	device_tree_set(blob);
	text = device_bootargs(&bytes);
	(void)bootargs_parse(text, bytes, &args, NULL);
	return &args;
}

static int usage(void)
{
	fputs(USAGE, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct boot_info info;
	static struct board_facts facts;
	static struct topology_notes notes;
	struct topology_request request = { .notes = &notes };
	struct topology_error error;
	const char *name = NULL;
	bool json = false;
	void *blob;
	int failed;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-j") == 0)
			json = true;
		else if (argv[i][0] == '-' || name)
			return usage();
		else
			name = argv[i];
	}
	if (!name)
		return usage();
	blob = file_read(name, &request.limit_bytes);
	if (!blob) {
		fprintf(stderr, "topology: %s: %s\n", name, strerror(errno));
		return 2;
	}
	request.dt = blob;
	request.args = arguments(blob, request.limit_bytes);
	failed = topology_read(&request, &info, &facts, &error);
	console_set_sink(sink_stderr);
	report_topology_notes(&notes);
	if (failed)
		report_topology_error(name, &error);
	console_set_sink(sink_stdout);
	if (!failed)
		report_topology(&info, &facts, json);
	free(blob);
	return failed ? 1 : fflush(stdout) ? 2 : 0;
}
