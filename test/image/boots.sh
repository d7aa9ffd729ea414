# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# How a script of test/image boots a case, judges it and prints it. It is sourced at the root of
# the tree. A script calls `begin`, then `says` for each case, and `finish` at its end; or, in the
# place of `says`, the parts it is made of with what the script checks itself between them.
. test/selection.sh

# Tests that need each core, interrupts, interrupts between cores, and the scheduler.
core_tests='test+boot.*+irq.*+sched.bound_*+sched.each_cpu_*+sched.ping_pong_*'
core_tests=$core_tests'+sched.every_token_*+sched.interrupted_*+sched.slices_*+sched.better_*'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
suite='' shape='' limit=''
count=0 failed=0 bad=0 status=0

# begin SUITE CASES [SHAPE [SECONDS]]: how many cases, the board, and the longest time of a boot
begin() {
	suite=$1 shape=${3:-2n} limit=${4:-60}
	plan_first "$2"
}

# boot BOOTARGS [QEMU-ARGUMENT…]: the exit status is in $status, what was printed in $scratch/out
boot() {
	SHAPE=$shape timeout -k 5 "$limit" tools/run_qemu.sh "$@" </dev/null >"$scratch/raw" 2>&1
	status=$?
	tr -d '\r' <"$scratch/raw" >"$scratch/out"
}

# keys FILE PROMPT: what is in the file, once the prompt stands in $scratch/raw. A UART whose FIFO
# is switched on forgets what was typed before, and a driver that starts may.
keys() {
	[ "$1" != /dev/null ] || return 0
	for ((i = 0; i < limit * 5; i++)); do
		! grep -aqF -- "$2" "$scratch/raw" || break
		sleep 0.2
	done
	cat "$1"
}

# emulate QEMU-ARGUMENT…: a machine whose console is typed $input at $prompt; as boot() is, but for
# the image, of which nothing is said here
input=/dev/null prompt=''
emulate() {
	: >"$scratch/raw"
	timeout -k 5 "$limit" qemu-system-aarch64 -display none -monitor none -serial stdio -nic none \
		-no-reboot "$@" < <(keys "$input" "$prompt") >"$scratch/raw" 2>&1
	status=$?
	tr -d '\r' <"$scratch/raw" >"$scratch/out"
}

# wrong TEXT: the case fails, and this is why
wrong() {
	echo "# $1"
	bad=1
}

# expect STATUS PATTERN…: extended regular expressions of whole lines, in any order
expect() {
	local pattern
	[ "$status" = "$1" ] || wrong "status $status, expected $1"
	shift
	for pattern in "$@"; do
		grep -qxE -- "$pattern" "$scratch/out" || wrong "missing: $pattern"
	done
}

# verdict NAME: the line of TAP, behind which what was printed stands if something was wrong
verdict() {
	count=$((count + 1))
	if [ $bad = 0 ]; then
		echo "ok $count - $suite.$1"
	else
		echo "not ok $count - $suite.$1"
		sed 's/^/#   /' "$scratch/out"
		failed=1
	fi
	bad=0
}

# says NAME STATUS COMMANDS PATTERN…: the monitor's commands end so, and print these lines
says() {
	local name=$1 want=$2 commands=$3
	shift 3
	selected "$suite.$name" || return 0
	boot "run=$commands exit=semihosting"
	expect "$want" "$@"
	verdict "$name"
}

# For loaders of the tests: what compiles them, and what links them.
CROSS_COMPILE=${CROSS_COMPILE:-aarch64-linux-gnu-}
compiler() {
	if command -v "${CROSS_COMPILE}gcc" >/dev/null; then
		echo "${CROSS_COMPILE}gcc"
	else
		echo 'clang --target=aarch64-none-elf'
	fi
}

linker() {
	if command -v "${CROSS_COMPILE}ld" >/dev/null; then
		echo "${CROSS_COMPILE}ld"
	else
		echo ld.lld
	fi
}

# entry FILE TREE IMAGE: instructions that enter the image at IMAGE with x0 = TREE
entry() {
	printf 'ldr x0, =%s\nldr x1, =%s\nbr x1\n' "$2" "$3" >"$scratch/entry.s"
	# shellcheck disable=SC2046 # a list of words
	{ $(compiler) -c -o "$scratch/entry.o" "$scratch/entry.s" &&
		"${CROSS_COMPILE}objcopy" -O binary -j .text "$scratch/entry.o" "$1"; } ||
		wrong 'the entry cannot be built'
}

# dumped FILE SED-SCRIPT…: the tree of the board that $shape, $EL, … say, changed
dumped() {
	local file=$1
	shift
	# shellcheck disable=SC2046 # the board is a list of words
	{ qemu-system-aarch64 $(SHAPE=$shape tools/board.sh) -machine dumpdtb="$file.old" \
		-display none -monitor none -nic none >"$scratch/dump" 2>&1 &&
		dtc -q -I dtb -O dts "$file.old" >"$file.dts" && sed -i "$@" "$file.dts" &&
		dtc -q -I dts -O dtb -o "$file" "$file.dts"; } || wrong "no tree: $(cat "$scratch/dump")"
}

finish() {
	plan_last $count
	exit $failed
}
