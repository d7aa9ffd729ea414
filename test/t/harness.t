#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The harness and the runner are tested from outside: a failing, dying, silent or
# hanging program must fail. The boards are played by a script named
# qemu-system-aarch64 that prints what a test image might print.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/selection.sh

O=${O:-build}
harness=$O/host/harness
count=0 failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

verdict() { # verdict STATUS NAME
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - harness.$2"
	else
		echo "not ok $count - harness.$2"
		sed 's/^/#   /' "$scratch/out"
		failed=1
	fi
}

# runs NAME GLOBS STATUS LINE…: the program ends so, and prints these lines.
runs() {
	local name=$1 globs=$2 want=$3 status bad=0
	shift 3
	selected "harness.$name" || return 0
	TEST='' "$harness" "$globs" >"$scratch/out" 2>&1
	status=$?
	[ $status = "$want" ] || { echo "# status $status, expected $want"; bad=1; }
	for line in "$@"; do
		grep -qxF -- "$line" "$scratch/out" || { echo "# missing: $line"; bad=1; }
	done
	verdict $bad "$name"
}

# board NAME WANT SCRIPT: run_case takes the script's output and status for a boot;
# WANT is pass or fail.
board() {
	local name=$1 want=$2 got=fail
	selected "harness.$name" || return 0
	printf '#!/bin/sh\n%s\n' "$3" >"$scratch/qemu-system-aarch64"
	chmod +x "$scratch/qemu-system-aarch64"
	mkdir -p "$scratch/o"
	echo "$name: 2n, expected to $want" >"$scratch/out"
	if TEST='' O=$scratch/o BOOT_TIMEOUT=2 PATH=$scratch:$PATH \
		prove --exec tools/run_case boot:2n:3:1:max >>"$scratch/out" 2>&1; then
		got=pass
	fi
	[ $got = "$want" ]
	verdict $? "$name"
}

plan_first 39
runs passes 'good.*' 0 'TAP version 13' '1..1' 'ok 1 - good.passes' '# 1 of 1 passed'
runs equality_shows_both_values 'bad.equality' 1 'not ok 1 - bad.equality' '# goes on: 0' \
	'# test/harness/broken.c:23: 2 + 2 is 4 (0x4), expected 5 = 5 (0x5)'
runs truth_shows_the_condition bad.truth 1 '# test/harness/broken.c:28: expected: 2 > 3'
runs message_is_printed bad.message 1 '# test/harness/broken.c:33: zone DMA32 has 17 pages'
runs null_string_fails bad.string 1 'not ok 1 - bad.string'
runs many_failures_are_cut bad.many 1 '# bad.many failed 100 times' \
	'# more failures of bad.many are counted, not printed'
runs skip_does_not_hide_a_failure bad.skip_after_failure 1 'not ok 1 - bad.skip_after_failure'
runs skipped_says_why odd.skipped 0 'ok 1 - odd.skipped # SKIP no such board'
runs target_only_is_not_planned 'odd.never_here' 1 '1..1' \
	'not ok 1 - no test matches "odd.never_here"'
runs a_glob_without_match_fails 'none.*' 1 'not ok 1 - no test matches "none.*"'
KT_SEED=99 runs seed_replays odd.seed 0 '# seed 99' '# seen seed 99'
KT_SEED=x9 runs bad_seed_is_refused odd.seed 1 \
	'KT_SEED=x9: a seed is a number from 1 to 2^64-1'
runs memory_has_a_limit 'memory.takes*' 1 'not ok 1 - memory.takes_too_many_blocks' \
	'# test/ktest.c:135: a case may take 512 blocks (BLOCKS_MAX), not more'
runs memory_is_freed_after_a_case 'memory.*' 1 '# 1 of 2 passed'
runs a_case_that_leaves_interrupts_masked_fails left.masked 1 'not ok 1 - left.masked'
runs a_case_that_leaves_a_flag_of_its_task_fails left.flag 1 'not ok 1 - left.flag'
runs a_signal_bails_out crash.signal 2 '1..1' 'Bail out! signal 11 in crash.signal'
runs an_abort_bails_out crash.abort 2 'Bail out! signal 6 in crash.abort'

# The runner with a selection. A script plays the host's tests, another the image's.
play() { # play FILE LIST TAP
	mkdir -p "${1%/*}"
	printf '#!/bin/sh\ncase "$*" in *--list*) echo "# list %s" ;; *) printf "%s" ;; esac\n' \
		"$2" "$3" >"$1"
	chmod +x "$1"
}

