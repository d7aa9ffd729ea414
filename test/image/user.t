#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Tasks at EL0 seen from outside: the monitor's `user`, what a program prints, how the command
# ends, the report of one that did what it must not, and that the board goes on behind it. Patterns
# are extended regular expressions of whole lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

begin user 5
says run 0 'user+run+hello+3' \
	'hello from EL0: core [0-3], node [01], 3 MiB written' 'user: task [0-9]+ exited, status 0'
says json 0 'user+run+hello+-j;user+-j' \
	'\{"schema":"zonal.user-run/1","id":[0-9]+,"end":"exited","status":0\}' \
	'\{"schema":"zonal.user/1","tasks":\[\],"programs":\[.*"hello".*\]\}'
# A read of the kernel's text at 0xffff000040200000; the command fails, the board does not.
says fault 1 'user+run+probe+18446462599808679937;check' \
	'# user: probe \(user task [0-9]+\) ends: data abort at EL0, (permission|translation) fault, .*, read' \
	'#   far ffff000040200000  not an address of programs' \
	'#   elr 0000000000400[0-9a-f]{3}  mapped r-x from 0x400000' \
	'#   x30 [0-9a-f]{16}  sp  00007f[0-9a-f]{10}  spsr [0-9a-f]{8}' \
	'user: task [0-9]+ faulted, status -1' 'check: every invariant holds'
# Part 1 of `family` spins for good. Its end takes a moment, so nothing is checked beside it.
says kill 0 'user+start+family+1;user;user+kill+256;user+run+hello' 'id 256' \
	' +256 +0 family +runs .*' 'user: task [0-9]+ exited, status 0'
says wrong 1 'user+run+nothing;user+kill+77;user+walk;user+run+hello+x;check' \
	'user: nothing: no program has that name \(-2\)' 'user: 77: no task at EL0 has that id' \
	'user: run NAME \[N\], start NAME \[N\], kill ID or adj ID N' 'user: x: not a number' \
	'check: every invariant holds'
finish
