#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every override that config.h offers, built and run on the host; `make test` runs it as
# check:overrides. mm/ and lib/ go into one file and are not optimised, so that a variant
# costs seconds.
#
#   tools/check_overrides.sh            all of them
#   tools/check_overrides.sh '-DX=1'    this one, all of the tests
#
# With other nodes, CPUs and without CMA all tests of mm/ run (a board with more nodes than the
# table is skipped), but for bounded_test.c, which takes as long as all others. Other pages and
# orders change the golden figures of most tests: there run the suites that take theirs from
# config.h, and with other orders the random operations of test/model, which compares everything
# with a model of its own (its boards are of 4 KiB pages). A value that cannot be must fail to
# compile, by name.
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
out=$PWD/$O/overrides
root=$PWD
flags="-std=gnu11 -O0 -w -I$root -I$root/mm -I$root/include -I$root/arch/host/include
	-I$root/arch/host -D_GNU_SOURCE -pthread -fno-omit-frame-pointer
	-include $root/lib/prefix.h"
common="$root/arch/host/host_console.c $out/core.c"
tests="$(ls "$root"/test/unit/mm/*.c | grep -v /bounded_test) $root/test/ktest.c $root/test/host_main.c $root/test/host_panic.c
	$root/test/unit/monitor/monitor_capture.c"
model=$(find "$root"/test/model -name '*.c' ! -name "stress_*.c")
own='check.*,plan.*,refusal.*,cma_area.*,misuse.*'

rm -rf "$out"
mkdir -p "$out"
ls mm/*.c mm/*/*.c lib/*.c arch/host/host_port.c arch/host/host_backtrace.c |
	sed 's/.*/#include "&"/' >"$out/core.c"

# program NAME SOURCES FLAGS…: builds $out/NAME/run
program() {
	local name=$1 sources=$2
	shift 2
	mkdir -p "$out/$name"
	(cd "$out/$name" && echo $common $sources | xargs -P2 -n9 gcc $flags "$@" -c &&
		gcc -o run ./*.o -pthread) >"$out/$name.log" 2>&1
}

# passes NAME ARGUMENTS…: runs it
passes() {
	local name=$1
	shift
	(cd "$out/$name" && timeout 200 ./run "$@") >"$out/$name.log" 2>&1 &&
		grep -qE '^ok' "$out/$name.log"
}

# try NAME GLOB FLAG: the tests of a glob with this override
try() {
	if program "$1" "$tests" "$3" && passes "$1" "$2"; then
		echo "$3: $(grep -E '^# [0-9]+ of' "$out/$1.log" | tail -1 | cut -c3-)"
	else
		echo "$3: failed"
		grep -E '^not ok|^# test/|^Bail|error' "$out/$1.log" | head -20
		status=1
	fi
}

try_model() {
	if program "$1" "$model" "$2" && passes "$1" --seed "${KT_SEED:-1}" --ops 20000; then
		echo "$2: $(grep '^ok' "$out/$1.log")"
	else
		echo "$2: the model differs"
		grep -vE '^TAP|^1\.\.' "$out/$1.log" | head -20
		status=1
	fi
}

# refused FLAG WORDS: must not compile, and say why
refused() {
	if gcc $flags "$1" -fsyntax-only "$root/mm/init.c" 2>&1 | grep -q "$2"; then
		echo "$1: does not compile: $2"
	else
		echo "$1: compiles, or says something else than \"$2\""
		status=1
	fi
}

status=0
if [ $# -gt 0 ]; then
	try given '*' "$1"
	exit $status
fi
try cma '*' -DZONAL_CMA=0
try nodes2 '*' -DZONAL_MAX_NODES=2
try nodes32 '*' -DZONAL_MAX_NODES=32
try cpus256 '*' -DZONAL_MAX_CPUS=256
try failure4 '*' -DZONAL_FAILURE_ZONES=4
try order12 "$own" -DMAX_ORDER=12
try_model order12-model -DMAX_ORDER=12
try_model lanes-model -DZONAL_LANES=0
try page16k "$own" -DPAGE_SHIFT=14
try page64k "$own" -DPAGE_SHIFT=16
refused -DZONAL_MAX_NODES=65 'a nodemask is 64 bits'
refused -DZONAL_FAILURE_ZONES=0 'a record, copied whole'
refused -DMAX_ORDER=17 'an order has 4 bits'
refused -DPAGE_SHIFT=13 'arm64 has no other page'
refused -DPAGEBLOCK_ORDER=11 'a block must hold a whole pageblock'
exit $status
