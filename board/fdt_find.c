/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding nodes of the device tree by name.
 *
 * libfdt has look-ups too, but two habits of theirs are not ours. A path that does not
 * begin with '/' is an alias to it, and aliases are input that can lead in a circle. And
 * a name without a unit address is matched by the first child of that name with one: a
 * path that says /axi finds /axi@0 if that comes first, although there is an /axi, as on
 * sixteen boards. Here the exact name wins, wherever it stands among its siblings,
 * and only a name that nobody has is looked for without unit addresses.
 *
 * A path is walked name by name; more than one '/' counts as one. The depth of
 * the tree bounds the walk, because each name leads one level down.
 *
 * Reads constant data, any context.
 */
#include "fdt_find.h"

#include <libfdt.h>
#include <string.h>

#include "lib/assert.h"

/* The child of `parent` with the name of `length` characters at `name`. */
static int find_child(const void *fdt, int parent, const char *name, size_t length)
{
	const bool whole = memchr(name, '@', length) != NULL;
	int child, similar = -FDT_ERR_NOTFOUND;

	DASSERT(parent >= 0, "a child of node %d", parent);
	fdt_for_each_subnode(child, fdt, parent) {
		int bytes;
		const char *found = fdt_get_name(fdt, child, &bytes);

		if (!found || (size_t)bytes < length || memcmp(found, name, length) != 0)
			continue;
		if ((size_t)bytes == length)
			return child;
		if (!whole && found[length] == '@' && similar < 0)
			similar = child;
	}
	return similar;
}

int fdt_find_child(const void *fdt, int parent, const char *name)
{
	return find_child(fdt, parent, name, strlen(name));
}

int fdt_find_path(const void *fdt, const char *path, size_t length)
{
	const char *end = path + length;
	int node = 0;

	if (!length || path[0] != '/')
		return -FDT_ERR_BADPATH;
	while (node >= 0) {
		const char *slash;

		while (path < end && *path == '/')
			path++;
		if (path == end)
			break;
		slash = memchr(path, '/', (size_t)(end - path));
		if (!slash)
			slash = end;
		node = find_child(fdt, node, path, (size_t)(slash - path));
		path = slash;
	}
	return node;
}

bool fdt_node_okay(const void *fdt, int node)
{
	int bytes;
	const char *status = fdt_getprop(fdt, node, "status", &bytes);

	if (!status)
		return true;
	/* The string may lack its end: no strcmp(). */
	return (bytes >= 5 && memcmp(status, "okay", 5) == 0) ||
	       (bytes >= 3 && memcmp(status, "ok", 3) == 0);
}
