#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make lint`: the checks of the tree with their warnings, both compilers over
# everything with warnings as errors, and shellcheck and clang-format where they are
# installed (a missing one is named). clang-format only counts: its layout is a
# help, not a law, as it cannot keep tables.
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
status=0

python3 tools/check_licence.py || status=1
python3 tools/check_layers.py || status=1
python3 tools/check_budget.py -w || status=1
for compiler in gcc clang; do
	make -s O="$O/lint-$compiler" CC=$compiler all host || status=1
done
if command -v shellcheck >/dev/null; then
	# Some tests are in Python, which it refuses.
	shellcheck -e SC2086,SC2012,SC2046 \
		$(grep -lE '^#!/bin/(ba)?sh' tools/* test/*/*.t .ci/run 2>/dev/null) || status=1
else
	echo 'lint: shellcheck is not installed, the scripts were not checked'
fi
if command -v clang-format >/dev/null; then
	find include mm lib sched board drivers report monitor platform arch test tools -name '*.[ch]' -print0 |
		xargs -0 clang-format --dry-run 2>&1 | grep -c 'warning: code should' |
		sed 's/^/lint: places that clang-format would lay out differently: /'
else
	echo 'lint: clang-format is not installed, the layout was not checked'
fi
exit $status
