#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boards that leave the larger part of their page map for later.

A board of 1 TiB is at its first command with at least 50 times fewer pages initialised than it has;
no other than its first pages is touched, so the host needs little memory. Small boards with
deferred=on have the rest come in the background, have all memory of a node taken meanwhile, and
are sound at the end; without it they have all at once.
"""
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
from selection import run_cases  # noqa: E402

TIMEOUT = float(os.environ.get("BOOT_TIMEOUT", "300"))


def boot(shape, commands, bootargs=""):
    """The lines of a run, and the records of `boottime -j`; a fault if its status is not 0."""
    environment = dict(os.environ, SHAPE=shape, EL="1", GIC="3", CPU="max", DISK="")
    line = f"{bootargs} run={';'.join(commands).replace(' ', '+')} exit=semihosting".strip()
    done = subprocess.run(["tools/run_qemu.sh", line], cwd=ROOT, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    lines = done.stdout.decode(errors="replace").replace("\r", "").split("\n")
    faults = [f"status {done.returncode}: {lines[-4:]}"] if done.returncode else []
    times = [json.loads(x) for x in lines if x.startswith('{"schema":"zonal.boottime/1"')]
    return faults or ([] if times else ["no record of boottime"]), lines, times


def a_board_of_1_tib_begins_with_a_fiftieth_of_its_pages():
    faults, lines, times = boot("1t", ["boottime -j", "zoneinfo", "alloc GFP_KERNEL 10 7"])
    if faults:
        return faults
    there = times[0]["pages"] - times[0]["deferred"]
    print(f"# {there} of {times[0]['pages']} pages, {times[0]['boot_ns'] / 1e9:.2f} s")
    if times[0]["pages"] != 1 << 28:
        faults.append(f"{times[0]['pages']} pages are no TiB")
    if there * 50 > times[0]["pages"]:
        faults.append(f"{there} pages are more than a fiftieth")
    if sum(x.startswith("        deferred ") for x in lines) != 8:
        faults.append("zoneinfo does not say of each node what is to come")
    return faults


def small_boards_are_whole_in_the_end():
    faults = []
    for shape in ("2n", "uneven"):
        found, lines, times = boot(shape, ["boottime -j", "probe GFP_KERNEL 0 1", "test page_init.*",
                                           "boottime -j", "check"], "deferred=on")
        faults += found
        if found:
            continue
        if not times[0]["deferred"] or times[-1]["deferred_now"]:
            faults.append(f"{shape}: {times[0]['deferred']} pages were left, "
                          f"{times[-1]['deferred_now']} are left at the end")
        if "check: every invariant holds" not in lines:
            faults.append(f"{shape}: check finds something")
    return faults


def nothing_is_left_on_a_small_board_or_where_it_is_forbidden():
    faults = []
    for bootargs in ("", "deferred=off", "deferred=on page_owner=on"):
        found, _, times = boot("2n", ["boottime -j"], bootargs)
        faults += found
        if not found and times[0]["deferred"]:
            faults.append(f"'{bootargs}': {times[0]['deferred']} pages are left for later")
    return faults


CASES = [a_board_of_1_tib_begins_with_a_fiftieth_of_its_pages, small_boards_are_whole_in_the_end,
         nothing_is_left_on_a_small_board_or_where_it_is_forbidden]

sys.exit(run_cases("deferred", CASES, subprocess.TimeoutExpired))
