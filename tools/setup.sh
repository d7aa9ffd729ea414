#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what a goal needs and is missing, and nothing else. The Makefile
# calls it on the first use of a goal; by hand:
#
#   O=build tools/setup.sh build|host|lib|run|hypervisor|bench|gdb|models|proofs|test
#
# Each need is a command or a file and the Debian 12 package that brings it; a
# machine that has them all is left alone, without root and without apt.
# Packages are installed as root or through sudo, and named before it happens.
#
# libfdt for arm64 is only a library to link, so its package is unpacked into
# $O/sysroot and never installed. It is looked up with an apt state of its own,
# so the machine's dpkg never hears of a foreign architecture. LIBFDT_GIVEN not
# empty says that the caller brings a libfdt (LIBFDT_LIB= or LIBFDT_SRC=).
#
# liblz4 is compiled for the image, which has no vector registers, so its source
# package is fetched the same way, and two files of it go into $O/sysroot/lz4.
# LZ4_GIVEN not empty says that the caller brings a folder with them (LZ4_SRC=).
set -eu

O=${O:-build}
CROSS_COMPILE=${CROSS_COMPILE-aarch64-linux-gnu-}
missing='' apt=''

say() {
	echo "tools/setup.sh: $*"
}

fail() {
	say "$*" >&2
	exit 1
}

