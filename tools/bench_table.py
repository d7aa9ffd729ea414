#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print the figures of `bench -j` beside those of Linux 5.10 on the same board.

bench_table.py LOG REFERENCE.json [BIG-LOG BIG-GIB SMALL-LOG SMALL-GIB]

Under -icount shift=0 a nanosecond is an instruction, so the figures repeat exactly. The
four last arguments are two boots of boards that differ in memory only: the difference
of their times to the first command, by the difference in pages, is the cost of
initialising one page. Exit status 1 when a figure is missing or above its goal.
"""
import json
import re
import sys

# name, order: most instructions per operation
GOALS = {
    ("pair", 0): 230,
    ("b512-alloc", 0): 230,
    ("b512-free", 0): 170,
    ("b32768-shuf-alloc", 0): 280,
    ("b32768-shuf-free", 0): 300,
    ("pair", 3): 500,
    ("pair", 9): 600,
    ("b4096-shuf-alloc", 3): 450,
    ("b4096-shuf-free", 3): 450,
}
INIT_LINUX, INIT_GOAL = 72.5, 30
LINE = re.compile(r"(\S+) order=(\d+) ops=\d+ ns_per_op=([\d.]+)")
READY = re.compile(r"memory ready at (\d+) ns")


def reference(path):
    with open(path) as file:
        matches = map(LINE.match, json.load(file)["lines"])
    return {(m[1], int(m[2])): float(m[3]) for m in matches if m}


def measured(path):
    figures = {}
    with open(path, errors="replace") as file:
        for line in file:
            if line.startswith('{"schema":"zonal.bench/1"'):
                record = json.loads(line)
                figures[record["name"], record["order"]] = float(record["ns_per_op"])
    return figures


def row(name, order, ours, linux, goal):
    ratio = f"{linux / ours:6.2f}x" if ours and linux else f"{'-':>7}"
    linux_text = f"{linux:10.1f}" if linux else f"{'-':>10}"
    verdict = "" if goal is None else f"  goal {goal}" + ("" if ours <= goal else "  MISSED")
    print(f"{name:<20}{order:>5}{ours:>10.1f}{linux_text}{ratio}{verdict}")
    return goal is None or ours <= goal


def ready_ns(path):
    with open(path, errors="replace") as file:
        for line in file:
            match = READY.search(line)
            if match:
                return int(match[1])
    sys.exit(f"{path}: no line 'memory ready at N ns'")


def init_row(arguments):
    big_log, big_gib, small_log, small_gib = arguments
    pages = (int(big_gib) - int(small_gib)) << 18
    cost = (ready_ns(big_log) - ready_ns(small_log)) / pages
    return row("init, a page", "-", cost, INIT_LINUX, INIT_GOAL)


def main():
    ours, linux = measured(sys.argv[1]), reference(sys.argv[2])
    good = True
    print(f"{'work':<20}{'order':>5}{'Zonal':>10}{'Linux 5.10':>10}{'ratio':>7}   instructions an operation")
    for key, value in ours.items():
        good &= row(*key, value, linux.get(key), GOALS.get(key))
    for key in sorted((set(linux) | set(GOALS)) - set(ours)):
        print(f"{key[0]:<20}{key[1]:>5}  not measured")
        good = False
    if len(sys.argv) > 3:
        good &= init_row(sys.argv[3:7])
    return 0 if good else 1


sys.exit(main())
