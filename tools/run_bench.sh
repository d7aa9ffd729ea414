#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make bench`: first the host's bench, in real nanoseconds of this machine, then the board
# that the figures of Linux come from, with counted instructions (-icount shift=0: one
# nanosecond each), so that every run of one core gives the same numbers. The table of these,
# beside both kernels and the goals, is the last thing printed. The raw output stays in $O/logs.
# What Linux was measured for on other boards, or on one core, is a boot of its own.
set -eu

O=${O:-build}
cd "$(dirname "$0")/.."
mkdir -p "$O/logs"

# boot SHAPE COMMANDS LOG [MORE-BOOTARGS]
boot() {
	if ! SHAPE=$1 EL=1 GIC=3 CPU=max timeout -k 5 "${BENCH_TIMEOUT:-900}" tools/run_qemu.sh \
		"run=$2 exit=semihosting ${4:-}" -icount shift=0,sleep=off -seed 1 \
		</dev/null >"$3" 2>&1; then
		tail -20 "$3"
		echo "tools/run_bench.sh: the boot of SHAPE=$1 failed, see $3" >&2
		exit 1
	fi
}

echo "The work natively, in nanoseconds of this machine ($O/host/bench):"
"$O/host/bench"
echo
echo 'The same under counted instructions, six boots ...'
boot bench bench+-j "$O/logs/bench.log"
boot bench bench+contig+-j "$O/logs/bench-cma.log" cma=128M
boot bench bench+irqoff+-j "$O/logs/bench-irqoff.log" maxcpus=1
boot uma bench+reclaim-clean+-j "$O/logs/bench-clean.log" maxcpus=1
boot 16g boottime+-j "$O/logs/bench-16g.log"
boot 1g "boottime+-j;bench+steal+-j" "$O/logs/bench-1g.log"
echo
exec python3 tools/bench_compare.py "$O/logs/bench.log" \
	test/oracle/bench-local-p1-2n.json test/oracle/bench-local-p1-2n-6.12.json \
	--interleave test/oracle/bench-interleave-p1-2n.json test/oracle/bench-interleave-p1-2n-6.12.json \
	--frag test/oracle/frag-p1-2n.json --contig "$O/logs/bench-cma.log" \
	--also "$O/logs/bench-irqoff.log" "$O/logs/bench-clean.log" "$O/logs/bench-1g.log" \
	--init "$O/logs/bench-16g.log" "$O/logs/bench-1g.log"
