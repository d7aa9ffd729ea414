#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Tests that need counted instructions: one core, and a nanosecond for each.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/selection.sh

globs='points.*,console.*'

# boots WORDS…: the command `test` with these words
boots() {
	SHAPE=uma CPU=cortex-a57 timeout -k 5 300 tools/run_qemu.sh \
		"run=test+$1 maxcpus=1 exit=semihosting" -icount shift=0,sleep=off </dev/null
}

# Of a selection the names, since two lists of globs have no common one.
if [ -n "${TEST:-}" ]; then
	globs=$(boots "--list+$globs" 2>&1 | tr -d '\r' | sed -n 's/^# list //p' |
		while read -r name; do
			! selected "$name" || printf '%s,' "$name"
		done)
	globs=${globs%,}
	if [ -z "$globs" ]; then
		plan_last 0
		exit 0
	fi
fi
boots "$globs"
