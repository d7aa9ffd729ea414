#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Replays every frame record of test/oracle/frames, as many at a time as there are CPUs,
# and prints one total. Status 0 only if each record was read and nothing deviates.
#
#   O=build tools/run_frames.sh
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT

files=$(ls test/oracle/frames/*.txt.gz | wc -l)
[ "$files" -gt 0 ] || { echo "there is no record in test/oracle/frames"; exit 1; }
# A record a process: they take from half a second to two.
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' test/oracle/frames/*.txt.gz |
	xargs -P "$(nproc)" -I{} sh -c '"$1" "$2" >"$3/$(basename "$2").log" 2>&1' sh \
		"$O/host/oracle" {} "$logs"
status=$?
for log in "$logs"/*.log; do
	grep -v '^total:\|: [0-9]* comparisons, 0 deviations$' "$log"
done
cat "$logs"/*.log | awk -v files="$files" '
	/^total: / { read += $2; compared += $4; bad += $6 }
	/ calls equal frame by frame/ { calls += $8 }
	END {
		printf "total: %d of %d records, %d comparisons, %d deviations, ", read, files, compared, bad
		printf "%d calls equal frame by frame\n", calls
		exit read != files || bad || !calls
	}' || status=1
exit $status
