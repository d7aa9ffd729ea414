/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The idle protocol of the scheduler (sched/place.c, sched/start.c, sched/run_queue.c).
 *
 * CPUs 0 and 1 become idle. CPU 2 runs a task that does not end, and makes up to three ready: each
 * goes to the queue of any CPU that it takes for the best, and that choice may be stale, so
 * all are tried, its own queue too. It then interrupts that CPU if it runs nothing, and one idle
 * CPU more if the task will not be alone there. An idle CPU that finds a task, in
 * its own queue or in another's, runs it for good.
 *
 * Proved: when all is quiet no task waits in a queue while a CPU is idle.
 *
 * An idle CPU (1) sets its bit, (2) looks at every ready_count, and waits if it finds
 * nothing; who queues (3) raises ready_count, (4) looks at the bits. `late` is the store
 * buffer: a store that is not sequentially consistent may come out after the loads behind
 * it. Interrupts are masked from the look to the wait, and
 * one that is pending ends the wait.
 */
#define BUSY 2
#define CPUS 3
#define TASKS 3

byte ready[CPUS];
bool locked[CPUS];
bool runs[CPUS];	/* `running` is a priority, not QUEUE_IDLE */
bool idle_bit[CPUS];
bool pending[CPUS];	/* an interrupt is on its way, or waits for the unmask */
bool waits[CPUS];
bool late_bit[CPUS];	/* the bit of a CPU, on its way */
bool late_ready;	/* one more for the count at late_cpu, on its way */
byte late_cpu;

#define lock(cpu) d_step { !locked[cpu] -> locked[cpu] = true }
#define unlock(cpu) locked[cpu] = false

inline set_idle(me)
{
#ifdef BUG_BIT_NOT_ORDERED
	late_bit[me] = true
#else
	idle_bit[me] = true
#endif
}

/* place_kick_idle(): one idle CPU that is not `but`, the nearest. */
inline kick_idle(but)
{
	if
	:: but != 0 && idle_bit[0] -> pending[0] = true
	:: else ->
		if
		:: but != 1 && idle_bit[1] -> pending[1] = true
		:: else
		fi
	fi
}

/* steal_from() and the rest of place_steal(). */
inline steal_from(victim, me)
{
	if
	:: !stolen && ready[victim] > 0 ->
		lock(victim);
		if
		:: ready[victim] > 0 -> ready[victim]--; stolen = true
		:: else	/* another CPU was quicker */
		fi;
		unlock(victim);
		if
		:: stolen ->
			lock(me);
			ready[me]++;
			unlock(me)
		:: else
		fi
	:: else
	fi
}

/* place_pass_on(): who found this CPU idle may have meant it for another task than the one it took. */
inline pass_on(me)
{
	if
	:: ready[0] > 0 -> kick_idle(me)
	:: else ->
		if
		:: ready[1] > 0 -> kick_idle(me)
		:: else ->
			if
			:: ready[BUSY] > 0 -> kick_idle(me)
			:: else
			fi
		fi
	fi
}

/* switch_from(): a task of the own queue, or idle still. */
inline switch(me)
{
	lock(me);
	if
	:: ready[me] > 0 ->
		!late_bit[me];
		ready[me]--;
		runs[me] = true;
		idle_bit[me] = false
	:: else
	fi;
	unlock(me);
#ifndef BUG_NOTHING_PASSED_ON
	if
	:: runs[me] -> pass_on(me)
	:: else
	fi
#else
	skip
#endif
}

inline wait(me)
{
#ifdef BUG_UNMASKED_BEFORE_THE_WAIT
	if
	:: pending[me] -> pending[me] = false	/* taken too early */
	:: else
	fi;
#endif
	waits[me] = true;
end:	pending[me];	/* WFI; the run may end here */
	waits[me] = false
}

proctype idler(byte me)
{
	bool stolen;

#ifndef BUG_LOOK_BEFORE_THE_BIT
	set_idle(me);
#endif
	do
	:: runs[me] -> break
	:: else ->
		/* Masked from here to the end of the wait. */
		stolen = false;
		if
		:: ready[me] > 0 -> switch(me)
		:: else ->
#ifndef BUG_OWN_QUEUE_ONLY
			steal_from(1 - me, me);
			steal_from(BUSY, me);
#endif
#ifdef BUG_LOOK_BEFORE_THE_BIT
			set_idle(me);
#endif
			if
			:: stolen -> switch(me)
			:: else -> wait(me)
			fi
		fi;
		pending[me] = false	/* unmasked: the interrupt is taken */
	od
}

/* queued_tell(). */
inline tell(cpu)
{
	if
	:: !runs[cpu] ->
#ifndef BUG_NO_KICK_OF_THE_CHOSEN
		pending[cpu] = true;
#endif
		if
		:: ready[cpu] > 1 -> kick_idle(cpu)
		:: else
		fi
	:: else -> kick_idle(cpu)
	fi
}

/* place_task(): queue it, then tell. */
inline place(cpu)
{
	lock(cpu);
#ifdef BUG_LOOK_BEFORE_THE_COUNT
	tell(cpu);
#endif
#ifdef BUG_COUNT_NOT_ORDERED
	!late_ready;
	d_step { late_ready = true; late_cpu = cpu };
#else
	ready[cpu]++;
#endif
#ifndef BUG_LOOK_BEFORE_THE_COUNT
	tell(cpu);
#endif
#ifdef BUG_COUNT_NOT_ORDERED
	!late_ready;	/* the release of the lock waits for it */
#endif
	unlock(cpu)
}

proctype waker()
{
	byte left = TASKS;
	byte cpu;

	do
	:: left > 0 ->
		if
		:: cpu = 0
		:: cpu = 1
		:: cpu = BUSY
		fi;
		place(cpu);
		left--
	:: break
	od
}

proctype memory()
{
end:	do
	:: late_bit[0] -> d_step { idle_bit[0] = true; late_bit[0] = false }
	:: late_bit[1] -> d_step { idle_bit[1] = true; late_bit[1] = false }
	:: late_ready -> d_step { ready[late_cpu]++; late_ready = false }
	od
}

init {
	runs[BUSY] = true;
	atomic { run idler(0); run idler(1); run waker(); run memory() }
}

/* Nothing else can move: whatever waits now waits for ever. */
active proctype quiet()
{
	timeout;
	assert(ready[0] + ready[1] + ready[2] == 0 || (!waits[0] && !waits[1]))
}
