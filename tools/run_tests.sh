#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make test` and `make host-test`: runs the cases under prove, two at a time, the
# long ones first, then the check that every row of test/rows.tsv has a test
# that ran. Exit status 0 only if all passed.
#
# TEST='GLOB…' is a selection of tests by name, apart by blanks or commas. Those tests run
# wherever they exist, in the host variants, on the boards and in the scripts, and
# nothing else does; the rows are not looked at. A selection of nothing is an error.
#
#   tools/run_tests.sh host          the host variants and the checks of the tree
#   tools/run_tests.sh host boot     and the boards
#   tools/run_tests.sh CASE…         the cases named, see tools/run_case
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-2}

scripts=$(ls test/t/*.t | sed 's#.*/\(.*\)\.t$#script:\1#')
host="model:host host:tsan host:gcc-asan host:clang-asan check:overrides hooks:hooks check:models
	check:frames check:oracle check:layers check:calls check:symbols check:historic check:budget
	check:licence check:table
	$scripts"
# scripts that boot the image themselves; then shape : GIC : exception level : CPU
boot_scripts=$(ls test/image/*.t | sed 's#.*/\(.*\)\.t$#image:\1#')
boot='boot:16c:3:1:max boot:8n:3:1:cortex-a57 boot:8c:2:1:cortex-a57 boot:4n:3:1:neoverse-n1
	boot:2n:3:2:max boot:2n:3:1:max debug:2n:3:1:max
	full:64n:3:1:cortex-a57 busy:4n:3:1:max boot:small:2:1:cortex-a57
	boot:2n:2:2:cortex-a57 boot:asym:3:1:neoverse-n1
	boot:memless:3:1:max boot:memless2:3:1:cortex-a57 boot:cpuless:3:3:max
	boot:uneven:3:1:cortex-a57 boot:inter:2:1:max boot:1n:3:1:max:page_owner=on boot:uma:2:1:cortex-a57'

# Frama-C is large and not installed for this alone; `make proofs` brings it.
proofs() {
	if command -v frama-c >/dev/null && command -v z3 >/dev/null; then
		echo check:proofs
	else
		echo '# check:proofs is left out: frama-c is not installed (make proofs)' >&2
	fi
}

cases='' rows=''
for word in "$@"; do
	case $word in
	host) cases="$cases $(proofs) $host" ;;
	boot) cases="$cases $boot_scripts $boot" rows=check:rows ;;
	*) cases="$cases $word" ;;
	esac
done
[ -n "$cases" ] || { echo "usage: tools/run_tests.sh host|boot|CASE…" >&2; exit 1; }
rm -rf "$O/logs"
mkdir -p "$O/logs"

# The names of the tests that exist in the place of a case, for a selection.
names_on_host() { "$O/host-gcc-asan/test" --list; }
names_of_hooks() { "$O/host-hooks/hooks" --list; }
names_on_target() {
	SHAPE=2n EL=1 GIC=3 CPU=max timeout -k 5 60 tools/run_qemu.sh \
		'run=test+--list exit=semihosting' </dev/null 2>&1 | tr -d '\r'
}
any_selected() {
	sed -n 's/^# list //p' | while read -r name; do
		! selected "$name" || echo yes
	done | grep -q yes
}

# Could a case of this script be meant? Their names begin with the script's and a dot; the
# script itself leaves out the others.
script_selected() {
	matches_one "$1" "$(echo "$TEST" | sed 's/\.[^,]*//g')"
}

# choose CASE…: those that hold a test of the selection.
choose() {
	host='' target=''
	! names_on_host | any_selected || host=1
	case $* in
	*boot:* | *image:counted*) ! names_on_target | any_selected || target=1 ;;
	esac
	for word in "$@"; do
		case $word in
		host:*) [ -z "$host" ] || echo "$word" ;;
		boot:* | debug:*) [ -z "$target" ] || echo "$word" ;;
		hooks:*) ! names_of_hooks | any_selected || echo "$word" ;;
		# It has a selection of its own: one test on each of its cores takes minutes.
		full:*) ;;
		# It looks itself which of them it has.
		image:counted) [ -z "$target" ] || echo "$word" ;;
		model:*) ! selected model.operations || echo "$word" ;;
		check:*) ! selected "$word" || echo "$word" ;;
		*) ! script_selected "${word#*:}" || echo "$word" ;;
		esac
	done
}

TEST=$(echo "${TEST:-}" | xargs | tr ' ' ',')
export TEST
if [ -n "$TEST" ]; then
	. test/selection.sh
	rows=''
	# shellcheck disable=SC2086 # lists of words
	cases=$(choose $cases)
	if [ -z "$cases" ]; then
		echo "TEST=$TEST: no test has such a name; $O/host/test --list prints those of the host" >&2
		exit 1
	fi
fi

status=0
# shellcheck disable=SC2086 # lists of words
prove -j "$jobs" ${PROVE_FLAGS:-} --exec tools/run_case $cases || status=1
if [ -n "$rows" ]; then
	prove ${PROVE_FLAGS:-} --exec tools/run_case $rows || status=1
fi
if [ -n "$TEST" ] && ! grep -qE '^(not )?ok [0-9]+ - ' "$O"/logs/*.log; then
	echo "TEST=$TEST: no test has such a name" >&2
	status=1
fi

# Of each log with a failure: the tests that failed and what they said, or else how it ends.
say_what_failed() {
	for failed in "$O"/logs/*.failed; do
		log=${failed%.failed}
		[ -e "$log" ] || continue
		if grep -aq '^not ok' "$log"; then
			echo "---- $log"
			tr -d '\r' <"$log" | grep -a -B4 -A1 '^not ok' | grep -av '^ok ' | head -n 40
		else
			echo "---- $log, its end"
			tr -d '\r' <"$log" | tail -n 12
		fi
	done
}

if [ $status != 0 ]; then
	say_what_failed
	echo "Logs of what failed are in $O/logs."
fi
exit $status
