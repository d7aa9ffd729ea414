/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the device tree for the readers, and the reports they make.
 *
 * Only the read-only half of libfdt is used, on a blob that fdt_walk_check() has
 * passed, and never with a path: libfdt takes a path that does not start with
 * '/' as an alias, and aliases are input. All loops over the tree here and in
 * the readers go by fdt_first_subnode() and fdt_next_node(), which only move on.
 *
 * Two kinds of report. A failure stops the reader: the blob breaks a rule that
 * leaves no safe reading, or a table is too small. A note says what was passed
 * over or read otherwise than written; the caller prints notes as warnings. Each
 * names the property with its path, what was found, and the rule.
 *
 * Numbers are read byte by byte: a cell lies on 4 bytes, a number of two cells is
 * an 8-byte load that need not be aligned.
 */
#include "topology_internal.h"

#include <stdarg.h>
#include <string.h>

#include "fdt_walk.h"
#include "lib/assert.h"
#include "lib/printf.h"

struct topology_prop topology_prop(const struct topology *t, int node, const char *name)
{
	struct topology_prop prop = { NULL, 0 };
	int bytes;

	prop.at = fdt_getprop(t->fdt, node, name, &bytes);
	if (prop.at)
		prop.bytes = (unsigned)bytes;
	return prop;
}

enum topology_u32 topology_u32(const struct topology *t, int node, const char *name,
			       uint32_t *value)
{
	struct topology_prop prop = topology_prop(t, node, name);

	if (!prop.at)
		return U32_ABSENT;
	if (prop.bytes < 4)
		return U32_BAD;
	*value = (uint32_t)topology_cells(prop.at, 1);
	return U32_OK;
}

uint64_t topology_cells(const uint8_t *at, unsigned cells)
{
	ASSERT(cells <= 2, "%u cells do not fit 64 bits", cells);
	return fdt_walk_load(at, cells * 4);
}

/* Whether the string that starts at `at` and must end within `bytes` is `text`. */
static bool string_is(const uint8_t *at, unsigned bytes, const char *text)
{
	size_t length = strlen(text) + 1;

	return bytes >= length && memcmp(at, text, length) == 0;
}

bool topology_is(const struct topology *t, int node, const char *name, const char *text)
{
	struct topology_prop prop = topology_prop(t, node, name);

	return prop.at && string_is(prop.at, prop.bytes, text);
}

bool topology_compatible(const struct topology *t, int node, const char *text)
{
	struct topology_prop prop = topology_prop(t, node, "compatible");

	while (prop.bytes) {
		const uint8_t *end = memchr(prop.at, '\0', prop.bytes);

		if (string_is(prop.at, prop.bytes, text))
			return true;
		if (!end)
			return false;
		prop.bytes -= (unsigned)(end - prop.at) + 1;
		prop.at = end + 1;
	}
	return false;
}

bool topology_available(const struct topology *t, int node)
{
	return fdt_node_okay(t->fdt, node);
}

bool topology_is_memory(const struct topology *t, int node)
{
	return topology_is(t, node, "device_type", "memory") && topology_available(t, node);
}

bool topology_is_cpu(const struct topology *t, int node)
{
	int length;
	const char *name = fdt_get_name(t->fdt, node, &length);

	if (name && length >= 3 && memcmp(name, "cpu", 3) == 0 &&
	    (length == 3 || name[3] == '@'))
		return true;
	return topology_is(t, node, "device_type", "cpu");
}

int topology_cell_count(struct topology *t, int node, const char *name, unsigned fallback,
			unsigned *cells)
{
	uint32_t value = fallback;
	enum topology_u32 got = topology_u32(t, node, name, &value);

	if (got == U32_BAD || value < 1 || value > 2)
		return topology_fail(t, node, name, "it must be 1 or 2", "%u", value);
	*cells = value;
	return 0;
}

/* ---- reports ---------------------------------------------------------------- */

static void report_fill(const struct topology *t, struct topology_error *to, int node,
			const char *prop, const char *rule)
{
	size_t used;

	ASSERT(node >= 0, "a report on node %d", node);
	if (fdt_get_path(t->fdt, node, to->path, (int)sizeof(to->path)) < 0)
		zn_snprintf(to->path, sizeof(to->path), "(a path too long to print)");
	used = strlen(to->path);
	if (prop)
		zn_snprintf(to->path + used, sizeof(to->path) - used, "%s%s",
			    used == 1 ? "" : "/", prop);
	zn_snprintf(to->rule, sizeof(to->rule), "%s", rule);
}

int topology_fail(struct topology *t, int node, const char *prop, const char *rule,
		  const char *value_fmt, ...)
{
	va_list args;

	report_fill(t, t->err, node, prop, rule);
	va_start(args, value_fmt);
	zonal_vsnprintf(t->err->value, sizeof(t->err->value), value_fmt, args);
	va_end(args);
	return ZONAL_EINVAL;
}

void topology_note(struct topology *t, int node, const char *prop, const char *rule,
		   const char *value_fmt, ...)
{
	struct topology_error *to;
	va_list args;

	if (!t->notes)
		return;
	if (t->notes->count == ARRAY_SIZE(t->notes->note)) {
		t->notes->dropped++;
		return;
	}
	to = &t->notes->note[t->notes->count++];
	report_fill(t, to, node, prop, rule);
	va_start(args, value_fmt);
	zonal_vsnprintf(to->value, sizeof(to->value), value_fmt, args);
	va_end(args);
}

void topology_note_span(struct topology *t, const struct topology_span *span, const char *rule)
{
	topology_note(t, span->node, span->prop, rule, "0x%llx + 0x%llx",
		      (unsigned long long)span->start, (unsigned long long)span->size);
}
