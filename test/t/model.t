#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The differential test's own promises, and the threads under the sanitizer: a
# seed replays the same operations, a board replays by its number alone, a bad argument is
# refused, address and undefined-behaviour checks stay silent on a short run, and
# CPUs as threads race without a report. The long run is the case model:host.
set -u

O=${O:-build}
cd "$(dirname "$0")/../.." || exit 1
seed=${KT_SEED:-1}
number=0
status=0

result() { # result STATUS NAME
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - model.$2"
	else
		echo "not ok $number - model.$2"
		status=1
	fi
}

# A failure's own output is what the reader needs.
quiet() {
	output=$("$@" 2>&1)
	code=$?
	[ $code = 0 ] || printf '%s\n' "$output" | sed 's/^/# /'
	return $code
}

echo 1..7
echo "# seed $seed"
first=$("$O/host/model" --seed "$seed" --ops 20000)
second=$("$O/host/model" --seed "$seed" --ops 20000)
[ "$first" = "$second" ]
result $? a_seed_replays
quiet "$O/host/model" --board 13757245211066428519
result $? a_board_replays_by_its_number
"$O/host/model" --ops none 2>/dev/null
[ $? = 2 ]
result $? bad_argument_is_refused
quiet "$O/host-gcc-asan/model" --seed "$seed" --ops 150000
result $? short_run_with_sanitizers
quiet "$O/host-tsan/stress" --seed "$seed" --ops 400000
result $? four_cpus_race_without_a_report
quiet "$O/host-tsan/stress" --seed "$seed" --ops 300000 --cpus 16
result $? sixteen_cpus_race_without_a_report
quiet "$O/host/stress" --seed "$seed" --ops 4000000
result $? four_cpus_at_full_speed
exit $status
