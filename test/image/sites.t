#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every place of the image's own code that allocates has failed on purpose: tasks, address spaces
# and their tables, pages of programs, swap, the cache of blocks, devices, groups.
#
# The places are found in the source: each call of an allocating function of the library in the
# folders below, by file and line. One that is new is a place that must fail here as well. Which
# failed is told by test/target/alloc_sites.c, as return addresses of the chains of calls, which
# addr2line leads back to lines. The image is the one with whole chains (build/debug).
#
# Not asked for: what runs at boot alone, where no memory is a panic (sched_port_tables), and the
# two faces of the allocator that hand a caller's request on (linux_api.c, the monitor's commands).
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

folders='user block drivers sched'
O=${O:-build}/debug
export O
tool=${CROSS_COMPILE:-aarch64-linux-gnu-}

# file:line of each call
places() {
	grep -nE '\bzonal_alloc(_[a-z]+)?\(' -r $folders --include='*.c' |
		grep -vE '^[^:]+:[0-9]+: \*|_alloc_contig_range' | cut -d: -f1,2
}

# The same of each call in a chain that ended in a failure: the line of what is called is that of
# the byte before the return address.
failed_at() {
	local start
	start=$("${tool}nm" "$O/zonal.elf" | sed -n 's/^\([0-9a-f]*\) . _start$/\1/p')
	sed -n 's/^# failed at 0x//p' "$scratch/out" |
		while read -r offset; do
			printf '0x%x\n' $((0x$start + 0x$offset - 1))
		done | "${tool}addr2line" -i -e "$O/zonal.elf" |
		sed 's/ .*//' | sort -u
}

begin sites 1 2n 240
if selected sites.every_place_that_allocates_has_failed; then
	own='alloc_sites.whatever*,alloc_sites.a_table*,user_place.a_fault_that_gets_no*,swap.a_pool_without_memory*'
	boot "run=test+$own;test+alloc_sites.the_places* exit=semihosting"
	expect 0 '# failed at 0x[0-9a-f]+'
	failed_at >"$scratch/failed"
	places >"$scratch/places"
	[ "$(wc -l <"$scratch/places")" -ge 15 ] || wrong 'the source has hardly any place'
	while IFS=: read -r file line; do
		hit=no
		grep -qE "(^|/)$file:$line\$" "$scratch/failed" && hit=yes
		echo "# $file:$line $hit: $(sed -n "${line}p" "$file" | sed 's/^[[:space:]]*//')"
		[ $hit = yes ] || wrong "$file:$line has not failed"
	done <"$scratch/places"
	verdict every_place_that_allocates_has_failed
fi
finish
