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
. test/selection.sh
seed=${KT_SEED:-1}
number=0
status=0

result() { # result NAME COMMAND…
	name=$1
	shift
	selected "model.$name" || return 0
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - model.$name"
	else
		echo "not ok $number - model.$name"
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

same_output_twice() {
	first=$("$O/host/model" --seed "$seed" --ops 20000)
	second=$("$O/host/model" --seed "$seed" --ops 20000)
	[ "$first" = "$second" ]
}

refused() {
	"$O/host/model" --ops none 2>/dev/null
	[ $? = 2 ]
}

plan_first 7
echo "# seed $seed"
result a_seed_replays same_output_twice
result a_board_replays_by_its_number quiet "$O/host/model" --board 13757245211066428519
result bad_argument_is_refused refused
result short_run_with_sanitizers quiet "$O/host-gcc-asan/model" --seed "$seed" --ops 150000
result four_cpus_race_without_a_report quiet "$O/host-tsan/stress" --seed "$seed" --ops 400000
result sixteen_cpus_with_page_owner_race_without_a_report quiet \
	"$O/host-tsan/stress" --seed "$seed" --ops 300000 --cpus 16 --owner 1
result four_cpus_at_full_speed quiet "$O/host/stress" --seed "$seed" --ops 4000000
plan_last $number
exit $status
