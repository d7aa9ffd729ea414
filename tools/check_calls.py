#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No file of mm/ is in a circle of calls: who reads one needs only what lies below it.

check_calls.py OBJECTS: reads with nm which object of OBJECTS/mm/ defines a global symbol
and which ones need it. A circle is printed with the calls that close it.
"""
import glob
import os
import subprocess
import sys


def symbols(folder):
    """Objects, who defines each symbol, and what each object needs."""
    defined, needed = {}, {}
    objects = sorted(glob.glob(os.path.join(folder, "mm", "**", "*.o"), recursive=True))
    # An object whose source has gone stays behind in the build.
    objects = [o for o in objects if os.path.exists(os.path.relpath(o, folder)[:-1] + "c")]
    output = subprocess.run(["nm", "-A", *objects], capture_output=True, text=True,
                            check=True).stdout
    for line in output.splitlines():
        path, entry = line.split(":", 1)
        name, kind = entry.split()[-1], entry.split()[-2]
        if kind == "U":
            needed.setdefault(path, set()).add(name)
        elif kind in "TDBRVWC":
            defined[name] = path
    return objects, defined, needed


def reachable(graph, start):
    seen, stack = set(), [start]
    while stack:
        for below in graph[stack.pop()]:
            if below not in seen:
                seen.add(below)
                stack.append(below)
    return seen


def main():
    objects, defined, needed = symbols(sys.argv[1])
    graph = {o: {defined[s] for s in needed.get(o, ()) if defined.get(s, o) != o} for o in objects}
    below = {o: reachable(graph, o) for o in objects}
    faults = 0
    for caller in objects:
        for callee in sorted(graph[caller]):
            if caller in below[callee]:
                faults += 1
                names = sorted(s for s in needed[caller] if defined.get(s) == callee)
                print(f"{os.path.basename(caller)} calls {os.path.basename(callee)}, which "
                      f"leads back to it: {', '.join(names)}")
    print(f"{len(objects)} objects checked, {faults} calls in circles")
    return 1 if faults or not objects else 0


sys.exit(main())
