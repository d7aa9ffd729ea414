#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The ways by which a board is started (README has each command): QEMU's own, and Debian's U-Boot
# with an image in RAM, from a FAT disk, as a legacy image and as a FIT, and by itself from its
# environment. Each boot is on two nodes, and passes if all cores and both nodes are there and the
# invariants hold. Images that are damaged or cut must not start. U-Boot knows the last node's RAM
# alone, so it loads there.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
image=$O/zonal.img
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
arguments='run=check exit=semihosting'
load=0x60400000 run=0x60800000 pflash='' prompt='zonal> '

# qemu ARGUMENT…: the board of two nodes, the UART on standard input and output
qemu() {
	# shellcheck disable=SC2046 # the board is a list of words
	emulate $(SHAPE=2n EL=1 GIC=3 CPU=max tools/board.sh) -semihosting "$@"
}

# boots NAME QEMU-ARGUMENT…
boots() {
	local name=$1
	shift
	selected "paths.$name" || return 0
	qemu "$@"
	expect 0 'zonal: 4 of 4 CPUs, 2 nodes, 1024 MiB, GICv3.*' 'check: every invariant holds'
	verdict "$name"
}

# environment COMMAND: $pflash is Debian's U-Boot, and an environment that has this command
environment() {
	{
		echo 'bootdelay=0'
		echo 'fdt_addr=0x40000000'
		echo 'fdt_high=0xffffffffffffffff'
		echo "bootargs=$arguments"
		echo "bootcmd=$1"
	} >"$scratch/env.txt"
	mkenvimage -s 0x40000 -o "$scratch/env.img" "$scratch/env.txt" || wrong 'no environment'
	cp "$uboot" "$scratch/rom.img"
	truncate -s 64M "$scratch/env.img" "$scratch/rom.img"
	pflash="-drive if=pflash,unit=0,format=raw,readonly=on,file=$scratch/rom.img"
	pflash="$pflash -drive if=pflash,unit=1,format=raw,file=$scratch/env.img"
}

# uboot NAME COMMAND QEMU-ARGUMENT…
uboot() {
	local name=$1
	selected "paths.$name" || return 0
	environment "$2"
	shift 2
	# shellcheck disable=SC2086 # a list of words
	boots "$name" $pflash "$@"
}

# A disk with what a firmware may be asked to load.
make_disk() {
	mkimage -A arm64 -O linux -T kernel -C none -a $run -e $run -n zonal -d "$image" \
		"$scratch/zonal.uimg" >"$scratch/mkimage" || wrong 'no legacy image'
	sed "s#@IMAGE@#$(readlink -f "$image")#; s/@RUN@/$run/" test/image/zonal.its \
		>"$scratch/zonal.its"
	mkimage -f "$scratch/zonal.its" "$scratch/zonal.itb" >"$scratch/mkimage" || wrong 'no FIT'
	truncate -s 64M "$scratch/disk"
	mformat -F -i "$scratch/disk" ::
	mcopy -i "$scratch/disk" "$image" ::Image
	mcopy -i "$scratch/disk" "$scratch/zonal.uimg" "$scratch/zonal.itb" ::
}

begin paths 11 2n 120
gzip -c "$image" >"$scratch/zonal.gz"
make_disk
disk="-drive if=none,id=d0,format=raw,file=$scratch/disk -device virtio-blk-device,drive=d0"
in_ram="-device loader,file=$image,addr=$load,force-raw=on"

boots raw -kernel "$image" -append "$arguments"
boots gzip -kernel "$scratch/zonal.gz" -append "$arguments"
boots elf -kernel "$O/zonal.elf" -append "$arguments"
# Nothing but -kernel hands over arguments: these two show the demonstration, and are typed to.
printf 'check\npoweroff\n' >"$scratch/typed"
input=$scratch/typed
boots loader_raw -device "loader,file=$image,addr=0x44000000,force-raw=on,cpu-num=0"
boots loader_elf -device "loader,file=$O/zonal.elf,cpu-num=0"
input=/dev/null
# shellcheck disable=SC2086 # lists of words
{
	uboot uboot_booti_from_ram "booti $load - \${fdt_addr}" $in_ram
	uboot uboot_booti_from_a_fat_disk \
		"virtio scan; load virtio 0 $load Image && booti $load - \${fdt_addr}" $disk
	uboot uboot_bootm_legacy_image \
		"virtio scan; load virtio 0 0x64000000 zonal.uimg && bootm 0x64000000 - \${fdt_addr}" $disk
	uboot uboot_bootm_fit \
		"virtio scan; load virtio 0 0x64000000 zonal.itb && bootm 0x64000000#c1 - \${fdt_addr}" $disk
}
# A FIT with a byte changed must not start.
if selected paths.uboot_refuses_a_damaged_fit; then
	printf 'X' | dd of="$scratch/zonal.itb" bs=1 seek=300000 conv=notrunc 2>"$scratch/dd"
	mcopy -o -i "$scratch/disk" "$scratch/zonal.itb" ::
	environment "virtio scan; load virtio 0 0x64000000 zonal.itb; bootm 0x64000000#c1 - \${fdt_addr}; poweroff"
	# shellcheck disable=SC2086 # lists of words
	qemu $pflash $disk
	expect 0
	grep -q 'Bad hash' "$scratch/out" || wrong 'the hash is not looked at'
	! grep -q '^zonal:' "$scratch/out" || wrong 'it was started'
	verdict uboot_refuses_a_damaged_fit
fi
# No loader of a raw image looks whether all of it is there; the image does.
for bytes in 40000 1000000 $(($(stat -Lc %s "$image") - 8)); do
	selected paths.cut_image_says_so || continue
	head -c "$bytes" "$image" >"$scratch/cut"
	qemu -kernel "$scratch/cut" -append "$arguments"
	expect 2 'Bail out! boot: the image is cut: the mark at its end is not there'
	[ $bad = 0 ] || break
done
! selected paths.cut_image_says_so || verdict cut_image_says_so
finish
