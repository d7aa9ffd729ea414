/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting and waking: no wake-up is lost, deadlines hold, the best waiter comes first,
 * interrupt handlers may wake, mutexes exclude.
 *
 * A lost wake-up shows as a wait that reaches its deadline, PATIENCE, though its
 * condition holds; the cases that hunt for it check the result of each wait. The stress
 * case mixes waits with short random deadlines, wake-ups from tasks and from
 * interrupts, and yields; its seed is printed by the harness.
 */
#include "sched/sched_internal.h"
#include "sched_world.h"

enum { PINGS = 300, STRESS_TASKS = 8, LOCKERS = 4, LOCKS = 300 };

/* ---- ping-pong ---- */

static struct {
	struct wait_queue queue[2];
	_Atomic unsigned turn;
	_Atomic unsigned timeouts;
} ping;

static bool my_turn(void *arg)
{
	return atomic_load(&ping.turn) % 2 == (unsigned)(uintptr_t)arg;
}

static int ping_main(void *arg)
{
	unsigned side = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < PINGS; i++) {
		if (!wait_until(&ping.queue[side], my_turn, arg, sched_world_deadline())) {
			atomic_fetch_add(&ping.timeouts, 1);
			break;
		}
		atomic_fetch_add(&ping.turn, 1);
		wait_wake(&ping.queue[1 - side], 1);
	}
	return 0;
}

static void ping_on(int cpu_a, int cpu_b)
{
	struct task *a, *b;

	atomic_store(&ping.turn, 0);
	atomic_store(&ping.timeouts, 0);
	a = sched_world_task(ping_main, (void *)0, cpu_a, 8);
	b = sched_world_task(ping_main, (void *)1, cpu_b, 8);
	if (a)
		task_join(a);
	if (b)
		task_join(b);
	KT_EQ(atomic_load(&ping.timeouts), 0);
	KT_EQ(atomic_load(&ping.turn), 2 * PINGS);
}

SCHED_TEST(ping_pong_on_one_cpu_loses_no_wake_up)
{
	ping_on((int)task_cpu(), (int)task_cpu());
}

SCHED_TEST(ping_pong_between_cpus_loses_no_wake_up)
{
	int other = sched_world_other(task_cpu());

	if (other < 0) {
		kt_skip("one CPU");
		return;
	}
	ping_on((int)task_cpu(), other);
	ping_on(-1, -1);
}

/* ---- a wake-up before the sleep ---- */

/* As if another CPU had called sched_wake() between our look and our sleep. */
static ZN_NOINLINE void wake_self_then_block(uint64_t deadline_ns)
{
	port_irqflags_t flags = sched_mask();

	sched_wake(task_current());
	sched_block(deadline_ns);
	sched_unmask(flags);
}

SCHED_TEST(wake_up_before_the_sleep_is_remembered)
{
	uint64_t before = port_time_ns();

	wake_self_then_block(before + PATIENCE);
	KT_TRUE(port_time_ns() - before < PATIENCE);
}

static ZN_NOINLINE void wake_self(void)
{
	port_irqflags_t flags = sched_mask();

	sched_wake(task_current());
	sched_unmask(flags);
}

SCHED_TEST(stray_wake_up_neither_shortens_a_sleep_nor_ends_a_wait)
{
	struct event event = { 0 };
	uint64_t before = port_time_ns();

	wake_self();
	task_sleep_ns(5 * MS);
	KT_TRUE(port_time_ns() - before >= 5 * MS);
	before = port_time_ns();
	wake_self();
	KT_TRUE(!event_wait(&event, before + 5 * MS));
	KT_TRUE(port_time_ns() - before >= 5 * MS);
}

/* ---- tokens: producers and consumers of all kinds ---- */

/*
 * Tokens of each producer. Few in the image: where several virtual CPUs share a real one, a
 * spin lock passes from hand to hand at the pace at which the host switches them.
 */
static unsigned tokens_each(void)
{
	return kt_port_is_target() ? 15 : 400;
}

static struct {
	struct wait_queue queue;
	unsigned tokens; /* queue.lock, which `ready` is called under */
	_Atomic unsigned taken, made, timeouts;
} pot;

static bool pot_take(void *arg)
{
	(void)arg;
	if (!pot.tokens)
		return false;
	pot.tokens--;
	return true;
}

