/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the monitor that set something: `policy` for the task that runs the
 * monitor, `set` for the tunables of the instance.
 *
 * A tunable has a range, which the message about a wrong value names: the allocator's
 * setters only say no. The reserve ratios are one tunable with a value for each zone, lowest
 * first, as 5.10's lowmem_reserve_ratio has; those left out stay as they are. What `set`
 * lists without arguments are these names.
 *
 * A policy is typed as a mode and nodes, or as one word in the form of Q16, which is shown too.
 *
 * Nodes are shown as they are typed, "0,2-3", so that an empty set reads "none".
 *
 * Context: task. One task runs the monitor; the tunables have one caller at a time.
 */
#include "monitor_command.h"

#include <string.h>
#include <zonal/names.h>
#include <zonal/policy_text.h>
#include <zonal/tunables.h>

#include "lib/assert.h"
#include "lib/kprintf.h"
#include "lib/runs.h"
#include "mm/mm.h"
#include "report/report.h"

typedef unsigned long long ull;

void monitor_print_nodes(nodemask_t nodes)
{
	const char *comma = "";
	unsigned first, last;

	while (runs_next(&nodes, &first, &last)) {
		kprintf(first == last ? "%s%u" : "%s%u-%u", comma, first, last);
		comma = ",";
	}
	if (!*comma)
		kprintf("none");
}

const char *monitor_mode_name(unsigned n) { return n < MPOL_MODES ? zonal_policy_name(n) : NULL; }

static void print_choice(const char *(*name)(unsigned n))
{
	for (unsigned i = 0; name(i); i++)
		kprintf(" %s", name(i));
	kprintf("\n");
}

static struct zonal_task *this_task(void)
{
	port_irqflags_t flags = port_irq_save();
	struct zonal_task *task = port_this_cpu()->task;

	/* The task that runs here is this one; it stays valid when we move. */
	port_irq_restore(flags);
	ASSERT(!port_this_cpu()->irq_depth, "a handler asks for its task");
	ASSERT(task, "CPU without a task");
	return task;
}

static void print_policy(const struct zonal_task *task)
{
	struct mempolicy policy = { .mode = MPOL_DEFAULT };
	char text[ZONAL_POLICY_TEXT_BYTES];

	zonal_task_policy(task, &policy);
	(void)zonal_policy_text(&policy, text, sizeof(text));
	kprintf("policy %s, nodes ", zonal_policy_name(policy.mode));
	monitor_print_nodes(policy.nodes);
	kprintf(", %s\n", text);
}

/* One word that is a policy as text: 0 or 1 as the command, -1: it is none. */
static int policy_of_text(struct zonal *mm, struct zonal_task *task, const char *text)
{
	struct zonal_policy_words words;

	if (zonal_policy_parse(mm, text, &words) != 0)
		return -1;
	if (zonal_set_policy(mm, task, words.mode, words.flags, words.nodes) == 0)
		return 0;
	kprintf("policy: %s: is not allowed here\n", text);
	return 1;
}

int monitor_policy(struct zonal *mm, const struct monitor_args *args)
{
	struct zonal_task *task = this_task();
	nodemask_t nodes = 0;
	unsigned mode;
	int status;

	if (args->count == 0) {
		print_policy(task);
		return 0;
	}
	status = args->count == 1 ? policy_of_text(mm, task, args->word[0]) : -1;
	if (status >= 0)
		return status;
	mode = zonal_policy_find(args->word[0]);
	if (mode == MPOL_MODES) {
		kprintf("policy: %s: MODE[=static|=relative][:NODES], or one of", args->word[0]);
		print_choice(monitor_mode_name);
		return 1;
	}
	if (args->count > 1 && !monitor_nodes(args->word[1], &nodes)) {
		kprintf("policy: %s: nodes are a list like 0,2-3, below %u (ZONAL_MAX_NODES)\n",
			args->word[1], ZONAL_MAX_NODES);
		return 1;
	}
	if (zonal_set_policy(mm, task, mode, 0, nodes) != 0) {
		kprintf("policy: %s with nodes ", zonal_policy_name(mode));
		monitor_print_nodes(nodes);
		kprintf(" is not allowed here\n");
		return 1;
	}
	return 0;
}

static int set_min_free(struct zonal *mm, const uint64_t *value, unsigned count)
{
	(void)count;
	return zonal_set_min_free_kbytes(mm, value[0]);
}

