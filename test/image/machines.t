#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Other machines of QEMU than `virt`, whose RAM, UART and GIC lie elsewhere: sbsa-ref, which
# begins at EL3 in its flash with all cores and 1 TiB below its RAM, and Xilinx' Versal, whose RAM
# begins at 0, at EL1 by -kernel and at EL3 without, and a Raspberry Pi 3. What a tree has to say that QEMU's does
# not is added here, as the board's firmware would. docs/limits.md tells what does not run.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
tests='topology;check;test+boot.*+irq.*+timer.*+sched.ping_pong_*+sched.bound_*'

# tree FILE TEXT QEMU-ARGUMENT…: the machine's tree with TEXT in its root, and $words as arguments
tree() {
	local file=$1 text=$2
	shift 2
	emulate -semihosting -machine dumpdtb="$file.old" "$@"
	dtc -q -I dtb -O dts "$file.old" >"$file.dts" || wrong 'QEMU makes no tree'
	echo "/ { $text chosen { bootargs = \"run=$tests $words exit=semihosting\"; }; };" >>"$file.dts"
	dtc -q -I dts -O dtb -o "$file" "$file.dts" || wrong 'no tree'
}

# good NAME PATTERN…
good() {
	local name=$1
	shift
	expect 0 'check: every invariant holds' '# ([0-9]+) of \1 passed' "$@"
	! grep -q '^not ok' "$scratch/out" || wrong 'a test failed'
	verdict "$name"
}

# RAM at 2^40, the GIC and the UART where no tree of QEMU tells.
sbsa_devices='interrupt-parent = <&gic>;
	gic: interrupt-controller@40060000 {
		compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
		reg = <0 0x40060000 0 0x10000 0 0x40080000 0 0x4000000>; };
	timer { compatible = "arm,armv8-timer";
		interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
	pl011@60000000 { compatible = "arm,pl011"; reg = <0 0x60000000 0 0x1000>; interrupts = <0 1 4>; };'

# sbsa NAME CPU
sbsa() {
	selected "machines.$1" || return 0
	set -- "$1" -M sbsa-ref -cpu "$2" -m 1G -smp 4,sockets=2,cores=2 -global VGA.romfile= \
		-object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M \
		-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1 \
		-numa dist,src=0,dst=1,val=20
	local name=$1
	shift
	tree "$scratch/sbsa.dtb" "$sbsa_devices" "$@"
	entry "$scratch/flash" 0x10018000000 0x10008000000
	emulate -semihosting "$@" -bios "$scratch/flash" \
		-device "loader,file=$O/zonal.img,addr=0x10008000000,force-raw=on" \
		-device "loader,file=$scratch/sbsa.dtb,addr=0x10018000000,force-raw=on"
	good "$name" 'zonal: 4 of 4 CPUs, 2 nodes, 1024 MiB, GICv3, entered at EL3, console PL011' \
		'node 1: 512 MiB, cpus 2-3' '  0x010020000000-0x01003fffffff     524288 KiB' '   1:  20  10'
}

words=''
versal='-M xlnx-versal-virt -m 3G'
begin machines 5 2n 90
sbsa sbsa_ref cortex-a57
sbsa sbsa_ref_neoverse neoverse-n1
if selected machines.xlnx_versal_virt; then
	# shellcheck disable=SC2086 # a list of words
	emulate -semihosting $versal -kernel "$O/zonal.img" -append "run=$tests exit=semihosting"
	good xlnx_versal_virt \
		'zonal: 2 of 2 CPUs, 1 nodes, 3072 MiB, GICv3, PSCI 1.1 by smc, console PL011' \
		'  0x000000000000-0x00007fffffff    2097152 KiB' '  0x000800000000-.* 1048576 KiB'
fi
# Without -kernel the second core is off, and QEMU models no register that turns it on.
if selected machines.xlnx_versal_virt_at_el3; then
	words=maxcpus=1
	# shellcheck disable=SC2086 # a list of words
	tree "$scratch/versal.dtb" '' $versal
	entry "$scratch/entry" 0x10000000 0x8000000
	# shellcheck disable=SC2086 # a list of words
	emulate -semihosting $versal -device "loader,file=$O/zonal.img,addr=0x8000000,force-raw=on" \
		-device "loader,file=$scratch/versal.dtb,addr=0x10000000,force-raw=on" \
		-device "loader,file=$scratch/entry,addr=0x18000000,force-raw=on" \
		-device loader,addr=0x18000000,cpu-num=0
	good xlnx_versal_virt_at_el3 \
		'zonal: 1 of 2 CPUs, 1 nodes, 3072 MiB, GICv3, entered at EL3, console PL011' \
		'smp: maxcpus=1: of 2 CPUs 1 are asked for'
fi
# Its cores wait in a spin table of QEMU's, and it has no GIC. The tree is that of Debian's kernel.
if selected machines.raspi3b; then
	# shellcheck disable=SC2086 # a list of words
	emulate -semihosting -M raspi3b -kernel "$O/zonal.img" -append "run=$tests exit=semihosting" \
		-dtb "$O/sysroot/trees/broadcom/bcm2837-rpi-3-b.dtb"
	good raspi3b 'zonal: 4 of 4 CPUs, 1 nodes, 960 MiB, BCM2836, .*, console PL011' \
		'node 0: 960 MiB, cpus 0-3' '  0x000000000000-0x000000000fff          4 KiB  firmware'
fi
finish
