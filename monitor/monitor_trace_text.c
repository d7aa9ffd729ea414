/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a trace record, each as its name says (<zonal/trace.h>).
 *
 * JSON has numbers, and programs know what they mean: frames and gfp words are unsigned, all
 * others signed. Text has what people read, as 5.10's does: frames in hexadecimal, gfp words,
 * lists, results and reasons in words; what has no word stays a number.
 *
 * "comm" alone is text in both: the bytes of four fields. What is no plain character of it is
 * written as '?', so that nobody's name can end a string of JSON.
 *
 * No state, no lock; prints where the caller may.
 */
#include "monitor_trace_text.h"

#include <string.h>

#include <zonal/names.h>

#include "lib/assert.h"
#include "lib/name_in.h"
#include "lib/kprintf.h"
#include "report/report_gfp.h"

#define COMM_FIELDS 4u

static const char *list_name(unsigned list)
{
	static const char *const names[] = { "inactive_anon", "active_anon", "inactive_file",
					     "active_file" };

	return NAME_IN(names, list);
}

static const char *mode_name(unsigned mode)
{
	static const char *const names[] = { "MIGRATE_ASYNC", "MIGRATE_SYNC_LIGHT",
					     "MIGRATE_SYNC" };

	return NAME_IN(names, mode);
}

static const char *reason_name(unsigned reason)
{
	static const char *const names[] = { "compaction",     "memory_failure",
					     "memory_hotplug", "syscall_or_cpuset",
					     "mempolicy_mbind", "numa_misplaced",
					     "contig_range" };

	return NAME_IN(names, reason);
}

static const char *write_name(unsigned flags)
{
	if (flags == (ZONAL_TRACE_WB_ANON | ZONAL_TRACE_WB_ASYNC))
		return "RECLAIM_WB_ANON|RECLAIM_WB_ASYNC";
	if (flags == (ZONAL_TRACE_WB_FILE | ZONAL_TRACE_WB_ASYNC))
		return "RECLAIM_WB_FILE|RECLAIM_WB_ASYNC";
	return ZONAL_NO_NAME;
}

/* Numbers that have a word; a point of ZONAL_TRACE_POINTS means any. */
static const struct {
	unsigned point;
	const char *field;
	const char *(*name)(unsigned value);
} words[] = {
	{ ZONAL_TRACE_COMPACT_FINISHED, "ret", zonal_compact_name },
	{ ZONAL_TRACE_COMPACT_SUITABLE, "ret", zonal_compact_name },
	{ ZONAL_TRACE_COMPACT_END, "status", zonal_compact_name },
	{ ZONAL_TRACE_COMPACT_RETRY, "result", zonal_compact_name },
	{ ZONAL_TRACE_MIGRATE, "mode", mode_name },
	{ ZONAL_TRACE_MIGRATE, "reason", reason_name },
	{ ZONAL_TRACE_POINTS, "lru", list_name },
	{ ZONAL_TRACE_POINTS, "reclaim_flags", write_name },
};

struct field {
	const char *name;
	size_t length;
	uint32_t value;
};

static bool is_named(const struct field *field, const char *name)
{
	return strlen(name) == field->length && !strncmp(field->name, name, field->length);
}

static bool is_frame(const struct field *field)
{
	return is_named(field, "zone_start") || is_named(field, "zone_end") ||
	       (field->length >= 3 && !strncmp(field->name + field->length - 3, "pfn", 3));
}

static bool is_gfp(const struct field *field) { return !strncmp(field->name, "gfp", 3); }

/* Its word, NULL: it has none. */
static const char *word_of(unsigned point, const struct field *field)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if ((words[i].point == point || words[i].point == ZONAL_TRACE_POINTS) &&
		    is_named(field, words[i].field))
			return words[i].name(field->value);
	return NULL;
}

static void print_text(unsigned point, const struct field *field)
{
	const char *word = word_of(point, field);
	char text[GFP_TEXT_BYTES];

	kprintf(" %.*s=", (int)field->length, field->name);
	if (is_gfp(field)) {
		gfp_text(field->value, text, sizeof(text));
		word = text;
	}
	if (word)
		kprintf("%s", word);
	else if (is_frame(field))
		kprintf("0x%x", field->value);
	else
		kprintf("%d", (int)field->value);
}

static void print_json(const struct field *field)
{
	kprintf(",\"%.*s\":", (int)field->length, field->name);
	if (is_gfp(field) || is_frame(field))
		kprintf("%u", field->value);
	else
		kprintf("%d", (int)field->value);
}

static void print_comm(const uint32_t *value, bool json)
{
	char text[COMM_FIELDS * sizeof(*value) + 1] = "";

	__builtin_memcpy(text, value, sizeof(text) - 1);
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			*at = '?';
	kprintf(json ? ",\"comm\":\"%s\"" : " comm=%s", text);
}

void trace_print_fields(const struct zonal_trace_record *record, bool json)
{
	struct field field = { .name = zonal_trace_fields(record->point) };

	ASSERT(record->point < ZONAL_TRACE_POINTS, "point %u", record->point);
	for (unsigned i = 0; *field.name; i++) {
		const char *end = strchr(field.name, ' ');

		field.length = end ? (size_t)(end - field.name) : strlen(field.name);
		ASSERT(i < ZONAL_TRACE_FIELDS, "point %u", record->point);
		field.value = record->field[i];
		if (is_named(&field, "comm")) {
			print_comm(record->field + i, json);
			i += COMM_FIELDS - 1;
		} else if (json) {
			print_json(&field);
		} else {
			print_text(record->point, &field);
		}
		field.name += field.length + (end != NULL);
	}
}
