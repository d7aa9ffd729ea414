/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of names: every value has one, no two values the same, what is no value has
 * none, and what is looked up by name is found again. And JSON strings: whatever a name
 * holds, the line stays one line that reads back.
 */
#include <string.h>
#include <zonal/names.h>

#include "lib/json.h"
#include "mm/page_check.h"
#include "test/ktest.h"
#include "test/unit/monitor/monitor_capture.h"

static const char *state_name(unsigned state)
{
	return page_state_name((enum page_state)state);
}

static const struct {
	const char *what;
	const char *(*name)(unsigned value);
	unsigned count;
} kinds[] = {
	{ "zone", zonal_zone_name, ZONE_TYPES },
	{ "migratetype", zonal_type_name, MIGRATE_TYPES },
	{ "policy", zonal_policy_name, MPOL_MODES },
	{ "page state", state_name, PAGE_STATES },
	{ "refusal", zonal_refusal_name, REFUSED_RACE + 1 },
};

KTEST(names, every_value_has_a_name_of_its_own_and_no_other_has_one)
{
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (unsigned i = 0; i < kinds[k].count; i++) {
			const char *name = kinds[k].name(i);

			KT_OK(strcmp(name, ZONAL_NO_NAME) != 0, "%s %u has no name", kinds[k].what,
			      i);
			for (unsigned j = 0; j < i; j++)
				KT_OK(strcmp(name, kinds[k].name(j)) != 0, "%s %u and %u are %s",
				      kinds[k].what, i, j, name);
		}
		KT_STR_EQ(kinds[k].name(kinds[k].count), ZONAL_NO_NAME);
		KT_STR_EQ(kinds[k].name(UINT32_MAX), ZONAL_NO_NAME);
	}
}

KTEST(names, letters_of_types_are_the_kernels)
{
	static const char letters[] = "UMEHCI";

	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		KT_EQ(zonal_type_letter(type), letters[type]);
	KT_EQ(zonal_type_letter(MIGRATE_TYPES), '?');
}

KTEST(names, a_name_is_found_whatever_its_case)
{
	static const char *const none[] = { "", "?", "bin", "bindx", "DMA3", "DMA321", "d m a" };

	for (unsigned mode = 0; mode < MPOL_MODES; mode++)
		KT_EQ(zonal_policy_find(zonal_policy_name(mode)), mode);
	for (unsigned type = 0; type < ZONE_TYPES; type++)
		KT_EQ(zonal_zone_find(zonal_zone_name(type)), type);
	KT_EQ(zonal_policy_find("INTERLEAVE"), MPOL_INTERLEAVE);
	KT_EQ(zonal_zone_find("normal"), ZONE_NORMAL);
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		KT_EQ(zonal_policy_find(none[i]), MPOL_MODES);
		KT_EQ(zonal_zone_find(none[i]), ZONE_TYPES);
	}
}

KTEST(names, every_step_stands_in_the_table_once)
{
	const struct zonal_step *step;
	uint32_t seen = 0;
	bool door = false;

	for (unsigned i = 0; (step = zonal_step(i)); i++) {
		KT_OK(nodemask_count(step->bit) == 1 && !(seen & step->bit), "step %u is 0x%x", i,
		      step->bit);
		KT_OK(step->door || !door, "%s stands behind the refusals", step->name);
		KT_TRUE(*step->name && *step->text);
		seen |= step->bit;
		door = step->door;
	}
	/* No gap, and the newest is there. */
	KT_EQ(seen, (ZSTEP_GROUP << 1) - 1);
}

KTEST_F(names, json_strings_keep_the_line_and_the_bytes, KT_HOST_ONLY)
{
	capture_begin();
	zn_print_json("a \"b\" \\ c\n\x7f\xe9/");
	KT_STR_EQ(capture_end(), "\"a \\\"b\\\" \\\\ c\\u000a\\u007f\\u00e9/\"");
}
