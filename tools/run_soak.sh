#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make soak MINUTES=n` (10): the tests that draw what they do, under new seeds, for so long.
#
# First every set of modifiers is asked of owners who refuse (a minute). Then rounds, of one seed each:
# the model under sanitizers, threads under TSan, and a board, each shape in its turn, on which
# programs are swapped, moved, gathered and killed while a disk is written; then the demonstration
# and `check`; and a small board whose programs have more memory than there is, in swap on a disk
# and in RAM, while all that moves memory moves it. Each step is a line with the seed. The first
# that fails is printed with the command that repeats it, and its log is left in $O/soak. Exit
# status 1 then.
set -eu

O=${O:-build}
cd "$(dirname "$0")/.."
minutes=${MINUTES:-10}
case $minutes in
'' | *[!0-9]* | 0*) echo "soak: MINUTES=$minutes: a number of minutes, at least 1" >&2; exit 1 ;;
esac
end=$(($(date +%s) + minutes * 60)) rounds=0 steps=0
mkdir -p "$O/soak"

over() { [ "$(date +%s)" -ge "$end" ]; }

# step WHAT COMMAND…: 0 or the end of all.
step() {
	what=$1 log=$O/soak/log
	shift
	if ! timeout -k 5 900 "$@" </dev/null >"$log" 2>&1; then
		printf '%s  seed %-10s %-24s FAILED\n' "$(date +%T)" "$seed" "$what"
		grep -a -B4 -A1 '^not ok' "$log" | head -40 || true
		tail -n 12 "$log"
		echo "soak: repeat with: $*"
		exit 1
	fi
	steps=$((steps + 1))
	printf '%s  seed %-10s %-24s ok\n' "$(date +%T)" "$seed" "$what"
}

board() {
	dd if=/dev/zero of="$O/soak/disk" bs=1M count=4 status=none
	step "board $1" env O="$O" SHAPE="$1" DISK="$O/soak/disk" tools/run_qemu.sh \
		"run=test+user_*+rows_o.*+rows_z.*+contig*+sched*;demo;check seed=$seed exit=semihosting"
}

# More memory than the board has, in turns on one thread: see test/t/pressure.t.
storm() {
	truncate -s 128M "$O/soak/swap"
	truncate -s 4M "$O/soak/load"
	step storm env O="$O" SHAPE=tight DISK="$O/soak/swap $O/soak/load" tools/run_qemu.sh \
		"run=test+user_storm.*;check seed=$seed exit=semihosting" -accel tcg,thread=single
}

seed=1
step bounded env KT_ALL=1 "$O/host/test" 'bounded.*'
while ! over; do
	for shape in uma 2n small 4n memless 1n cpuless 8n inter uneven; do
		! over || break
		seed=$(($(od -An -N4 -tu4 /dev/urandom | tr -d ' ') / 4 + 1))
		step model "$O/host-clang-asan/model" --seed $seed --ops 20000
		step threads "$O/host-tsan/stress" --seed $seed --ops 50000
		board "$shape"
		storm
		rounds=$((rounds + 1))
	done
done
echo "soak: $steps steps of $rounds rounds in $minutes minutes, none failed"
