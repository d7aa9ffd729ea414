/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port's optional hooks, with a test between: see port_watch.h.
 *
 * A host program has no such hooks but for these. In the image the linker puts these in the place
 * of the platform's (TEST_WRAPS of tools/image.mk), which are then called for whoever is not
 * watched; the image without tests knows nothing of it. It may lack one, as a port may: then there
 * is nothing to call.
 *
 * Who is watched is known by the task, as a nap does not say for which instance it is. Set and
 * read by that task; any other sees that it is not himself.
 */
#include "port_watch.h"

#include <zonal/port.h>

#include "mm/mm.h"
#include "test/ktest.h"

_Atomic unsigned kt_naps, kt_ways;
_Atomic uint64_t kt_nap_ns;
void (*kt_on_nap)(void);
void (*kt_on_way)(void);
struct watched_wakes wakes;

static _Atomic(struct zonal_task *) watched;

static struct zonal_task *caller(void)
{
	port_irqflags_t flags = port_irq_save();
	struct zonal_task *task = port_this_cpu()->task;

	port_irq_restore(flags);
	return task;
}

void watch_port(void)
{
	st_relaxed(&kt_naps, 0);
	st_relaxed(&kt_ways, 0);
	st_relaxed(&kt_nap_ns, 0);
	st_relaxed(&watched, caller());
}

void unwatch_port(void) { st_relaxed(&watched, NULL); }

void watch_wakes(struct zonal *mm) { wakes = (struct watched_wakes){ .mm = mm }; }

#ifdef HOST_PORT_IMPL_H
#define HOOK(name) zonal_port_##name
#define PLATFORM(name, ...) ((void)0)
static bool is_watched(void) { return true; }
#else
#define HOOK(name) __wrap_zonal_port_##name
#define PLATFORM(name, ...)                                                                        \
	do {                                                                                       \
		if (__real_zonal_port_##name)                                                      \
			__real_zonal_port_##name(__VA_ARGS__);                                     \
	} while (0)
void HOOK(nap)(uint64_t ns);
void HOOK(give_way)(void);
void HOOK(kswapd_wake)(struct zonal *mm, unsigned nid);
void HOOK(kcompactd_wake)(struct zonal *mm, unsigned nid);
void __real_zonal_port_nap(uint64_t ns) __attribute__((weak));
void __real_zonal_port_give_way(void) __attribute__((weak));
void __real_zonal_port_kswapd_wake(struct zonal *mm, unsigned nid) __attribute__((weak));
void __real_zonal_port_kcompactd_wake(struct zonal *mm, unsigned nid) __attribute__((weak));
static bool is_watched(void) { return ld_relaxed(&watched) == caller(); }
#endif

void HOOK(nap)(uint64_t ns)
{
	if (!is_watched()) {
		PLATFORM(nap, ns);
		return;
	}
	st_relaxed(&kt_nap_ns, ns);
	fetch_add_relaxed(&kt_naps, 1);
	if (kt_on_nap)
		kt_on_nap();
}

void HOOK(give_way)(void)
{
	if (!is_watched()) {
		PLATFORM(give_way);
		return;
	}
	fetch_add_relaxed(&kt_ways, 1);
	if (kt_on_way)
		kt_on_way();
}

/* True: it was of the instance that is watched. */
static bool wake_is_counted(const struct zonal *mm, unsigned nid)
{
	if (!mm || mm != wakes.mm)
		return false;
	KT_TRUE(nid < ZONAL_MAX_NODES && mm->node[nid]);
	wakes.nodes |= node_bit(nid);
	wakes.count++;
	return true;
}

void HOOK(kswapd_wake)(struct zonal *mm, unsigned nid)
{
	if (!wake_is_counted(mm, nid))
		PLATFORM(kswapd_wake, mm, nid);
}

void HOOK(kcompactd_wake)(struct zonal *mm, unsigned nid)
{
	if (!wake_is_counted(mm, nid))
		PLATFORM(kcompactd_wake, mm, nid);
}
