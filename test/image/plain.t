#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The image without tests (make TESTS=0): it boots, demonstrates and checks itself, has
# nothing of the tests in it, and says so when it is asked for them.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}

# runs NAME STATUS COMMANDS PATTERN…: `says` of the image without tests
runs() {
	O=$O/plain says "$@"
}

begin plain 4
runs demonstrates_and_checks_itself 0 'demo;check' 'zonal: 4 of 4 CPUs, .*' 'demo: passed'
runs tests_are_not_there_and_it_says_so 1 test \
	'test: this image is built without tests \(TESTS=0\)'
runs benchmark_is_not_there_and_it_says_so 1 bench \
	'bench: this image is built without tests \(TESTS=0\)'
# Names of tests and files of theirs would be left in its text and its symbols.
if selected plain.nothing_of_the_tests_is_in_it; then
	grep -aoE 'ktest[a-z_]*|test/(unit|target|bench)[a-z_/]*' "$O/plain/zonal.img" \
		>"$scratch/out"
	[ -s "$O/plain/zonal.img" ] || wrong "there is no $O/plain/zonal.img"
	[ ! -s "$scratch/out" ] || wrong 'names that are left in it:'
	verdict nothing_of_the_tests_is_in_it
fi
finish
