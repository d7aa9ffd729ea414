/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sequence count of a task's allowed nodes (mm/policy.c, mm/alloc.c, sched/task.c; rows
 * T4, Z3).
 *
 * Two writers give a task other nodes, one after the other: who makes the even count odd may
 * write. The new nodes are added, the policy is moved over, the old nodes go, the count
 * becomes even. Readers take mask and policy between two looks at the count, and try again if it was
 * odd or has changed. One reader is a parent that makes a child, one looks at the
 * mask alone and once, as the checks that only want some node do.
 *
 * Proved: a reader gets a mask that a writer set, never the one between, and the policy
 * that goes with it; who looks once never finds the mask empty; who comes after both
 * writers gets what the last one set.
 *
 * Each stored value goes into a place of its own in the store buffer of its writer and comes
 * out at any later time, in any order (memory()). A release store waits until all that
 * came before is out. The acquire of the writer's first step holds nothing back there; the
 * release of the next one does. A load that no acquire holds back may come early.
 */
#define WRITERS 2
#define FIRST 1		/* the mask at first; writer w sets 2 << w */

byte seq, mems = FIRST, policy = FIRST;
bool late_seq[WRITERS], late_mems[WRITERS], late_policy[WRITERS];
byte seq_to[WRITERS], mems_to[WRITERS], policy_to[WRITERS];
byte last = FIRST;	/* what the last writer set; for the proof only */
byte written, got;	/* writers and readers that have ended */

#ifdef BUG_WRITERS_NOT_ONE_BY_ONE
#define may_begin true
#else
#define may_begin (seq % 2 == 0)
#endif
#define released(w) (!late_seq[w] && !late_mems[w] && !late_policy[w])
#define store(w, what, value) d_step { what##_to[w] = value; late_##what[w] = true }

inline release_unless_broken(w)
{
#ifndef BUG_WRITER_WITHOUT_RELEASES
	released(w)
#else
	skip
#endif
}

proctype writer(byte me)
{
	byte old, count;

#ifndef BUG_COUNT_NOT_ODD
	/* Compare and exchange, or fetch_add in the broken one: what it reads is the newest, what
	 * it writes may wait. */
	d_step {
		!late_seq[0] && !late_seq[1] && may_begin ->
		count = seq; seq_to[me] = count + 1; late_seq[me] = true
	};
#endif
	old = mems;
	release_unless_broken(me);
#ifdef BUG_OLD_NODES_GO_FIRST
	store(me, mems, 0);
#else
	store(me, mems, old | (2 << me));
#endif
	store(me, policy, 2 << me);
#ifdef BUG_OLD_NODES_GO_FIRST
	release_unless_broken(me);
#endif
	!late_mems[me] || mems_to[me] == 0;	/* one place, one order */
	store(me, mems, 2 << me);
#ifndef BUG_LAST_STEP_WITHOUT_RELEASE
	release_unless_broken(me);
#endif
#ifdef BUG_COUNT_NOT_ODD
	!late_seq[0] && !late_seq[1];
	d_step { count = seq; last = 2 << me; seq_to[me] = count + 2; late_seq[me] = true };
#else
	!late_seq[0] && !late_seq[1];
	d_step { count = seq; last = 2 << me; seq_to[me] = count + 1; late_seq[me] = true };
#endif
	/* Whoever is told that it is done is told with a release. */
	released(me);
	written++
}

inline read_both()
{
#ifdef BUG_POLICY_READ_EARLIER
	skip;
#else
	p = policy;
#endif
	m = mems
}

/* `m` and `p` as one writer left them. */
inline read_under_count()
{
	do
	::
#ifdef BUG_POLICY_READ_EARLIER
		p = policy;
#endif
#ifdef BUG_FIRST_LOOK_WITHOUT_ACQUIRE
		if
		:: read_both(); first = seq
		:: first = seq; read_both()
		fi;
#else
		first = seq;
#ifndef BUG_MASK_WITHOUT_ACQUIRE
		read_both();
#endif
#endif
#ifdef BUG_MASK_WITHOUT_ACQUIRE
		if
		:: second = seq; read_both()
		:: read_both(); second = seq
		fi;
#else
		second = seq;
#endif
#ifdef BUG_NO_RETRY
		break
#elif defined(BUG_ODD_ACCEPTED)
		if
		:: first == second -> break
		:: else
		fi
#else
		if
		:: first == second && first % 2 == 0 -> break
		:: else
		fi
#endif
	od
}

/* decode() of a request; also the parent that hands both on to its child. */
proctype reader()
{
	byte first, second, m, p;
	byte after = (written == WRITERS -> last : 0);

#ifdef BUG_CHILD_COPIES_PLAINLY
	m = mems;
	p = policy;
#else
	read_under_count();
#endif
	assert(m == FIRST || m == 2 || m == 4);
	assert(m == p);
	assert(after == 0 || m == after);
	got++
}

proctype looker()
{
	assert(mems != 0)
}

proctype memory()
{
end:	do
	:: late_seq[0] -> d_step { seq = seq_to[0]; late_seq[0] = false }
	:: late_mems[0] -> d_step { mems = mems_to[0]; late_mems[0] = false }
	:: late_policy[0] -> d_step { policy = policy_to[0]; late_policy[0] = false }
	:: late_seq[1] -> d_step { seq = seq_to[1]; late_seq[1] = false }
	:: late_mems[1] -> d_step { mems = mems_to[1]; late_mems[1] = false }
	:: late_policy[1] -> d_step { policy = policy_to[1]; late_policy[1] = false }
	od
}

init {
	atomic {
		run writer(0);
		run writer(1);
		run reader();
		run looker();
		run memory()
	}
	/* One who comes when all is over. */
	written == WRITERS && got == 1;
	run reader()
}
