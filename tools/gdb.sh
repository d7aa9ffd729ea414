#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make gdb`: QEMU stopped before the first instruction, gdb-multiarch attached.
# Every core is a thread (`info threads`); those not yet started show as stopped in
# the firmware. GDB_ARGS adds arguments, for example '-batch -ex "info threads"'.
# `help zonal` lists the commands of tools/zonal-gdb.py, which look into the allocator.
#
# The ELF file is linked for the upper half; until the MMU is on the same code
# runs at its physical address, so its symbols are loaded there as well. The UART
# goes to $O/logs/gdb.log. QEMU ends with gdb.
set -eu

O=${O:-build}
cd "$(dirname "$0")/.."
mkdir -p "$O/logs"
socket=$(mktemp -u /tmp/zonal-gdb.XXXXXX)

V=${V:-0} tools/run_qemu.sh "${BOOTARGS:-run=demo}" -S \
	-gdb "unix:$socket,server=on,wait=off" </dev/null >"$O/logs/gdb.log" 2>&1 &
qemu=$!
trap 'kill $qemu 2>/dev/null; rm -f "$socket"' EXIT INT TERM
for _ in $(seq 50); do
	[ ! -S "$socket" ] || break
	kill -0 $qemu 2>/dev/null || { cat "$O/logs/gdb.log"; exit 1; }
	sleep 0.1
done

echo "The UART goes to $O/logs/gdb.log. Try: hbreak monitor_loop, continue, help zonal, zonal tasks"
eval "gdb-multiarch -nx -q '$O/zonal.elf' \
	-iex 'set confirm off' -ex 'set pagination off' \
	-ex 'add-symbol-file $O/zonal.elf -o -0xffff000000000000' \
	-ex 'source tools/zonal-gdb.py' \
	-ex 'target remote $socket' ${GDB_ARGS:-}"
