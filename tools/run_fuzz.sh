#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make fuzz`: libFuzzer on the device tree reader for half of FUZZ_SECONDS (60), then
# the random-operation tests against the model under new seeds for the other half. Inputs
# that found new code are kept in $O/fuzz and used again; a finding is left there as
# crash-*, its replay printed. Exit status 1 on a finding.
set -eu

O=${O:-build}
cd "$(dirname "$0")/.."
half=$((${FUZZ_SECONDS:-60} / 2))
corpus=$O/fuzz/corpus
mkdir -p "$corpus"

for source in dts/*.dts; do
	blob=$corpus/$(basename "$source" .dts).dtb
	[ ! -e "$source" ] || dtc -q -I dts -O dtb -o "$blob" "$source" || rm -f "$blob"
done
find test dts -name '*.dtb' -exec cp -t "$corpus" {} +

echo "fuzz: the device tree reader, $half seconds from $(find "$corpus" -type f | wc -l) blobs"
"$O/host-fuzz/fuzz" -max_total_time="$half" -max_len=16384 -timeout=5 -print_final_stats=1 \
	-artifact_prefix="$O/fuzz/" "$corpus"

end=$(($(date +%s) + half)) rounds=0
while [ "$(date +%s)" -lt "$end" ]; do
	seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
	if ! timeout 600 "$O/host-clang-asan/model" --seed $((seed + 1)) --ops 20000 \
		>"$O/fuzz/model.log" 2>&1; then
		tail -30 "$O/fuzz/model.log"
		echo "fuzz: replay with $O/host-clang-asan/model --seed $((seed + 1)) --ops 20000"
		exit 1
	fi
	rounds=$((rounds + 1))
done
echo "fuzz: the model test passed with $rounds seeds"
