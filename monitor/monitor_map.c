/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `map`: memory as a picture (report/report_map.c).
 *
 *	map            every node
 *	map NODE       this one
 *	map -j         runs of pageblocks, as numbers
 *
 * It is as wide as the terminal. One that has told its width understands escape sequences and gets
 * colours too; a log, a boot argument or a plain terminal has 80 columns and none.
 *
 * No state of its own; locks as the report takes them.
 */
#include "lib/assert.h"
#include "monitor_command.h"
#include "monitor_line.h"
#include "report/report_map.h"

int monitor_map(struct zonal *mm, const struct monitor_args *args)
{
	unsigned columns = monitor_terminal_columns();
	int nid = NODE_NONE;

	ASSERT(args->count <= 1, "%u words", args->count);
	if (args->count && !monitor_memory_node(mm, "map", args->word[0], &nid))
		return 1;
	if (args->json)
		report_map_json(mm, nid);
	else
		report_map(mm, nid, columns ? columns : MONITOR_COLUMNS, columns != 0);
	return 0;
}
