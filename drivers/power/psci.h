/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI: how CPUs and the board are turned on and off by firmware. */
#ifndef DRIVERS_PSCI_H
#define DRIVERS_PSCI_H

#include <zonal/types.h>

/* Return values of PSCI that we name; others are printed as numbers. */
#define PSCI_SUCCESS 0
#define PSCI_NOT_SUPPORTED (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED (-3)
#define PSCI_ALREADY_ON (-4)
#define PSCI_ON_PENDING (-5)
#define PSCI_INTERNAL_FAILURE (-6)
#define PSCI_NOT_PRESENT (-7)
#define PSCI_DISABLED (-8)
#define PSCI_INVALID_ADDRESS (-9)

/* Read /psci; false if there is none that we can use, said why. */
bool psci_start(void);
/* Start a CPU at a physical address with x0 = context; PSCI_*. Any context. */
int psci_cpu_on(uint64_t mpidr, uint64_t entry_phys, uint64_t context);
/* Turn this CPU off; returns only if firmware cannot. Masked. */
void psci_cpu_off(void);
/* Turn the board off; returns only if firmware cannot. Any context. */
void psci_system_off(void);
/* Restart the board; returns only if firmware cannot. Any context. */
void psci_system_reset(void);
/* "hvc", "smc" or "none". */
const char *psci_method(void);
/* Major in bits 31-16, minor below; 1 for 0.1, 0 without PSCI. */
uint32_t psci_version(void);
/* In words. */
const char *psci_error_text(int error);

#endif
