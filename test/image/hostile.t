#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a guest of the hypervisor example must not do, tried by one that does nothing else
# (hostile.c): memory that is not its own, registers that it does not have, rings that are none.
# Beside each, a guest on another core and node goes on; then all pages come back.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
holds='hypervisor: after: [0-9]+ pages free, every invariant holds'
back='hypervisor: every page came back'
outside='which is not its memory, at pc 0x[0-9a-f]+'
ring='has a ring that is none'
off='powered off'

# The guest: a kernel that is linked for its place, and an initramfs that nobody reads.
build_guest() {
	mkdir "$scratch/files"
	# shellcheck disable=SC2046 # a list of words
	{ $(compiler) -O1 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -mgeneral-regs-only \
		-mstrict-align -Wall -Wextra -Werror -c -o "$scratch/hostile.o" test/image/hostile.c &&
		$(linker) -static --build-id=none -T "$scratch/hostile.ld" -o "$scratch/hostile.elf" "$scratch/hostile.o" &&
		"${CROSS_COMPILE}objcopy" -O binary "$scratch/hostile.elf" "$scratch/files/kernel"; } || return 1
	echo none >"$scratch/files/initrd"
	(cd "$scratch/files" && printf '%s\n' kernel initrd | cpio --quiet -o -H newc) \
		>"$scratch/guest.cpio"
}

# tries NAME WAY1 END1 WAY2 END2 [PATTERN…]: two that try these ways and end so, one that stays
tries() {
	local name=$1 way1=$2 end1=$3 way2=$4 end2=$5
	shift 5
	selected "hostile.$name" || return 0
	# shellcheck disable=SC2046 # lists of words
	emulate -M virt,virtualization=on,gic-version=3 -cpu cortex-a57 -smp 4 -m 1G \
		$(for n in 0 1; do
			echo "-object memory-backend-ram,id=m$n,size=512M"
			echo "-numa node,nodeid=$n,cpus=$((2 * n))-$((2 * n + 1)),memdev=m$n"
		done) -kernel "$O/hypervisor/hypervisor.img" -initrd "$scratch/guest.cpio" \
		-append "guest=a,0,1,64,do=$way1 guest=b,1,2,64,do=$way2 guest=c,1,3,64,do=stay"
	expect 0 "hypervisor: guest a: $end1" "hypervisor: guest b: $end2" \
		'c: its memory is as it was' 'c: still there' "hypervisor: guest c: $off" \
		"$holds" "$back" "$@"
	verdict "$name"
}

begin hostile 12 2n 60
cat >"$scratch/hostile.ld" <<'END'
SECTIONS { . = 0x40000000; .text : { *(.head) *(.text*) *(.rodata*) *(.data*) *(.bss*) } /DISCARD/ : { *(.eh_frame* .comment) } }
END
build_guest || wrong 'the guest cannot be built'

tries memory_outside_is_neither_read_nor_written \
	read "read 0x30000000, $outside" write "wrote to 0x30000000, $outside"
tries nor_run_and_not_behind_the_end \
	fetch 'ran into 0x30000000, which is not its memory, at pc 0x30000000' \
	behind "wrote to 0x44000000, $outside"
tries an_address_beyond_what_stage_2_has_and_a_pair_of_device_registers \
	high "read 0xfffffff000, $outside" twice "read 0x9000000, $outside"
tries a_register_that_is_not_there_ends_it_and_a_reset_is_its_own \
	register 'used a system register that it does not have: ESR 0x[0-9a-f]+' reset 'wanted a reset'
tries firmware_calls_are_refused_and_devices_take_anything \
	calls "$off" devices "$off" 'a: most calls are refused' 'b: all devices are there' \
	'[ab]: still there'
tries a_long_line_is_cut_and_a_queue_that_is_not_ready_is_left_alone \
	line "$off" unready "$off" 'a: 0123456789\[2J.*' 'a: still there' 'b: still there'
tries a_ring_outside_of_its_memory_ends_it no_desc "$ring" no_avail "$ring"
tries and_so_does_its_used_part_and_a_chain_without_an_end no_used "$ring" loop "$ring"
tries and_a_descriptor_behind_the_table index "$ring" head "$ring"
tries more_than_a_ring_holds_ends_it_and_what_is_not_its_own_is_not_given \
	many "$ring" give_others "$off" 'b: still there'
tries a_block_is_given_once_and_comes_back_empty \
	give_twice "$off" give_itself "ran into 0x30000200, $outside" 'a: it comes back empty' \
	'a: still there' 'hypervisor: guest a: gave 512 pages back while it ran, and took 512 again' \
	'hypervisor: guest b: gave 512 pages back while it ran, and took 512 again'
tries all_of_the_addresses_are_its_memory_alone give_all "$ring" give_all "$ring"
finish
