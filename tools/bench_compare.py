#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print the figures of `bench -j` beside those of Linux 5.10 on the same board.

bench_compare.py LOG REFERENCE.json [--frag FRAG.json] [--contig CMA-LOG] [--also LOG...]
                 [--init BIG-LOG SMALL-LOG]

LOG is the console of the image. Under -icount shift=0 a nanosecond is an
instruction, so the figures of one CPU repeat to a step of the clock. FRAG.json holds the kernel's large blocks
under random use. CMA-LOG is a boot with a CMA area, for the parts of `contig` that need one. What
the logs of --also say, of boards or numbers of cores that Linux was measured with, is taken in place
of what LOG says. The two logs of --init are boots of boards that differ in memory
only, each with the line of `boottime -j`: the difference of their times by the
difference in pages is what one page costs at boot.

Exit status 1 when a figure that must be reached is missing or missed.
"""
import argparse
import json
import re
import sys

# (name, order): (must, aim), in instructions an operation. More than `must` fails the run;
# `aim` is the better figure that the code was written for.
GOALS = {
    ("pair", 0): (230, 150),
    ("b512-alloc", 0): (230, 150),
    ("b512-free", 0): (170, 100),
    ("b32768-shuf-alloc", 0): (280, 180),
    ("b32768-shuf-free", 0): (300, 180),
    ("pair", 3): (500, 250),
    ("pair", 9): (600, 250),
    ("b4096-shuf-alloc", 3): (450, 250),
    ("b4096-shuf-free", 3): (450, 250),
    ("fault", 0): (1200, 700),
    ("unmap", 0): (600, 300),
    ("hugefault", 9): (150000, 98304),
    ("oom", 0): (600000, 300000),
    ("reclaim-anon", 0): (3000, 1800),
    ("swapin", 0): (2200, 1300),
    ("migrate", 0): (2800, 1700),
    ("reclaim-clean", 0): (700, 400),
    ("irqoff", 0): (15000, 8000),
}
# Rounds of frag that are shown, and the 2 MiB blocks that an ideal placement would leave free.
FRAG_IDEAL = {"iter20": 0, "iter40": 10, "iter50": 85, "iter60": 172}
# name: (what Linux served, its instructions a page; served that must be, instructions that must,
# and the better ones). Of thp an operation is a block.
SERVED = {
    "thp": ("187", "1440000", 187, 1000000, 500000),
    "contig-range64": ("11 of 16", "4250", 12, None, None),
    "contig-range64-full": ("9 of 16", "5507", 10, None, None),
    "contig-pages64": ("0 of 2", "-", 2, None, None),
    "contig-cma64": ("1 of 2", "1275", 1, 900, 500),
    "contig-cma64-full": ("1 of 2", "2022", 1, 1400, 800),
}
INIT_LINUX, INIT_GOAL = 72.5, (30, 12)
# Of the same kernel, in user-p1-2n.json: a program that touches and unmaps pages; in oom-u512.json:
# the first kill; in swap-u512.json (one CPU): a program that has more pages than there is memory,
# compressor left out.
USER_LINUX = {("fault", 0): 2213.0, ("unmap", 0): 1233.0, ("hugefault", 9): 175343.0,
              ("oom", 0): 1677746.0, ("reclaim-anon", 0): 9748.0, ("swapin", 0): 5422.0,
              ("migrate", 0): 5974.0, ("reclaim-clean", 0): 1976.0, ("irqoff", 0): 226289.0}
NOT_OURS = {("loop3-calib", 0)}  # the reference's check of its own clock
LINE = re.compile(r"(\S+) order=(\d+) ops=\d+ ns_per_op=([\d.]+)")
FRAG = re.compile(r"(\S+) free=(\d+) free_huge=(\d+) potential=(\d+)")


def reference(path):
    with open(path) as file:
        matches = map(LINE.match, json.load(file)["lines"])
    return {(m[1], int(m[2])): float(m[3]) for m in matches if m}


def records(path, schema):
    """Objects of one schema in a log, whatever other lines it has."""
    with open(path, errors="replace") as file:
        for line in file:
            if line.startswith('{"schema":"%s"' % schema):
                yield json.loads(line)


def verdict(ours, goal):
    if goal is None:
        return "", True
    must, aim = goal
    if ours > must:
        return f"{must:>6}{aim:>6}  MISSED", False
    return f"{must:>6}{aim:>6}  {'aim reached' if ours <= aim else 'reached'}", True


def row(name, order, ours, linux, goal):
    text, good = verdict(ours, goal)
    linux_text = "-" if linux is None else f"{linux:.1f}"
    ratio = "-" if linux is None or not ours else f"{linux / ours:.2f}x"
    print(f"{name:<20}{order:>5}{ours:>11.1f}{linux_text:>12}{ratio:>9}{text}".rstrip())
    return good


def bench_rows(logs, linux):
    ours = {(r["name"], r["order"]): float(r["ns_per_op"])
            for log in logs for r in records(log, "zonal.bench/1")}
    good = True
    for key, value in ours.items():
        good &= row(*key, value, linux.get(key, USER_LINUX.get(key)), GOALS.get(key))
    for key in sorted((set(linux) | set(GOALS)) - set(ours) - NOT_OURS):
        print(f"{key[0]:<20}{key[1]:>5}  not measured")
        good = False
    return good


def init_row(big_log, small_log):
    boots = []
    for path in big_log, small_log:
        boot = next(records(path, "zonal.boottime/1"), None)
        if boot is None:
            print(f"init, a page: {path} has no line of boottime -j")
            return False
        boots.append(boot)
    big, small = boots
    pages = big["pages"] - small["pages"]
    if pages <= 0:
        print(f"init, a page: {big_log} has no more pages than {small_log}")
        return False
    return row("init, a page", "-", (big["boot_ns"] - small["boot_ns"]) / pages, INIT_LINUX,
               INIT_GOAL)


def frag_rows(log, path):
    with open(path) as file:
        matches = map(FRAG.match, json.load(file)["lines"])
    linux = {m[1]: tuple(map(int, m.groups()[1:])) for m in matches if m}
    ours = {r["name"]: (r["free"], r["free_huge"], r["potential"])
            for r in records(log, "zonal.frag/1")}
    print(f"{'large blocks':<14}{'Zonal free':>12}{'2 MiB':>8}{'could be':>10}"
          f"{'Linux free':>14}{'2 MiB':>8}{'could be':>10}")
    for name in ["start", "full", "half", *FRAG_IDEAL, "end"]:
        if name not in ours:
            print(f"{name:<14}  not measured")
            return False
        theirs = "".join(f"{n:>{w}}" for n, w in zip(linux.get(name, "---"), (14, 8, 10)))
        ideal = f"  ideal {FRAG_IDEAL[name]}" if name in FRAG_IDEAL else ""
        print(f"{name:<14}{ours[name][0]:>12}{ours[name][1]:>8}{ours[name][2]:>10}{theirs}{ideal}")
    return True


def served_rows(log, cma_log):
    """What was asked for and served: blocks of 2 MiB, contiguous ranges."""
    ours = {r["name"]: r for r in records(log, "zonal.thp/1")}
    ours.update((r["name"], r) for r in records(log, "zonal.contig/1"))
    if cma_log:
        ours.update((r["name"], r) for r in records(cma_log, "zonal.contig/1")
                    if r["name"].startswith("contig-cma"))
    print(f"\n{'served':<20}{'of':>5}{'wrong':>6}{'each':>12}{'Linux':>10}{'each':>9}{'must':>6}")
    good = True
    for name, (their_served, theirs, least, must, aim) in SERVED.items():
        if name not in ours:
            print(f"{name:<20}  not measured")
            good = False
            continue
        r = ours[name]
        each = float(r.get("ns_per_op", r.get("ns_per_page")))
        # No more can be had than what holds nothing that stays where it is.
        fine = r["served"] >= min(least, r.get("movable") or least) and not r["wrong"] and (must is None or each <= must)
        limit = "" if must is None else f"  {must}, aim {aim}"
        print(f"{name:<18}{r['served']:>4}{r['asked']:>5}{r['wrong']:>4}{each:>12.1f}"
              f"{their_served:>10}{theirs:>9}{least:>6}{limit}{'' if fine else '  MISSED'}")
        good &= fine
    return good


def main():
    parser = argparse.ArgumentParser(description="figures of `bench -j` beside Linux 5.10's")
    parser.add_argument("log")
    parser.add_argument("reference")
    parser.add_argument("--frag", metavar="FRAG.json")
    parser.add_argument("--contig", metavar="CMA-LOG")
    parser.add_argument("--also", nargs="+", metavar="LOG", default=[])
    parser.add_argument("--init", nargs=2, metavar=("BIG-LOG", "SMALL-LOG"))
    arguments = parser.parse_args()

    good_frag = not arguments.frag or frag_rows(arguments.log, arguments.frag)
    print("\nInstructions an operation")
    print(f"{'work':<20}{'order':>5}{'Zonal':>11}{'Linux 5.10':>12}{'ratio':>9}{'must':>6}{'aim':>6}")
    good = bench_rows([arguments.log, *arguments.also], reference(arguments.reference))
    if arguments.init:
        good &= init_row(*arguments.init)
    good &= served_rows(arguments.log, arguments.contig)
    print("must: more than this fails `make bench`; aim: the better figure it was written for")
    return 0 if good and good_frag else 1


if __name__ == "__main__":
    sys.exit(main())
