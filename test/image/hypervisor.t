#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The hypervisor of examples/ on two nodes: Debian's kernel as a guest, two of them at once, what a
# guest must not do, and what stops a guest from being started. Each boot ends with the count of free
# pages, which is that of the beginning, and the check of all invariants.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
archive=$O/hypervisor/guest.cpio image=hypervisor.img
machine=virt,virtualization=on,gic-version=3 cpu=cortex-a57
back='hypervisor: every page came back'
holds='hypervisor: after: [0-9]+ pages free, every invariant holds'

# hypervisor ARGUMENTS
hypervisor() {
	# shellcheck disable=SC2046,SC2086 # lists of words
	emulate -M $machine -cpu $cpu -smp 4 -m 1G \
		$(for n in 0 1; do
			echo "-object memory-backend-ram,id=m$n,size=512M"
			echo "-numa node,nodeid=$n,cpus=$((2 * n))-$((2 * n + 1)),memdev=m$n"
		done) $(if [ -n "$image" ]; then
			echo "-kernel $O/hypervisor/$image ${archive:+-initrd $archive}"
		fi) ${at:-} ${1:+-append "$1"}
}

# in_order PATTERN…: the first line of each comes behind that of the one before
in_order() {
	local line last=0
	for pattern in "$@"; do
		line=$(grep -nxE -m1 -- "$pattern" "$scratch/out" | cut -d: -f1)
		[ "${line:-0}" -gt "$last" ] || wrong "not there, or too early: $pattern"
		last=${line:-$last}
	done
}

# guests NAME ARGUMENTS PATTERN…: such a boot prints these lines in any order, and all comes back
guests() {
	local name=$1 arguments=$2
	shift 2
	selected "hypervisor.$name" || return 0
	hypervisor "$arguments"
	expect 0 "$@" "$holds" "$back"
	verdict "$name"
}

# lacks NAME PATTERN: the archive of_files() is not enough, and this says so
lacks() {
	archive=$scratch/lacking.cpio
	guests "$1" 'guest=a,0,1,128' "$2" 'hypervisor: guest a: not started'
	archive=$O/hypervisor/guest.cpio
}

# of_files FILE…: an archive of these, in $scratch/files
of_files() {
	printf '%s\n' "$@" | (cd "$scratch/files" && cpio --quiet -o -H newc) \
		>"$scratch/lacking.cpio"
}

begin hypervisor 21 2n 200
mkdir "$scratch/files"
echo 'not a kernel, though it is longer than the header of one would have to be' \
	>"$scratch/files/kernel"
cp "$scratch/files/kernel" "$scratch/files/initrd"

guests the_allocator_alone_at_el2 '' 'hypervisor: EL2, 4 cores, 2 nodes'
if selected hypervisor.two_guests_on_two_nodes_and_two_cores; then
	hypervisor 'guest=a,0,1,128 guest=b,1,2,192'
	expect 0 "$holds" "$back" \
		'hypervisor: guest a: 128 MiB of node 0 as 64 blocks and 0 pages, on core 1' \
		'a: shell: Linux 6\..*, 1 core' 'a: MemTotal: +10[0-9]{4} kB' \
		'b: shell: Linux 6\..*, 1 core' 'b: MemTotal: +16[0-9]{4} kB'
	# The second begins while the first runs.
	in_order 'hypervisor: guest b: 192 MiB of node 1 as 96 blocks and 0 pages, on core 2' \
		'hypervisor: guest a: powered off'
	in_order 'b: shell: off' 'hypervisor: guest b: powered off'
	verdict two_guests_on_two_nodes_and_two_cores
fi

# Typed once the guest's shell has its console; its prompt is no whole line, so it is not shown.
# shellcheck disable=SC2016 # it is the guest's shell that shall count
printf 'echo $((6*7)); head -1 /proc/version; exit\n' >"$scratch/typed"
input=$scratch/typed prompt="can't access tty"
guests a_shell_takes_what_is_typed 'guest=a,0,1,128,do=shell console=a' 'a: 42' \
	'a: Linux version 6\..*' 'a: shell: off' 'hypervisor: guest a: powered off'
input=/dev/null

if selected hypervisor.an_access_outside_of_its_memory_ends_one_guest_alone; then
	# A core with SVE, which a guest's kernel uses if it is there.
	cpu=a64fx
	hypervisor 'guest=a,0,1,128,do=sleep guest=b,1,2,128,do=poke'
	cpu=cortex-a57
	expect 0 "$holds" "$back"
	in_order 'b: pokes' \
		'hypervisor: guest b: read 0x30000000, which is not its memory, at pc 0x[0-9a-f]+'
	in_order 'a: slept' 'a: shell: off' 'hypervisor: guest a: powered off'
	! grep -q '^b: shell: off' "$scratch/out" || wrong 'b goes on'
	verdict an_access_outside_of_its_memory_ends_one_guest_alone
fi

guests what_does_not_fit_is_one_line_and_no_guest \
	'guest=a,0,1,30 guest=b,1,2,600 guest=c,5,3,128 guest=d,0,9,128' \
	'hypervisor: guest a: kernel \([0-9]+ bytes\) and initramfs \([0-9]+\) do not go into 30 MiB' \
	'hypervisor: guest b: [0-9]+ pages do not go into node 1, which has [0-9]+ free' \
	'hypervisor: guest c: there is no node 5' \
	'hypervisor: guest d: core 9 is not one that runs guests \(1 to 3\)'