# need PACKAGE COMMAND-OR-FILE…: the package is missing when one of them is.
need() {
	package=$1
	shift
	for thing in "$@"; do
		case $thing in
		/*) [ -e "$thing" ] && continue ;;
		*) command -v "$thing" >/dev/null && continue ;;
		esac
		missing="$missing $package"
		return
	done
}

# The interpreter alone is not enough: Debian's python3-minimal, which other packages
# bring along, has no json.
need_python() {
	python3 -c 'import json, subprocess, tempfile' 2>/dev/null || missing="$missing python3"
}

need_host() {
	triplet=$(uname -m)-linux-gnu
	need gcc gcc
	need libc6-dev /usr/include/stdio.h
	need libfdt-dev /usr/include/libfdt.h
	need libcjson-dev "/usr/lib/$triplet/libcjson.so" /usr/include/cjson/cJSON.h
	need zlib1g-dev "/usr/lib/$triplet/libz.so" /usr/include/zlib.h
	need device-tree-compiler dtc
}

need_build() {
	if [ "$CROSS_COMPILE" = aarch64-linux-gnu- ]; then
		need binutils-aarch64-linux-gnu "${CROSS_COMPILE}objcopy"
	elif ! command -v "${CROSS_COMPILE}objcopy" >/dev/null; then
		fail "CROSS_COMPILE=$CROSS_COMPILE: there is no ${CROSS_COMPILE}objcopy on PATH"
	fi
	if [ "${IMAGE_TOOLS:-gcc}" = clang ]; then
		need clang clang
		need lld ld.lld
	elif [ "$CROSS_COMPILE" = aarch64-linux-gnu- ]; then
		need gcc-aarch64-linux-gnu "${CROSS_COMPILE}gcc"
	elif ! command -v "${CROSS_COMPILE}gcc" >/dev/null; then
		fail "CROSS_COMPILE=$CROSS_COMPILE: there is no ${CROSS_COMPILE}gcc on PATH"
	fi
}

# The core alone: a compiler for where it goes to, and what puts it into one file.
need_lib() {
	need_python
	if [ -z "$CROSS_COMPILE" ]; then
		need gcc "${IMAGE_TOOLS:-gcc}"
		need binutils ar
	else
		need_build
	fi
}

need_run() {
	need qemu-system-arm qemu-system-aarch64
}

need_gdb() {
	need_run
	need gdb-multiarch gdb-multiarch
}

need_bench() {
	need_run
	need_python
}

need_models() {
	need_python
	need gcc gcc
	need libc6-dev /usr/include/stdio.h
	need spin spin
}

# frama-c-base is 64 MB to fetch and 290 MB installed, what it draws in about as much again.
need_proofs() {
	need_python
	need gcc gcc
	need frama-c-base frama-c
	need why3 why3
	need z3 z3
}

# The hypervisor and bootloader examples, and what they start.
need_hypervisor() {
	need_build
	need_run
	need_python
	need cpio cpio
}

need_test() {
	need_hypervisor
	need_host
	need_models
	need_build
	need_run
	need_gdb
	need perl prove
	need_python
	need universal-ctags ctags
	# The public headers are compiled as C++ too, and the library is used as projects do.
	need g++ g++
	need cmake cmake
	# Firmware that boots the image, and what makes the disk that it loads it from.
	need u-boot-qemu /usr/lib/u-boot/qemu_arm64/u-boot.bin
	need u-boot-tools mkimage mkenvimage
	need mtools mformat
	need qemu-efi-aarch64 /usr/share/qemu-efi-aarch64/QEMU_EFI.fd /usr/share/AAVMF/AAVMF_CODE.fd
	need pkg-config pkg-config
	# What tools/zonal-view writes is looked at.
	need chromium chromium
	need clang clang
	need lld ld.lld
	# clang's run-time for the sanitizers is a package of its own.
	need libclang-rt-14-dev "$(clang -print-runtime-dir 2>/dev/null || echo /none)"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "root or sudo is needed to install:$missing"
	fi
}

install_missing() {
	command -v apt-get >/dev/null ||
		fail "this is not Debian; please install yourself what these packages bring:$missing"
	say "installing:$missing"
	mkdir -p "$O"
	# One broken source of many need not matter; what is not found is said below.
	as_root apt-get -qq update || say "apt-get update had trouble, trying all the same"
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
		install --no-install-recommends $missing >"$O/setup.log" 2>&1 ||
		{ tail -20 "$O/setup.log"; fail "apt-get install failed (see above and $O/setup.log)"; }
}

# apt with a state directory of its own, in which the machine is an arm64 one.
apt_arm64() {
	apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
		-o Dir::State="$apt" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o APT::Sandbox::User= \
		-o Acquire::Languages=none "$@"
}

# The state directory, once for all that is brought; it goes at the end.
open_arm64() {
	[ -z "$apt" ] || return 0
	mkdir -p "$O/apt/lists/partial" "$O/apt/cache/archives/partial" "$O/sysroot"
	apt=$(cd "$O/apt" && pwd)
	: >"$apt/status"
	apt_arm64 update || say "apt-get update for arm64 had trouble, trying all the same"
}

# get_arm64 PACKAGE…: into $apt
get_arm64() {
	open_arm64
	(cd "$apt" && apt_arm64 download "$@") || fail "no package $* for arm64"
}

# is_debian HINT: or what somebody else has to bring
is_debian() {
	command -v apt-get >/dev/null || fail "this is not Debian; $1"
}

# depends_arm64 PACKAGE: what it stands for today
depends_arm64() {
	apt-cache -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		depends "$1" | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p'
}

# The device trees of all boards that Debian's kernel knows, for a test.
trees_fetch() {
	[ ! -e "$O/sysroot/trees" ] || return 0
	is_debian "put device trees into $O/sysroot/trees"
	say "unpacking the device trees of linux-image-arm64 (60 MB) into $O/sysroot/trees"
	open_arm64
	get_arm64 "$(depends_arm64 linux-image-arm64)"
	mkdir -p "$O/sysroot/kernel"
	dpkg --fsys-tarfile "$apt"/linux-image-[0-9]*_arm64.deb |
		tar -xC "$O/sysroot/kernel" --wildcards './usr/lib/linux-image-*/*.dtb'
	mv "$O"/sysroot/kernel/usr/lib/linux-image-* "$O/sysroot/trees"
	rm -rf "$O/sysroot/kernel" "$apt"/linux-image-*
}

# What the hypervisor and the bootloader start: Debian's kernel for virtual machines and a busybox.
guest_fetch() {
	[ ! -e "$O/sysroot/guest" ] || return 0
	is_debian "put vmlinuz, busybox and modules/*.ko into $O/sysroot/guest"
	say "unpacking linux-image-cloud-arm64 (25 MB) and busybox-static for arm64 into $O/sysroot/guest"
	open_arm64
	get_arm64 "$(depends_arm64 linux-image-cloud-arm64)" busybox-static
	rm -rf "$O/sysroot/unpacked" && mkdir -p "$O/sysroot/unpacked/guest/modules"
	dpkg -x "$apt"/linux-image-*_arm64.deb "$O/sysroot/unpacked"
	dpkg -x "$apt"/busybox-static_*_arm64.deb "$O/sysroot/unpacked"
	(cd "$O/sysroot/unpacked" && mv boot/vmlinuz-* guest/vmlinuz && mv boot/config-* guest/config &&
		mv "$(find . -path '*bin/busybox')" guest/busybox &&
		find lib usr -name 'virtio*.ko' -exec mv '{}' guest/modules ';' && mv guest ../guest)
	rm -rf "$O/sysroot/unpacked" "$apt"/linux-image-*
}

