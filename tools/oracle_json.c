/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked reading of JSON for the oracle.
 *
 * A figure file is believed only as far as it is understood: a member that this
 * program does not know, a missing one, a fraction where a count belongs or a
 * number out of range is an error that names the file, the place and the rule.
 * Otherwise a mistyped key would silently weaken the comparison.
 *
 * The first error sticks: after it every read returns a harmless value and
 * changes nothing, so callers read a whole structure in a straight line and ask
 * json_ok() once. No recursion here; cJSON bounds its own nesting.
 */
#include <stdarg.h>
#include <string.h>

#include "oracle.h"

bool json_ok(const struct json_reader *r) { return !r->error[0]; }

void json_fail(struct json_reader *r, const char *fmt, ...)
{
	char what[160];
	va_list args;

	if (!json_ok(r))
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(r->error, sizeof(r->error), "%s%s%s", r->where, r->where[0] ? ": " : "", what);
}

void json_at(struct json_reader *r, const char *fmt, ...)
{
	va_list args;

	if (!json_ok(r))
		return;
	va_start(args, fmt);
	vsnprintf(r->where, sizeof(r->where), fmt, args);
	va_end(args);
}

/* Is `word` one of the blank separated words of `list`? */
static bool word_in(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(list, word); len && at; at = strstr(at + 1, word)) {
		bool starts = at == list || at[-1] == ' ';

		if (starts && (at[len] == ' ' || !at[len]))
			return true;
	}
	return false;
}

void json_keys(struct json_reader *r, const cJSON *object, const char *keys)
{
	const cJSON *item;

	if (!json_ok(r))
		return;
	if (!cJSON_IsObject(object)) {
		json_fail(r, "not an object");
		return;
	}
	cJSON_ArrayForEach(item, object) {
		if (!word_in(keys, item->string))
			json_fail(r, "unknown key \"%.40s\"", item->string);
		else if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
			json_fail(r, "key \"%.40s\" stands twice", item->string);
	}
}

bool json_has(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const cJSON *json_member(struct json_reader *r, const cJSON *object, const char *key)
{
	const cJSON *item;

	if (!json_ok(r))
		return NULL;
	item = cJSON_GetObjectItemCaseSensitive(object, key);
	if (!item)
		json_fail(r, "\"%s\" is missing", key);
	return item;
}

const cJSON *json_array(struct json_reader *r, const cJSON *object, const char *key)
{
	const cJSON *item = json_member(r, object, key);

	if (item && !cJSON_IsArray(item))
		json_fail(r, "\"%s\" is not an array", key);
	return json_ok(r) ? item : NULL;
}

const cJSON *json_object(struct json_reader *r, const cJSON *object, const char *key)
{
	const cJSON *item = json_member(r, object, key);

	if (item && !cJSON_IsObject(item))
		json_fail(r, "\"%s\" is not an object", key);
	return json_ok(r) ? item : NULL;
}

const char *json_text(struct json_reader *r, const cJSON *object, const char *key)
{
	const cJSON *item = json_member(r, object, key);

	if (item && !cJSON_IsString(item))
		json_fail(r, "\"%s\" is not a string", key);
	return json_ok(r) ? item->valuestring : "";
}

int64_t json_value(struct json_reader *r, const cJSON *item, const char *name, int64_t min,
		   int64_t max)
{
	double value;

	if (!json_ok(r))
		return min;
	if (!cJSON_IsNumber(item)) {
		json_fail(r, "\"%s\" is not a number", name);
		return min;
	}
	value = item->valuedouble;
	/* The range first: it also keeps NaN and what would overflow out of the cast. */
	if (!(value >= (double)min && value <= (double)max) || value != (double)(int64_t)value) {
		json_fail(r, "\"%s\" is %.17g, not a whole number of %lld..%lld", name, value,
			  (long long)min, (long long)max);
		return min;
	}
	return (int64_t)value;
}

int64_t json_int(struct json_reader *r, const cJSON *object, const char *key, int64_t min,
		 int64_t max)
{
	const cJSON *item = json_member(r, object, key);

	return item ? json_value(r, item, key, min, max) : min;
}

unsigned json_ints(struct json_reader *r, const cJSON *object, const char *key, unsigned most,
		   int64_t max, int64_t *out)
{
	const cJSON *array = json_array(r, object, key), *item;
	unsigned count = 0;

	if (!array)
		return 0;
	cJSON_ArrayForEach(item, array) {
		if (count == most) {
			json_fail(r, "\"%s\" has more than %u entries", key, most);
			return count;
		}
		out[count++] = json_value(r, item, key, 0, max);
	}
	return count;
}