guests words_that_are_no_guests_are_shown 'guest=a,0,1 guest=b,0,1,x guest=,0,1,2 guest=d,0,1,3' \
	'hypervisor: guest=a,0,1: not NAME,NODE,CORE,MIB.*' \
	'hypervisor: guest=b,0,1,x: not NAME.*' 'hypervisor: guest=,0,1,2: not NAME.*' \
	'hypervisor: guest=d,0,1,3: not NAME.*'

guests a_word_that_is_too_long_is_no_guest "guest=a,0,1,128,$(printf '%100s' '' | tr ' ' x)" \
	'hypervisor: guest=a,0,1,128,x+: not NAME,NODE,CORE,MIB.*'
archive=''
guests no_archive 'guest=a,0,1,128' 'hypervisor: guest a: there is no archive: .*' \
	'hypervisor: guest a: not started'
archive=$O/hypervisor/guest.cpio
of_files initrd
lacks no_kernel 'hypervisor: guest a: the archive has no kernel, or is cut'
of_files kernel
lacks no_initramfs 'hypervisor: guest a: the archive has no initrd, or is cut'
head -c 1000000 "$archive" >"$scratch/lacking.cpio"
lacks a_kernel_that_is_cut 'hypervisor: guest a: the archive has no kernel, or is cut'
head -c -1000000 "$archive" >"$scratch/lacking.cpio"
lacks an_initramfs_that_is_cut 'hypervisor: guest a: the archive has no initrd, or is cut'
of_files kernel initrd
lacks a_kernel_that_is_none 'hypervisor: guest a: the kernel is not an arm64 Image .*'

if selected hypervisor.a_running_guest_is_compacted; then
	hypervisor 'fragment compact=100 guest=a,0,1,128,do=work'
	expect 0 'hypervisor: guest a: 128 MiB of node 0 as [0-9] blocks and 32[0-9]{3} pages, .*' \
		'a: worked: 5 of 5 times the same' "$holds" "$back" \
		'hypervisor: guest a: [0-9]{4,} pages were moved while it ran, it ran into [0-9]+ .*'
	sed -n 's/^hypervisor: node 0: [0-9]* pages moved, free blocks of 2 MiB: //p' \
		"$scratch/out" | head -1 >"$scratch/blocks"
	IFS=', ' read -r before _ after <"$scratch/blocks"
	[ "${after:-0}" -gt "$((${before:-0} + 30))" ] || wrong 'no blocks came of it'
	verdict a_running_guest_is_compacted
fi
guests a_running_guest_goes_to_the_other_node_and_back \
	'fragment wander=200 guest=a,0,1,96,do=work' \
	'hypervisor: guest a: 2[0-9]{4} pages moved to node 1' \
	'hypervisor: guest a: 2[0-9]{4} pages moved to node 0' \
	'a: worked: 5 of 5 times the same'

# Of 131072 pages, 192 MiB are 49152: with more than 100000 free, most of them are back.
guests memory_that_a_guest_reports_free_is_the_hosts 'guest=a,0,1,192,do=give' \
	'hypervisor: guest a: gave 1[0-9]{2} MiB back, node 0 has 1[0-9]{5} pages free' \
	'a: worked: 5 of 5 times the same' \
	'hypervisor: guest a: gave [0-9]{5} pages back while it ran, and took [0-9]{4,} again'
guests it_is_given_back_and_moved_at_once \
	'fragment compact=500 guest=a,0,1,128,do=give' \
	'hypervisor: guest a: gave [0-9]+ MiB back, .*' 'a: worked: 5 of 5 times the same' \
	'hypervisor: guest a: gave [0-9]+ pages back while it ran, and took [0-9]+ again' \
	'hypervisor: guest a: [0-9]{4,} pages were moved while it ran, .*'

# The host takes what was given back, and all else: the guest cannot have it again.
guests what_the_host_does_not_have_it_cannot_give_again 'hoard=50 guest=a,0,1,128,do=give' \
	'hypervisor: guest a: gave [0-9]+ MiB back, .*' \
	'hypervisor: guest a: wants memory again that it gave back, and there is none'

if selected hypervisor.without_a_device_tree_it_says_so; then
	image=hypervisor.elf
	hypervisor ''
	expect 0 'hypervisor: no device tree at 0x0: QEMU gives one to an arm64 Image, not to ELF'
	verdict without_a_device_tree_it_says_so
	image=hypervisor.img
fi
if selected hypervisor.loaded_elsewhere_it_says_so; then
	at="-device loader,file=$O/hypervisor/hypervisor.img,addr=0x44000000,force-raw=on,cpu-num=0"
	image='' limit=3
	hypervisor ''
	expect 124 'hypervisor: not loaded at the address that it is linked for, 0x40200000'
	verdict loaded_elsewhere_it_says_so
	at=''
	image=hypervisor.img
fi
if selected hypervisor.entered_at_el1_it_says_so; then
	machine=virt,gic-version=3 limit=3
	hypervisor ''
	expect 124 'hypervisor: not entered at EL2: start QEMU with -M virt,virtualization=on'
	verdict entered_at_el1_it_says_so
fi
finish
