/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a frame record (test/oracle/frames/FORMAT.md): text, gzipped or not, an item a line.
 *
 * The file is held in memory as a whole and cut into words in place. Each line begins with
 * its kind; a table says in which part of the file a kind may stand and who reads it:
 *
 *	head    what ran, on which board; CPUs, distances, zonelists
 *	state   every zone's numbers, lists, pageblock types, pages in use
 *	play    the calls
 *
 * Frames, gfp words, masks and hashes are hex, all else decimal. What describes only
 * (kernel, qemu, further key=value words) is passed over; a kind of line that is not
 * known, a number that is none, and a value that cannot be are errors with their line, and
 * the first one sticks. A record that is cut short is one too: the file says how many calls
 * there are, a record of a kernel before them and one of ours behind.
 *
 * A record that came over a console stands in its log, each line behind "| "; all other lines
 * are somebody else's and are passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "frames_text.h"

#define LOG_MARK "| "

/* ---- head ------------------------------------------------------------------ */

static void read_text(struct reader *r) { (void)r; }

static void read_kernel(struct reader *r)
{
	const char *name = fr_word(r);

	r->f->ours = name && !strcmp(name, "Zonal");
}

static void read_frames(struct reader *r)
{
	if (fr_decimal(r, UINT32_MAX) != 1)
		fr_fail(r, "only version 1 of the format is known");
}

static void read_calls(struct reader *r) { r->calls_said = fr_number(r, 10, 1u << 30); }

static void want(struct reader *r, char *text, const char *key, uint64_t only)
{
	char *value = fr_value(text, key);

	if (value && fr_number_to(r, &value, 10, UINT32_MAX, "") != only)
		fr_fail(r, "%s: only %s=%llu can be played", text, key, (unsigned long long)only);
}

static void read_global(struct reader *r)
{
	char *text, *value;

	while ((text = fr_word(r))) {
		want(r, text, "pageblock_order", PAGEBLOCK_ORDER);
		want(r, text, "node_reclaim", 0);
		want(r, text, "cpusets", 0);
		value = fr_value(text, "boost_factor");
		if (value)
			r->f->boost_factor = (unsigned)fr_number_to(r, &value, 10, INT32_MAX, "");
		value = fr_value(text, "grouping_off");
		if (value)
			r->f->grouping_off = fr_number_to(r, &value, 10, 1, "");
		value = fr_value(text, "drift");
		if (value)
			r->f->drift = fr_number_to(r, &value, 10, 1, "");
	}
}

static void read_cpus(struct reader *r)
{
	char *text;

	while ((text = fr_word(r)) && fr_good(r)) {
		uint64_t cpu = fr_number_to(r, &text, 10, ZONAL_MAX_CPUS - 1, ":");

		if (cpu != r->f->cpu_count)
			fr_fail(r, "CPU %llu: CPUs are numbered from 0 on",
				(unsigned long long)cpu);
		r->f->cpu_node[cpu] = (uint8_t)fr_number_to(r, &text, 10, ZONAL_MAX_NODES - 1, "");
		r->f->cpu_count++;
	}
}

/* The columns stand for the online nodes in ascending order; put in place at the end. */
static void read_distance(struct reader *r)
{
	unsigned node = fr_decimal(r, ZONAL_MAX_NODES - 1), n = 0;
	char *text;

	if (nodemask_has(r->f->nodes, node))
		fr_fail(r, "node %u stands twice", node);
	r->f->nodes |= node_bit(node);
	r->f->node_count++;
	for (; (text = fr_word(r)) && fr_good(r); n++) {
		if (n == ZONAL_MAX_NODES)
			fr_fail(r, "more than %d nodes", ZONAL_MAX_NODES);
		else
			r->f->distance[node][n] = (uint8_t)fr_number_to(r, &text, 10, 255, "");
	}
}

static void spread_distances(struct reader *r)
{
	for (unsigned from = 0; from < ZONAL_MAX_NODES; from++) {
		uint8_t row[ZONAL_MAX_NODES], k = 0;

		memcpy(row, r->f->distance[from], sizeof(row));
		for (unsigned to = 0; to < ZONAL_MAX_NODES; to++)
			r->f->distance[from][to] = nodemask_has(r->f->nodes, to) ? row[k++] : 0;
		if (nodemask_has(r->f->nodes, from) && !row[r->f->node_count - 1])
			fr_fail(r, "the distances of node %u are fewer than there are nodes", from);
	}
}

static void read_zonelist(struct reader *r)
{
	unsigned node = fr_decimal(r, ZONAL_MAX_NODES - 1);
	char *which = fr_word(r), *text;
	bool this = which && !strcmp(which, "this");

	if (!which || (!this && strcmp(which, "all")))
		fr_fail(r, "a zonelist is \"all\" or \"this\"");
	while ((text = fr_word(r)) && fr_good(r))
		fr_add(&r->f->zonelist[node][this],
		       fr_number_to(r, &text, 10, FIG_MAX_ZONES - 1, ""));
}

/* ---- play --------------------------------------------------------------------- */