static void pot_put(void *arg)
{
	port_irqflags_t flags = port_irq_save();

	(void)arg;
	wait_lock(&pot.queue);
	pot.tokens++;
	lock_drop(&pot.queue.lock);
	atomic_fetch_add(&pot.made, 1);
	port_irq_restore(flags);
	wait_wake(&pot.queue, 1);
}

static int pot_producer(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;
	unsigned cpus = sched_world_cpus();

	for (unsigned i = 0; i < tokens_each(); i++) {
		uint64_t dice = kt_random(&seed);

		if (dice % 4 == 0)
			task_yield();
		/* From an interrupt handler, here or on another CPU, or from the task. */
		if (dice % 3 || !port_call_cpu((unsigned)(dice >> 8) % cpus, pot_put, NULL))
			pot_put(NULL);
	}
	return 0;
}

static int pot_consumer(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg, end = sched_world_deadline();
	unsigned taken = 0;

	while (taken < tokens_each() && port_time_ns() < end) {
		uint64_t soon = port_time_ns() + kt_random(&seed) % MS;
		uint64_t limit = kt_random(&seed) % 2 ? end : soon;

		if (wait_until(&pot.queue, pot_take, NULL, limit))
			taken++;
		else if (limit == end)
			atomic_fetch_add(&pot.timeouts, 1);
	}
	atomic_fetch_add(&pot.taken, taken);
	return 0;
}

SCHED_TEST(every_token_finds_its_taker)
{
	struct task *task[STRESS_TASKS];
	uint64_t seed = kt_seed();

	pot.tokens = 0;
	atomic_store(&pot.taken, 0);
	atomic_store(&pot.made, 0);
	atomic_store(&pot.timeouts, 0);
	for (unsigned i = 0; i < STRESS_TASKS; i++)
		task[i] = sched_world_task(i % 2 ? pot_producer : pot_consumer,
					   (void *)(uintptr_t)(kt_random(&seed) | 1), -1,
					   6 + i % 3);
	for (unsigned i = 0; i < STRESS_TASKS; i++)
		if (task[i])
			task_join(task[i]);
	KT_EQ(atomic_load(&pot.timeouts), 0);
	KT_EQ(atomic_load(&pot.made), STRESS_TASKS / 2 * tokens_each());
	KT_EQ(atomic_load(&pot.taken), STRESS_TASKS / 2 * tokens_each());
	KT_EQ(pot.tokens, 0);
}

/* ---- deadlines, events, order ---- */

SCHED_TEST(wait_ends_at_its_deadline)
{
	struct event event = { 0 };
	uint64_t before = port_time_ns();

	KT_TRUE(!event_wait(&event, before + 5 * MS));
	KT_TRUE(port_time_ns() >= before + 5 * MS);
	KT_TRUE(!event_wait(&event, 0));
	event_set(&event);
	KT_TRUE(event_wait(&event, 0));
	KT_TRUE(event_wait(&event, SCHED_NEVER));
	event_clear(&event);
	KT_TRUE(!event_wait(&event, 0));
	KT_EQ(event.queue.first != NULL, 0);
}

static void set_event(void *arg)
{
	event_set(arg);
}

static int wait_for_event(void *arg)
{
	return event_wait(arg, sched_world_deadline());
}

SCHED_TEST(interrupt_handler_wakes_a_task)
{
	for (unsigned cpu = 0; cpu < ZONAL_MAX_CPUS; cpu++) {
		struct event event = { 0 };
		struct task *task;

		if (!sched_cpu_online(cpu))
			continue;
		task = sched_world_task(wait_for_event, &event, (int)task_cpu(), TESTER + 1);
		/* It has run and waits by now: its priority is above ours. */
		KT_TRUE(port_call_cpu(cpu, set_event, &event));
		if (task)
			KT_EQ(task_join(task), 1);
	}
}

static struct {
	struct wait_queue queue;
	unsigned passes; /* queue.lock */
	unsigned order[4], count;
} gate;

static bool gate_pass(void *arg)
{
	(void)arg;
	if (!gate.passes)
		return false;
	gate.passes--;
	return true;
}

static int gate_main(void *arg)
{
	if (wait_until(&gate.queue, gate_pass, NULL, sched_world_deadline()))
		gate.order[gate.count++] = (unsigned)(uintptr_t)arg;
	return 0;
}

