/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of the slow path's events.
 *
 * They are those of 5.10's /proc/vmstat, so that who reads the one can read the other.
 * Events themselves are counted where they happen, each CPU for itself (mm_event());
 * readers sum over the CPUs. No locks, no state.
 */
#include "event.h"

#include "lib/assert.h"

const char *vm_event_name(enum vm_event event)
{
#define VM_EVENT_TEXT(id, text) [EVENT_##id] = text,
	static const char *const name[VM_EVENTS] = { VM_EVENT_TABLE(VM_EVENT_TEXT) };
#undef VM_EVENT_TEXT

	ASSERT(event < VM_EVENTS, "event %u of %u", event, VM_EVENTS);
	return name[event];
}
