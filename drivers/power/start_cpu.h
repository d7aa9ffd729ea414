/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a CPU in the way that the tree and the level of our entry say. */
#ifndef DRIVERS_START_CPU_H
#define DRIVERS_START_CPU_H

#include "board/board_facts.h"

/* Why a CPU cannot even be asked; NULL if it can. */
const char *start_cpu_refusal(const struct board_cpu *cpu);
/*
 * Start CPU `id`, which arm64_cpu_prepare() has made ready and start_cpu_refusal() has let
 * pass, once. PSCI_*. It may run before this returns.
 */
int start_cpu(unsigned id, const struct board_cpu *cpu);

#endif