static int set_ratios(struct zonal *mm, const uint64_t *value, unsigned count)
{
	int error = 0;

	ASSERT(count <= ZONE_TYPES, "%u ratios", count);
	for (unsigned type = 0; type < count && !error; type++)
		error = zonal_set_reserve_ratio(mm, (enum zone_type)type, (unsigned)value[type]);
	return error;
}

static int set_kill_asker(struct zonal *mm, const uint64_t *value, unsigned count)
{
	ASSERT(count == 1 && value[0] <= 1, "%u values", count);
	zonal_set_oom_kill_asker(mm, value[0]);
	return 0;
}

static int set_numa_stat(struct zonal *mm, const uint64_t *value, unsigned count)
{
	ASSERT(count == 1 && value[0] <= 1, "%u values", count);
	zonal_set_numa_stat(mm, value[0]);
	return 0;
}

static uint64_t managed_kbytes(const struct zonal *mm)
{
	const struct zone *zone;
	uint64_t pages = 0;
	unsigned zid;

	mm_for_each_zone(mm, zid, zone)
		pages += (uint64_t)zone_managed(zone);
	return pages << (PAGE_SHIFT - 10);
}

static const struct tunable {
	const char *name;
	uint64_t least, most; /* most 0: the memory of the board, in KiB */
	unsigned values;      /* at most */
	int (*set)(struct zonal *mm, unsigned value); /* or, for what that does not fit: */
	int (*set_all)(struct zonal *mm, const uint64_t *value, unsigned count);
} tunables[] = {
	{ "min_free_kbytes", 0, 0, 1, NULL, set_min_free },
	{ "watermark_scale_factor", 1, 3000, 1, zonal_set_watermark_scale, NULL },
	{ "watermark_boost_factor", 0, UINT32_MAX, 1, zonal_set_watermark_boost, NULL },
	{ "lowmem_reserve_ratio", 0, UINT32_MAX, ZONE_TYPES, NULL, set_ratios },
	{ "zone_reclaim_mode", 0, 7, 1, zonal_set_zone_reclaim_mode, NULL },
	{ "panic_on_oom", 0, 2, 1, zonal_set_oom_panic, NULL },
	{ "oom_kill_allocating_task", 0, 1, 1, NULL, set_kill_asker },
	{ "numa_stat", 0, 1, 1, NULL, set_numa_stat },
	{ "percpu_pagelist_fraction", 0, UINT32_MAX, 1, zonal_set_pagelist_fraction, NULL },
	{ "compaction_proactiveness", 0, 100, 1, zonal_set_proactiveness, NULL },
};

const char *monitor_tunable_name(unsigned n)
{
	return n < ARRAY_SIZE(tunables) ? tunables[n].name : NULL;
}

static const struct tunable *find_tunable(const char *name)
{
	ASSERT(name, "a tunable without a name");
	for (unsigned i = 0; i < ARRAY_SIZE(tunables); i++) {
		if (strcmp(tunables[i].name, name) == 0)
			return &tunables[i];
	}
	return NULL;
}

/* Read the values behind the name and set them; says what is wrong with them. */
static bool set_values(struct zonal *mm, const struct tunable *t, const struct monitor_args *args)
{
	uint64_t value[ZONE_TYPES], most = t->most ? t->most : managed_kbytes(mm);
	unsigned count = args->count - 1;

	ASSERT(count >= 1 && count <= ARRAY_SIZE(value), "%u values", count);
	for (unsigned i = 0; i < count; i++) {
		if (number_read_all(args->word[i + 1], most, &value[i]) && value[i] >= t->least)
			continue;
		kprintf("set: %s %s: out of range %llu to %llu\n", t->name, args->word[i + 1],
			(ull)t->least, (ull)most);
		return false;
	}
	if ((t->set ? t->set(mm, (unsigned)value[0]) : t->set_all(mm, value, count)) == 0)
		return true;
	kprintf("set: %s: the allocator refuses this value\n", t->name);
	return false;
}

int monitor_set(struct zonal *mm, const struct monitor_args *args)
{
	const struct tunable *t;

	if (args->count == 0) {
		report_tunables(mm, args->json);
		return 0;
	}
	t = find_tunable(args->word[0]);
	if (!t) {
		kprintf("set: %s: one of", args->word[0]);
		print_choice(monitor_tunable_name);
		return 1;
	}
	if (args->count < 2 || args->count - 1 > t->values) {
		kprintf("set: %s: %s, it takes %s%u\n", t->name,
			args->count < 2 ? "a value is missing" : "too many values",
			t->values > 1 ? "1 to " : "", t->values);
		return 1;
	}
	return set_values(mm, t, args) ? 0 : 1;
}
