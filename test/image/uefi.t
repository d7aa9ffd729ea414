#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The one image as a program of UEFI: by edk2 itself from QEMU's -kernel, at EL1 and EL2; as the file
# that firmware looks for on a disk, with edk2 in a pflash; from edk2's shell; and by GRUB's `linux`.
# edk2 hands over the device tree only where QEMU makes no ACPI tables (acpi=off); both are tried.
# Each boot is on two nodes. Then what a loader can get wrong: an image that is cut, a command
# line that is too long, a damaged header: a line, and firmware goes on.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
image=$O/zonal.img
edk2=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
arguments='run=check;test+boot.*;topology exit=semihosting'

# qemu EL ACPI ARGUMENT…: the board of two nodes
qemu() {
	local board
	board=$(SHAPE=2n EL=$1 GIC=3 CPU=max tools/board.sh)
	board=${board/-M virt/-M virt,acpi=$2}
	shift 2
	# shellcheck disable=SC2086 # the board is a list of words
	emulate $board -semihosting "$@"
	# Firmware's terminal codes stand before the first line.
	sed -i 's/\x1b\[[0-9;=]*[A-Za-z]//g' "$scratch/out"
}

# booted NAME: the board is all there, with firmware's own memory off the map
booted() {
	expect 0 'zonal: 4 of 4 CPUs, 2 nodes, 10[0-2][0-9] MiB, GICv3.*' \
		'check: every invariant holds' 'node 1: 512 MiB, cpus 2-3' 'ok [0-9]+ - boot.*' \
		'  0x[0-9a-f]+-0x[0-9a-f]+ +[0-9]+ KiB  no-map'
	verdict "$1"
}

# disk NAME: an empty FAT disk, whose files `put FILE PATH` brings
disk() {
	truncate -s 64M "$scratch/disk"
	mformat -F -i "$scratch/disk" ::
	mmd -i "$scratch/disk" ::EFI ::EFI/BOOT ::EFI/debian
}
put() {
	mcopy -o -i "$scratch/disk" "$1" "::$2" || wrong "no $2 on the disk"
}
with_disk="-drive if=none,id=d0,format=raw,file=$scratch/disk -device virtio-blk-device,drive=d0"

begin uefi 11 2n 120
if selected uefi.edk2_starts_the_kernel; then
	qemu 1 off -bios "$edk2" -kernel "$image" -append "$arguments"
	booted edk2_starts_the_kernel
fi
if selected uefi.edk2_starts_the_kernel_at_el2; then
	qemu 2 off -bios "$edk2" -kernel "$image" -append "$arguments"
	booted edk2_starts_the_kernel_at_el2
fi
for el in 1 2; do
	selected "uefi.acpi_alone_at_el$el" || continue
	qemu $el on -bios "$edk2" -kernel "$image" -append "$arguments"
	grep -q 'numa-node-id' "$scratch/out" && wrong 'the nodes are not seen'
	expect 0 '   0:  10  20' '   1:  20  10' '  cpu 3: mpidr 0x3, node 1, online'
	booted "acpi_alone_at_el$el"
done
if selected uefi.removable_disk_with_edk2_in_pflash; then
	disk
	put "$image" EFI/BOOT/BOOTAA64.EFI
	# shellcheck disable=SC2086 # a list of words
	qemu 1 off -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/AAVMF/AAVMF_CODE.fd \
		$with_disk -fw_cfg "name=opt/zonal/bootargs,string=$arguments"
	booted removable_disk_with_edk2_in_pflash
fi
if selected uefi.shell_script; then
	disk
	put "$image" zonal.efi
	printf 'fs0:\r\nzonal.efi %s\r\n' "$arguments" >"$scratch/startup.nsh"
	put "$scratch/startup.nsh" startup.nsh
	# shellcheck disable=SC2086 # a list of words
	qemu 1 off -bios "$edk2" $with_disk
	booted shell_script
