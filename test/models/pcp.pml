/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU lists: the interrupt mask, the ticket lock and the drain by request
 * (mm/lane.c, mm/free.c, mm/pcp.c, mm/drain.c, lib/lock.h; rows P, T1, T2, P13).
 *
 * Two CPUs and one zone. On each CPU a task takes a page, frees it and drains all CPUs, while an
 * interrupt may come at any step and takes and frees one too. Nothing of a list is
 * atomic: a read and a write of its count are two steps, and so is all of the zone.
 *
 * Proved: no page is lost or found twice, whatever an interrupt or the other CPU does
 * between two steps; a drain has emptied the list that it asked for when it comes back; and
 * everything ends (two drains at once, a handler that needs the lock its CPU wants).
 *
 * `late` is a store buffer: what a CPU wrote to the zone sits there until process
 * memory() lets it go or a release waits for it; the CPU itself sees it at once. A load that
 * no acquire holds back may come early. The lists need no buffer: their CPU alone uses them.
 */
#define CPUS 2
#define HIGH 2		/* at so many pages one goes back */
#define TOTAL 4

byte count[CPUS] = 1;	/* pages in each CPU's list */
byte zone = 2;		/* pages in the zone's */
bool masked[CPUS];
bool irq[CPUS];		/* a handler runs: the task of that CPU does not */
bool handler_done[CPUS];
bool asked[CPUS];	/* a drain waits for this CPU */
bool to_drain[CPUS];	/* not yet emptied since it was asked; for the proof only */
byte next, owner;	/* the ticket lock */
bool late[CPUS];
byte late_zone[CPUS];
byte ended;

/* port_irq_save() and port_irq_restore(): a handler stays masked, a task does not. */
#define mask(me) masked[me] = true
#define restore(me) masked[me] = irq[me]

inline read_zone(me)
{
	if
	:: late[me] -> z = late_zone[me]
	:: !late[me] -> z = zone
	fi
}

inline lock(me)
{
	d_step { ticket = next; next++ };
	early = false;
#ifdef BUG_LOCK_WITHOUT_ACQUIRE
	if
	:: read_zone(me); early = true	/* before the ticket is up */
	:: skip
	fi;
#endif
#ifndef BUG_LOCK_DOES_NOT_WAIT
	owner == ticket
#else
	skip
#endif
}

inline unlock(me)
{
#ifndef BUG_UNLOCK_WITHOUT_RELEASE
	!late[me];
#endif
	owner++
}

/* Lock, add to the zone, unlock. */
inline zone_add(me, pages)
{
#ifndef BUG_ZONE_WITHOUT_LOCK
	lock(me);
#else
	early = false;
#endif
	if
	:: !early -> read_zone(me)
	:: else
	fi;
	d_step { late_zone[me] = z + pages; late[me] = true };
#ifndef BUG_ZONE_WITHOUT_LOCK
	unlock(me)
#endif
}

inline zone_take(me)
{
	lock(me);
	if
	:: !early -> read_zone(me)
	:: else
	fi;
	if
	:: z > 0 -> d_step { late_zone[me] = z - 1; late[me] = true }; got = true
	:: else
	fi;
	unlock(me)
}

/* zonal_alloc: from the list, or from the zone through it. */
inline take(me)
{
	got = false;
#ifndef BUG_TAKE_NOT_MASKED
	mask(me);
#endif
	n = count[me];
	if
	:: n > 0 -> count[me] = n - 1; got = true
	:: else -> zone_take(me)
	fi;
	restore(me)
}

/* zonal_free of a single page. */
inline give(me)
{
#ifndef BUG_FREE_NOT_MASKED
	mask(me);
#endif
#ifdef BUG_FREE_OPENS_AGAIN
	restore(me);
#endif
	n = count[me] + 1;
	count[me] = n;
	if
	:: n >= HIGH -> count[me] = n - 1;
#ifdef BUG_LOCK_NOT_MASKED
		restore(me);
#endif
		zone_add(me, 1)
	:: else
	fi;
	restore(me)
}

/* drain_this_cpu() of the list of `whose`, which is the own one. */
inline drain_list(self, whose)
{
#ifndef BUG_DRAIN_NOT_MASKED
	mask(self);
#endif
	n = count[whose];
	if
	:: n > 0 -> count[whose] = 0; zone_add(self, n)
	:: else
	fi;
	to_drain[whose] = false;
	restore(self)
}

/* zonal_drain_all: the own list at once, the other CPU's by asking it. */
inline drain_all(me)
{
	drain_list(me, me);
	if
	:: count[1 - me] > 0 ->
		to_drain[1 - me] = true;
#ifdef BUG_DRAIN_TAKES_OTHERS_LISTS
		drain_list(me, 1 - me);
#else
#ifdef BUG_DRAIN_WAITS_MASKED
		mask(me);
#endif
		asked[1 - me] = true;
		!asked[1 - me];
		assert(!to_drain[1 - me]);
		restore(me)
#endif
	:: else
	fi
}

proctype task(byte me) provided (!irq[_pid - 1])
{
	byte n, z, ticket;
	bool early, got;

	take(me);
	if
	:: got -> give(me)
	:: else
	fi;
	drain_all(me);
	ended++
}

/* Interrupts of a CPU: one that allocates and frees, and the requests to drain. */
proctype interrupts(byte me)
{
	byte n, z, ticket;
	bool early, got;

end:	do
	:: atomic { !masked[me] && !handler_done[me] ->
			masked[me] = true; irq[me] = true };
		take(me);
		if
		:: got -> give(me)
		:: else
		fi;
		handler_done[me] = true;
		d_step { irq[me] = false; masked[me] = false }
	:: atomic { !masked[me] && asked[me] -> masked[me] = true; irq[me] = true };
#ifdef BUG_ANSWER_BEFORE_THE_DRAIN
		asked[me] = false;
		drain_list(me, me);
#else
		drain_list(me, me);
		asked[me] = false;
#endif
		d_step { irq[me] = false; masked[me] = false }
	od
}

proctype memory()
{
end:	do
	:: late[0] -> d_step { zone = late_zone[0]; late[0] = false }
	:: late[1] -> d_step { zone = late_zone[1]; late[1] = false }
	od
}

init {
	atomic {
		run task(0);
		run task(1);
		run interrupts(0);
		run interrupts(1);
		run memory()
	}
	ended == CPUS && handler_done[0] && handler_done[1] && !irq[0] && !irq[1] &&
		!late[0] && !late[1];
	assert(zone + count[0] + count[1] == TOTAL)
}
