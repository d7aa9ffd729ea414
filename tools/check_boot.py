#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the topology that the image printed with what its board has.

check_boot.py LOG CPUS NODES [FROM:TO:DISTANCE...]

The image's tests cannot know the board; tools/board.sh --expect does. A distance
given one way holds both ways unless the other is given too; 10 on the diagonal
and 20 where the board gives none.
"""
import json
import os
import re
import sys

PINNED = re.compile(r"# pinned to cpu (\d+)\s*$")


def expected_matrix(nodes, words):
    given = {}
    for word in words:
        a, b, distance = map(int, word.split(":"))
        given[a, b] = distance
    return [
        [10 if a == b else given.get((a, b), given.get((b, a), 20)) for b in range(nodes)]
        for a in range(nodes)
    ]


def pinned_cpus(log):
    """CPUs on which a test that runs on each of them said so."""
    with open(log, errors="replace") as file:
        return {int(m[1]) for m in map(PINNED.match, file) if m}


def reported(log):
    with open(log, errors="replace") as file:
        for line in file:
            if line.startswith('{"schema":"zonal.topology/1"'):
                return json.loads(line)
    sys.exit(f"# {log}: the image printed no topology (topology -j)")


def main():
    log, cpus, nodes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    matrix = expected_matrix(nodes, sys.argv[4:])
    got = reported(log)
    online = sum(1 for cpu in got["cpus"] if cpu["online"])
    faults = []
    if online != cpus:
        faults.append(f"{online} cores are online, the board has {cpus}")
    if len(got["nodes"]) != nodes:
        faults.append(f"{len(got['nodes'])} nodes reported, the board has {nodes}")
    if got["distance"] != matrix:
        faults.append(f"distances {got['distance']}, the board has {matrix}")
    if not os.environ.get("TEST") and pinned_cpus(log) != set(range(cpus)):
        faults.append(f"tests that run on each core ran on {sorted(pinned_cpus(log))}")
    for fault in faults:
        print(f"# {log}: {fault}")
    return 1 if faults else 0


sys.exit(main())