fi
if selected uefi.grub_linux; then
	disk
	put "$O/sysroot/grubaa64.efi" EFI/BOOT/BOOTAA64.EFI
	put "$image" zonal.img
	printf "linux /zonal.img '%s'\nboot\n" "${arguments/ /\' \'}" >"$scratch/grub.cfg"
	put "$scratch/grub.cfg" EFI/debian/grub.cfg
	put "$scratch/grub.cfg" EFI/BOOT/grub.cfg
	# shellcheck disable=SC2086 # a list of words
	qemu 1 off -bios "$edk2" $with_disk
	booted grub_linux
fi

# shell OPTIONS: a disk from which the shell starts $scratch/bad.efi, and if that comes back with
# an error says so and goes off
shell() {
	disk
	put "$scratch/bad.efi" zonal.efi
	printf 'fs0:\r\nzonal.efi %s\r\necho firmware goes on\r\nreset -s\r\n' "$1" \
		>"$scratch/startup.nsh"
	put "$scratch/startup.nsh" startup.nsh
}

# refuses NAME PATTERN OPTIONS ACPI: the stub says no, and firmware has the board again
refuses() {
	selected "uefi.$1" || return 0
	shell "$3"
	# shellcheck disable=SC2086 # a list of words
	qemu 1 "$4" -bios "$edk2" $with_disk
	expect 0 "$2" 'firmware goes on'
	! grep -q '^zonal: [0-9]' "$scratch/out" || wrong 'it was started'
	verdict "$1"
}

# unloadable NAME: firmware does not even load it, and ends the script; the shell waits then, so
# the board is ended as soon as it has said so
unloadable() {
	local qemu_pid
	selected "uefi.$1" || return 0
	shell run=check
	: >"$scratch/raw"
	# shellcheck disable=SC2086,SC2046 # lists of words
	timeout -k 5 "$limit" qemu-system-aarch64 $(SHAPE=small EL=1 GIC=3 CPU=max tools/board.sh) \
		-m 256M -bios "$edk2" $with_disk -display none -monitor none -serial stdio -nic none \
		</dev/null >"$scratch/raw" 2>&1 &
	qemu_pid=$!
	while kill -0 $qemu_pid 2>/dev/null && ! grep -q 'Error Status: .*line' "$scratch/raw"; do
		sleep 0.2
	done
	kill $qemu_pid 2>/dev/null
	wait $qemu_pid
	status=0
	tr -d '\r' <"$scratch/raw" >"$scratch/out"
	grep -q 'Script Error Status: Unsupported' "$scratch/out" || wrong 'it is not refused'
	! grep -q '^zonal' "$scratch/out" || wrong 'it was started'
	verdict "$1"
}

cp "$image" "$scratch/bad.efi"
long=$(head -c 4200 /dev/zero | tr '\0' 'x')
refuses load_options_that_are_too_long_say_so 'zonal: the load options are longer.*' "seed=$long" off
head -c 1000000 "$image" >"$scratch/bad.efi"
unloadable cut_image_is_not_started
{ printf 'XX'; tail -c +3 "$image"; } >"$scratch/bad.efi"
unloadable image_without_mz_is_not_started
# What runs before the image is relocated may read no pointer that the linker stored.
if selected uefi.stub_reads_no_stored_pointer; then
	for object in efi_boot efi_map efi_text acpi_read acpi_cpus acpi_numa acpi_tree tree_write; do
		"${CROSS_COMPILE:-aarch64-linux-gnu-}readelf" -rW "$O/image/board/$object.c.o" |
			awk '/^Relocation section/ { debug = /debug/ } !debug && /ABS64/'
	done >"$scratch/out"
	[ ! -s "$scratch/out" ] || wrong 'there are some'
	[ -e "$O/image/board/efi_boot.c.o" ] || wrong 'no object to look at'
	verdict stub_reads_no_stored_pointer
fi
finish
