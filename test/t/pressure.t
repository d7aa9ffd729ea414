#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boards that have too little memory, as the tests of the image want them.

What happens there is in test/target/: here is the board, and what it must have printed. The cores
take turns on one thread of this machine: each TLB invalidation of one core waits for all others,
and on a busy machine that is most of the time.
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


def new_file(name, size):
    path = os.path.join(FOLDER.name, name)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def run(shape, commands, words="", disk=""):
    print(f"# seed {SEED}", flush=True)
    line = f"{words} seed={SEED} run={';'.join(commands).replace(' ', '+')}".strip()
    return board.Board(shape, line, *TURNS, DISK=disk, VIRTIO="modern").end()


def numbers(lines):
    """What the image counted: '# name: number'."""
    found = (re.fullmatch(r"# ([^:]*): (\d+)", line) for line in lines)
    return {match[1]: int(match[2]) for match in found if match}


def programs_have_more_than_the_board_while_everything_moves():
    """user_storm judges its counts itself; the disk is looked at from outside as well."""
    swap, load = new_file("swap", 128 << 20), new_file("load", 4 << 20)
    status, lines = run("tight", ["test user_storm.*", "disk checksum vdb", "check"],
                        disk=f"{swap} {load}")
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


CASES = [programs_have_more_than_the_board_while_everything_moves]

sys.exit(run_cases("pressure", CASES, (KeyError, ValueError, IndexError)))
