#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The bootloader of examples/ on two nodes: Debian's kernel is started, and says itself what it was
# given; the check of what is handed over finds each thing that is wrong with it; and what cannot be
# started is one line and the power off.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
archive=$O/bootloader/boot.cpio image=bootloader.img machine=virt,gic-version=3
sizes='256 256' linux='-- console=ttyAMA0 quiet panic=-1 rdinit=/init'

# bootloader ARGUMENTS
bootloader() {
	# shellcheck disable=SC2046,SC2086 # lists of words
	emulate -M $machine -cpu cortex-a57 -smp 4 $(numa $sizes) \
		$([ -z "$image" ] || echo "-kernel $O/bootloader/$image") \
		${archive:+-initrd $archive} ${also:-} ${1:+-append "$1"}
}

# numa MIB…: nodes of two cores each, 0: one without memory; one size alone: no NUMA
numa() {
	local n=0 sum=0 size
	for size in "$@"; do
		sum=$((sum + size))
		[ $# -gt 1 ] || continue
		[ "$size" = 0 ] || echo "-object memory-backend-ram,id=m$n,size=${size}M"
		echo "-numa node,nodeid=$n,cpus=$((2 * n))-$((2 * n + 1))$(
			[ "$size" = 0 ] || echo ",memdev=m$n")"
		n=$((n + 1))
	done
	[ $# = 1 ] || echo '-numa dist,src=0,dst=1,val=20'
	echo "-m ${sum}M"
}

# place WHAT: "START END", as numbers, of what the bootloader says that it is at
place() {
	sed -nE "s/^bootloader: $1 ([0-9a-f]+)-([0-9a-f]+).*/0x\1 0x\2/p" "$scratch/out" |
		tail -1 | { read -r start end && echo $((start)) $((end)); }
}

# reserved WHAT: Linux says that all of it is reserved
reserved() {
	local start end a b what
	read -r start end <<<"$(place "$1")"
	while read -r what; do
		a=$((0x${what%-*})) b=$((0x${what#*-}))
		[ "${start:-0}" -lt $a ] || [ "${end:-0}" -gt $b ] || return 0
	done < <(sed -n 's/^iomem: \(.*\) : reserved/\1/p' "$scratch/out")
	wrong "Linux does not keep $1, ${start:-?} to ${end:-?}"
}

# within WHAT MIB MIB: it lies there, in MiB above the first RAM
within() {
	local start end
	read -r start end <<<"$(place "$1")"
	if [ "${start:-0}" -lt $((0x40000000 + ($2 << 20))) ] ||
		[ "${end:-0}" -ge $((0x40000000 + ($3 << 20))) ]; then
		wrong "$1 is not between $2 and $3 MiB"
	fi
}

# starts: Linux has run, kept all, and not seen what was kept change
starts() {
	expect 0 'bootloader: reads back right: .*' 'shell: Linux 6\..*, 4 cores' 'shell: off' \
		'firmware: 0x6177207469207361 0x0073' "$@"
	for kept in firmware log list initramfs; do
		reserved "$kept"
	done
}

# refuses NAME ARGUMENTS PATTERN: this line, and no kernel
refuses() {
	selected "bootloader.$1" || return 0
	bootloader "$2"
	expect 0 "$3"
	! grep -q 'starts the kernel' "$scratch/out" || wrong 'it is started all the same'
	verdict "$1"
}

# spoilt WHAT PATTERN: such damage to what was written is found
spoilt() {
	refuses "the_check_finds_$1" "spoil=${1//_/-}" "bootloader: $2"
}

# archive_of FILE…: of these, in $scratch/files
archive_of() {
	archive=$scratch/other.cpio
	printf '%s\n' "$@" | (cd "$scratch/files" && cpio --quiet -o -H newc) >"$archive"
}

begin bootloader 29 2n 120
mkdir "$scratch/files"
(cd "$scratch/files" && cpio --quiet -i) <"$archive"
files=$scratch/files

if selected bootloader.linux_keeps_what_is_reserved_and_knows_the_nodes; then
	bootloader "initramfs=1 $linux do=fill"
	starts 'bootloader: EL1, 4 cores, 2 nodes, this core is on node 0' 'filled: [34][0-9]+ MiB' \
		'dmesg: CPU: All CPU\(s\) started at EL1' \
		'dmesg: node   0: \[mem 0x0*40000000-0x0*4fffffff\]' \
		'dmesg: node   1: \[mem 0x0*50400000-0x0*5fffffff\]' \
		'node0: 2[0-9]{5} kB, cores 0-1, distances 10 20' \
		'node1: 2[0-9]{5} kB, cores 2-3, distances 20 10'
	within kernel 0 256
	within initramfs 256 512
	within firmware 256 512
	within list 0 256
	! grep -q 'x1-x3 nonzero' "$scratch/out" || wrong 'x1 to x3 are not 0'
	verdict linux_keeps_what_is_reserved_and_knows_the_nodes
fi
if selected bootloader.the_list_goes_by_register_at_el2; then
	machine=virt,gic-version=3,virtualization=on
	bootloader "registers=list $linux"
	machine=virt,gic-version=3
	at=$(sed -n 's/^bootloader: list \([0-9a-f]*\)-.*remains/\1/p' "$scratch/out")
	starts 'bootloader: EL2, .*' 'dmesg: CPU: All CPU\(s\) started at EL2' \
		'dmesg: x1: 000000014a0fb10b' 'dmesg: x2: 0000000000000000' \
		"dmesg: x3: 00000000${at:-?}"
	verdict the_list_goes_by_register_at_el2
fi
if selected bootloader.without_numa_all_is_node_0; then
	sizes=512
	bootloader "$linux"
	sizes='256 256'
	starts 'bootloader: the tree names no NUMA nodes: all memory counts as node 0' \
		'dmesg: NUMA: Faking a node .*' 'node0: 4[0-9]{5} kB, cores 0-3, distances 10'
	verdict without_numa_all_is_node_0
fi
if selected bootloader.a_core_whose_node_has_no_memory_takes_the_nearest; then
	sizes='0 512'
	bootloader "$linux"
	sizes='256 256'
	starts 'bootloader: node 0 has no memory: node 1 is the nearest' \
		'bootloader: kernel 4[0-9a-f]+-[0-9a-f]+, node 1' \
		'node1: 4[0-9]{5} kB, cores 2-3, distances 20 10'
	verdict a_core_whose_node_has_no_memory_takes_the_nearest
fi
if selected bootloader.what_firmware_has_reserved_stays_reserved; then
	machine=$machine,dumpdtb=$scratch/board.dtb bootloader ''
	secure='secure@42000000 { reg = <0 0x42000000 0 0x200000>; no-map; };'
	cells='#address-cells = <2>; #size-cells = <2>; ranges;'
	dtc -q -I dtb -O dts "$scratch/board.dtb" |
		sed 's,^/dts-v1/;,&\n/memreserve/ 0x40400000 0x10000;,' >"$scratch/board.dts"
	echo "/ { reserved-memory { $cells $secure }; };" >>"$scratch/board.dts"
	dtc -q -I dts -O dtb -o "$scratch/other.dtb" "$scratch/board.dts"
	also="-dtb $scratch/other.dtb" bootloader "$linux"
	starts 'bootloader: kernel 4[2-9a-f].*, node 0' 'bootloader: reads back right: 7 ranges .*' \
		'iomem: 42000000-421fffff : reserved' 'iomem: 40400000-4040ffff : reserved'
	verdict what_firmware_has_reserved_stays_reserved
fi

spoilt list 'the list reads back wrong: its bytes add up to [0-9]+, not to 0'
spoilt tree 'the tree reads back wrong: FDT_ERR_BADSTRUCTURE'
spoilt kernel 'reads back wrong: no kernel at 0x40400000'
spoilt nodes 'reads back wrong: the kernel is on node 3, this core on 0'
spoilt range 'reads back wrong: log@[0-9a-f]+, 0x10000 bytes at 0x10000000, is not in memory'
spoilt overlap 'reads back wrong: kernel and log@[0-9a-f]+ overlap at 0x40500000'
spoilt no_map 'reads back wrong: nothing has no-map'
spoilt forgotten 'reads back wrong: 0x[0-9a-f]+ is not kept'

refuses a_node_that_is_not_there "initramfs=2 $linux" \
	'bootloader: initramfs=2: there is no such node'
refuses a_word_of_somebody_else "console=ttyAMA0 $linux" \
	'bootloader: console=ttyAMA0: not a word of this program; the kernel.s come behind --'
refuses a_value_that_is_not_known "registers=all $linux" \
	'bootloader: registers=all: it is list, or not there'
refuses words_that_are_too_long "$(printf %200s '' | tr ' ' x) $linux" \
	'bootloader: the words before -- are too long: 201 bytes'
sizes='256 32'
head -c 48M /dev/zero >"$files/initrd"
archive_of kernel initrd
refuses an_initramfs_that_is_too_large_for_its_node "initramfs=1 $linux" \
	'bootloader: initramfs \(50331648 bytes\) does not go into node 1: .*'
sizes='256 256'
# Of image_size, at byte 16, the fourth byte: 512 MiB more.
echo x >"$files/initrd"
printf '\041' | dd of="$files/kernel" bs=1 seek=19 conv=notrunc 2>/dev/null
archive_of kernel initrd
refuses a_kernel_that_is_too_large_for_its_node "$linux" \
	'bootloader: kernel \([0-9]{9} bytes\) does not go into node 0: .*'
printf 'arm\144' | dd of="$files/kernel" bs=1 seek=56 conv=notrunc 2>/dev/null
archive_of kernel initrd
refuses a_kernel_with_damaged_magic "$linux" \
	'bootloader: the kernel is not an arm64 Image: no magic at byte 56'
head -c 60 "$O/sysroot/guest/vmlinuz" >"$files/kernel"
archive_of kernel initrd
refuses a_kernel_that_was_cut "$linux" 'bootloader: the kernel is not an arm64 Image: .*'
archive_of initrd
refuses no_kernel "$linux" 'bootloader: the archive has no kernel'
archive_of kernel
refuses no_initramfs "$linux" 'bootloader: the archive has no initrd'
archive=''
refuses no_archive "$linux" 'bootloader: there is no archive: give QEMU one with -initrd'

# broken_tree NAME PATTERN AT BYTES: a tree with these there, at 0x46000000, is one line; AT may be
# `structure`, of which the third word of the header says where it begins
broken_tree() {
	local at=$3
	selected "bootloader.$1" || return 0
	machine=$machine,dumpdtb=$scratch/board.dtb bootloader ''
	cp "$scratch/board.dtb" "$scratch/broken.dtb"
	[ "$at" != structure ] || at=$(od -An -t u4 --endian=big -j 8 -N 4 "$scratch/board.dtb")
	printf '%b' "$4" | dd of="$scratch/broken.dtb" bs=1 seek=$((at)) conv=notrunc 2>/dev/null
	echo 'ldr x0, =0x46000000; ldr x1, =0x40200000; br x1' >"$scratch/enter.S"
	$(compiler) -c -o "$scratch/enter.o" "$scratch/enter.S"
	$(linker) -Ttext=0x44000000 -e 0x44000000 -o "$scratch/enter" "$scratch/enter.o"
	image='' also="-device loader,file=$scratch/enter,cpu-num=0
		-device loader,file=$scratch/broken.dtb,addr=0x46000000,force-raw=on
		-device loader,file=$O/bootloader/bootloader.img,addr=0x40200000,force-raw=on"
	bootloader ''
	expect 124 "$2"
	image=bootloader.img also=''
	verdict "$1"
}

limit=4
broken_tree a_broken_tree 'bootloader: the device tree at 0x46000000 is broken: FDT_ERR_.*' \
	structure '\0\0\0\07'
broken_tree a_tree_that_is_too_large \
	'bootloader: the device tree at 0x46000000 has 4194304 bytes: at most 2 MiB are mapped' \
	4 '\0\0100\0\0'
if selected bootloader.without_a_device_tree_it_says_so; then
	image=bootloader.elf
	bootloader ''
	expect 124 'bootloader: no device tree at 0x0: QEMU gives one to an arm64 Image, not to ELF'
	verdict without_a_device_tree_it_says_so
fi
if selected bootloader.loaded_elsewhere_it_says_so; then
	image='' also="-device loader,file=$O/bootloader/bootloader.img,addr=0x44000000,force-raw=on,cpu-num=0"
	bootloader ''
	expect 124 'bootloader: not loaded at the address that it is linked for, 0x40200000'
	verdict loaded_elsewhere_it_says_so
fi
if selected bootloader.entered_at_el3_it_says_so; then
	machine=virt,gic-version=3,secure=on
	also="-device loader,file=$O/bootloader/bootloader.img,addr=0x40200000,force-raw=on,cpu-num=0"
	bootloader ''
	expect 124 'bootloader: entered at EL3: start QEMU without secure=on'
	verdict entered_at_el3_it_says_so
fi
finish
