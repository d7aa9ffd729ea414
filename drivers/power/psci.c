/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI, Arm's interface to firmware for turning CPUs on and the board off.
 *
 * References: Arm DEN 0022 (PSCI), DEN 0028 (SMC calling convention).
 *
 * Which instruction reaches the firmware is written in the tree (`method`) and never
 * guessed: SMC without EL3 is undefined, HVC without a hypervisor too. Since 0.2 the
 * function numbers are fixed; PSCI 0.1 ("arm,psci" alone) names them by properties, and
 * has no SYSTEM_OFF. Boards that say both are used by the fixed numbers.
 *
 * A call may change x0-x17 and nothing else. Calls take no lock: firmware serialises.
 * Set up once at boot, constant after.
 */
#include "psci.h"

#include <string.h>

#include "arm64_secure.h"
#include "board/device.h"
#include "lib/assert.h"
#include "lib/kprintf.h"
#include "drivers/mmio.h"

#define PSCI_VERSION 0x84000000u
#define PSCI_CPU_OFF 0x84000002u
#define PSCI_CPU_ON_64 0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

enum conduit { CONDUIT_NONE, CONDUIT_HVC, CONDUIT_SMC };

static enum conduit conduit;
static uint32_t version;
/* Function numbers; 0: firmware has no such function. */
static uint32_t cpu_on, cpu_off, system_off, system_reset;

static int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	ASSERT(conduit != CONDUIT_NONE, "no way to firmware for 0x%x", function);
	if (conduit == CONDUIT_HVC)
		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
				   "x14", "x15", "x16", "x17", "memory");
	else
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
				   "x14", "x15", "x16", "x17", "memory");
	return (int64_t)x0;
}

static bool read_method(int node)
{
	const char *method = device_string(node, "method");

	if (!method) {
		kprintf("psci: /psci has no method\n");
	} else if (strcmp(method, "hvc") == 0) {
		conduit = CONDUIT_HVC;
	} else if (strcmp(method, "smc") == 0) {
		conduit = CONDUIT_SMC;
	} else {
		kprintf("psci: method \"%.16s\": only hvc and smc are known\n", method);
	}
	return conduit != CONDUIT_NONE;
}

static bool start_fixed(int node)
{
	if (!read_method(node))
		return false;
	cpu_on = PSCI_CPU_ON_64;
	cpu_off = PSCI_CPU_OFF;
	system_off = PSCI_SYSTEM_OFF;
	system_reset = PSCI_SYSTEM_RESET;
	version = (uint32_t)psci_call(PSCI_VERSION, 0, 0, 0);
	return true;
}

/* PSCI 0.1. */
static bool start_named(int node)
{
	if (!read_method(node))
		return false;
	version = 1;
	(void)device_u32(node, "cpu_off", &cpu_off);
	if (!device_u32(node, "cpu_on", &cpu_on))
		kprintf("psci: version 0.1 without cpu_on: no other CPU can be started\n");
	return true;
}

bool psci_start(void)
{
	static const char *const fixed[] = { "arm,psci-1.0", "arm,psci-0.2" };
	int node = -1;

	/* Nobody is below us whom a call would reach; the tree may say psci all the same. */
	if (arm64_owns_secure())
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(fixed) && node < 0; i++)
		node = device_find(fixed[i], -1);
	if (node >= 0)
		return start_fixed(node);
	node = device_find("arm,psci", -1);
	if (node >= 0)
		return start_named(node);
	kprintf("psci: none in the device tree: it starts no CPU, and cannot power off\n");
	return false;
}

int psci_cpu_on(uint64_t mpidr, uint64_t entry_phys, uint64_t context)
{
	ASSERT(entry_phys && !(entry_phys & 3), "entry 0x%llx", (unsigned long long)entry_phys);
	if (!cpu_on)
		return PSCI_NOT_SUPPORTED;
	/* What the new CPU reads first is in memory before firmware lets it go; HVC and SMC
	 * order nothing by themselves. */
	mmio_barrier();
	/* The result is a 32-bit number also in the 64-bit call of some firmware. */
	return (int32_t)psci_call(cpu_on, mpidr, entry_phys, context);
}

void psci_cpu_off(void)
{
	ASSERT(port_irqs_masked(), "a CPU that is open to interrupts turns itself off");
	if (cpu_off)
		(void)psci_call(cpu_off, 0, 0, 0);
}

void psci_system_off(void)
{
	if (system_off)
		(void)psci_call(system_off, 0, 0, 0);
}

void psci_system_reset(void)
{
	if (system_reset)
		(void)psci_call(system_reset, 0, 0, 0);
}

const char *psci_method(void)
{
	static const char *const name[] = { "none", "hvc", "smc" };

	return name[conduit];
}

uint32_t psci_version(void) { return version; }

const char *psci_error_text(int error)
{
	static const char *const text[] = {
		"success",          "not supported", "invalid parameters (no such CPU?)",
		"denied",           "already on",    "already being turned on",
		"internal failure", "not present",   "disabled",
		"invalid address",
	};

	if (error > 0 || error <= -(int)ARRAY_SIZE(text))
		return "unknown error";
	return text[-error];
}