static struct fr_call *new_call(struct reader *r, char kind)
{
	struct frames *f = r->f;
	struct fr_call *c;

	f->call = fr_room(f->call, f->call_count, &f->call_room, sizeof(f->call[0]));
	c = &f->call[f->call_count++];
	*c = (struct fr_call){ .kind = kind, .line = r->line };
	r->calls += !strchr("ckx", kind);
	return c;
}

static void read_alloc(struct reader *r)
{
	struct fr_call *c = new_call(r, 'a');

	c->gfp = fr_hex(r);
	c->order = (uint8_t)fr_decimal(r, 255);
	c->nid = (int16_t)fr_decimal(r, ZONAL_MAX_NODES - 1);
	c->mask = fr_number(r, 16, UINT64_MAX);
	c->task = (uint8_t)fr_number(r, 16, r->f->ours ? FR_TASKS : 15);
	c->pfn = fr_hex(r);
}

static void read_block_call(struct reader *r, char kind)
{
	struct fr_call *c = new_call(r, kind);

	c->pfn = fr_hex(r);
	c->order = (uint8_t)fr_decimal(r, MAX_ORDER - 1);
}

static void read_free_call(struct reader *r) { read_block_call(r, 'f'); }
static void read_rest_call(struct reader *r) { read_block_call(r, 'r'); }
static void read_split_call(struct reader *r) { read_block_call(r, 's'); }
static void read_drain_call(struct reader *r) { new_call(r, 'd'); }

static void read_unreserve(struct reader *r)
{
	struct fr_call *c = new_call(r, 'u');

	c->gfp = fr_hex(r);
	c->nid = (int16_t)fr_decimal(r, ZONAL_MAX_NODES - 1);
	c->mask = fr_number(r, 16, UINT64_MAX);
	c->force = fr_decimal(r, 1);
	c->moved = fr_decimal(r, 1);
}

static unsigned read_zone_of_call(struct reader *r)
{
	unsigned zid = fr_decimal(r, FIG_MAX_ZONES - 1);

	if (fr_good(r) && !r->f->start->zone[zid].given)
		fr_fail(r, "zone %u is not in \"state start\"", zid);
	return zid;
}

static void read_piece(struct reader *r)
{
	struct fr_call *c = new_call(r, 'D');

	c->nid = (int16_t)read_zone_of_call(r);
	c->cpu = fr_decimal(r, r->f->cpu_count - 1);
	c->type = fr_decimal(r, MIGRATE_PCPTYPES - 1);
	c->give = fr_decimal(r, INT32_MAX);
	c->left = fr_decimal(r, INT32_MAX);
	c->count = fr_decimal(r, INT32_MAX);
	if (c->count > c->left)
		fr_fail(r, "a piece of %u pages of a drain of %u", c->count, c->left);
}

static void read_listed(struct reader *r)
{
	struct fr_call *c = new_call(r, 'l');

	c->pfn = fr_hex(r);
	c->force = fr_decimal(r, 1);
}

/* What else happened; for "lost" the number is the CPU that lost records, else a zone. */
static void read_other(struct reader *r)
{
	struct fr_call *c = new_call(r, 'x');
	const char *word = fr_word(r);

	snprintf(c->word, sizeof(c->word), "%s", word ? word : "");
	c->nid = (int16_t)fr_decimal(r, INT16_MAX);
}

static void read_cpu_call(struct reader *r)
{
	new_call(r, 'c')->nid = (int16_t)fr_decimal(r, r->f->cpu_count - 1);
}

static void read_mark(struct reader *r)
{
	struct fr_call *c = new_call(r, 'k');

	c->nid = (int16_t)fr_decimal(r, FIG_MAX_ZONES - 1);
	for (unsigned i = 0; i < ARRAY_SIZE(c->mark); i++)
		c->mark[i] = (int64_t)fr_number(r, 10, UINT32_MAX);
	c->hash = fr_number(r, 16, UINT64_MAX);
}

/* ---- parts of the file ---------------------------------------------------------- */

static void read_state(struct reader *r)
{
	char *which = fr_word(r);
	struct fr_state **state = NULL;

	if (which && !strcmp(which, "start"))
		state = &r->f->start;
	if (which && !strcmp(which, "end"))
		state = &r->f->end;
	if (!state || *state || !r->f->cpu_count || !r->f->node_count) {
		fr_fail(r, "one \"state start\" and one \"state end\", behind CPUs and distances");
		return;
	}
	*state = calloc(1, sizeof(**state));
	r->state = *state;
}

static void read_play(struct reader *r)
{
	if (!r->f->start)
		fr_fail(r, "\"play\" before \"state start\"");
	else
		read_cpu_call(r);
	r->play = true;
}

static void read_end(struct reader *r)
{
	(void)fr_word(r);
	r->state = NULL;
}

/* Something happened while the state above was written: it does not count. */
static void read_again(struct reader *r)
{
	struct fr_state **state = r->f->end ? &r->f->end : &r->f->start;

	if (!*state)
		fr_fail(r, "\"again\" behind no state");
	r->play = r->f->end != NULL;
	fr_free_state(r->f, *state);
	*state = NULL;
}

