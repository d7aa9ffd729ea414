#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that need counted instructions: one core, and a nanosecond for each.
set -u
cd "$(dirname "$0")/../.." || exit 1

SHAPE=uma CPU=cortex-a57 exec timeout -k 5 300 tools/run_qemu.sh \
	'run=test+points.*,console.* maxcpus=1 exit=semihosting' -icount shift=0,sleep=off </dev/null
