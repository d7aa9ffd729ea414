#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the core is to a foreign project. `make test` runs it as check:symbols.
#
#   1 mm/ and lib/ in one file compile with the warnings of the Makefile, with each compiler: no
#     two files have statics, macros or types of one name.
#   2 Every global symbol of that file begins with zonal_ (public) or zn_ (lib/prefix.h).
#   3 The public headers stand alone in C and C++ and bring no name without a prefix:
#     tools/check_headers.py.
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
out=$O/symbols
mkdir -p "$out"
status=0
fail() { echo "$*"; status=1; }

# warnings CC: WARN as the Makefile has it for that compiler.
warnings() {
	# shellcheck disable=SC2016 # make expands it
	printf 'include Makefile\nshow-warn:\n\t@echo $(WARN)\n' |
		make -s --no-print-directory -f - CC="$1" show-warn
}

include="-I. -Imm -Imm/reclaim -Iinclude -Iarch/host/include -D_GNU_SOURCE -include lib/prefix.h"

ls mm/*.c mm/*/*.c lib/*.c | sed 's/.*/#include "&"/' >"$out/core.c"
for cc in gcc clang; do
	command -v $cc >/dev/null || { echo "$cc is not installed"; continue; }
	rm -f "$out/core-$cc.o"
	warn=$(warnings $cc)
	[ -n "$warn" ] || fail 'the Makefile has no WARN'
	$cc -std=gnu11 -O1 $warn $include -c -o "$out/core-$cc.o" "$out/core.c" ||
		{ fail "$cc: mm/ and lib/ do not go into one file"; continue; }
	bad=$(nm -g --defined-only "$out/core-$cc.o" | awk '$3 !~ /^(zonal|zn)_/ { print $3 }')
	[ -z "$bad" ] || fail "$cc: without a prefix (lib/prefix.h):" $bad
done
[ "$(nm -g --defined-only "$out/core-gcc.o" | wc -l)" -ge 100 ] || fail 'nm shows too little'

python3 tools/check_headers.py || status=1
[ $status = 0 ] && echo "mm/ and lib/ are one file, all symbols have a prefix"
exit $status