static void read_done(struct reader *r)
{
	(void)fr_word(r);
	r->play = false;
}

enum { HEAD = 1, STATE = 2, PLAY = 4 };

static const struct {
	const char *kind;
	unsigned where;
	bool text; /* words behind it are not looked at */
	void (*read)(struct reader *r);
} kinds[] = {
	{ "frames", HEAD, false, read_frames },	  { "kernel", HEAD, true, read_kernel },
	{ "board", HEAD, true, read_text },	  { "qemu", HEAD, true, read_text },
	{ "append", HEAD, true, read_text },	  { "calls", HEAD, false, read_calls },
	{ "global", HEAD, false, read_global },	  { "cpus", HEAD, false, read_cpus },
	{ "distance", HEAD, false, read_distance }, { "zonelist", HEAD, false, read_zonelist },
	{ "state", HEAD, false, read_state },	  { "play", HEAD, false, read_play },
	{ "zone", STATE, false, read_zone },	  { "diff", STATE, false, read_diff },
	{ "numa", STATE, false, read_numa },	  { "blocks", STATE, false, read_blocks },
	{ "free", STATE, false, read_free },	  { "pcp", STATE, false, read_pcp },
	{ "movable", STATE, false, read_movable }, { "held", STATE, false, read_held },
	{ "end", STATE, false, read_end },	  { "a", PLAY, false, read_alloc },
	{ "f", PLAY, false, read_free_call },	  { "r", PLAY, false, read_rest_call },
	{ "s", PLAY, false, read_split_call },	  { "d", PLAY, false, read_drain_call },
	{ "u", PLAY, false, read_unreserve },	  { "c", PLAY, false, read_cpu_call },
	{ "k", PLAY, false, read_mark },	  { "done", PLAY, false, read_done },
	{ "D", PLAY, false, read_piece },	  { "l", PLAY, false, read_listed },
	{ "x", PLAY, false, read_other },	  { "again", HEAD, false, read_again },
};

static void read_line(struct reader *r)
{
	unsigned here = r->state ? STATE : r->play ? PLAY : HEAD;
	const char *kind = fr_word(r), *more;

	for (unsigned i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i].kind) || !(kinds[i].where & here))
			continue;
		kinds[i].read(r);
		more = kinds[i].text ? NULL : fr_word(r);
		if (more)
			fr_fail(r, "\"%.40s\" is too much behind \"%s\"", more, kind);
		return;
	}
	if (kind)
		fr_fail(r, "a line of kind \"%.40s\" is not known %s", kind,
		     r->state ? "in a state" : r->play ? "in the play" : "here");
}

/* What the file must have had when it ends. */
static void read_finish(struct reader *r)
{
	for (unsigned c = 0; c < r->f->cpu_count; c++)
		if (!nodemask_has(r->f->nodes, r->f->cpu_node[c]))
			fr_fail(r, "CPU %u is on node %u, which has no \"distance\" line", c,
			     r->f->cpu_node[c]);
	if (r->f->end && !r->state && r->calls_said == CALLS_UNSAID)
		fr_fail(r, "the record is cut short: no \"calls\"");
	if (!r->f->end || r->state || r->play || r->calls != r->calls_said)
		fr_fail(r, "the record is cut short: %lu%s%.0lu calls%s", r->calls,
			r->calls_said == CALLS_UNSAID ? "" : " of ",
			r->calls_said == CALLS_UNSAID ? 0 : r->calls_said,
			r->f->end ? "" : ", no \"state end\"");
	for (unsigned zid = 0; fr_good(r) && zid < FIG_MAX_ZONES; zid++)
		if (r->f->start->zone[zid].given != r->f->end->zone[zid].given)
			fr_fail(r, "zone %u is in one state only", zid);
	if (fr_good(r))
		spread_distances(r);
}

static void read_lines(struct reader *r, char *text)
{
	bool log = strncmp(text, "frames ", 7) && strstr(text, "\n" LOG_MARK "frames ");

	while (text && fr_good(r)) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		r->line++;
		r->at = text;
		if (log && !strncmp(text, LOG_MARK, strlen(LOG_MARK)))
			r->at += strlen(LOG_MARK);
		if (!log || r->at != text)
			read_line(r);
		text = next;
	}
	if (fr_good(r))
		read_finish(r);
}

bool frames_read(struct frames *f, const char *name)
{
	struct reader r = { .f = f, .calls_said = CALLS_UNSAID };
	char *text;

	*f = (struct frames){ .file = name };
	text = fr_read_whole(&r, name);
	if (text && fr_good(&r))
		read_lines(&r, text);
	free(text);
	return fr_good(&r);
}

void frames_free(struct frames *f)
{
	for (unsigned n = 0; n < ZONAL_MAX_NODES; n++) {
		free(f->zonelist[n][0].item);
		free(f->zonelist[n][1].item);
	}
	fr_free_state(f, f->start);
	fr_free_state(f, f->end);
	free(f->call);
	*f = (struct frames){ 0 };
}
