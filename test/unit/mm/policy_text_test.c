/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policies as text (Q16): what is written reads back as the same policy, for every policy that can
 * be set and after its task's nodes have changed; what is wrong is refused and changes nothing.
 *
 * The board has a node without memory, which only a text with a flag may name.
 */
#include "kt_instance.h"

#include <string.h>

#include <zonal/policy_text.h>

#include "mm/policy.h"

/* Node 1 has no memory. */
static const struct kt_spec board = {
	.ram = { { 0, KT_DMA_PFN, 1024 },
		 { 2, KT_DMA_PFN + 1024, 1024 },
		 { 3, KT_DMA_PFN + 2048, 1024 } },
	.empty_nodes = 2,
};

/* Read into the task, written again: this. */
static void reads_as(struct zonal *mm, struct zonal_task *task, const char *text,
		     const char *wanted)
{
	struct zonal_policy_words words = { .mode = MPOL_MODES };
	char again[ZONAL_POLICY_TEXT_BYTES];

	if (!KT_OK(zonal_policy_parse(mm, text, &words) == 0, "%s is not read", text))
		return;
	if (!KT_OK(zonal_set_policy(mm, task, words.mode, words.flags, words.nodes) == 0,
		   "%s cannot be set", text))
		return;
	KT_EQ(zonal_policy_text(&task->policy, again, sizeof(again)), strlen(wanted));
	KT_STR_EQ(again, wanted);
}

KTEST(rows_q, q16_text_names_mode_flag_and_nodes)
{
	struct zonal *mm = kt_instance(&board);
	struct zonal_task saved, *task = kt_task_save(&saved);

	if (!mm)
		return;
	reads_as(mm, task, "default", "default");
	reads_as(mm, task, "local", "local");
	reads_as(mm, task, "prefer", "local");
	reads_as(mm, task, "prefer:2", "prefer:2");
	reads_as(mm, task, "prefer=static:3", "prefer=static:3");
	reads_as(mm, task, "prefer=static:1-2", "prefer=static:1-2");
	reads_as(mm, task, "bind:0,2-3", "bind:0,2-3");
	reads_as(mm, task, "bind:3,2", "bind:2-3");
	reads_as(mm, task, "bind=static:1-2", "bind=static:1-2");
	reads_as(mm, task, "interleave", "interleave:0,2-3");
	if (ZONAL_MAX_NODES == 64)
		reads_as(mm, task, "interleave=relative:0-1,63", "interleave=relative:0-1,63");
	kt_task_restore(&saved);
}

KTEST(rows_q, q16_what_is_wrong_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"", "bond", "Bind:0", "bind", "bind:", "bind:1", "bind:0,", "bind:64", "bind=:0",
		"bind=both:0", "bind=static=relative:0", "bind=static", "prefer:0,2", "prefer:1",
		"prefer:", "default:0", "default=static", "local:0",
		"local=static", "local=relative", "interleave:", "interleave:0:2",
		"interleave:0=static", ":0", "=static:0", "bind 0", " bind:0", "bind:0 ",
	};
	struct zonal *mm = kt_instance(&board);
	struct zonal_policy_words words = { .mode = 77, .flags = 78, .nodes = 79 };

	for (unsigned i = 0; mm && i < ARRAY_SIZE(bad); i++)
		KT_OK(zonal_policy_parse(mm, bad[i], &words) == ZONAL_EINVAL, "\"%s\" is read",
		      bad[i]);
	KT_TRUE(words.mode == 77 && words.flags == 78 && words.nodes == 79);
}

/* Does the text of the task's policy make the same policy for it? */
static void same_again(struct zonal *mm, struct zonal_task *task, const char *when)
{
	struct mempolicy *is = &task->policy, made = { .mode = MPOL_DEFAULT };
	struct zonal_policy_words words;
	char text[ZONAL_POLICY_TEXT_BYTES];
	bool local = is->local || is->mode == MPOL_LOCAL;

	zonal_policy_text(is, text, sizeof(text));
	if (!KT_OK(zonal_policy_parse(mm, text, &words) == 0, "%s: %s is not read", when, text))
		return;
	if (!KT_OK(zonal_policy_make(mm, task, words.mode, words.flags, words.nodes, &made) == 0,
		   "%s: %s makes none", when, text))
		return;
	if (local) {
		KT_OK(made.mode == MPOL_LOCAL, "%s: %s", when, text);
		return;
	}
	KT_OK(made.mode == is->mode && made.nodes == is->nodes &&
		      (made.mode == MPOL_DEFAULT || made.flags == is->flags),
	      "%s: %s: mode %u, nodes 0x%llx, not %u, 0x%llx", when, text, made.mode,
	      (unsigned long long)made.nodes, is->mode, (unsigned long long)is->nodes);
}

KTEST(rows_q, q16_text_makes_the_policy_again)
{
	static const unsigned flags[] = { 0, MPOL_F_STATIC, MPOL_F_RELATIVE };
	struct zonal *mm = kt_instance(&board);
	struct zonal_task saved, *task = kt_task_save(&saved);
	unsigned made = 0;

	for (unsigned i = 0; mm && i < MPOL_MODES * 3 * 32; i++) {
		nodemask_t nodes = i & 31;
		unsigned mode = i / 32 % MPOL_MODES, flag = flags[i / 32 / MPOL_MODES];

		KT_EQ(zonal_task_set_mems(mm, task, NODEMASK_ALL), 0);
		if (zonal_set_policy(mm, task, mode, flag, nodes) != 0)
			continue;
		made++;
		same_again(mm, task, "as set");
		/* A STATIC or plain policy whose nodes are all gone has others meanwhile. */
		KT_EQ(zonal_task_set_mems(mm, task, node_bit(0) | node_bit(3)), 0);
		if (flag == MPOL_F_RELATIVE || task->policy.local || (nodes & 9))
			same_again(mm, task, "with fewer nodes");
	}
	KT_TRUE(!mm || made > 100);
	kt_task_restore(&saved);
}

KTEST(rows_q, q16_text_is_cut_to_its_buffer_and_the_longest_fits)
{
	struct mempolicy policy = { .mode = MPOL_INTERLEAVE,
				    .flags = MPOL_F_RELATIVE,
				    .user = 0x5555555555555555ull };
	char text[ZONAL_POLICY_TEXT_BYTES], small[8];

	memset(small, 'x', sizeof(small));
	KT_TRUE(zonal_policy_text(&policy, text, sizeof(text)) < sizeof(text) - 1);
	KT_TRUE(strstr(text, "=relative:0"));
	KT_TRUE(ZONAL_MAX_NODES < 64 || strstr(text, ",60,62"));
	for (unsigned size = 1; size < sizeof(small); size++) {
		KT_EQ(zonal_policy_text(&policy, small, size), size - 1);
		KT_EQ(small[size - 1], 0);
		KT_TRUE(!memcmp(small, text, size - 1) && small[size] == 'x');
		memset(small, 'x', sizeof(small));
	}
}
