#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The boards: the one place that knows their shapes. Prints the QEMU arguments
# of the board named by SHAPE (machine, cores, memory, nodes, distances), for
# the Makefile, the test runner and the bench.
#
#   tools/board.sh             arguments of $SHAPE with $EL, $GIC and $CPU
#   tools/board.sh --expect    what its image must find: "CPUS NODES DISTANCES"
#   tools/board.sh --list      the shapes, one a line
#
# A shape is a few calls: `node SIZE CPUS` adds a node (an empty SIZE or CPUS
# makes it memoryless or CPU-less), `dist A B VAL` one distance, both ways unless
# the other way is given too. RAM starts at 1 GiB and nodes follow each other.
set -eu

SHAPE=${SHAPE:-2n} EL=${EL:-1} GIC=${GIC:-3} CPU=${CPU:-max}

shapes='uma      2 cores, 512 MiB, no NUMA properties in the device tree
small    1 core, 32 MiB, no NUMA properties
tight    2 sockets x 2 cores, 2 x 32 MiB, distance 20
1n       4 cores, 1 node of 512 MiB
2n       2 sockets x 2 cores, 2 x 512 MiB, distance 20
4n       4 sockets x 2 cores, 4 x 256 MiB, a ring: 16, 22, 32
8n       8 sockets x 2 cores, 8 x 256 MiB, two groups of four: 16, 32
16n      16 sockets x 1 core, 16 x 64 MiB
asym     2 sockets x 2 cores, 256 + 768 MiB, distance 20 there and 35 back
memless  2 sockets x 2 cores, node 0 has no memory
memless2 3 sockets x 2 cores, node 2 has no memory
cpuless  2 sockets x 2 cores, node 2 is 1 GiB without cores
uneven   2 sockets x 2 cores, 512 MiB + 4 GiB, reaching above 4 GiB
inter    4 cores dealt to 2 nodes in turn
8c       2 sockets x 4 cores, 2 x 512 MiB (the most that GICv2 takes)
16c      2 sockets x 8 cores, 2 x 512 MiB (needs GIC=3)
16g      1 node of 16 GiB, 4 cores (memory initialisation)
1g       1 node of 1 GiB, 4 cores (its counterpart)
64n      64 sockets x 8 cores, 64 x 64 MiB: every place of both tables is taken
1t       8 sockets x 1 core, 8 x 128 GiB (the page map alone takes 8 GiB)
bench    the board of the Linux 5.10 figures: 2 x 2 cores, 2 x 512 MiB'

fail() {
	echo "tools/board.sh: $*" >&2
	exit 1
}

nodes=0 backends=0 cpus=0 mib=0 args='' dists=''

# node MIB FIRST-LAST: sizes in MiB so that they can be added up.
node() {
	opts="node,nodeid=$nodes"
	if [ -n "$1" ]; then
		args="$args -object memory-backend-ram,id=m$backends,size=${1}M,reserve=off"
		opts="$opts,memdev=m$backends"
		backends=$((backends + 1)) mib=$((mib + $1))
	fi
	for range in $2; do
		opts="$opts,cpus=$range"
		first=${range%-*} last=${range#*-}
		cpus=$((cpus + last - first + 1))
	done
	args="$args -numa $opts"
	nodes=$((nodes + 1))
}

dist() {
	args="$args -numa dist,src=$1,dst=$2,val=$3"
	dists="$dists $1:$2:$3"
}

shape() {
	case $SHAPE in
	uma) cpus=2 mib=512 nodes=1 smp=2 ;;
	small) cpus=1 mib=32 nodes=1 smp=1 ;;
	tight) node 32 0-1; node 32 2-3; dist 0 1 20; smp=4,sockets=2,cores=2 ;;
	1n) node 512 0-3; smp=4 ;;
	2n) node 512 0-1; node 512 2-3; dist 0 1 20; smp=4,sockets=2,cores=2 ;;
	bench) node 512 0-1; node 512 2-3; smp=4,sockets=2,cores=2 ;;
	4n)
		for n in 0 1 2 3; do node 256 $((2 * n))-$((2 * n + 1)); done
		dist 0 1 16; dist 0 2 22; dist 0 3 32; dist 1 2 32; dist 1 3 22; dist 2 3 16
		smp=8,sockets=4,cores=2 ;;
	8n)
		for n in 0 1 2 3 4 5 6 7; do node 256 $((2 * n))-$((2 * n + 1)); done
		for a in 0 1 2 3 4 5 6; do
			for b in $(seq $((a + 1)) 7); do
				dist "$a" "$b" $((a / 4 == b / 4 ? 16 : 32))
			done
		done
		smp=16,sockets=8,cores=2 ;;
	16n)
		for n in $(seq 0 15); do node 64 $n-$n; done
		smp=16,sockets=16,cores=1 ;;
	asym) node 256 0-1; node 768 2-3; dist 0 1 20; dist 1 0 35; smp=4,sockets=2,cores=2 ;;
	memless) node '' 0-1; node 1024 2-3; dist 0 1 20; smp=4,sockets=2,cores=2 ;;
	memless2)
		node 512 0-1; node 512 2-3; node '' 4-5
		dist 0 1 20; dist 0 2 30; dist 1 2 15; smp=6,sockets=3,cores=2 ;;
	cpuless)
		node 512 0-1; node 512 2-3; node 1024 ''
		dist 0 1 20; dist 0 2 40; dist 1 2 40; smp=4,sockets=2,cores=2 ;;
	uneven) node 512 0-1; node 4096 2-3; dist 0 1 20; smp=4,sockets=2,cores=2 ;;
	inter) node 512 '0-0 2-2'; node 512 '1-1 3-3'; smp=4,sockets=1,cores=4 ;;
	64n)
		for n in $(seq 0 63); do node 64 $((8 * n))-$((8 * n + 7)); done
		smp=512,sockets=64,cores=8 ;;
	8c) node 512 0-3; node 512 4-7; dist 0 1 20; smp=8,sockets=2,cores=4 ;;
	16c) node 512 0-7; node 512 8-15; dist 0 1 20; smp=16,sockets=2,cores=8 ;;
	16g) node 16384 0-3; smp=4 ;;
	1g) node 1024 0-3; smp=4 ;;
	1t) for n in 0 1 2 3 4 5 6 7; do node 131072 $n-$n; done; smp=8,sockets=8,cores=1 ;;
	*) fail "SHAPE=$SHAPE is not a board; one of: $(echo "$shapes" | cut -d' ' -f1 | xargs)" ;;
	esac
}

if [ "${1:-}" = --list ]; then
	echo 'Boards (SHAPE=):'
	echo "$shapes" | sed 's/^/  /'
	exit 0
fi

shape
[ "$GIC" = 2 ] || [ "$GIC" = 3 ] || fail "GIC=$GIC: 2 or 3"
case $EL in
1 | 2 | 3) ;;
*) fail "EL=$EL: 1, 2 or 3" ;;
esac
[ "$GIC" = 3 ] || [ "$cpus" -le 8 ] || fail "GIC=2 takes at most 8 cores, SHAPE=$SHAPE has $cpus"

if [ "${1:-}" = --expect ]; then
	echo "$cpus $nodes$dists"
	exit 0
fi
machine="virt,gic-version=$GIC"
case $EL in
2) machine="$machine,virtualization=on" ;;
3) machine="$machine,secure=on" ;;
esac
echo "-M $machine -cpu $CPU -smp $smp -m ${mib}M$args"
