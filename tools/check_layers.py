#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each folder includes only what lies below it (docs/design.md).

The table is the whole rule. An include is resolved as the compiler does: beside
the including file, then at the root, in include/ and in each port's include/.
Headers of a C library or a compiler are not the tree's business, with two
exceptions: libfdt is for board/, drivers/ and platform/, the tests and the tools alone, and mm/, lib/ and
sched/ take nothing that a freestanding build lacks. Headers may not include each
other in a circle.
"""
import os
import re
import sys

import tree

# folder of the includer: folders it may include from; a path names one file.
ALLOWED = {
    "include": {"include", "port"},
    "lib": {"include", "lib", "port"},
    "mm": {"include", "lib", "mm", "port"},
    "sched": {"include", "lib", "sched", "port"},
    "board": {"include", "lib", "board", "port", "arch"},
    # A driver of disks fills what block/block.h describes, and knows nothing else of block/.
    "drivers": {"include", "lib", "arch", "board", "drivers", "port", "block/block.h"},
    "block": {"include", "lib", "sched", "block", "port"},
    # Programs at EL0 see the public headers and one another's alone.
    "user/programs": {"include", "user/programs"},
    "user": {"include", "lib", "sched", "user", "block/block.h", "port"},
    "report": {"include", "lib", "mm", "board", "report", "port"},
    # What a port asks of those above it goes through arm64_board.h. The host port also plays
    # the machine for tests of the scheduler.
    "arch/arm64": {"include", "lib", "arch", "port", "sched/sched_port.h", "user/user_port.h",
                   "user/asid.h"},
    "arch/host": {"include", "lib", "sched", "arch", "port"},
    "monitor": {"include", "lib", "mm", "sched", "arch", "block", "drivers", "report", "monitor",
                "port", "user", "platform/platform.h", "test/ktest.h", "test/bench/bench.h"},
    "platform": {"include", "lib", "mm", "sched", "arch", "board", "block", "drivers", "report",
                 "monitor", "platform", "user", "port"},
}
FREESTANDING = {
    "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "string.h", "limits.h",
}
STRICT = {"mm", "sched", "lib"}
TREE_READERS = {"board", "drivers", "platform"}
LIBFDT = {"libfdt.h", "fdt.h", "libfdt_env.h"}
PATHS = ["", "include", "arch/arm64/include", "arch/host/include"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def resolve(path, quote, name):
    """All files of the tree that this include may mean (one a port), [] if foreign."""
    if quote == '"':
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if os.path.exists(os.path.join(tree.ROOT, beside)):
            return [beside]
    found = [os.path.normpath(os.path.join(p, name)) for p in PATHS]
    return [f for f in found if os.path.isfile(os.path.join(tree.ROOT, f))]


def layer(path):
    """`port` stands for the headers that a port must supply by name."""
    if re.match(r"arch/\w+/include/port_\w+\.h$", path):
        return "port"
    return path.split("/")[0]


def foreign_fault(folder, name):
    if name in LIBFDT and folder in ALLOWED and folder not in TREE_READERS:
        return "libfdt is for board/, drivers/ and platform/ only"
    if folder in STRICT and name not in FREESTANDING:
        return "not a freestanding header"
    return None


def folder_of(path):
    """The longest folder of the table that holds the file, or its first folder."""
    parts = path.split("/")
    return next((name for name in ("/".join(parts[:2]), parts[0]) if name in ALLOWED), parts[0])


def check(path, graph, faults):
    folder = folder_of(path)
    if path.startswith("lib/freestanding/"):
        return
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        targets = resolve(path, *match.groups())
        graph.setdefault(path, set()).update(targets)
        where = f"{path}:{number}: {match.group(2)}"
        if not targets:
            fault = foreign_fault(folder, match.group(2))
            if fault:
                faults.append(f"{where}: {fault}")
        for target in targets:
            allowed = ALLOWED.get(folder)
            if allowed is not None and not {layer(target), folder_of(target), target} & allowed:
                faults.append(f"{where}: {folder}/ may not include from {layer(target)}/")


def circles(graph):
    """A header that reaches itself. port.h and its bodies are one header in two files."""
    found = []
    for start in sorted(graph):
        if not start.endswith(".h"):
            continue
        seen, stack = set(), [t for t in graph[start] if layer(t) != "port"]
        while stack:
            path = stack.pop()
            if path == start:
                found.append(f"{start}: includes itself through other headers")
                break
            if path not in seen:
                seen.add(path)
                stack.extend(graph.get(path, ()))
    return found


def main():
    graph, faults = {}, []
    sources = tree.files(".c", ".h", ".S")
    for path in sources:
        check(path, graph, faults)
    faults += circles(graph)
    print("\n".join(faults + [f"{len(sources)} files checked, {len(faults)} faults"]))
    return 1 if faults or not sources else 0


sys.exit(main())
