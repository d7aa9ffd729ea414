#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Boards whose cores wait in a loader's pen (enable-method = "spin-table"), where the tree says
# which word each of them watches. A loader of our own (spin.S) does what such firmware does; the
# tree is QEMU's with the method changed. All cores must come, and none may be asked for
# by a write to memory that somebody else may own by then.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
image=0x44000000
tests=$core_tests';check'

# tree EL STEP RESERVE: $scratch/spin.dtb, whose words are STEP bytes apart from $words on and
# in a memreserve if RESERVE is yes
tree() {
	EL=$1 dumped "$scratch/dump.dtb" -e 's/^$//'
	python3 - "$scratch/dump.dtb.dts" "$words" "$2" "$3" >"$scratch/spin.dts" <<-'EOF' ||
		import re, sys
		text = open(sys.argv[1]).read()
		words, step = int(sys.argv[2], 0), int(sys.argv[3], 0)
		def method(match):
		    word = words + step * int(match[2], 16)
		    return match[1] + f'enable-method = "spin-table"; cpu-release-addr = <0 {word:#x}>;'
		cpu = r'(cpu@\w+ \{[^}]*?reg = <(0x\w+)>;[^}]*?)enable-method = "psci";'
		text, count = re.subn(cpu, method, text)
		if sys.argv[4] == "yes":
		    text = text.replace("/dts-v1/;", f"/dts-v1/;\n/memreserve/ {words:#x} 0x1000;", 1)
		print(text)
		sys.exit(count != 4)
	EOF
		wrong 'no four cores in the tree'
	dtc -q -I dts -O dtb -o "$scratch/spin.dtb" "$scratch/spin.dts" || wrong 'no tree'
}

# spins NAME EL STEP RESERVE CORES COMMANDS [DEFINITION…]
spins() {
	local name=$1 el=$2 step=$3 reserve=$4 cores=$5 commands=$6 definition options=''
	shift 6
	selected "spin.$name" || return 0
	for definition in "$@"; do
		options="$options -D$definition"
	done
	tree "$el" "$step" "$reserve"
	# shellcheck disable=SC2046,SC2086 # lists of words
	{ $(compiler) -c -DIMAGE=$image -DWORDS=0x40208000 $options -o "$scratch/spin.o" test/image/spin.S &&
		"${CROSS_COMPILE}objcopy" -O binary -j .text "$scratch/spin.o" "$scratch/spin.img"; } ||
		wrong 'the loader cannot be built'
	EL=$el boot "run=$commands exit=semihosting" -kernel "$scratch/spin.img" -dtb "$scratch/spin.dtb" \
		-device "loader,file=$O/zonal.img,addr=$image,force-raw=on"
	expect 0 "zonal: $cores of 4 CPUs, 2 nodes, .*" 'check: every invariant holds'
	! grep -q '^not ok' "$scratch/out" || wrong 'a test failed'
}

begin spin 6 2n 120
words=0x40208000
if selected spin.a_word_for_each; then
	spins a_word_for_each 1 8 yes 4 "$tests"
	expect 0 '# [1-9][0-9]* of [1-9][0-9]* passed'
	verdict a_word_for_each
fi
if selected spin.a_word_for_each_at_el2; then
	spins a_word_for_each_at_el2 2 8 yes 4 "$tests"
	expect 0 '# [1-9][0-9]* of [1-9][0-9]* passed'
	verdict a_word_for_each_at_el2
fi
if selected spin.one_word_for_all; then
	spins one_word_for_all 1 0 yes 4 check ONE_WORD
	verdict one_word_for_all
fi
if selected spin.word_that_nobody_reserved; then
	spins word_that_nobody_reserved 1 8 no 1 check
	expect 0 'topology: /: CPU 3: 0x40208018: a cpu-release-addr must lie in memory that the tree reserves' \
		'smp: CPU 3 .* is left off: it has no cpu-release-addr that can be used'
	verdict word_that_nobody_reserved
fi
if selected spin.word_across_two; then
	words=0x40208004
	spins word_across_two 1 8 yes 1 check
	expect 0 'topology: /: CPU 1: 0x4020800c: a cpu-release-addr must lie on 8 bytes, and not at 0'
	verdict word_across_two
fi
if selected spin.word_in_the_image; then
	words=$image
	spins word_in_the_image 1 8 yes 1 check
	expect 0 'topology: /: CPU 2: 0x44000010: a cpu-release-addr must lie outside of the image and the tree'
	verdict word_in_the_image
fi
finish
