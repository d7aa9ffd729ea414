/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record's text in words and numbers, and what the readers of its lines share. The first
 * error sticks; behind it every reader returns something harmless.
 */
#ifndef TOOLS_FRAMES_TEXT_H
#define TOOLS_FRAMES_TEXT_H

#include "frames.h"

struct reader {
	struct frames *f;
	char *at;               /* the rest of the line */
	unsigned line;
	struct fr_state *state; /* in a state */
	bool play;
	unsigned long calls, calls_said; /* or CALLS_UNSAID */
};

#define CALLS_UNSAID (~0ul)

static inline bool fr_good(const struct reader *r) { return !r->f->error[0]; }
void fr_fail(struct reader *r, const char *fmt, ...) ZN_PRINTF(2, 3);

/* An array of `count` items, with room for one more. */
void *fr_room(void *old, size_t count, size_t *room, size_t size);
/* The whole file, unpacked, with a NUL behind it; NULL and an error. */
char *fr_read_whole(struct reader *r, const char *name);

/* The next word of the line, NULL at its end. */
char *fr_word(struct reader *r);
/* A number up to `most` that ends at one of `ends`, which it steps over. */
uint64_t fr_number_to(struct reader *r, char **text, int base, uint64_t most, const char *ends);
/* The next word as a number. */
uint64_t fr_number(struct reader *r, int base, uint64_t most);
unsigned fr_decimal(struct reader *r, unsigned most);
uint32_t fr_hex(struct reader *r);
int64_t fr_signed_to(struct reader *r, char **text, const char *ends);
/* What stands behind key= if `text` begins with it, else NULL. */
char *fr_value(char *text, const char *key);

/* frames_state.c: the lines of a state. */
void read_zone(struct reader *r);
void read_diff(struct reader *r);
void read_numa(struct reader *r);
void read_blocks(struct reader *r);
void read_free(struct reader *r);
void read_pcp(struct reader *r);
void read_movable(struct reader *r);
void read_held(struct reader *r);
void fr_free_state(const struct frames *f, struct fr_state *state);

#endif
