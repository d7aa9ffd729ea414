#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make test` and `make host-test`: runs the cases under prove, two at a time, the
# long ones first, then the check that every row of test/rows.tsv has a test
# that ran. Exit status 0 only if all passed.
#
#   tools/run_tests.sh host          the host variants and the checks of the tree
#   tools/run_tests.sh host boot     and the boards
#   tools/run_tests.sh CASE…         the cases named, see tools/run_case
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-2}

scripts=$(ls test/t/*.t | sed 's#.*/\(.*\)\.t$#script:\1#')
host="model:host host:tsan host:gcc-asan host:clang-asan check:oracle check:layers check:budget
	check:licence $scripts"
# scripts that boot the image themselves; then shape : GIC : exception level : CPU
boot_scripts=$(ls test/image/*.t | sed 's#.*/\(.*\)\.t$#image:\1#')
boot='boot:16c:3:1:max boot:8n:3:1:cortex-a57 boot:8c:2:1:cortex-a57 boot:4n:3:1:neoverse-n1
	boot:2n:3:2:max boot:2n:3:1:max boot:2n:2:2:cortex-a57 boot:asym:3:1:neoverse-n1
	boot:memless:3:1:max boot:memless2:3:1:cortex-a57 boot:cpuless:3:1:max
	boot:uneven:3:1:cortex-a57 boot:inter:2:1:max boot:1n:3:1:max:page_owner=on boot:uma:2:1:cortex-a57'

cases='' rows=''
for word in "$@"; do
	case $word in
	host) cases="$cases $host" ;;
	boot) cases="$cases $boot_scripts $boot" rows=check:rows ;;
	*) cases="$cases $word" ;;
	esac
done
[ -n "$cases" ] || { echo "usage: tools/run_tests.sh host|boot|CASE…" >&2; exit 1; }
rm -rf "$O/logs"

status=0
# shellcheck disable=SC2086 # lists of words
prove -j "$jobs" ${PROVE_FLAGS:-} --exec tools/run_case $cases || status=1
if [ -n "$rows" ]; then
	prove ${PROVE_FLAGS:-} --exec tools/run_case $rows || status=1
fi
[ $status = 0 ] || echo "Logs of what failed are in $O/logs."
exit $status
