#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Each way to crash (monitor/crash.c): the report must name the class, the address and the
# function, "Bail out!" must stand at the start of a line, the status must be 2, and it
# must be over in time. What a case gives are extended regular expressions of whole lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
. test/image/boots.sh

words=''

# crashes KIND STATUS PATTERN…
crashes() {
	local kind=$1 name=$1${words:+_alone} want=$2
	shift 2
	selected "crash.$name" || return 0
	boot "run=crash+$kind exit=semihosting${words:+ $words}"
	expect "$want" "$@"
	[ "$(grep -c '^Bail out!' "$scratch/out")" -le 1 ] || wrong 'more than one report'
	verdict "$name"
}

place='[0-9a-f]{16}'
begin crash 17
crashes null 2 '# data abort at EL1 on CPU 0, in a task or at boot: translation fault, level 3, write' \
	'#   esr 0000000096000047  vector \+0x000' "#   elr $place  crash_null\\+0x[0-9a-f]+" \
	'#   far 0{16}  page 0 \(NULL pointer\)' "# +[0-9]+  $place  monitor_execute\\+0x[0-9a-f]+" \
	'Bail out! data abort at EL1 on CPU 0 at 0x[0-9a-f]+'
crashes exec 2 '# instruction abort at EL1 on CPU 0, .*: permission fault, level 3, fetch' \
	"#   elr $place  data of the image" \
	"#   lr  $place  (arm64_crash|crash_exec|monitor_execute)\\+0x[0-9a-f]+" \
	'Bail out! instruction abort .*'
crashes udf 2 '# undefined instruction on CPU 0, .*' "#   elr $place  crash_udf\\+0x[0-9a-f]+" \
	'Bail out! undefined instruction .*'
crashes text 2 '# data abort at EL1 on CPU 0, .*: permission fault, level 3, write' \
	"#   far $place  crash_null\\+0x0" 'Bail out! data abort .*'
crashes stack 2 '#   esr 0000000096000047  vector \+0x000' \
	"#   far $place  guard below a stack \\(stack overflow\\)" \
	'# +\.\.\. and [0-9]+ more of the same' "# +[0-9]+  $place  monitor_execute\\+0x[0-9a-f]+" \
	'Bail out! stack overflow on CPU 0 at 0x[0-9a-f]+'
# The chain goes on to the root of what was interrupted: the idle loop, or a task that just starts.
crashes handler 2 '# data abort at EL1 on CPU 3, in an interrupt handler: translation fault, .*' \
	'#   esr 0000000096000047  vector \+0x200' "# +[0-9]+  $place  arm64_irq\\+0x[0-9a-f]+" \
	"# +[0-9]+  $place  (arm64_secondary|arm64_task_start)\\+0x[0-9a-f]+" 'Bail out! data abort at EL1 on CPU 3 .*'
crashes irqstack 2 '# data abort at EL1 on CPU 3, in an interrupt handler: translation fault, .*' \
	"#   far $place  guard below a stack \\(stack overflow\\)" \
	'Bail out! interrupt stack overflow on CPU 3 .*'
crashes lock 2 "#   elr $place  crash_lock\\+0x[0-9a-f]+" 'Bail out! data abort .*'
crashes panic 2 '# panic on CPU 0' "# +0  $place  crash_panic\\+0x[0-9a-f]+" \
	'Bail out! crash: asked for, value 42'
crashes deaf 2 '# 1 other CPUs have interrupts masked and did not stop' \
	'Bail out! crash: asked for, value 42'
crashes both 2 'Bail out! crash: both at once, on CPU [03]'
crashes twice 2 '# fault while reporting: instruction abort at EL1, .*' \
	'Bail out! fault while a fault was reported'
crashes bogus 1 'crash: bogus: not one of null exec .*'
# On one core: what takes two says so, and nothing waits for the other.
words=maxcpus=1
for kind in deaf both handler irqstack; do
	crashes "$kind" 1 "crash: $kind: needs a second core, and one is online"
done
finish
