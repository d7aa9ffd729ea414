#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make lint`: the checks of the tree, both compilers over everything with warnings as
# errors, and shellcheck where it is installed (a missing one is named). A good run prints a
# line for each check and nothing else. tools/check_budget.py -w shows what comes near a limit.
set -u

O=${O:-build}
cd "$(dirname "$0")/.." || exit 1
status=0

python3 tools/check_licence.py || status=1
python3 tools/check_layers.py || status=1
python3 tools/check_budget.py || status=1
for compiler in gcc clang; do
	make -s O="$O/lint-$compiler" CC=$compiler all host || status=1
done
if command -v shellcheck >/dev/null; then
	# Some tests are in Python, which it refuses. Functions are called by name, and what the
	# tests share stands in files that are checked by themselves.
	shellcheck -e SC2086,SC2012,SC2046,SC2317,SC1091 test/selection.sh test/image/boots.sh \
		$(grep -lE '^#!/bin/(ba)?sh' tools/* test/*/*.t .ci/run 2>/dev/null) || status=1
else
	echo 'lint: shellcheck is not installed, the scripts were not checked'
fi
exit $status
