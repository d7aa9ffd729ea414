#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Boards that have no firmware: QEMU's with secure=on, where reset sends all cores at once to
# EL3 and the tree has no /psci. The image sets the secure world up, keeps the other cores until
# they are wanted, and turns the board off by the line that is the secure world's alone. All cores
# must be there, on their nodes, interrupt each other and schedule.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
image=0x44000000

tests=$core_tests'+timer.*;check'
few='test+boot.*+irq.*;check'

# all_cores NAME SHAPE GIC CPU CORES NODES COMMANDS [QEMU-ARGUMENT…]
all_cores() {
	local name=$1 shape=$2 gic=$3 cpu=$4 cores=$5 nodes=$6 commands=$7
	shift 7
	selected "el3.$name" || return 0
	EL=3 GIC=$gic CPU=$cpu boot "run=$commands exit=semihosting" "$@"
	expect 0 "zonal: $cores of $cores CPUs, $nodes nodes, .* GICv$gic, entered at EL3, .*" \
		'check: every invariant holds'
	! grep -q '^not ok' "$scratch/out" || wrong 'a test failed'
	case $commands in
	test*) expect 0 '# [1-9][0-9]* of [1-9][0-9]* passed' ;;
	esac
	verdict "$name"
}

# loader DEFINITION…: $scratch/el3.elf, which is started in the place of the image
loader() {
	local definition options=''
	for definition in "$@"; do
		options="$options -D$definition"
	done
	# shellcheck disable=SC2046,SC2086 # lists of words
	{ $(compiler) -c -DIMAGE=$image $options -o "$scratch/el3.o" test/image/el3.S &&
		$(linker) -Ttext=0x40200000 -o "$scratch/el3.elf" "$scratch/el3.o"; } ||
		wrong 'the loader cannot be built'
	behind="-kernel $scratch/el3.elf -device loader,file=$O/zonal.img,addr=$image,force-raw=on"
}

# off NAME COMMAND: the board ends by itself, without semihosting
off() {
	selected "el3.$1" || return 0
	EL=3 boot "run=$2"
	expect 0 'zonal: 4 of 4 CPUs, .* entered at EL3, .*'
	! grep -qE 'cannot be powered off|did not reset' "$scratch/out" || wrong 'nobody turned it off'
	verdict "$1"
}

begin el3 10 2n 120
all_cores gicv3 2n 3 max 4 2 "$tests"
all_cores gicv2 2n 2 cortex-a57 4 2 "$tests"
all_cores through_el2 4n 3 neoverse-n1 8 4 "$few" -M virt,secure=on,virtualization=on,gic-version=3
all_cores through_el2_gicv2 2n 2 cortex-a72 4 2 "$few" \
	-M virt,secure=on,virtualization=on,gic-version=2
all_cores sixteen_cores 8n 3 cortex-a53 16 8 "$few"
all_cores one_core small 3 max 1 1 check
if selected el3.cntfrq_is_written; then
	loader CNTFRQ=0
	EL=3 dumped "$scratch/clock.dtb" 's/compatible = "arm,armv8-timer/clock-frequency = <62500000>; &/'
	# shellcheck disable=SC2086 # a list of words
	all_cores cntfrq_is_written 2n 3 max 4 2 'test+boot.core_reads*;check' \
		$behind -dtb "$scratch/clock.dtb"
fi
if selected el3.mmu_and_caches_on; then
	loader MMU_ON IMAGE_BYTES=0x100000
	# shellcheck disable=SC2086 # a list of words
	all_cores mmu_and_caches_on 2n 3 max 4 2 check $behind
fi
off powers_off_by_the_secure_line poweroff
off resets_by_the_secure_line reboot
finish
