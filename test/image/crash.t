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
next='# next: tools/panic.py LOG names file and line of each address; docs/look.md, "A panic"'

# What stands in the line of monitor/crash.c that tools/panic.py must name.
declare -A line_of=(
	[null]='*nowhere = 1;' [exec]='kinds[i].fn();' [udf]='"udf #0"' [text]='crash_null = 0;'
	[stack]='recurse(depth) + frame[0]' [handler]='*nowhere = 1;'
	[irqstack]='recurse(depth) + frame[0]' [lock]='*nowhere = 1;'
	[panic]='crash: asked for, value' [deaf]='crash_panic();' [both]='crash: both at once'
)

# helps KIND: the report says what to do next, and it leads to the place.
helps() {
	local before
	[ "$(tail -n 1 "$scratch/out")" = "$next" ] || wrong 'the last line does not say what is next'
	tools/panic.py "$scratch/out" >"$scratch/places" 2>&1 || wrong "panic.py: $(cat "$scratch/places")"
	if [ "$1" = twice ]; then
		grep -qxE ' +elr  0000000000000008 .*' "$scratch/places" || wrong 'panic.py has no elr'
		return
	fi
	before=$(sed '/^# backtrace:/q' "$scratch/out" | grep -c '^#')
	[ "$before" -gt 1 ] || wrong "$before lines up to the backtrace"
	[ "$before" -lt 24 ] || wrong "$before lines up to the backtrace"
	grep -oE 'monitor/crash\.c:[0-9]+' "$scratch/places" | cut -d: -f2 | sort -u |
		while read -r number; do sed -n "${number}p" monitor/crash.c; done |
		grep -qF -- "${line_of[$1]}" ||
		wrong "panic.py does not lead to '${line_of[$1]}': $(cat "$scratch/places")"
}

# crashes KIND STATUS PATTERN…
crashes() {
	local kind=$1 name=$1${words:+_alone} want=$2
	shift 2
	selected "crash.$name" || return 0
	boot "run=crash+$kind exit=semihosting${words:+ $words}"
	expect "$want" "$@"
	[ "$(grep -c '^Bail out!' "$scratch/out")" -le 1 ] || wrong 'more than one report'
	[ "$want" != 2 ] || helps "$kind"
	verdict "$name"
}

place='[0-9a-f]{16}'
begin crash 18
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

# says_of WORD LOG ELF: panic.py fails with one line that has the word in it.
says_of() {
	tools/panic.py "$2" "$3" >"$scratch/said" 2>&1 && wrong "panic.py is content: $1"
	if [ "$(wc -l <"$scratch/said")" != 1 ] || ! grep -qF -- "$1" "$scratch/said"; then
		wrong "not one line with '$1': $(cat "$scratch/said")"
	fi
}

# Logs that are none, builds that are others, an image that ran elsewhere, and a log by way of a pipe.
reads_logs() {
	local elf=${O:-build}/zonal.elf
	words=''
	boot 'run=crash+null exit=semihosting'
	cp "$scratch/out" "$scratch/log"
	tools/panic.py "$scratch/log" >"$scratch/want"
	grep -q 'crash_null$' "$scratch/want" || wrong 'no function in it'
	tools/panic.py - <"$scratch/raw" | cmp -s - "$scratch/want" || wrong 'a pipe is read differently'
	perl -pe 's/ffff0000([0-9a-f]{8})/sprintf "ffff0000%08x", hex($1) + 0x3400000/ge' \
		<"$scratch/log" >"$scratch/moved"
	tools/panic.py "$scratch/moved" | grep -v ' far ' | cmp -s - <(grep -v ' far ' "$scratch/want") ||
		wrong 'an image that ran elsewhere is read differently'
	sed 's/crash_null+0x[0-9a-f]*/crash_null+0x4444/' "$scratch/log" >"$scratch/other"
	says_of 'crash_null+0x4444' "$scratch/other" "$elf"
	sed 's/^Zonal [^,]*/Zonal 1234567-other/' "$scratch/log" >"$scratch/older"
	says_of 'the log is of Zonal 1234567-other' "$scratch/older" "$elf"
	sed '/CPU 0/,$d' "$scratch/log" >"$scratch/none"
	says_of 'there is no panic in it' "$scratch/none" "$elf"
	says_of 'no ELF file' "$scratch/log" tools/panic.py
	says_of 'No such file' "$scratch/log" "$scratch/nothing.elf"
	says_of 'No such file' "$scratch/nothing" "$elf"
}
if selected crash.panic_py_reads_logs; then
	reads_logs
	verdict panic_py_reads_logs
fi
finish
