/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared free of a block that is not compound (mm/free.c, row B17).
 *
 * Three holders of one block of four pages give it back, each by zonal_free(page, 2) or by
 * zonal_put(page), all at once. One of those that free claims what lies behind the head, by
 * turning the head's word from USED to LONE; the last reference frees the head, and with
 * it the rest if nobody claimed that. Then a new owner takes the head, alone or with its
 * neighbour, writes to it, and frees it again.
 *
 * Proved: no call is taken for misuse, no page is freed twice, at the end all are free,
 * and nothing of a former holder reaches the new owner: neither a change of the word nor a late
 * write to the page.
 *
 * One shared access is one step. `late` is a store buffer: what a holder wrote to the page
 * sits there until process memory() lets it go, or until a release waits for it. A
 * load that no acquire holds back may come early: LOAD_EARLY. The compare and exchange is one
 * step, its retries are left out: a failure that is only spurious changes nothing.
 */
#ifndef HOLDERS
#define HOLDERS 3
#endif
#define PAGES 4
#define ORDER 2

mtype = { USED, LONE, GONE };

mtype state = USED;	/* the head's word: state and order, read and written together */
byte order = ORDER;
short refs = HOLDERS;
bool page_free[PAGES];
bool late[HOLDERS];	/* a write of holder h to the page is on its way */
byte content;
byte done;

/* The block at the head, of that many pages; the word becomes INNER first (put_block). */
inline free_from_head(count)
{
	d_step {
		assert(!page_free[0]);
		state = GONE;
		i = 0;
		do
		:: i < count -> assert(!page_free[i]); page_free[i] = true; i++
		:: else -> break
		od;
		i = 0
	}
}

inline free_rest()
{
	d_step { assert(!page_free[2] && !page_free[3]); page_free[2] = true; page_free[3] = true };
	d_step { assert(!page_free[1]); page_free[1] = true }
}

/* fetch_dec_acq_rel: release waits for what this holder wrote. */
inline drop(me)
{
#ifndef BUG_DROP_WITHOUT_RELEASE
	!late[me];
#endif
	d_step { old = refs; refs = refs - 1; assert(old >= 1) }
}

inline read_word()
{
	d_step { word = state; word_order = order }
}

inline free_last()
{
#ifdef BUG_ORDER_READ_BEFORE_THE_DROP
	skip;
#elif defined(BUG_DROP_WITHOUT_ACQUIRE)
	if
	:: read_word()
	:: skip	/* the load came early: what was read before the drop is used */
	fi;
#else
	read_word();
#endif
	if
	:: word == LONE -> free_from_head(1)
	:: else -> free_from_head(1 << word_order)
	fi
}

/* claim_rest(): true in `claimed` for one of those who try. */
inline claim()
{
#if defined(BUG_NO_CLAIM)
	state = LONE;
	claimed = true;
#elif defined(BUG_CLAIM_IN_TWO_STEPS)
	claimed = (state == USED);
	if
	:: claimed -> state = LONE
	:: else
	fi;
#elif defined(BUG_CLAIM_FORGETS_THE_ORDER)
	d_step { claimed = (state == USED); if :: claimed -> order = 0 :: else fi };
#else
	d_step { claimed = (state == USED); if :: claimed -> state = LONE :: else fi };
#endif
}

inline zonal_free(me)
{
	/* One load of both: the only holder of a whole block, and so it stays, for another
	 * reference takes one. */
#ifdef BUG_WORD_AND_REFERENCES_APART
	read_word();
	alone = (refs == 1);
#else
	d_step { word = state; word_order = order; alone = (refs == 1) };
#endif
	if
	:: word == USED && word_order == ORDER && alone ->
		drop(me);
		assert(old == 1);
		free_from_head(PAGES)
	:: else ->
		read_word();
		/* Else the call is reported as misuse and the reference is lost. */
		assert((word == USED || word == LONE) && word_order == ORDER);
#ifdef BUG_REST_AFTER_THE_DROP
		shared = refs > 1;
		drop(me);
		claimed = false;
		if
		:: shared -> claim()
		:: else
		fi;
		if
		:: claimed -> free_rest()
		:: else
		fi;
#else
		if
		:: refs > 1 ->
			claim();
			if
			:: claimed -> free_rest()
			:: else
			fi
		:: else
		fi;
		drop(me);
#endif
		if
		:: old == 1 -> free_last()
		:: else
		fi
	fi
}

inline zonal_put(me)
{
	read_word();
	assert(word == USED || word == LONE);
	drop(me);
	if
	:: old == 1 -> free_last()
	:: else
	fi
}

proctype holder(byte me)
{
	mtype word;
	byte word_order, i;
	short old;
	bool claimed, shared, alone;

	late[me] = true; /* writes to its page */
	if
	:: zonal_free(me)
	:: zonal_put(me)
	fi;
	done++
}

/* Who gets the pages next. */
proctype owner()
{
	byte i, mine;

	if
	:: d_step { page_free[0] -> page_free[0] = false; mine = 1 }
	:: d_step { page_free[0] && page_free[1] ->
		page_free[0] = false; page_free[1] = false; mine = 2 }
	fi;
	d_step { state = USED; order = mine - 1; refs = 1 };
	content = 100;
	assert(content == 100);
	assert(state == USED && order == mine - 1);
	d_step { assert(refs == 1); refs = 0 };
	assert(content == 100);
	free_from_head(mine);
	done++
}

proctype memory()
{
	byte left = HOLDERS;

	do
	:: late[0] -> d_step { late[0] = false; content = 1; left-- }
	:: late[1] -> d_step { late[1] = false; content = 2; left-- }
#if HOLDERS > 2
	:: late[2] -> d_step { late[2] = false; content = 3; left-- }
#endif
	:: left == 0 -> break
	od
}

init {
	byte i;

	atomic {
		do
		:: i < HOLDERS -> run holder(i); i++
		:: else -> break
		od;
		run owner();
		run memory()
	}
	done == HOLDERS + 1;
	assert(page_free[0] && page_free[1] && page_free[2] && page_free[3])
}
