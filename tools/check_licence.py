#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every source file names its licence in its first three lines."""
import sys

import tree

SUFFIXES = (".c", ".h", ".S", ".ld", ".sh", ".py", ".gdb", ".dts", ".dtsi", "Makefile")
TAG = "SPDX-License-Identifier: BSD-2-Clause"

checked = tree.files(*SUFFIXES)
bare = [path for path in checked if not any(TAG in line for line in tree.lines(path)[:3])]
for path in bare:
    print(f"{path}: the first three lines lack '{TAG}'")
print(f"{len(checked)} files checked, {len(bare)} without a licence")
sys.exit(1 if bare or not checked else 0)
