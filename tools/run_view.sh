#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Boots the board SHAPE, runs monitor commands, and after each one prints what tools/zonal-view
# draws: zones, free lists, hits, the map, and what was traced since.
#
#   tools/run_view.sh                 `make view`: the demonstration, then memory that runs short
#   tools/run_view.sh COMMAND…        these
#
# BOOTARGS='cma=16M' are more boot arguments. The status is 1 only if the board did not end well:
# that a command fails is part of it, as a row of that length may not be there on another board.
#
# In the second part most of two nodes of 512 MiB is held, so that little has to be filled. Blocks
# of three types break pageblocks up; a program wants more than there is and is ended; what is left
# in pieces is moved together; and a program with more memory than there is fills it while it is
# looked at, until its pages go to compressed RAM.
set -u

cd "$(dirname "$0")/.." || exit 2
look='zoneinfo -j;pagetypeinfo -j;numastat -j;map -j;trace show -j'
points='mm_page_alloc_extfrag mm_vmscan_kswapd_wake mm_vmscan_kswapd_sleep
	mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_end mm_compaction_begin
	mm_compaction_end mm_migrate_pages cma_alloc mark_victim'

# hold NODE: rows as long as they can be there, and then shorter ones
hold() {
	for pages in 61440 30720 14336 6144 3072; do
		commands="$commands;contig alloc $pages $1"
	done
}

# press PAGES NUMBER ROUNDS: the argument of user/programs/press.c
press() {
	echo "press $(($1 + ($2 << 32) + ($3 << 24)))"
}

short_of_memory() {
	hold 0
	hold 1
	commands="$commands;alloc KERNEL 9;alloc KERNEL|RECLAIMABLE 6;alloc HIGHUSER_MOVABLE 10"
	commands="$commands;user start $(press 2000 1 0);user start $(press 2000 2 0);user;user"
	commands="$commands;user run $(press 90000 3 1);compact;contig alloc 1024"
	commands="$commands;swap on ram:32M;user start $(press 26000 4 1)"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		commands="$commands;user"
	done
	commands="$commands;free all"
}

commands="trace on $points"
if [ $# -gt 0 ]; then
	for command in "$@"; do
		commands="$commands;$command"
	done
else
	commands="$commands;demo"
	short_of_memory
fi
run=$(echo "$commands;" | sed "s/;/;$look;/g" | tr -s ' \t\n' + | sed 's/;+*$//')
# Cores in turn on one thread: while pages go to swap several wait for the lock of one program, and
# where QEMU's threads outnumber processors the next in line is often one that does not run.
tools/run_qemu.sh "run=$run exit=semihosting ${BOOTARGS:-}" -accel tcg,thread=single
status=$?
[ $status = 1 ] || exit $status
