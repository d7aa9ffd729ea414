/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware calls of a guest: PSCI 1.0 for a machine of one core, by HVC or SMC.
 *
 * Called on the guest's core; arguments and answer are in its registers x0 to x3.
 */
#include "hv.h"
#include "guest.h"

enum {
	VERSION = 0x84000000u,
	AFFINITY_INFO = 0x84000004u,
	MIGRATE_INFO_TYPE = 0x84000006u,
	SYSTEM_OFF = 0x84000008u,
	SYSTEM_RESET = 0x84000009u,
	FEATURES = 0x8400000au,
	CPU_ON_64 = 0xc4000003u,
	AFFINITY_INFO_64 = 0xc4000004u,
};
#define VERSION_1_0 0x10000u
#define NO_MIGRATION 2u
#define NOT_SUPPORTED (~(uint64_t)0)          /* -1 */
#define INVALID_PARAMETERS (~(uint64_t)1)     /* -2 */
#define ALREADY_ON (~(uint64_t)3)             /* -4 */

static bool known(uint64_t function)
{
	return function == VERSION || function == SYSTEM_OFF || function == SYSTEM_RESET ||
	       function == CPU_ON_64 || function == AFFINITY_INFO ||
	       function == AFFINITY_INFO_64 || function == MIGRATE_INFO_TYPE ||
	       function == FEATURES;
}

void hv_psci(struct hv_guest *guest)
{
	uint64_t *x = guest->regs.x;

	switch ((uint32_t)x[0]) {
	case VERSION:
		x[0] = VERSION_1_0;
		return;
	case FEATURES:
		x[0] = known((uint32_t)x[1]) ? 0 : NOT_SUPPORTED;
		return;
	case SYSTEM_OFF:
		hv_guest_end(guest, "powered off");
		return;
	case SYSTEM_RESET:
		hv_guest_end(guest, "wanted a reset");
		return;
	case CPU_ON_64:
		x[0] = x[1] ? INVALID_PARAMETERS : ALREADY_ON;
		return;
	case AFFINITY_INFO:
	case AFFINITY_INFO_64:
		x[0] = x[1] ? INVALID_PARAMETERS : 0;
		return;
	case MIGRATE_INFO_TYPE:
		x[0] = NO_MIGRATION;
		return;
	default:
		x[0] = NOT_SUPPORTED;
	}
}
