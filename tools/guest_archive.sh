#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The archive of what the hypervisor's guests run, or of what the bootloader starts:
#
#   tools/guest_archive.sh FOLDER INIT OUT.cpio
#
# FOLDER has vmlinuz, busybox and modules/ as tools/setup.sh unpacks them. The initramfs is a
# busybox, the modules of a balloon, and INIT; the archive is `kernel` and `initrd`.
set -eu

folder=$1 init=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for file in vmlinuz busybox; do
	[ -e "$folder/$file" ] || { echo "$0: there is no $folder/$file" >&2; exit 1; }
done
mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/dev" "$work/root/tmp" "$work/out"
cp "$folder/busybox" "$work/root/bin/busybox"
for module in virtio virtio_ring virtio_mmio virtio_balloon; do
	cp "$folder/modules/$module.ko" "$work/root/"
done
cp "$init" "$work/root/init"
chmod 755 "$work/root/init" "$work/root/bin/busybox"
cp "$folder/vmlinuz" "$work/out/kernel"
(cd "$work/root" && find . | cpio --quiet -o -H newc) >"$work/out/initrd"
(cd "$work/out" && printf 'kernel\ninitrd\n' | cpio --quiet -o -H newc) >"$out"
