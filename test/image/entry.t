#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The image at other addresses, and entered by a loader (entry.S) that leaves garbage
# in x0 or the MMU on: it must find its device tree and start all cores all the same.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
image=$O/zonal.img commands=echo+alive

# enters NAME EL CPU IMAGE-ADDRESS [DEFINITION…]
enters() {
	local name=$1 el=$2 cpu=$3 at=$4 definition options=''
	shift 4
	selected "entry.$name" || return 0
	for definition in "$@"; do
		options="$options -D$definition"
	done
	# shellcheck disable=SC2046,SC2086 # lists of words
	$(compiler) -c -DIMAGE="$at" $options -o "$scratch/entry.o" test/image/entry.S ||
		wrong 'the loader does not compile'
	"${CROSS_COMPILE}objcopy" -O binary -j .text "$scratch/entry.o" "$scratch/entry.img" ||
		wrong 'the loader has no image'
	EL=$el CPU=$cpu boot "run=$commands exit=semihosting" -kernel "$scratch/entry.img" \
		-device "loader,file=$image,addr=$at,force-raw=on"
	expect 0 'zonal: 4 of 4 CPUs.*' alive
	verdict "$name"
}

# e2h NAME OLD NEW: both as the bytes of an instruction, in the order of the file, with a core
# that keeps HCR_EL2.E2H set as some real ones do. QEMU has none, so the image is changed: the
# rest of its way runs with the bit set, and QEMU renames the registers as such a core does. EL1's
# own MMU is on then, and programs use vector registers: who writes the wrong ones notices.
e2h() {
	selected "entry.$1" || return 0
	python3 - "$image" "$scratch/e2h.img" "$2" "$3" <<-'EOF' || wrong 'not one such instruction'
		import sys
		data = open(sys.argv[1], "rb").read()
		old, new = bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4])
		open(sys.argv[2], "wb").write(data.replace(old, new))
		sys.exit(data.count(old) != 1)
	EOF
	image=$scratch/e2h.img commands='test+boot.*+timer.*+user.float*;echo+alive' \
		enters "$1" 2 max $low EL1_MMU_ON
}

low=0x44000000 high=0x7a200000
begin entry 22
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
enters mmu_of_el1_on_at_el2 2 max $low EL1_MMU_ON
# mrs x2, ID_AA64MMFR4_EL1 becomes mov x2, #0xf000000: E2H0 is -1. Then one that does not say
# so: movk x1, #0x300, lsl #32, of the value of HCR_EL2, becomes #0x304.
e2h e2h_is_fixed 820738d5 02e0a1d2
e2h e2h_is_fixed_and_nothing_says_so 0160c0f2 8160c0f2
# stops NAME IMAGE-ADDRESS PATTERN: said by semihosting, and it is the end
stops() {
	local name=$1 at=$2
	selected "entry.$name" || return 0
	{ $(compiler) -c -DIMAGE="$at" -o "$scratch/entry.o" test/image/entry.S &&
		"${CROSS_COMPILE}objcopy" -O binary -j .text "$scratch/entry.o" "$scratch/entry.img"; } ||
		wrong 'the loader has no image'
	EL=${EL:-1} boot 'run=echo+alive' -kernel "$scratch/entry.img" \
		-device "loader,file=$image,addr=$at,force-raw=on"
	expect 2 "$3"
	verdict "$name"
}

stops image_off_a_page 0x44000800 \
	'Bail out! boot: the image must be loaded to an address on 4 KiB'
EL=2 stops image_off_a_page_at_el2 0x44000008 \
	'Bail out! boot: the image must be loaded to an address on 4 KiB'
stops image_where_ram_ends 0x7fd00000 \
	'Bail out! boot: an exception before there is a console: is there RAM for all .*'
EL=2 stops image_where_ram_ends_at_el2 0x7fd00000 \
	'Bail out! boot: an exception before there is a console: is there RAM for all .*'
finish
