#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The image without tests (make TESTS=0): it boots, demonstrates and checks itself, has
# nothing of the tests in it, and says so when it is asked for them.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/selection.sh

O=${O:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0 failed=0

# result NAME OK: prints the last output if OK is not 0
result() {
	count=$((count + 1))
	if [ "$2" = 0 ]; then
		echo "ok $count - plain.$1"
	else
		echo "not ok $count - plain.$1"
		sed 's/^/#   /' "$scratch/out" | tail -20
		failed=1
	fi
}

# runs NAME STATUS COMMANDS PATTERN…: whole lines that must be printed
runs() {
	local name=$1 want=$2 commands=$3 bad=0 pattern
	shift 3
	selected "plain.$name" || return 0
	O=$O/plain SHAPE=2n timeout -k 5 60 tools/run_qemu.sh "run=$commands exit=semihosting" \
		</dev/null >"$scratch/raw" 2>&1
	[ $? = "$want" ] || bad=1
	tr -d '\r' <"$scratch/raw" >"$scratch/out"
	for pattern in "$@"; do
		grep -qxE -- "$pattern" "$scratch/out" || { echo "# missing: $pattern"; bad=1; }
	done
	result "$name" $bad
}

plan_first 4
runs demonstrates_and_checks_itself 0 'demo;check' 'zonal: 4 of 4 CPUs, .*' 'demo: passed'
runs tests_are_not_there_and_it_says_so 1 test \
	'test: this image is built without tests \(TESTS=0\)'
runs benchmark_is_not_there_and_it_says_so 1 bench \
	'bench: this image is built without tests \(TESTS=0\)'
# Names of tests and files of theirs would be left in its text and its symbols.
if selected plain.nothing_of_the_tests_is_in_it; then
	grep -aoE 'ktest[a-z_]*|test/(unit|target|bench)[a-z_/]*' "$O/plain/zonal.img" \
		>"$scratch/out"
	[ ! -s "$scratch/out" ] && [ -s "$O/plain/zonal.img" ]
	result nothing_of_the_tests_is_in_it $?
fi
plan_last $count
exit $failed
