/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook of lib/stop.h.
 *
 * It stands in a file of its own so that lib/, mm/ and the programs of the host can ask
 * without knowing the monitor, which alone knows what a key is. Written once at boot by
 * the monitor's task, before any command runs; read by whoever works.
 */
#include "stop.h"

bool (*zn_stop_hook)(void);