# GRUB for arm64 is a program that the emulated board runs: one file of its package.
grub_fetch() {
	[ ! -e "$O/sysroot/grubaa64.efi" ] || return 0
	is_debian "put grubaa64.efi into $O/sysroot"
	say "unpacking grubaa64.efi of grub-efi-arm64-bin into $O/sysroot (not installed)"
	get_arm64 grub-efi-arm64-bin
	mkdir -p "$O/sysroot/grub"
	dpkg --fsys-tarfile "$apt"/grub-efi-arm64-bin_*_arm64.deb |
		tar -xC "$O/sysroot/grub" ./usr/lib/grub/arm64-efi/monolithic/grubaa64.efi
	mv "$O/sysroot/grub/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$O/sysroot"
	rm -rf "$O/sysroot/grub"
}

libfdt_fetch() {
	[ ! -e "$O/sysroot/usr/lib/aarch64-linux-gnu/libfdt.a" ] || return 0
	is_debian 'give LIBFDT_LIB= (an arm64 libfdt.a) or LIBFDT_SRC='
	say "unpacking libfdt-dev for arm64 into $O/sysroot (not installed)"
	get_arm64 libfdt-dev
	dpkg -x "$apt"/libfdt-dev_*_arm64.deb "$O/sysroot"
}

# A place for packages' sources, made of the places that the machine has for packages.
source_list() {
	for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/*.sources; do
		# The backslash is sed's: a line that has no end gets one.
		# shellcheck disable=SC1003
		[ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/; $a\' "$list" >"$sources/src.sources"
		[ ! -e "$list" ] || return 0
	done
	sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$sources/src.list"
}

lz4_fetch() {
	[ ! -e "$O/sysroot/lz4/lz4.c" ] || return 0
	is_debian 'give LZ4_SRC= (a folder with lz4.c and lz4.h)'
	say "unpacking the source of liblz4 into $O/sysroot/lz4"
	mkdir -p "$O/apt-src/lists/partial" "$O/apt-src/cache/archives/partial" "$O/sysroot/lz4"
	sources=$(cd "$O/apt-src" && pwd)
	: >"$sources/status"
	source_list
	set -- -qq -o Dir::State="$sources" -o Dir::State::status="$sources/status" \
		-o Dir::Cache="$sources/cache" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::sourcelist="$(ls "$sources"/src.*)" -o APT::Sandbox::User= \
		-o Acquire::Languages=none
	apt-get "$@" update || say "apt-get update for sources had trouble, trying all the same"
	(cd "$sources" && apt-get "$@" source --download-only lz4) || fail "no source package lz4"
	tar -xf "$sources"/lz4_*.orig.tar.* -C "$sources"
	cp "$sources"/lz4-*/lib/LICENSE "$sources"/lz4-*/lib/lz4.h "$O/sysroot/lz4"
	cp "$sources"/lz4-*/lib/lz4.c "$O/sysroot/lz4"
	rm -rf "$sources"
}

case ${1:-} in
build | host | lib | run | hypervisor | bench | gdb | models | proofs | test) ;;
*) fail "usage: O=build tools/setup.sh build|host|lib|run|hypervisor|bench|gdb|models|proofs|test" ;;
esac

# Several goals may want things at once (make -j): one installs at a time.
mkdir -p "$O"
if command -v flock >/dev/null; then
	exec 9>"$O/setup.lock"
	flock 9
fi

"need_$1"
# The same package may be wanted twice.
missing=$(echo "$missing" | xargs -n1 2>/dev/null | sort -u | xargs)
[ -z "$missing" ] || install_missing

case $1 in
build | hypervisor | test)
	[ -n "${LIBFDT_GIVEN:-}" ] || libfdt_fetch
	[ -n "${LZ4_GIVEN:-}" ] || lz4_fetch
	;;
esac
if [ "$1" = test ]; then
	trees_fetch
	grub_fetch
fi
case $1 in
hypervisor | test) guest_fetch ;;
esac
[ -z "$apt" ] || rm -rf "$apt"
