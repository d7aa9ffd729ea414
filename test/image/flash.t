#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# build/flash.img as the firmware of a board: by -bios and as a pflash, at EL1, EL2 and EL3, with its
# boot arguments from fw_cfg. Then what is wrong with a flash, which its start-up code must say
# before it stops: a file that was cut, bytes that were changed, no header, another image.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
flash=$O/flash.img
arguments='run=check;test+boot.*;topology exit=semihosting'

# qemu SHAPE EL ARGUMENT…
qemu() {
	local board
	board=$(SHAPE=$1 EL=$2 GIC=3 CPU=max tools/board.sh)
	shift 2
	# shellcheck disable=SC2086 # the board is a list of words
	emulate $board -semihosting "$@"
}

# boots NAME EL QEMU-ARGUMENT…
boots() {
	local name=$1 el=$2
	shift 2
	selected "flash.$name" || return 0
	qemu 2n "$el" -fw_cfg "name=opt/zonal/bootargs,string=$arguments" "$@"
	expect 0 'zonal: 4 of 4 CPUs, 2 nodes, 1024 MiB, GICv3.*' 'check: every invariant holds' \
		'node 1: 512 MiB, cpus 2-3' 'ok [0-9]+ - boot.*'
	verdict "$name"
}

# refuses NAME PATTERN: the flash in $scratch/bad
refuses() {
	selected "flash.$1" || return 0
	qemu 2n "${3:-1}" -bios "$scratch/bad"
	expect 0 "flash: $2"
	! grep -q '^zonal:' "$scratch/out" || wrong 'it went on'
	verdict "$1"
}

# damage OFFSET BYTES: the flash with other bytes there, of which the file has not more than needed
damage() {
	head -c 8M "$flash" >"$scratch/bad"
	printf '%b' "$2" | dd of="$scratch/bad" bs=1 seek="$(($1))" conv=notrunc 2>"$scratch/dd"
}

begin flash 13 2n 60
boots bios 1 -bios "$flash"
boots bios_at_el2 2 -bios "$flash"
boots bios_at_el3 3 -bios "$flash"
boots pflash 1 -drive "if=pflash,format=raw,unit=0,readonly=on,file=$flash"
boots pflash_by_blockdev_at_el2 2 -machine pflash0=rom \
	-blockdev "node-name=rom,driver=file,filename=$flash,read-only=true"
if selected flash.arguments_that_are_wrong_are_named; then
	qemu small 1 -bios "$flash" \
		-fw_cfg 'name=opt/zonal/bootargs,string=run=echo+alive nonsense=1 exit=semihosting'
	expect 1 'boot: argument "nonsense=1" is ignored: no such word' alive
	verdict arguments_that_are_wrong_are_named
fi
if selected flash.arguments_that_are_too_long_are_refused; then
	head -c 5000 /dev/zero | tr '\0' 'x' >"$scratch/long"
	shape=small
	boot 'run=echo+alive exit=semihosting' -fw_cfg "name=opt/zonal/bootargs,file=$scratch/long"
	expect 0 alive 'fw_cfg: opt/zonal/bootargs at 0x9020000: the file is larger than 4096 bytes.*'
	verdict arguments_that_are_too_long_are_refused
fi

head -c 1M "$flash" >"$scratch/bad"
refuses cut_image_says_so 'the image is cut or damaged: its CRC-32 .* but 0x[0-9a-f]+'
head -c 16000 "$flash" >"$scratch/bad"
refuses cut_before_the_header_says_so 'no header of an image at 0x3ff0: it is cut, or not ours' 2
damage 0x100000 '\x5a\xa5\x5a'
refuses damaged_image_says_so 'the image is cut or damaged: its CRC-32 .* but 0x[0-9a-f]+'
damage 0x3ff0 'ZONALXX1'
refuses wrong_magic_says_so 'no header of an image at 0x3ff0: it is cut, or not ours'
refuses wrong_magic_at_el3_says_so 'no header of an image at 0x3ff0: it is cut, or not ours' 3
damage 0x3ffc '\xff\xff\xff\xff'
refuses size_that_does_not_fit_says_so 'the header says that the image has 0xffffffff bytes, .*'
finish
