#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the core is to a foreign project. `make test` runs it as check:symbols.
#
#   1 mm/ and lib/ in one file compile with the warnings of the Makefile, with each compiler: no
#     two files have statics, macros or types of one name.
#   2 Every global symbol of that file begins with zonal_ (public) or zn_ (lib/prefix.h).
#   3 Each public header compiles alone as C11, freestanding and without a C library's headers,
#     and as C++17.
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

include="-I. -Imm -Iinclude -Iarch/host/include -D_GNU_SOURCE -include lib/prefix.h"

ls mm/*.c lib/*.c | sed 's/.*/#include "&"/' >"$out/core.c"
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

for header in include/zonal/*.h; do
	echo "#include <zonal/${header##*/}>" >"$out/one.c"
	gcc -std=c11 -ffreestanding -nostdinc -isystem "$(gcc -print-file-name=include)" \
		-Wall -Wextra -Werror -Iinclude -Ilib/freestanding -Iarch/arm64/include \
		-fsyntax-only "$out/one.c" || fail "$header: not freestanding C11"
	# The port's header is for ports, which are C.
	[ "${header##*/}" = port.h ] && continue
	cp "$out/one.c" "$out/one.cpp"
	for cc in g++ clang++; do
		command -v $cc >/dev/null || continue
		$cc -std=c++17 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$out/one.cpp" ||
			fail "$header: not C++17 ($cc)"
	done
done
[ $status = 0 ] && echo "mm/ and lib/ are one file, all symbols have a prefix, headers stand alone"
exit $status