# selects NAME TEST STATUS CASE…: the runner runs these cases of the six and no other.
selects() {
	local name=$1 want=$3 status bad=0 word
	selected "harness.$name" || return 0
	TEST=$2 O=$scratch/s PATH=$scratch/s:$PATH PROVE_FLAGS='' tools/run_tests.sh host:gcc-asan \
		boot:2n:3:1:max check:licence script:harness hooks:hooks image:counted \
		>"$scratch/out" 2>&1
	status=$?
	shift 3
	[ $status = "$want" ] || { echo "# status $status, expected $want"; bad=1; }
	for word in host boot check script hooks image; do
		case " $* " in
		*" $word "*) grep -q "^$word:" "$scratch/out" || bad=1 ;;
		*) ! grep -q "^$word:" "$scratch/out" || bad=1 ;;
		esac
	done
	verdict $bad "$name"
}

# Each example of a selection in the documents names tests that are there.
examples_match() {
	local example bad=0 found=0
	selected harness.examples_of_a_selection_match || return 0
	# shellcheck disable=SC2013 # each is one word
	for example in $(grep -ohE "TEST='[^']+'" README.md CONTRIBUTING.md | cut -d"'" -f2); do
		found=$((found + 1))
		"$O/host/test" --list "$example" >"$scratch/out" || { echo "# $example"; bad=1; }
	done
	[ $found -ge 2 ] || bad=1
	verdict $bad examples_of_a_selection_match
}

play "$scratch/s/host-gcc-asan/test" both.on_host '1..1\nok 1 - both.on_host\n'
ln -s "$(realpath "$O/host")" "$scratch/s/host"
play "$scratch/s/host-hooks/hooks" points.on_hooks '1..1\nok 1 - points.on_hooks\n'
play "$scratch/s/qemu-system-aarch64" both.on_target '1..1\nok 1 - both.on_target\n'
selects a_selection_runs_where_its_tests_are 'both.on_host' 0 host
selects a_selection_of_several_is_apart_by_blanks 'check:lic* both.on_host' 0 host check
selects a_selection_runs_on_boards 'x.y,both.*target' 1 boot image
selects a_selection_runs_with_hooks 'points.*' 0 hooks
selects a_selection_takes_scripts_by_their_name 'harness.passes' 0 script
selects a_selection_of_nothing_is_an_error 'bot.*' 1
selects a_selection_that_only_a_script_could_have_is_an_error 'harness.none' 1 script
examples_match

# What a case provokes is shown only if it matters.
runs log_of_a_failing_case_is_shown log.fails 1 '# log: the line before'
runs log_of_a_dying_case_is_shown log.dies 2 '# log: the last words' \
	'Bail out! signal 11 in log.dies'
if selected harness.log_of_a_passing_case_is_not_shown; then
	! "$harness" log.passes | tee "$scratch/out" | grep -q provoked
	verdict $? log_of_a_passing_case_is_not_shown
fi

topology='{"schema":"zonal.topology/1","nodes":[{"node":0},{"node":1}],"cpus":[
{"online":true},{"online":true},{"online":true},{"online":true}],"distance":[[10,20],[20,10]]}'
topology="echo '$(echo "$topology" | tr -d '\n')'
for cpu in 0 1 2 3; do echo \"# pinned to cpu \$cpu\"; done"
board a_good_board_passes pass "$topology; printf '1..1\r\nok 1 - a.b\r\n'"
board silence_fails fail 'exit 0'
board a_failing_test_fails fail "$topology; echo 1..1; echo not ok 1 - a.b; exit 0"
board an_unfinished_plan_fails fail "$topology; echo 1..2; echo ok 1 - a.b"
board an_empty_plan_fails fail "$topology; echo 1..0"
board a_status_fails fail "$topology; echo 1..1; echo ok 1 - a.b; exit 1"
board bail_out_fails fail "$topology; echo 1..1; echo ok 1 - a.b; echo Bail out! panic"
board a_hang_fails fail "$topology; echo 1..1; echo ok 1 - a.b; exec sleep 60"
board a_missing_core_fails fail \
	"($topology) | sed 's/true/false/'; echo 1..1; echo ok 1 - a.b"
board a_core_without_tests_fails fail \
	"($topology) | grep -v 'cpu 3'; echo 1..1; echo ok 1 - a.b"
plan_last $count
exit $failed
