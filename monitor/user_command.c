/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `user`: tasks at EL0.
 *
 *	user               the tasks that there are, and the programs of the image
 *	user run NAME [N]  start a program with N in x0 and wait for its end
 *	user start NAME [N]  the same without waiting
 *	user kill ID       end a task, wherever it is
 *	user adj ID N      -1000 to 1000: who is ended first when memory runs out; -1000: never
 *
 * What `run` prints last is how it ended; the command fails unless the program exited with 0.
 * Counts are of pages of 4 KiB and a moment old. A task that was started and has ended stays in
 * the list until `user` has shown it once.
 */
#include "user_command.h"

#include <string.h>

#include <zonal/zonal.h>

#include "lib/assert.h"
#include "lib/name_in.h"
#include "lib/number.h"
#include "lib/kprintf.h"
#include "sched/sched.h"
#include "user/user.h"

#define REAPER_NS 2000000ull

typedef unsigned long long ull;

static const char *reason_name(const struct user_end *end)
{
	static const char *const names[] = { "exited", "killed", "faulted" };

	return NAME_IN(names, end->reason);
}

static void print_one(const struct user_info *info, bool json, bool first)
{
	if (json)
		kprintf("%s{\"id\":%u,\"parent\":%u,\"name\":\"%s\",\"ended\":%s,\"adj\":%d,"
			"\"pages\":%llu,"
			"\"blocks\":%llu,\"tables\":%llu,\"faults\":%llu}", first ? "" : ",",
			info->id, info->parent, info->name, info->ended ? "true" : "false",
			info->adj, (ull)info->pages, (ull)info->blocks, (ull)info->tables,
			(ull)info->faults);
	else
		kprintf("%6u %6u %-15s %-5s %8llu %6llu %6llu %8llu\n", info->id, info->parent,
			info->name, info->ended ? "ended" : "runs", (ull)info->pages,
			(ull)info->blocks, (ull)info->tables, (ull)info->faults);
}

/* One that the kernel started and that has ended is forgotten once it was shown. */
static void forget(const struct user_info *info)
{
	struct user_end end;

	if (info->ended && !info->parent)
		(void)!user_join((int)info->id, &end);
}

static void print_programs(bool json)
{
	const char *name;

	kprintf(json ? "],\"programs\":[" : "programs:");
	for (unsigned n = 0; (name = user_program_name(n)); n++)
		kprintf(json ? "%s\"%s\"" : "%s %s", json && n ? "," : "", name);
	kprintf(json ? "]}\n" : "\n");
}

static int list(bool json)
{
	struct user_info info;
	unsigned next = 0;
	bool first = true;

	kprintf(json ? "{\"schema\":\"zonal.user/1\",\"tasks\":[" :
		       "    id parent name            state    pages blocks tables   faults\n");
	while (user_list(&next, &info, 1)) {
		print_one(&info, json, first);
		forget(&info);
		first = false;
	}
	print_programs(json);
	return 0;
}

/* The program of word `at`, with the argument behind it; its id, or 0: it was said why not. */
static int start_one(const struct monitor_args *args, unsigned at)
{
	const char *why;
	uint64_t arg = 0;
	int id;

	ASSERT(at < args->count, "no word %u", at);
	if (args->count > at + 1 && !number_read_all(args->word[at + 1], UINT64_MAX, &arg)) {
		kprintf("%s: %s: not a number\n", args->name, args->word[at + 1]);
		return 0;
	}
	id = user_start(args->word[at], arg, &why);
	if (id < 0)
		kprintf("%s: %s: %s (%d)\n", args->name, args->word[at], why, id);
	return id < 0 ? 0 : id;
}

int monitor_user_start(const struct monitor_args *args, unsigned at)
{
	int id = start_one(args, at);

	if (id)
		kprintf(args->json ? "{\"schema\":\"zonal.user-start/1\",\"id\":%d}\n" :
				     "id %d\n", id);
	return id ? 0 : 1;
}

bool monitor_user_memory(const struct monitor_args *args, unsigned at,
			 void (*fn)(struct zonal_task *memory, void *arg), void *arg)
{
	uint64_t id;

	ASSERT(at < args->count, "no word %u", at);
	if (!number_read_all(args->word[at], INT32_MAX, &id))
		id = 0;
	/* One that was started just now may not have begun. */
	for (unsigned tries = 0; id && tries < 10; tries++) {
		if (user_memory((int)id, fn, arg))
			return true;
		task_sleep_ns(REAPER_NS);
	}
	kprintf("%s: %s: no task at EL0 has that id\n", args->name, args->word[at]);
	return false;
}

static int run(const struct monitor_args *args)
{
	struct user_end end;
	int id = start_one(args, 1);

	if (!id || !user_join(id, &end))
		return 1;
	/* What is looked at next should find its stack free, too: the reaper has its turn. */
	task_sleep_ns(REAPER_NS);
	kprintf(args->json ? "{\"schema\":\"zonal.user-run/1\",\"id\":%d,\"end\":\"%s\","
			     "\"status\":%d}\n" :
			     "user: task %d %s, status %d\n", id, reason_name(&end), end.status);
	return end.reason != USER_EXITED || end.status;
}

static int end_one(const char *word)
{
	uint64_t id;

	if (number_read_all(word, INT32_MAX, &id) && user_kill((int)id))
		return 0;
	kprintf("user: %s: no task at EL0 has that id\n", word);
	return 1;
}

/* A whole number with a sign. */
static bool read_signed(const char *word, int64_t *value)
{
	bool minus = *word == '-';
	uint64_t amount;

	ASSERT(value, "no place for the number %s", word);
	if (!number_read_all(word + minus, INT32_MAX, &amount))
		return false;
	*value = minus ? -(int64_t)amount : (int64_t)amount;
	return true;
}

static int adjust_one(const char *word, const char *adj)
{
	uint64_t id;
	int64_t value;

	if (!read_signed(adj, &value) || value < -1000 || value > 1000) {
		kprintf("user: adj %s: not a number from -1000 to 1000\n", adj);
		return 1;
	}
	if (number_read_all(word, INT32_MAX, &id) && user_adjust((int)id, value))
		return 0;
	kprintf("user: %s: no task at EL0 has that id\n", word);
	return 1;
}

int monitor_user(struct zonal *mm, const struct monitor_args *args)
{
	const char *what = args->count ? args->word[0] : NULL;

	(void)mm;
	if (!what)
		return list(args->json);
	if (args->count >= 2 && !strcmp(what, "run"))
		return run(args);
	if (args->count >= 2 && !strcmp(what, "start"))
		return monitor_user_start(args, 1);
	if (args->count == 2 && !strcmp(what, "kill"))
		return end_one(args->word[1]);
	if (args->count == 3 && !strcmp(what, "adj"))
		return adjust_one(args->word[1], args->word[2]);
	kprintf("user: run NAME [N], start NAME [N], kill ID or adj ID N\n");
	return 1;
}

const char *monitor_user_word(unsigned n)
{
	static const char *const words[] = { "run", "start", "kill", "adj" };

	const unsigned count = (unsigned)ARRAY_SIZE(words);

	return n < count ? words[n] : user_program_name(n - count);
}