static void gate_open_one(void)
{
	port_irqflags_t flags = port_irq_save();

	wait_lock(&gate.queue);
	gate.passes++;
	lock_drop(&gate.queue.lock);
	port_irq_restore(flags);
	KT_EQ(wait_wake(&gate.queue, 1), 1);
}

SCHED_TEST(wake_one_takes_the_highest_priority_then_the_oldest)
{
	static const unsigned priority[4] = { 22, 25, 22, 27 };
	static const unsigned expected[4] = { 3, 1, 0, 2 };
	struct task *task[4];

	gate.passes = gate.count = 0;
	for (unsigned i = 0; i < 4; i++)
		task[i] = sched_world_task(gate_main, (void *)(uintptr_t)i, (int)task_cpu(),
					   priority[i]);
	for (unsigned i = 0; i < 4; i++)
		gate_open_one();
	KT_EQ(wait_wake(&gate.queue, WAKE_ALL), 0);
	KT_EQ(gate.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		KT_EQ(gate.order[i], expected[i]);
		if (task[i])
			task_join(task[i]);
	}
}

/* ---- mutexes ---- */

static struct {
	struct mutex mutex;
	unsigned inside, collisions;
	unsigned count; /* mutex */
} room;

static int room_main(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LOCKS; i++) {
		mutex_lock(&room.mutex);
		if (room.inside++)
			room.collisions++;
		if (i % 16 == 0)
			task_yield();
		room.count++;
		room.inside--;
		mutex_unlock(&room.mutex);
	}
	return 0;
}

SCHED_TEST(mutex_lets_one_in)
{
	struct task *task[LOCKERS];

	room.inside = room.collisions = room.count = 0;
	for (unsigned i = 0; i < LOCKERS; i++)
		task[i] = sched_world_task(room_main, NULL, -1, 6);
	for (unsigned i = 0; i < LOCKERS; i++)
		if (task[i])
			task_join(task[i]);
	KT_EQ(room.collisions, 0);
	KT_EQ(room.count, LOCKERS * LOCKS);
	mutex_lock(&room.mutex);
	KT_EQ(room.mutex.owner == task_current(), 1);
	mutex_unlock(&room.mutex);
}

static int try_room(void *arg)
{
	(void)arg;
	return mutex_lock_until(&room.mutex, port_time_ns() + 2 * MS);
}

/* However long the others take: who holds it holds it until the other one's deadline. */
SCHED_TEST(mutex_that_is_held_is_not_had_until_a_deadline)
{
	struct task *task;

	mutex_lock(&room.mutex);
	task = sched_world_task(try_room, NULL, -1, 6);
	if (task)
		KT_EQ(task_join(task), 0);
	KT_TRUE(room.mutex.owner == task_current());
	mutex_unlock(&room.mutex);
	KT_TRUE(!room.mutex.owner);
}

/* ---- out of the middle ---- */

static struct {
	struct event event;
	_Atomic unsigned late, woken;
} line;

/* Until a deadline, or without one. */
static int stand_in_line(void *arg)
{
	uint64_t deadline = arg ? port_time_ns() + MS : SCHED_NEVER;

	if (event_wait(&line.event, deadline))
		atomic_fetch_add(&line.woken, 1);
	else
		atomic_fetch_add(&line.late, 1);
	return 0;
}

SCHED_TEST(who_gives_up_behind_others_leaves_them_waiting)
{
	struct task *task[4];
	unsigned n = 0;

	event_clear(&line.event);
	atomic_store(&line.late, 0);
	atomic_store(&line.woken, 0);
	/* The second and the fourth give up; the priority says who stands where. */
	for (; n < 4; n++) {
		task[n] = sched_world_task(stand_in_line, (void *)(uintptr_t)(n & 1),
					   (int)task_cpu(), 12 - n);
		if (!task[n])
			break;
	}
	while (n == 4 && atomic_load(&line.late) < 2)
		task_sleep_ns(MS);
	KT_EQ(atomic_load(&line.woken), 0);
	event_set(&line.event);
	while (n)
		task_join(task[--n]);
	KT_EQ(atomic_load(&line.woken), 2);
	KT_EQ(atomic_load(&line.late), 2);
}
