#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boards that have too little memory, as the tests of the image want them.

What happens there is in test/target/: here is the board, and what it must have printed. The cores
take turns on one thread of this machine: each TLB invalidation of one core waits for all others,
and on a busy machine that is most of the time. Where many tasks want to run at once, the clock
counts instructions, so that all machines are equally fast; and it counts 8 ns for each, a slow board,
on which the tasks want more than all cores.
"""
import os
import random
import re
import sys
import tempfile
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test"))
import board  # noqa: E402
from selection import run_cases  # noqa: E402

SEED = int(os.environ.get("KT_SEED", "0")) or random.randrange(1, 1 << 31)
FOLDER = tempfile.TemporaryDirectory(prefix="zonal-pressure-")
GOOD = "check: every invariant holds"
TURNS = "-accel", "tcg,thread=single"
SLOW = "-icount", "shift=3,sleep=off"


def new_file(name, size):
    path = os.path.join(FOLDER.name, name)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def run(shape, commands, clock, words="", disk=""):
    print(f"# seed {SEED}", flush=True)
    line = f"{words} seed={SEED} run={';'.join(commands).replace(' ', '+')}".strip()
    return board.Board(shape, line, *clock, DISK=disk, VIRTIO="modern").end()


def numbers(lines):
    """What the image counted: '# name: number'."""
    found = (re.fullmatch(r"# ([^:]*): (\d+)", line) for line in lines)
    return {match[1]: int(match[2]) for match in found if match}


def programs_have_more_than_the_board_while_everything_moves():
    """user_storm judges its counts itself; the disk is looked at from outside as well."""
    swap, load = new_file("swap", 128 << 20), new_file("load", 4 << 20)
    status, lines = run("tight", ["test user_storm.*", "disk checksum vdb", "check"],
                        TURNS, disk=f"{swap} {load}")
    with open(load, "rb") as file:
        data = file.read()
    bad = [] if status == 0 else [f"status {status}"]
    wanted = GOOD, "# 1 of 1 passed", \
        f"vdb from 0, {len(data)} bytes: crc32 {zlib.crc32(data):08x}"
    bad += [f"missing: {line}" for line in wanted if line not in lines]
    # A test that was skipped has counted nothing.
    found = numbers(lines)
    print(*(f"# {name}: {count}" for name, count in found.items()), sep="\n")
    if not found.get("pswpin") or not found.get("pages checked word by word"):
        bad.append(f"counted: {found}")
    return bad + [f"  {line}" for line in lines[-40:] if bad]


def the_worst_of_a_thousand_programs_are_ended_on_a_starved_node():
    """rows_o.*thousand* judges each choice; here it must have run, and the board knows its limit."""
    test = "rows_o.o8_the_worst_of_a_thousand_programs_on_a_starved_node"
    status, lines = run("2n", [f"test {test}", "check"], SLOW, "user_tasks=1024")
    bad = [] if status == 0 else [f"status {status}"]
    bad += [f"missing: {line}" for line in (GOOD, f"ok 1 - {test}") if line not in lines]
    print(*(line for line in lines if re.match("# (ended|candidates|interrupts|free pages):?", line)),
          sep="\n")
    return bad + [f"  {line}" for line in lines[-40:] if bad]


CASES = [programs_have_more_than_the_board_while_everything_moves,
         the_worst_of_a_thousand_programs_are_ended_on_a_starved_node]

sys.exit(run_cases("pressure", CASES, (KeyError, ValueError, IndexError)))
