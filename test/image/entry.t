#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The image at other addresses, and entered by a loader (entry.S) that leaves garbage
# in x0 or the MMU on: it must find its device tree and start all cores all the same.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
CROSS_COMPILE=${CROSS_COMPILE:-aarch64-linux-gnu-}

compiler() {
	if command -v "${CROSS_COMPILE}gcc" >/dev/null; then
		echo "${CROSS_COMPILE}gcc"
	else
		echo 'clang --target=aarch64-none-elf'
	fi
}

# enters NAME EL CPU IMAGE-ADDRESS [DEFINITION…]
enters() {
	local name=$1 el=$2 cpu=$3 image=$4 definition options=''
	shift 4
	selected "entry.$name" || return 0
	for definition in "$@"; do
		options="$options -D$definition"
	done
	# shellcheck disable=SC2046,SC2086 # lists of words
	$(compiler) -c -DIMAGE="$image" $options -o "$scratch/entry.o" test/image/entry.S ||
		wrong 'the loader does not compile'
	"${CROSS_COMPILE}objcopy" -O binary -j .text "$scratch/entry.o" "$scratch/entry.img" ||
		wrong 'the loader has no image'
	EL=$el CPU=$cpu boot 'run=echo+alive exit=semihosting' -kernel "$scratch/entry.img" \
		-device "loader,file=$O/zonal.img,addr=$image,force-raw=on"
	expect 0 'zonal: 4 of 4 CPUs.*' alive
	verdict "$name"
}

low=0x44000000 high=0x7a200000
begin entry 15
enters tree_in_x0 1 cortex-a57 $low
enters tree_in_x0_at_el2 2 neoverse-n1 $low
enters image_on_the_other_node 1 max $high
enters no_tree_in_x0 1 max $low HINT=0
enters no_tree_in_x0_at_el2 2 max $high HINT=0
enters x0_is_unaligned 1 max $low HINT=0x48000001
enters x0_is_ram_without_a_tree 1 cortex-a57 $low HINT=0x50000000
enters x0_is_the_image 1 max $low HINT=$low
enters x0_has_nothing_behind_it 1 neoverse-n1 $low HINT=0x0f000000
enters x0_is_a_device 1 max $low HINT=0x09000000
enters x0_is_beyond_the_cpu 1 cortex-a57 $low HINT=0xfffffffffff8
enters x0_is_a_kernel_address 1 max $low HINT=0xfffffffffffffff8
enters tree_ends_where_the_image_starts 1 cortex-a57 $low HINT=0x43f00000 TREE_AT=0x43f00000
enters mmu_on_at_el1 1 cortex-a57 $low MMU_ON
enters mmu_on_at_el2 2 max $low MMU_ON
finish
