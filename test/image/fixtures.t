#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Trees as firmware leaves them: memory nodes that U-Boot rewrote, RAM of the secure world, cores
# in another order than their MPIDRs; and where it leaves them: right behind the image, at both
# ends of RAM, across nodes, padded to a megabyte, with an initrd beside it. QEMU would rewrite
# a tree that it is given as -dtb, so its loader puts image, tree and three instructions into RAM.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

O=${O:-build}
entry=0x50000000
image=0x44000000
# Behind the image: what its header says it needs.
end=$((image + $(od -An -t u8 -j 16 -N 8 "$O/zonal.img")))

# edit PYTHON: $scratch/tree.dtb is the board's tree, its text `t` changed by these statements
edit() {
	dumped "$scratch/qemu.dtb" -e 's/^$//'
	python3 - "$scratch/qemu.dtb.dts" "$arguments" "$1" >"$scratch/tree.dts" <<-'EOF' || wrong 'no such tree'
		import re, sys
		t = open(sys.argv[1]).read()
		t = t.replace("\tchosen {", f'\tchosen {{ bootargs = "{sys.argv[2]}";', 1)
		scope = {"t": t, "re": re}
		exec(sys.argv[3], scope)
		sys.exit("the tree is as it was") if scope["t"] == t and sys.argv[3] else print(scope["t"])
	EOF
	# shellcheck disable=SC2086 # options of dtc
	dtc -q -I dts -O dtb $pad -o "$scratch/tree.dtb" "$scratch/tree.dts" || wrong 'no tree'
}

# enter TREE-ADDRESS [QEMU-ARGUMENT…]
enter() {
	local tree=$1
	shift
	entry "$scratch/entry.bin" "$((tree))" $image
	# shellcheck disable=SC2046 # the board is a list of words
	emulate $(SHAPE=$shape tools/board.sh) -semihosting \
		-device "loader,file=$O/zonal.img,addr=$image,force-raw=on" \
		-device "loader,file=$scratch/tree.dtb,addr=$tree,force-raw=on" \
		-device "loader,file=$scratch/entry.bin,addr=$entry,force-raw=on" \
		-device "loader,addr=$entry,cpu-num=0" "$@"
}

# fixture NAME TREE-ADDRESS PYTHON PATTERN…: it boots, and both its tests and these lines are there
fixture() {
	local name=$1 tree=$2 change=$3
	shift 3
	selected "fixtures.$name" || return 0
	edit "$change"
	enter "$(printf '0x%x' "$tree")"
	expect 0 'check: every invariant holds' '# ([0-9]+) of \1 passed' "$@"
	! grep -q '^not ok' "$scratch/out" || wrong 'a test failed'
	verdict "$name"
}

two='zonal: 4 of 4 CPUs, 2 nodes, 1024 MiB, .*'
first='  0x000040000000-0x00005fffffff     524288 KiB'
second='  0x000060000000-0x00007fffffff     524288 KiB'
arguments='run=topology;check;test+boot.* exit=semihosting' pad=''
usual=0x48000000

begin fixtures 16 2n 60
fixture uboot_rewrote_the_first_memory_node $usual '
t = re.sub(r"(memory@60000000 \{[^}]*reg = <0x00 0x60000000 0x00 0x20000000)>",
           r"\1 0x00 0x40000000 0x00 0x20000000>", t)' \
	"$two" 'node 0: 512 MiB, cpus 0-1' "$first" 'node 1: 512 MiB, cpus 2-3' "$second"
shape=8n
fixture uboot_rewrote_it_on_eight_nodes $usual '
t = re.sub(r"(memory@b0000000 \{[^}]*reg = <0x00 0xb0000000 0x00 0x10000000)>", r"\1" +
           "".join(f" 0x00 {b:#x} 0x00 0x10000000" for b in (0xa0000000, 0x90000000, 0x80000000)) +
           ">", t)' \
	'zonal: 16 of 16 CPUs, 8 nodes, 2048 MiB, .*' 'node 7: 256 MiB, cpus 14-15' \
	'node 4: 256 MiB, cpus 8-9' '  0x000080000000-0x00008fffffff     262144 KiB'
