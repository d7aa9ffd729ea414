/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting and stopping CPUs: for the platform only. See platform.h for the rest. */
#ifndef PLATFORM_SMP_H
#define PLATFORM_SMP_H

#include <zonal/types.h>

/*
 * Find the boot CPU in board_facts.cpu by its MPIDR and take its index as its number. A boot CPU
 * that the tree does not have is reported and runs alone, as CPU 0. It is online then. Boot.
 */
void smp_begin(void);
/* Start every other CPU that may run and let it in; what fails is reported. Task. */
void smp_start(unsigned maxcpus);

#endif
