/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies as text (Q16), in the words of 5.10's option mpol= of tmpfs:
 *
 *	MODE[=static|=relative][:NODES]     interleave, bind=static:0-1, prefer:3, local
 *
 *	default, local   without nodes
 *	prefer           one node (the first of several, with a flag); without, the CPU's own
 *	bind             nodes like 0,2-3
 *	interleave       nodes; without, all that have memory
 */
#ifndef ZONAL_POLICY_TEXT_H
#define ZONAL_POLICY_TEXT_H

#include <zonal/zonal.h>

ZONAL_BEGIN_DECLS

/* What a text asks of zonal_set_policy() or zonal_policy_make(). */
struct zonal_policy_words {
	unsigned mode; /* enum zonal_mpol_mode */
	unsigned flags;
	zonal_nodemask_t nodes;
};

/*
 * Read `text`. 0, or ZONAL_EINVAL and *out is as it was: an unknown word, nodes where there may be
 * none or the other way round, a node without memory (with =static or =relative it may be any: the
 * text then says what was asked for). Whether the task may use the nodes is seen when the policy is
 * set. Any context.
 */
int zonal_policy_parse(const struct zonal *mm, const char *text,
		       struct zonal_policy_words *out) ZONAL_MUST_USE;

/* Bytes that hold every text, NUL included. */
#define ZONAL_POLICY_TEXT_BYTES 224

/*
 * The text of a policy, which reads back as the same: with a flag the nodes as they were given,
 * else those in force. At most `size` bytes (at least 1) with the NUL; returns its length. `policy`
 * must not change meanwhile (zonal_task_policy() makes a copy). Any context.
 */
size_t zonal_policy_text(const struct zonal_mempolicy *policy, char *buf, size_t size);

ZONAL_END_DECLS

#endif
