#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Memory groups and cpusets seen from outside: the monitor's `group` and `cpuset`, what they refuse
# and by which rule, their JSON, and programs that run in both. Patterns are extended regular
# expressions of whole lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

begin group 6 4n
says groups 0 'group+make+top+5000;group+make+in+300+top;group+start+in+hungry+100;group+-j;group' \
	'id 256' \
	'\{"schema":"zonal.group/1","groups":\[\{"name":"top","above":"-","tasks":0,"limit":5000,"usage":[0-9]+,.*\},\{"name":"in","above":"top","tasks":1,"limit":300,.*"ooms":0,"anon":[0-9]+,"cache":0\}\]\}' \
	'in +top +1 +300 .*'
# A program that wants all memory ends in its group, not the one beside it.
says oom 0 'group+make+in+300;user+start+hungry+600;group+start+in+hungry;user+run+hello;group;check' \
	'.*zonal: out of memory: .*constraint group, 300 pages count' \
	'.*zonal: group 1: 300 pages are charged, the limit is 300; 0 were reclaimed for it' \
	'.*zonal: out of memory: ended task [0-9]+ \(hungry\): .*' \
	'in +- +[01] +300 .* 1 +[0-9]+ +0' 'check: every invariant holds'
says refused 1 'group+make+a+0;group+make+a+-1;group+make+a/b+5;group+make+a+5;group+make+a+6;group+make+b+5+c;group+limit+a+0;group+drop+x;group+add+a+77;group+walk;check' \
	'group: 0: a limit is a number of pages, at least 1' \
	'group: -1: a limit is a number of pages, at least 1' \
	'group: a/b: at most 16 groups; names are 15 letters, digits, - and _' \
	'group: a: there is one already' 'group: c: there is none of that name' \
	'group: x: there is none of that name' 'group: 77: no task at EL0 has that id' \
	'group: make, limit, start, add, leave or drop; see help' 'check: every invariant holds'
# The one allocation of the command itself.
says nomemory 1 'inject+0+1;group+make+a+5;group;group+make+a+5;group;check' \
	'group: no memory for a map of [0-9]+ bytes in one piece' 'a +- +0 +5 .*' \
	'check: every invariant holds'
says sets 0 'cpuset+make+a+0-2+exclusive;cpuset+make+b+1+wall+a;cpuset+start+b+hungry+9;cpuset+-j;cpuset+change+b+2+exclusive+wall;cpuset;cpuset+leave+256;cpuset+drop+b;cpuset+drop+a;cpuset' \
	'id 256' \
	'\{"schema":"zonal.cpuset/1","sets":\[\{"name":"a","above":"-","tasks":0,"nodes":"0-2","exclusive":true,"wall":false\},\{"name":"b","above":"a","tasks":1,"nodes":"1","exclusive":false,"wall":true\}\]\}' \
	'b +a +1  2 exclusive wall' 'name +above +tasks  nodes and flags'
says rules 1 'cpuset+make+a+0-1;cpuset+make+b+2+a;cpuset+make+b+1+exclusive+a;cpuset+make+b+1+exclusive;cpuset+make+b+60;cpuset+make+b+x;cpuset+make+wall+1;cpuset+make+b+1+a;cpuset+change+a+0;cpuset+change+b+1+a;cpuset+drop+a;cpuset+change+c+1;cpuset+walk;check' \
	'cpuset: b: the set above has not all of these nodes' \
	'cpuset: b: the set above is not exclusive' \
	'cpuset: b: a set beside it has one of these nodes, and one of the two is exclusive' \
	'cpuset: b: none of the nodes has memory' \
	'cpuset: x: nodes are a list like 0,2-3, below [0-9]+ \(ZONAL_MAX_NODES\)' \
	'cpuset: wall: at most 16 sets; .*' 'cpuset: a: a set below has another node' \
	'cpuset: a: a flag is exclusive or wall' 'cpuset: a: it has tasks, or sets below it' \
	'cpuset: c: there is none of that name' \
	'cpuset: make, change, start, add, leave or drop; see help' 'check: every invariant holds'
finish