shape=2n
fixture ram_of_the_secure_world $usual '
t = t.replace("\tchosen {", "\tsecram@e000000 { secure-status = \"okay\"; status = \"disabled\"; "
              "reg = <0 0xe000000 0 0x1000000>; device_type = \"memory\"; };\n\tchosen {", 1)' \
	"$two" "$first" \
	'topology: /secram@e000000/status: not okay: memory must be okay to be used; it is left alone'
fixture cores_in_the_reverse_order $usual '
cpu = re.findall(r"\t\tcpu@\d+ \{[^}]*\};\n", t)
for i, c in enumerate(cpu): t = t.replace(c, f"!{i}!", 1)
for i, c in enumerate(reversed(cpu)): t = t.replace(f"!{i}!", c, 1)' \
	"$two" '  cpu [03]: mpidr 0x0, node 0, online' '  cpu [03]: mpidr 0x3, node 1, online'

# ---- where the tree lies ---------------------------------------------------------
edit ''
bytes=$(stat -c %s "$scratch/tree.dtb")
fixture tree_right_behind_the_image $((end)) '' "$two"
fixture tree_in_the_page_behind_the_image $((end + 8)) '' "$two"
fixture tree_at_the_end_of_ram $(((0x80000000 - bytes) & ~7)) '' "$two"
fixture tree_across_two_nodes 0x5ffff008 '' "$two"
fixture tree_across_two_blocks 0x481ffff8 '' "$two"
pad='-S 0x100000'
# It moves, so that no large block is lost to it; unless the tree itself keeps its place.
if selected fixtures.tree_of_a_megabyte_leaves_its_place; then
	edit ''
	enter $usual
	expect 0 "$two" 'check: every invariant holds' '# ([0-9]+) of \1 passed'
	! grep -q ' 0x000048' "$scratch/out" || wrong 'its place is still reserved'
	verdict tree_of_a_megabyte_leaves_its_place
fi
fixture tree_whose_place_is_kept_stays $usual '
t = t.replace("/dts-v1/;", "/dts-v1/;\n/memreserve/ 0x48000000 0x100000;", 1)' \
	"$two" '  0x000048000000-0x0000480fffff .* firmware'
fixture tree_of_a_megabyte_behind_the_image $((end + 16)) '' "$two"
pad='-S 0x200000'
fixture tree_of_two_megabytes 0x481ff008 '' "$two"
pad='-S 0x200008'
if selected fixtures.tree_of_more_is_refused; then
	edit ''
	# QEMU leaves its own where RAM starts, with no arguments.
	enter $usual -fw_cfg "name=opt/zonal/bootargs,string=$arguments"
	expect 0 "$two" 'boot: no device tree at 0x48000000, where x0 points: no header of a tree of at most 2 MiB, .*; the one at 0x40000000 is used'
	verdict tree_of_more_is_refused
fi
pad=''

# ---- an initrd --------------------------------------------------------------------
head -c 70000 /dev/urandom >"$scratch/initrd"
if selected fixtures.initrd_of_a_loader; then
	edit 't = t.replace("\tchosen {", "\tchosen { linux,initrd-start = <0x58000008>; "
	      "linux,initrd-end = <0x58011178>;", 1)'
	enter $usual -device "loader,file=$scratch/initrd,addr=0x58000008,force-raw=on"
	expect 0 "$two" 'check: every invariant holds' '  0x000058000000-0x000058011fff .* firmware'
	verdict initrd_of_a_loader
fi
if selected fixtures.initrd_of_qemu; then
	SHAPE=2n timeout -k 5 "$limit" tools/run_qemu.sh "$arguments" -initrd "$scratch/initrd" \
		</dev/null >"$scratch/raw" 2>&1
	status=$?
	tr -d '\r' <"$scratch/raw" >"$scratch/out"
	expect 0 "$two" 'check: every invariant holds' '  0x000048000000-0x000048011fff .* firmware'
	verdict initrd_of_qemu
fi
finish
