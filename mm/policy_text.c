/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies as text (Q16), written and read in 5.10's words:
 *
 *	MODE[=FLAG][:NODES]     default, prefer, bind, interleave, local; static, relative; 0-3,5
 *
 * Only the text is understood here: mode, flag, and which mode goes with nodes. What becomes of
 * that for a task is decided by zonal_policy_make(), by the same rules as for a call (Q9-Q13).
 *
 * Where 5.10's text does not come back as the policy it was written from, ours does: a policy with
 * a flag is written with the nodes that its user gave, since the flag says how to read those. They
 * may be nodes without memory or, with `relative`, mere positions, and several of them even for
 * prefer, which takes the first that it can have. A preferred node that is out of reach at the
 * moment reads `local`, as there: that is how the policy works then.
 *
 * No state, no locks; any context.
 */
#include <zonal/policy_text.h>

#include "lib/assert.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/runs.h"
#include "lib/text.h"
#include "policy.h"

static const char *const mode_words[MPOL_MODES] = {
	[MPOL_DEFAULT] = "default",
	[MPOL_PREFERRED] = "prefer",
	[MPOL_BIND] = "bind",
	[MPOL_INTERLEAVE] = "interleave",
	[MPOL_LOCAL] = "local",
};

/* Is `text`, up to `end`, this word? */
static bool is_word(const char *text, const char *end, const char *word)
{
	size_t length = (size_t)(end - text);

	return text_length(word, length + 1) == length && text_same(text, word, length);
}

static bool parse_mode(const char *text, const char *end, unsigned *mode)
{
	for (*mode = 0; *mode < MPOL_MODES; ++*mode)
		if (is_word(text, end, mode_words[*mode]))
			return true;
	return false;
}

static bool parse_flag(const char *text, const char *end, unsigned *flags)
{
	if (is_word(text, end, "static"))
		*flags = MPOL_F_STATIC;
	else if (is_word(text, end, "relative"))
		*flags = MPOL_F_RELATIVE;
	return *flags;
}

/* Which nodes go with which mode; no node is no list, for an empty one cannot be written. */
static bool nodes_fit_mode(const struct zonal *mm, struct zonal_policy_words *words)
{
	switch (words->mode) {
	case MPOL_PREFERRED:
		return nodemask_count(words->nodes) <= 1 || words->flags;
	case MPOL_BIND:
		return words->nodes;
	case MPOL_INTERLEAVE:
		if (!words->nodes)
			words->nodes = mm->has_memory;
		return true;
	default:
		return !words->nodes && !words->flags;
	}
}

int zonal_policy_parse(const struct zonal *mm, const char *text, struct zonal_policy_words *out)
{
	const char *end = text + text_length(text, SIZE_MAX);
	const char *colon = text_find(text, end, ':'), *equals = text_find(text, end, '=');
	const char *head = colon ? colon : end;
	struct zonal_policy_words words = { .flags = 0 };
	uint64_t nodes = 0;

	ASSERT(mm->has_memory, "no node has memory");
	/* A '=' behind the ':' makes no word of a mode either. */
	if (!parse_mode(text, equals ? equals : head, &words.mode) ||
	    (equals && !parse_flag(equals + 1, head, &words.flags)) ||
	    (colon && !number_list(colon + 1, ZONAL_MAX_NODES, &nodes)))
		return ZONAL_EINVAL;
	words.nodes = nodes;
	if ((!words.flags && (words.nodes & ~mm->has_memory)) || !nodes_fit_mode(mm, &words))
		return ZONAL_EINVAL;
	*out = words;
	return 0;
}

/* ":0-2,5" behind the `at` bytes that are there already; the length of both. */
static size_t add_nodes(char *buf, size_t size, size_t at, nodemask_t nodes)
{
	char separator = ':';
	unsigned first, last;

	while (runs_next(&nodes, &first, &last)) {
		size_t used = ZN_MIN(at, size);

		at += (size_t)zn_snprintf(buf + used, size - used,
					  first == last ? "%c%u" : "%c%u-%u", separator, first,
					  last);
		separator = ',';
	}
	return at;
}

size_t zonal_policy_text(const struct zonal_mempolicy *policy, char *buf, size_t size)
{
	struct mempolicy *of = (struct mempolicy *)(uintptr_t)policy;
	unsigned mode = ld_relaxed(&of->mode), flags = ld_relaxed(&of->flags);
	nodemask_t nodes = ld_relaxed(flags ? &of->user : &of->nodes);
	const char *flag = "";
	size_t at;

	ASSERT(mode < MPOL_MODES && size, "mode %u, %zu bytes", mode, size);
	if (mode == MPOL_PREFERRED && ld_relaxed(&of->local))
		mode = MPOL_LOCAL;
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		return (size_t)zn_snprintf(buf, size, "%s", mode_words[mode]);
	if (flags)
		flag = flags & MPOL_F_STATIC ? "=static" : "=relative";
	at = (size_t)zn_snprintf(buf, size, "%s%s", mode_words[mode], flag);
	at = add_nodes(buf, size, at, nodes);
	return ZN_MIN(at, size - 1);
}
