#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Boots $O/zonal.img on the board SHAPE, the UART on standard input and output.
#
#   tools/run_qemu.sh                      what `make run` does
#   tools/run_qemu.sh BOOTARGS [QEMU-ARG…] with these boot arguments
#
# On a terminal `make run` ends in the monitor (leave with its `exit`, or Ctrl-A X).
# Elsewhere nobody could type, so the image is told to run the demonstration and
# to power off. Either way the exit status is the image's own: 0 good, 1 a command
# or test failed, 2 panic. It needs -semihosting, which is QEMU's only way out with
# a status. V=1 prints the command.
#
# DISK='FILE…' gives the board virtio disks, vda first; a file that cannot be written is a
# read-only disk. VIRTIO=legacy or modern is the register layout (QEMU's own default is legacy).
set -eu

O=${O:-build}
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
	bootargs=$1
	shift
elif [ -t 0 ] && [ -t 1 ]; then
	bootargs='exit=semihosting'
	echo 'QEMU: Ctrl-A X ends it, Ctrl-A C is its own monitor' >&2
else
	bootargs='run=demo exit=semihosting'
fi
# QEMU enters an Image where Linux wants it, but an ELF file where the board begins.
kernel=$O/zonal.img
[ "${EL:-1}" != 3 ] || kernel=$O/zonal.elf
serial=stdio
[ ! -t 0 ] || serial=mon:stdio

board=$(tools/board.sh)
cpus=$(tools/board.sh --expect | cut -d' ' -f1)
# With many more cores than this machine has, a core that waits for a lock keeps the one
# that holds it from running for whole turns of the host. One thread gives way at once.
accel=
[ "$cpus" -le $((2 * $(nproc))) ] || accel='-accel tcg,thread=single'
disks='' disk_count=0
for file in ${DISK:-}; do
	[ -e "$file" ] || { echo "tools/run_qemu.sh: DISK=$file: there is no such file" >&2; exit 1; }
	drive="if=none,id=disk$disk_count,format=raw,file=$(echo "$file" | sed 's/,/,,/g')"
	[ -w "$file" ] || drive="$drive,readonly=on"
	# By itself QEMU fills its places from the last one, and disks are named from the first.
	disks="$disks -drive $drive"
	disks="$disks -device virtio-blk-device,drive=disk$disk_count,bus=virtio-mmio-bus.$disk_count"
	disk_count=$((disk_count + 1))
done
case ${VIRTIO:-modern} in
modern) [ -z "$disks" ] || disks="-global virtio-mmio.force-legacy=false $disks" ;;
legacy) ;;
*) echo "tools/run_qemu.sh: VIRTIO=$VIRTIO: legacy or modern" >&2; exit 1 ;;
esac
# shellcheck disable=SC2086 # the board is a list of words
set -- $board $accel $disks -display none -monitor none -serial "$serial" -nic none -no-reboot \
	-semihosting -kernel "$kernel" -append "$bootargs" "$@"
if [ "${V:-0}" = 1 ]; then
	printf 'qemu-system-aarch64' >&2
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_=:,./+-]*) printf " '%s'" "$word" >&2 ;;
		*) printf ' %s' "$word" >&2 ;;
		esac
	done
	echo >&2
fi
exec qemu-system-aarch64 "$@"
